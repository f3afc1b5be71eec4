"""Shows the photographs of a predicted batch to a head that can look at them again, for the one pass over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ultra_face.callbacks.face_model import face_model
from ultra_face.heads.refined import Refined
from ultra_face.refinement.photographs import shown


def hand_over(predictor: Any) -> None:
    """From now on let a refining head see the photographs of each batch; other models are left alone."""
    if _refined_head(predictor) is None or "inference" in vars(predictor):
        return
    stock = predictor.inference

    def inference(image: Tensor, *args: Any, **kwargs: Any) -> Any:
        with shown(photographs_of(predictor)):
            return stock(image, *args, **kwargs)

    predictor.inference = inference


def photographs_of(predictor: Any) -> Sequence[NDArray[np.uint8]]:
    """The batch as it was read, (H, W, 3) BGR each; none where the head has no use for them.

    With `augment=True` the network sees scaled and mirrored images, whose places in the photograph are not known; with
    `embed` there is no second look; tensors and grey images are no photographs.
    """
    head, images, args = _refined_head(predictor), predictor.batch[1], predictor.args
    wanted = head is not None and head.sr.photograph and not (args.augment or args.embed)
    are_photographs = all(isinstance(image, np.ndarray) and image.shape[2:] == (3,) for image in images)
    return list(images) if wanted and are_photographs else ()


def _refined_head(predictor: Any) -> Refined | None:
    model = face_model(getattr(predictor.model, "model", None))
    head = model.model[-1] if model is not None else None
    return head if isinstance(head, Refined) else None
