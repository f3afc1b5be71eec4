"""What a training of a face model is told beside its anchors: alpha, a teacher without second look, missing landmarks.

Alpha of alpha-CIoU may rise during training. Deviation from YOLOv5n-AESVC, equation 5, which keeps it constant: the
gradient of IoU^3 vanishes with IoU^2, and the first epochs have nothing but loose boxes. That is the argument; the
recorded runs, one seed each, do not bear it out against a constant alpha of 1 or 3 (docs/training.md). So the YAMLs of
the paper's rows keep alpha constant, with `alpha_start` equal to `alpha`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ultralytics.utils import LOGGER
from ultralytics.utils.torch_utils import unwrap_model

from ultra_face.plugin.face_model import face_model
from ultra_face.refinement.refined import Refined


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


def quieten_teacher(trainer: Any) -> None:
    """Switch the refinement of a teacher (`distill_model=`) off; on `on_pretrain_routine_end`.

    Ultralytics compares what the layers of teacher and student gave last. With refinement on, the teacher's last pass
    would be the one over enlarged windows, which the student does not see.
    """
    teacher = face_model(getattr(unwrap_model(trainer.model), "teacher_model", None))
    if teacher is not None and isinstance(head := teacher.model[-1], Refined):
        head.sr = replace(head.sr, windows=0, ciou_nms=0.0)


def mark_before_training(trainer: Any) -> None:
    """Take the flag from landmarks at `0 0` in the labels that a face model trains on; on `on_pretrain_routine_end`.

    Data without flags, `kpt_shape: [5, 2]`, has its missing landmarks there. Ultralytics gives every landmark of such
    data the flag of one that is seen; its augmentations then move the missing ones away from the corner, and no loss
    can tell them from others. So the labels get the right flags before that. Validation counts them as Ultralytics
    does, for models of any make.
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
