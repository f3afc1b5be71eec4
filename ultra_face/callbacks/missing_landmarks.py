"""Missing landmarks of data without flags, `kpt_shape: [5, 2]`: they lie at `0 0`, as with flags at `0 0 0`.

Ultralytics gives every landmark of such data the flag of one that is seen. Its augmentations then move the missing ones
away from the corner, and no loss can tell them from others. So the labels get the right flags before that.
"""

from __future__ import annotations

from typing import Any

from ultralytics.utils import LOGGER

from ultra_face.callbacks.face_model import face_model


def mark_before_training(trainer: Any) -> None:
    """Take the flag from landmarks at `0 0` in the labels that a face model trains on; on `on_pretrain_routine_end`.

    Validation counts them as Ultralytics does, for models of any make.
    """
    if face_model(trainer.model) is None or trainer.data["kpt_shape"][1] != 2:
        return
    num_missing = 0
    for label in trainer.train_loader.dataset.labels:
        missing = (label["keypoints"][..., :2] == 0).all(-1)
        label["keypoints"][missing] = 0
        num_missing += missing.sum()
    if num_missing:
        trainer.train_loader.reset()  # workers that run already have their own copy of the labels
        LOGGER.info(f"Landmarks: {num_missing:,} at 0 0 are missing ones, which train nothing")
