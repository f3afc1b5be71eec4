"""Alpha of alpha-CIoU may rise during training. Deviation from YOLOv5n-AESVC, equation 5, which keeps it constant.

The gradient of IoU^3 vanishes with IoU^2, and the first epochs have nothing but loose boxes. That is the argument; the
recorded runs, one seed each, do not bear it out against a constant alpha of 1 or 3 (docs/training.md). So the YAMLs of
the paper's rows keep alpha constant, with `alpha_start` equal to `alpha`.
"""

from __future__ import annotations

from typing import Any

from ultra_face.callbacks.face_model import face_model


def anneal_alpha(trainer: Any) -> None:
    """Tell the criteria of a face model and of its EMA copy how far the training is; other models are left alone.

    So are criteria without an alpha, which a trainer of the user's own may bring.

    The EMA copy is the one that is validated: with the same alpha the losses of training and validation compare.
    """
    for model in map(face_model, (trainer.model, trainer.ema and trainer.ema.ema)):
        if model is not None:
            if getattr(model, "criterion", None) is None:
                model.criterion = model.init_criterion()
            if hasattr(model.criterion, "anneal"):
                model.criterion.anneal(trainer.epoch / max(trainer.epochs - 1, 1))
