"""A training run put together from folders of images, files of other networks and plain settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ultra_face.formats.image_files import list_images
from ultra_face.nn.srgan import Discriminator, Generator
from ultra_face.super_resolution.checkpoint import load_generator
from ultra_face.super_resolution.crops import Batches, CropSettings
from ultra_face.super_resolution.degrade import Degradation
from ultra_face.super_resolution.face_images import find_images
from ultra_face.super_resolution.held_out import draw_face_crops
from ultra_face.super_resolution.losses import (
    DetectionLoss,
    FeatureLoss,
    detector_features,
    load_detector,
    vgg19_features,
)
from ultra_face.super_resolution.trainer import Trainer, TrainingSettings
from ultra_face.super_resolution.training import Training

Locations = Sequence[str | Path]
ImageProgress = Callable[[Sequence[Path]], Iterable[Path]]


@dataclass(frozen=True)
class RunOptions:
    """What a run is made of.

    Attributes:
        scale: whole factor of the enlargement.
        blocks: residual blocks of the generator.
        width: channels of the generator.
        light: the generator's light form.
        weights: checkpoint of a generator to start from, whose architecture then counts, or None.
        discriminator_width: channels of the discriminator's first convolution.
        batch: crops in a batch.
        seed: of weights, crops and degradation.
        num_held_out: face crops of the validation images that measure the generator.
        device: where to train.
        data_name: what the data is called, for the record.
        perceptual: `none`, `vgg19=FILE` or `detector=FILE`.
        detector: checkpoint of a detector whose loss is added, or None.
        crops: what the crops show.
        degradation: how they are reduced.
        training: steps, rates and weights.
    """

    scale: int = 4
    blocks: int = 16
    width: int = 64
    light: bool = False
    weights: Path | None = None
    discriminator_width: int = 64
    batch: int = 16
    seed: int = 0
    num_held_out: int = 64
    device: str = "cpu"
    data_name: str = ""
    perceptual: str = "none"
    detector: Path | None = None
    crops: CropSettings = field(default_factory=CropSettings)
    degradation: Degradation = field(default_factory=Degradation)
    training: TrainingSettings = field(default_factory=TrainingSettings)

    def __post_init__(self) -> None:
        """Check the counts.

        Raises:
            ValueError: a batch has no crop, or there is nothing to measure on.
        """
        for name in ("batch", "num_held_out"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")


def assemble(
    train: Locations,
    val: Locations,
    output: Path,
    options: RunOptions,
    *,
    preview_every: int = 0,
    report: Callable[[str], None] = print,
    progress: ImageProgress = iter,
) -> Training:
    """A run that is ready to start or to resume.

    Args:
        train: folders or lists of images to learn from, their labels where Ultralytics looks for them.
        val: folders or lists of images to measure on.
        output: folder of the run.
        options: what it is made of.
        preview_every: steps between two sample sheets.
        report: takes lines of text.
        progress: wraps image files while their headers are read.

    Raises:
        FileNotFoundError: a file or folder does not exist.
        ValueError: an option is wrong, a file is of another kind, or no image or face is large enough.
    """
    crops = options.crops
    torch.manual_seed(options.seed)
    generator = (
        Generator(options.scale, options.blocks, options.width, light=options.light)
        if options.weights is None
        else load_generator(options.weights)
    )
    if crops.tile % generator.scale:
        raise ValueError(f"tile: expected a multiple of the scale of {generator.scale}, got {crops.tile}")
    trainer = Trainer(
        generator,
        Discriminator(options.discriminator_width),
        options.training,
        perceptual=perceptual_loss(options.perceptual, options.device),
        detection=detection_loss(options.detector, crops.tile, options.device),
        device=options.device,
    )
    seen, held_out = (
        find_images(list_images(locations), tile=crops.tile, min_face=crops.min_face, progress=progress)
        for locations in (train, val)
    )
    batches = Batches(seen, crops, options.degradation, scale=generator.scale, size=options.batch, seed=options.seed)
    return Training(
        trainer,
        batches,
        draw_face_crops(held_out, crops, count=options.num_held_out, seed=options.seed),
        output,
        origin={
            "data": options.data_name,
            "num_images": len(seen),
            "pretrained": options.weights is not None,
            "perceptual": options.perceptual.partition("=")[0],
            "joint": options.detector is not None,
        },
        preview_every=preview_every,
        report=report,
    )


def perceptual_loss(choice: str, device: str = "cpu") -> FeatureLoss | None:
    """The loss that `none`, `vgg19=FILE` or `detector=FILE` names.

    Raises:
        FileNotFoundError, ValueError: another choice, or the file is not what it should be.
    """
    kind, _, file = choice.partition("=")
    if choice == "none":
        return None
    if kind not in PERCEPTUAL or not file:
        raise ValueError(f"perceptual: expected none, vgg19=FILE or detector=FILE, got {choice!r}")
    return FeatureLoss(PERCEPTUAL[kind](file)).to(device)


def detection_loss(detector: Path | None, tile: int, device: str = "cpu") -> DetectionLoss | None:
    """The loss of a detector's checkpoint.

    Raises:
        FileNotFoundError, ValueError: as `load_detector` and `DetectionLoss`.
    """
    return None if detector is None else DetectionLoss(load_detector(detector).to(device), tile=tile)


PERCEPTUAL: dict[str, Callable[[str], torch.nn.Module]] = {
    "vgg19": vgg19_features,
    "detector": lambda file: detector_features(load_detector(file)),
}
