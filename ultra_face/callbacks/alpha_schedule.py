"""Alpha of alpha-CIoU rises during training. Deviation from YOLOv5n-AESVC, equation 5, which keeps it constant.

The gradient of IoU^3 vanishes with IoU^2, and the first epochs have nothing but loose boxes: in equal budget a constant
alpha of 3 fell behind plain CIoU, and the rise from 1 to 3 went ahead of it.
"""

from __future__ import annotations

from typing import Any

from ultralytics.utils.torch_utils import unwrap_model


def anneal_alpha(trainer: Any) -> None:
    """Tell the criterion of a face model how far the training is; other models are left alone."""
    model = unwrap_model(trainer.model)
    if not hasattr(getattr(model, "model", [None])[-1], "criterion"):
        return
    if getattr(model, "criterion", None) is None:
        model.criterion = model.init_criterion()
    model.criterion.anneal(trainer.epoch / max(trainer.epochs - 1, 1))
