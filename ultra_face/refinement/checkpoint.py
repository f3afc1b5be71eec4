"""A trained detector with refinement: its head wrapped, a trained generator put in, settings changed.

Training afterwards keeps it: the model's YAML inside the checkpoint names the wrapped head and its `sr:` block.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ultra_face.files.whole import replacing
from ultra_face.nn.srgan import Generator
from ultra_face.refinement.refined import Refined
from ultra_face.refinement.settings import RefinementSettings

SUFFIX = ".pt"  # of a checkpoint, by which Ultralytics knows it
WRAPPED = {"AnchorPose": "SRPose", "FacePose": "SRFacePose", "SRPose": "SRPose", "SRFacePose": "SRFacePose"}
SET_BY_THE_TRAINER = ("names", "args", "kpt_shape", "kpt_names", "kpt_oks_sigmas")
OF_AN_UNFINISHED_RUN = ("ema", "updates", "optimizer", "scaler", "stopper")  # which Ultralytics would resume


def check_new_checkpoint(file: Path) -> None:
    """Check that a checkpoint can be written under this name.

    Raises:
        FileExistsError: there is such a file.
        ValueError: a name that does not end in `.pt`.
    """
    if file.suffix.lower() != SUFFIX:
        raise ValueError(
            f"{file}: expected a name that ends in {SUFFIX}, got {file.suffix or 'no ending'}; write that, then "
            "export it with `yolo export`"
        )
    if file.exists():
        raise FileExistsError(f"{file}: expected a new file, got an existing one; choose another name, or remove it")


def write_refined(
    detector: Any, output: Path, *, generator: Generator | None = None, settings: Mapping[str, Any] | None = None
) -> None:
    """Write a detector with refinement; the detector itself stays as it is.

    Args:
        detector: Ultralytics' `YOLO` of the checkpoint of a face model with a head of ultra-face.
        output: the new checkpoint.
        generator: what is to enlarge; by default the detector keeps its own, or enlarges by interpolation.
        settings: changes to the `sr:` block.

    Raises:
        FileExistsError: `output` exists.
        ValueError: no face model, settings that do not fit each other, or a file that is no `.pt`.
    """
    check_new_checkpoint(output)
    model = refine_model(detector.model, generator=generator, settings=settings)
    write_checkpoint(detector, model, output)


def write_checkpoint(detector: Any, model: Any, output: Path) -> None:
    """Write a changed copy of a detector's model, with all else that its checkpoint holds, as a finished training.

    Ultralytics notes in a model which file it was read from; what is written names its own, and no folder.
    """
    model.pt_path = output.name
    if isinstance(model.args, dict):
        model.args = model.args | {"model": output.name}
    content = detector.ckpt | dict.fromkeys(OF_AN_UNFINISHED_RUN) | {"epoch": -1, "model": model.half()}
    with replacing(output) as partial:
        torch.save(content, partial)


def refine_model(model: Any, *, generator: Generator | None = None, settings: Mapping[str, Any] | None = None) -> Any:
    """A copy of a face model with refinement.

    Args:
        model: a model that ends in a head of ultra-face.
        generator: what is to enlarge; by default the model's own, or interpolation.
        settings: changes to the `sr:` block. Scale, blocks, width and light follow the generator; without a new one,
            `blocks` of 0 replaces the model's own by interpolation.

    Raises:
        ValueError: see `write_refined`.
    """
    if type(model.model[-1]).__name__ not in WRAPPED:
        raise ValueError(
            f"expected a model that ends in one of {', '.join(WRAPPED)}, got {type(model.model[-1]).__name__}; "
            "train one of cfg/models/"
        )
    head, changes = model.model[-1], dict(settings or {})
    before = head.sr if isinstance(head, Refined) else RefinementSettings(blocks=0)
    enlarges = _own_generator(head, changes) if generator is None else generator
    chosen = {} if enlarges is None else enlarges.architecture
    fixed = sorted(changes.keys() & chosen.keys())
    if fixed:
        raise ValueError(
            f"sr: {', '.join(fixed)}: expected the generator's own, got a setting; leave it out, or change generators"
        )
    sr = before.changed(**{**changes, **chosen})

    description = copy.deepcopy(model.yaml)
    if hasattr(head, "describe_anchors"):
        head.describe_anchors(description)
    source, repeats, name, arguments = description["head"][-1]
    plain = arguments[:-1] if isinstance(head, Refined) else arguments
    description["head"][-1] = [source, repeats, WRAPPED[name], [*plain, "sr"]]
    description["sr"] = sr.as_yaml()
    refined = type(model)(description, ch=description.get("channels", 3), nc=description["nc"], verbose=False)
    own = {key: value for key, value in model.state_dict().items() if not _is_generators(key)}
    new = {key: value for key, value in refined.state_dict().items() if _is_generators(key)}
    try:
        refined.load_state_dict(own | new)
    except RuntimeError as error:
        raise ValueError(
            "expected weights that fit the model's own YAML, got others; a fused model, for one, cannot be changed"
        ) from error
    if enlarges is not None:
        refined.model[-1].generator.load_state_dict(enlarges.state_dict())
    refined.task = "pose"
    for name in SET_BY_THE_TRAINER:
        if hasattr(model, name):
            setattr(refined, name, getattr(model, name))
    return refined.eval()


def _own_generator(head: Any, changes: Mapping[str, Any]) -> Generator | None:
    """The generator that a head has already, unless it is to be replaced by interpolation."""
    own = head.generator if isinstance(head, Refined) else None
    return own if isinstance(own, Generator) and changes.get("blocks") != 0 else None


def _is_generators(key: str) -> bool:
    """Whether a weight of the model belongs to its generator."""
    return ".generator." in key
