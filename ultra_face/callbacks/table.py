"""The callbacks that ultra-face adds to Ultralytics' events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ultra_face.callbacks import adaptive_anchors, alpha_schedule, validation

CALLBACKS: tuple[tuple[str, Callable[[Any], None]], ...] = (
    ("on_pretrain_routine_end", adaptive_anchors.fit_before_training),
    ("on_pretrain_routine_end", validation.announce),
    ("on_train_epoch_start", alpha_schedule.anneal_alpha),
    ("on_val_start", validation.observe),
)
