"""Losses of the SRGAN. Source: Ledig et al. 2017, equations 3 to 7; SR-YOLOv5, section II B.

The content loss is any function of two images, as torch's `l1_loss` and `mse_loss`. Deviation: the perceptual network
is an argument, VGG19 or the trunk of a trained detector.

A trained detector may judge the enlarged crops too, so that the generator is trained jointly with what it serves;
YOLOv5n-AESVC names that as future work.
"""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss, softplus
from torchvision.models import vgg19  # type: ignore[import-untyped]
from ultralytics.cfg import get_cfg
from ultralytics.utils import DEFAULT_CFG_DICT

from ultra_face.formats.archives import check_stored
from ultra_face.runtimes.ultralytics_model import open_trained
from ultra_face.super_resolution.crops import Batch

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
VGG19_RELU5_4 = 36  # layers up to the activation before the fifth pooling
TRUNK_STRIDE = 8


def adversarial_loss(enlarged_logits: Tensor) -> Tensor:
    """What the generator pays for being found out, -log D(G(x)): logits (B,) -> ()."""
    return softplus(-enlarged_logits.float()).mean()


def discriminator_loss(photograph_logits: Tensor, enlarged_logits: Tensor) -> Tensor:
    """Cross-entropy of both answers, -log D(y) - log(1 - D(G(x))): logits (B,) and (B,) -> ()."""
    return softplus(-photograph_logits.float()).mean() + softplus(enlarged_logits.float()).mean()


def total_variation(images: Tensor) -> Tensor:
    """Mean absolute difference to the right plus to the lower neighbour: (B, C, H, W) -> ()."""
    rightward = images[..., :, 1:] - images[..., :, :-1]
    downward = images[..., 1:, :] - images[..., :-1, :]
    return rightward.abs().mean() + downward.abs().mean()


class FeatureLoss(nn.Module):
    """Perceptual loss: mean squared distance of features, of two images RGB 0..1 (B, 3, H, W) -> ().

    Args:
        features: turns images (B, 3, H, W) into features; frozen here, in evaluation.
    """

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features.eval().requires_grad_(False)

    def forward(self, enlarged: Tensor, photograph: Tensor) -> Tensor:
        """Compare the features; the photograph takes no gradient."""
        with torch.no_grad():
            wanted = self.features(photograph)
        return mse_loss(self.features(enlarged).float(), wanted.float())


class Standardise(nn.Module):
    """RGB 0..1 (B, 3, H, W) -> mean 0 and deviation 1 over ImageNet, as VGG19 was trained."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Subtract the mean and divide by the deviation."""
        return (x - self.mean) / self.std


def vgg19_features(weights: str | Path) -> nn.Sequential:
    """VGG19 up to relu5_4, with its input standardised: RGB 0..1 (B, 3, H, W) -> (B, 512, H / 16, W / 16).

    Args:
        weights: state dictionary in torchvision's layout.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file does not hold the convolutions of VGG19.
    """
    file = Path(weights)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: expected weights of VGG19 in torchvision's layout, got no file")
    check_stored(file)
    with torch.device("meta"):
        layers = vgg19(init_weights=False).features[:VGG19_RELU5_4]
    prefix = "features."
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        convolutions = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
        layers.load_state_dict(convolutions, assign=True)
    except Exception as error:  # whatever torch.load meets in a file of another kind
        raise ValueError(f"{file}: expected weights of VGG19 in torchvision's layout, got others") from error
    return nn.Sequential(Standardise(), *layers)


def detector_features(detector: nn.Module, depth: int | None = None) -> nn.Sequential:
    """A copy of the first layers of an Ultralytics model: RGB 0..1 (B, 3, H, W) -> features.

    Args:
        detector: a model whose `model` holds its layers in turn.
        depth: how many layers; without it all up to stride 8.

    Raises:
        ValueError: depth is out of range, or one of these layers takes more than the output of the one before.
    """
    layers = list(detector.model)  # type: ignore[arg-type]
    chain = next((index for index, layer in enumerate(layers) if layer.f != -1), len(layers))
    depth = _depth_of_stride(layers[:chain]) if depth is None else depth
    if not 1 <= depth <= chain:
        raise ValueError(
            f"detector_features: depth: expected 1 to {chain}, the layers before the first branch, got {depth}"
        )
    return nn.Sequential(*copy.deepcopy(layers[:depth]))


@torch.no_grad()
def _depth_of_stride(layers: list[nn.Module]) -> int:
    """Number of layers up to the last of stride 8."""
    side = 8 * TRUNK_STRIDE
    trunk = nn.Sequential(*copy.deepcopy(layers)).float().cpu().eval()
    x, depth = torch.zeros(1, 3, side, side), 0
    for layer in trunk:
        x = layer(x)
        if x.shape[-1] * TRUNK_STRIDE < side:
            break
        depth += 1
    return depth


def load_detector(path: str | Path) -> nn.Module:
    """The network of an Ultralytics checkpoint, frozen and in evaluation, in float32 on the CPU.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no checkpoint of a detector with five landmarks.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: expected a trained detector, got no file; name a best.pt of yolo train")
    yolo = open_trained(file, "a trained detector")
    model, train_args = yolo.model, (yolo.ckpt or {}).get("train_args", {})
    if not isinstance(model, nn.Module) or list(getattr(model, "kpt_shape", ()))[:1] != [5]:
        raise ValueError(f"{file}: expected a detector with five landmarks, got another model; name a face detector")
    # The loss weighs its terms as in the detector's own training, of which Ultralytics keeps only the data on loading.
    model.args = get_cfg(overrides={name: value for name, value in train_args.items() if name in DEFAULT_CFG_DICT})
    return model.float().eval().requires_grad_(False)


class DetectionLoss:
    """The detector's own loss of enlarged crops, a crop: what the generator shall learn to lower.

    Args:
        detector: a pose model of Ultralytics in evaluation; its weights and norms stay as they are.
        tile: side of the crops [px].

    Raises:
        ValueError: the tile is no multiple of the detector's largest stride.
    """

    def __init__(self, detector: nn.Module, *, tile: int) -> None:
        stride = int(detector.stride.max())  # type: ignore[operator]
        if tile % stride:
            raise ValueError(f"tile: expected a multiple of the detector's stride of {stride} px, got {tile}")
        # Losses take what the head gives in training. Its norms and those of the trunk stay in evaluation.
        detector.model[-1].training = True  # type: ignore[index,union-attr]
        self.detector = detector

    def __call__(self, enlarged: Tensor, batch: Batch) -> Tensor:
        """Images RGB (B, 3, tile, tile) and the faces in them -> ()."""
        with torch.autocast(enlarged.device.type, enabled=False):
            loss, _ = self.detector.loss({"img": enlarged.float(), **batch.faces})  # type: ignore[operator]
        total: Tensor = loss.sum() / len(enlarged)
        return total
