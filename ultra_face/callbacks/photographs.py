"""Hands the photographs of a predicted batch to a head that can look at them again, and takes them back afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np

from ultra_face.callbacks.face_model import face_model
from ultra_face.heads.refined import Refined


def hand_over(predictor: Any) -> None:
    """Give a refining head of the predictor's model the batch as it was read; other models are left alone.

    With `augment=True` the network sees scaled and mirrored images, whose places in the photograph are not known; with
    `embed` there is no second look.
    """
    head = _refined_head(predictor)
    if head is not None:
        wanted = head.sr.photograph and not predictor.args.augment and not predictor.args.embed
        photographs = list(predictor.batch[1]) if wanted else []
        are_images = all(isinstance(image, np.ndarray) and image.shape[2:] == (3,) for image in photographs)
        head.photographs = photographs if photographs and are_images else None


def take_back(predictor: Any) -> None:
    """Forget the photographs: the next pass may be of other images."""
    head = _refined_head(predictor)
    if head is not None:
        head.photographs = None


def _refined_head(predictor: Any) -> Refined | None:
    model = face_model(getattr(predictor.model, "model", None))
    head = model.model[-1] if model is not None else None
    return head if isinstance(head, Refined) else None
