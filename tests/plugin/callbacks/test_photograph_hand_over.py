"""A refining head gets the photographs of a batch for one pass, where it can use them."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from small_models import small_model
from ultralytics import YOLO

from ultra_face.plugin.callbacks.predict import hand_over
from ultra_face.refinement.tiles import photographs_shown, shown

SR = {"windows": 3, "window": 32, "scale": 2, "blocks": 0, "max_face": 24, "photograph": True}


class Predictor:
    """What the callback reads of a predictor; its inference notes which photographs the pass could see."""

    def __init__(self, head: str = "SRPose", images: Any = None, **settings: Any) -> None:
        arguments = {name: settings.pop(name, None) for name in ("augment", "embed")}
        self.model = SimpleNamespace(model=small_model(head, SR | settings))
        self.batch = (["a.jpg", "b.jpg"], [np.zeros((90, 160, 3), np.uint8)] * 2 if images is None else images, [""])
        self.args = SimpleNamespace(**arguments)
        self.shown: list[Sequence[Any]] = []

    def inference(self, image: Any, *arguments: Any, **keywords: Any) -> Any:
        self.shown.append(photographs_shown())
        if image is None:
            raise MemoryError("no image")
        return image, arguments, keywords


def test_photographs_are_shown_during_the_pass_alone() -> None:
    given = Predictor()
    hand_over(given)
    assert given.inference("image", 1, embed=None) == ("image", (1,), {"embed": None})
    assert [id(image) for image in given.shown[0]] == [id(image) for image in given.batch[1]]
    assert photographs_shown() == ()


def test_each_batch_shows_its_own_photographs() -> None:
    given = Predictor()
    for _ in range(2):  # two predictions of one predictor
        hand_over(given)
        given.batch = (["c.jpg"], [np.ones((90, 160, 3), np.uint8)], [""])
        given.inference("image")
        assert [id(image) for image in given.shown.pop()] == [id(given.batch[1][0])]
    assert not given.shown


def test_a_pass_that_fails_leaves_nothing_behind() -> None:
    given = Predictor()
    hand_over(given)
    with pytest.raises(MemoryError, match="no image"):
        given.inference(None)
    assert len(given.shown[0]) == 2
    assert photographs_shown() == ()


@pytest.mark.parametrize(
    "given",
    [
        {"photograph": False},
        {"augment": True},
        {"embed": [3]},
        {"images": torch.zeros(2, 3, 64, 64)},
        {"images": [np.zeros((64, 64, 1), np.uint8)] * 2},
    ],
    ids=["off", "augment", "embed", "tensor", "grey"],
)
def test_no_photographs_are_shown_where_none_are_of_use(given: dict[str, Any]) -> None:
    these = Predictor(**given)
    hand_over(these)
    these.inference("image")
    assert these.shown == [()]


@pytest.mark.parametrize("head", ["AnchorPose", "FacePose"])
def test_other_heads_are_left_alone(head: str) -> None:
    given = Predictor(head)
    hand_over(given)
    assert "inference" not in vars(given)


def test_an_exported_model_has_no_head() -> None:
    given = Predictor()
    given.model = SimpleNamespace(session="onnxruntime")
    hand_over(given)
    assert "inference" not in vars(given)


@pytest.fixture
def photograph() -> Any:
    """Four times the input in each direction."""
    return np.random.default_rng(0).integers(0, 256, (384, 512, 3), dtype=np.uint8)


def test_prediction_looks_into_the_photograph(photograph: Any) -> None:
    model, found = YOLO("yolov8n-pose.yaml"), []
    for look in (False, True):
        model.model, model.predictor = small_model("SRPose", SR | {"photograph": look}), None
        (result,) = model.predict(photograph, imgsz=128, conf=0.01, max_det=1000, verbose=False)
        found.append(result.boxes.data)
        assert photographs_shown() == ()
    # The first look is the same, the second sees pixels that the input does not have.
    assert found[0].shape != found[1].shape or not torch.allclose(*found)


@pytest.mark.parametrize("event", ["on_predict_start", "on_predict_batch_start", "on_predict_postprocess_end"])
def test_a_callback_of_the_user_that_fails_leaves_no_photograph_behind(photograph: Any, event: str) -> None:
    def fail(predictor: Any) -> None:
        raise OSError("disk full")

    model = YOLO("yolov8n-pose.yaml")
    model.model = small_model("SRPose", SR)
    model.add_callback(event, fail)
    with pytest.raises(OSError, match="disk full"):
        model.predict(photograph, imgsz=128, verbose=False)
    # The network that the predictor keeps, and one that has never seen a photograph, on another image.
    x = torch.rand(1, 3, 96, 128, generator=torch.Generator().manual_seed(1))
    network, untouched = model.predictor.model.model, small_model("SRPose", SR).fuse()
    with torch.no_grad():
        torch.testing.assert_close(network(x)[0], untouched(x)[0], rtol=1e-4, atol=1e-3)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the compiler
def test_a_compiled_model_sees_the_photograph_too(photograph: Any) -> None:
    network = small_model("SRPose", SR)
    x = torch.rand(1, 3, 96, 128, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        without = network(x)[0]
        with shown([photograph]):
            expected = network(x)[0]
            found = torch.compile(network, backend="eager")(x)[0]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-3)
    assert expected.shape != without.shape or not torch.allclose(expected, without)
