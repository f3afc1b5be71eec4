"""The callbacks that ultra-face adds to Ultralytics' events.

A guard is round each of them that works unasked. `check_request` and `turn_in_training` have none: what they read
stands in the data YAML, and an error there ends the run before it begins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ultra_face.plugin.callbacks import adaptive_anchors, predict, training, turned_heads, validation
from ultra_face.plugin.callbacks.guard import Guarded

CALLBACKS: tuple[tuple[str, Callable[[Any], None]], ...] = (
    ("on_pretrain_routine_end", validation.check_request),
    ("on_pretrain_routine_end", turned_heads.turn_in_training),
    ("on_pretrain_routine_end", Guarded(adaptive_anchors.fit_before_training)),
    ("on_pretrain_routine_end", Guarded(training.mark_before_training)),
    ("on_pretrain_routine_end", Guarded(training.quieten_teacher)),
    ("on_pretrain_routine_end", Guarded(validation.announce)),
    ("on_train_epoch_start", turned_heads.turn_in_training),
    ("on_train_epoch_start", Guarded(training.anneal_alpha)),
    ("on_val_start", validation.check_request),
    ("on_val_start", Guarded(validation.observe)),
    ("on_predict_start", Guarded(predict.hand_over)),
    ("on_predict_start", Guarded(predict.give_features)),
)
