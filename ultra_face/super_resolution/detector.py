"""A trained detector that judges enlarged crops, for training the generator jointly with what it serves.

Source: YOLOv5n-AESVC names joint training of super-resolution and detection as future work.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from ultralytics import YOLO
from ultralytics.cfg import get_cfg
from ultralytics.utils import DEFAULT_CFG_DICT

from ultra_face.super_resolution.batches import Batch


def load_detector(path: str | Path) -> nn.Module:
    """The network of an Ultralytics checkpoint, frozen and in evaluation, in float32 on the CPU.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no checkpoint of a detector with five landmarks.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: expected a trained detector, got no file; name a best.pt of yolo train")
    try:
        yolo = YOLO(file)
    except Exception as error:  # whatever Ultralytics meets in a file of another kind
        raise ValueError(f"{file}: expected a trained detector, got {error}; name a best.pt of yolo train") from error
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
