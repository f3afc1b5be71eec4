"""A teacher of Ultralytics' distillation (`distill_model=`) takes no second look.

Ultralytics compares what the layers of teacher and student gave last. With refinement on, the teacher's last pass would
be the one over enlarged windows, which the student does not see.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ultralytics.utils.torch_utils import unwrap_model

from ultra_face.callbacks.face_model import face_model
from ultra_face.heads.refined import Refined


def quieten_teacher(trainer: Any) -> None:
    """Switch the refinement of a teacher off; on `on_pretrain_routine_end`."""
    teacher = face_model(getattr(unwrap_model(trainer.model), "teacher_model", None))
    if teacher is not None and isinstance(head := teacher.model[-1], Refined):
        head.sr = replace(head.sr, windows=0, ciou_nms=0.0)
