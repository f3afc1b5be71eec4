"""Faces for Roboflow's supervision, against a stand-in with its documented constructors."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from some_faces import faces_at, some_faces


@dataclass
class Detections:
    """The arguments of `supervision.Detections`, 0.20 to 0.30."""

    xyxy: Any
    mask: Any = None
    confidence: Any = None
    class_id: Any = None
    tracker_id: Any = None
    data: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass
class KeyPointsTo028:
    """The arguments of `supervision.KeyPoints`, 0.20 to 0.28."""

    xy: Any
    class_id: Any = None
    confidence: Any = None
    data: dict[str, Any] = field(default_factory=dict)


@dataclass
class KeyPointsFrom029:
    """The arguments of `supervision.KeyPoints`, from 0.29 on, where `confidence` has another name."""

    xy: Any
    class_id: Any = None
    keypoint_confidence: Any = None
    detection_confidence: Any = None
    visible: Any = None
    data: dict[str, Any] = field(default_factory=dict)


@pytest.fixture(params=[KeyPointsTo028, KeyPointsFrom029], ids=["to 0.28", "from 0.29"], autouse=True)
def supervision(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("supervision")
    vars(module).update(Detections=Detections, KeyPoints=request.param)
    monkeypatch.setitem(sys.modules, "supervision", module)
    return module


def test_detections_have_the_true_boxes_and_key_points_the_landmarks() -> None:
    faces = some_faces()
    detections, points = faces.to_supervision()
    np.testing.assert_array_equal(detections.xyxy, faces.boxes)
    np.testing.assert_array_equal(detections.confidence, faces.scores)
    np.testing.assert_array_equal(detections.class_id, [0, 0, 0])
    np.testing.assert_array_equal(detections.tracker_id, [7, 3, -1])
    assert detections.mask is None
    np.testing.assert_array_equal(points.xy[:2], faces.landmarks[:2])
    np.testing.assert_array_equal(points.xy[2], np.zeros((5, 2)))  # where supervision has points that are missing
    np.testing.assert_array_equal(points.class_id, [0, 0, 0])
    confidence = points.confidence if hasattr(points, "confidence") else points.keypoint_confidence
    np.testing.assert_array_equal(confidence, faces.visibility)
    for one in (detections, points):
        assert list(one.data) == ["class_name", "name", "embedding"]
        assert one.data["class_name"].tolist() == ["face"] * 3
        np.testing.assert_array_equal(one.data["embedding"], faces.data["embedding"])


def test_what_is_unknown_is_left_out() -> None:
    detections, points = faces_at((0, 0, 4, 4)).to_supervision()
    assert detections.tracker_id is None
    assert (points.confidence if hasattr(points, "confidence") else points.keypoint_confidence) is None
    assert detections.xyxy.dtype == points.xy.dtype == np.float32


def test_no_face() -> None:
    detections, points = some_faces()[:0].to_supervision()
    assert (detections.xyxy.shape, detections.confidence.shape, points.xy.shape) == ((0, 4), (0,), (0, 5, 2))
    assert detections.data["class_name"].shape == (0,)


def test_without_supervision_one_sentence_tells_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "supervision", None)
    message = (
        r"^Faces\.to_supervision: expected the package supervision, which is not installed; run `pip install superv"
    )
    with pytest.raises(ModuleNotFoundError, match=message):
        some_faces().to_supervision()


def test_what_supervision_itself_lacks_is_not_blamed_on_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "supervision.py").write_text("import what_supervision_needs")
    monkeypatch.delitem(sys.modules, "supervision")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="No module named 'what_supervision_needs'"):
        some_faces().to_supervision()
