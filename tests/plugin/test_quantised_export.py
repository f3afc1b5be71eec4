"""Exports in whole numbers get a convolution for each kind of value; all others stay as they are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from small_models import small_model
from torch import nn
from ultralytics import YOLO
from ultralytics.nn.tasks import PoseModel
from ultralytics.utils.callbacks import base

from ultra_face.heads.split_convolution import SplitConvolution
from ultra_face.plugin import host
from ultra_face.plugin.host import SeamError
from ultra_face.plugin.quantised_export import prepare


def exporter(model: Any, quantize: object, kind: str = "onnx") -> Any:
    """Stands for Ultralytics' exporter as its event finds it."""
    return SimpleNamespace(model=model, args=SimpleNamespace(quantize=quantize, format=kind))


def is_split(model: nn.Module) -> bool:
    return any(isinstance(module, SplitConvolution) for module in model.modules())


@pytest.mark.parametrize(
    ("quantize", "expected"), [(8, True), ("w8a16", True), ("w8a32", False), (None, False), (32, False), (16, False)]
)
def test_whole_numbers_alone_split_a_head(quantize: object, expected: bool) -> None:
    model = small_model("AnchorPose")
    prepare(exporter(model, quantize))
    assert is_split(model) is expected


def test_litert_in_whole_numbers_is_refused_for_aesvc() -> None:
    model = YOLO("yolov5n-aesvc-only.yaml").model
    with pytest.raises(NotImplementedError, match=r"AESVC: expected LiteRT in float, got quantize=8, .*leave quantize"):
        prepare(exporter(model, 8, "litert"))
    prepare(exporter(model, None, "litert"))
    assert not is_split(model)
    plain = small_model("AnchorPose")
    prepare(exporter(plain, 8, "litert"))
    assert is_split(plain)


def test_stock_models_stay_as_they_are() -> None:
    model = PoseModel("yolov8n-pose.yaml", verbose=False)
    before = [name for name, _ in model.named_modules()]
    prepare(exporter(model, 8))
    assert [name for name, _ in model.named_modules()] == before


def test_every_export_hears_of_it() -> None:
    assert host._prepare_export in YOLO("yolov8n-pose.yaml").callbacks["on_export_start"]


def test_a_host_without_the_event_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "default_callbacks", {"on_train_end": []})
    with pytest.raises(SeamError, match="has no event on_export_start"):
        host._quantised_export()
