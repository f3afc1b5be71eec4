"""Gives Ultralytics' trackers the features of the faces that a head of ours finds."""

from __future__ import annotations

from typing import Any

from ultra_face.callbacks.face_model import face_model
from ultra_face.heads.cell_features import prediction_maps


def give_features(predictor: Any) -> None:
    """From now on let a tracker that asks for features get those of the right cells; other models are left alone.

    A tracker hooks itself to the head and leaves on the predictor what went into its last call: with a second look, the
    tiles. The maps of the first pass are in the training outputs of the model.
    """
    model = face_model(getattr(predictor.model, "model", None))
    if model is None or "postprocess" in vars(predictor):
        return
    stock = predictor.postprocess

    def postprocess(predictions: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(predictor, "_feats", None) is not None:
            decoded, outputs = predictions[:2]
            maps = outputs.get("one2many", outputs)["feats"]
            predictor._feats = prediction_maps(model.model[-1], decoded, maps)
        return stock(predictions, *args, **kwargs)

    predictor.postprocess = postprocess
