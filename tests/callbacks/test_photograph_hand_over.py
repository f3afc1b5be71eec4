"""A refining head gets the photographs of a batch for one pass, where it can use them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from small_models import small_model
from ultralytics import YOLO

from ultra_face.callbacks import photographs

SR = {"windows": 3, "window": 32, "scale": 2, "blocks": 0, "max_face": 24, "photograph": True}


def predictor(head: str = "SRPose", images: Any = None, **arguments: Any) -> SimpleNamespace:
    """What the callbacks read of a predictor."""
    images = [np.zeros((90, 160, 3), np.uint8)] * 2 if images is None else images
    network = small_model(head, SR | arguments.pop("sr", {}))
    return SimpleNamespace(
        model=SimpleNamespace(model=network),
        batch=(["a.jpg", "b.jpg"], images, ["", ""]),
        args=SimpleNamespace(**{"augment": False, "embed": None} | arguments),
    )


def head_of(given: SimpleNamespace) -> Any:
    return given.model.model.model[-1]


def test_photographs_are_handed_over_and_taken_back() -> None:
    given = predictor()
    photographs.hand_over(given)
    assert [id(image) for image in head_of(given).photographs] == [id(image) for image in given.batch[1]]
    photographs.take_back(given)
    assert head_of(given).photographs is None


@pytest.mark.parametrize(
    "given",
    [
        {"sr": {"photograph": False}},
        {"augment": True},
        {"embed": [3]},
        {"images": torch.zeros(2, 3, 64, 64)},
        {"images": [np.zeros((64, 64, 1), np.uint8)] * 2},
    ],
    ids=["off", "augment", "embed", "tensor", "grey"],
)
def test_photographs_of_another_batch_are_not_left_where_none_are_of_use(given: dict[str, Any]) -> None:
    these = predictor(**given)
    head_of(these).photographs = ["of a pass that was interrupted"]
    photographs.hand_over(these)
    assert head_of(these).photographs is None


@pytest.mark.parametrize("head", ["AnchorPose", "FacePose"])
def test_other_heads_are_left_alone(head: str) -> None:
    given = predictor(head)
    photographs.hand_over(given)
    photographs.take_back(given)
    assert not hasattr(head_of(given), "photographs")


def test_an_exported_model_has_no_head() -> None:
    given = predictor()
    given.model = SimpleNamespace(session="onnxruntime")
    photographs.hand_over(given)
    photographs.take_back(given)


def test_prediction_looks_into_the_photograph() -> None:
    image = np.random.default_rng(0).integers(0, 256, (384, 512, 3), dtype=np.uint8)
    model, found = YOLO("yolov8n-pose.yaml"), []
    for photograph in (False, True):
        model.model, model.predictor = small_model("SRPose", SR | {"photograph": photograph}), None
        (result,) = model.predict(image, imgsz=128, conf=0.01, max_det=1000, verbose=False)
        found.append(result.boxes.data)
        assert model.model.model[-1].photographs is None
    # The first look is the same, the second sees pixels that the input does not have.
    assert found[0].shape != found[1].shape or not torch.allclose(*found)
