"""The callbacks that ultra-face adds to Ultralytics' events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ultra_face.callbacks import (
    adaptive_anchors,
    alpha_schedule,
    distillation,
    missing_landmarks,
    photographs,
    validation,
)

CALLBACKS: tuple[tuple[str, Callable[[Any], None]], ...] = (
    ("on_pretrain_routine_end", adaptive_anchors.fit_before_training),
    ("on_pretrain_routine_end", missing_landmarks.mark_before_training),
    ("on_pretrain_routine_end", distillation.quieten_teacher),
    ("on_pretrain_routine_end", validation.announce),
    ("on_train_epoch_start", alpha_schedule.anneal_alpha),
    ("on_val_start", validation.observe),
    ("on_predict_batch_start", photographs.hand_over),
    ("on_predict_postprocess_end", photographs.take_back),
)
