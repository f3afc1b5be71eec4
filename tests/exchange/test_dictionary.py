"""Faces as dictionaries and JSON: what comes back is what went in, types included."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from some_faces import faces_at, some_faces

from ultra_face import Faces


def assert_same(got: Faces, expected: Faces) -> None:
    """Bit for bit, with types and shapes."""
    assert (got.image_size, got.source, got.frame) == (expected.image_size, expected.source, expected.frame)
    for name in ("boxes_xyxy", "landmarks", "scores", "visibility", "track_ids"):
        mine, theirs = getattr(got, name), getattr(expected, name)
        assert (mine is None) == (theirs is None)
        if theirs is not None:
            np.testing.assert_array_equal(mine, theirs, strict=True)
    assert list(got.data) == list(expected.data)
    for name, values in expected.data.items():
        np.testing.assert_array_equal(got.data[name], values, strict=True)


def odd() -> Faces:
    """Numbers without a short decimal form, and arrays of other kinds and shapes."""
    chance = np.random.default_rng(0)
    return Faces(
        chance.random((2, 4)) * 1000,
        chance.random((2, 5, 2)).astype(np.float32) * 1000,
        chance.random(2).astype(np.float16),
        data={
            "half": chance.random((2, 3, 2)).astype(np.float16),
            "known": np.array([True, False]),
            "small": np.array([-3, 4], np.int8),
            "gap": np.array([np.nan, -0.0]),
            "nothing": np.zeros((2, 0), np.float32),
        },
    )


@pytest.mark.parametrize("faces", [some_faces(), some_faces()[:0], odd(), odd()[:0], faces_at()], ids=range(5))
def test_json_gives_the_same_faces_back(faces: Faces) -> None:
    assert_same(Faces.from_dict(faces.to_dict()), faces)
    assert_same(Faces.from_dict(json.loads(faces.to_json())), faces)


def test_the_dictionary_has_the_names_of_the_fields_and_short_numbers() -> None:
    told = some_faces().to_dict()
    assert told["scores"] == [0.9, 0.95, 0.3]  # not 0.8999999761581421, which single precision stands for
    assert told["boxes_xyxy"][2] == [250.5, 200.25, 270.5, 230.25]
    assert told["landmarks"][2] == [[None, None]] * 5
    assert told["track_ids"] == [7, 3, -1]
    assert (told["source"], told["frame"], told["image_size"]) == ("päople at work.jpg", 12, [320, 240])
    assert told["data"]["name"] == ["Ann", "Bob", "?"]
    assert told["dtypes"]["boxes_xyxy"] == "(4,)<f4"
    assert told["dtypes"]["data"]["embedding"] == "(4,)<f4"
    assert faces_at().to_dict()["visibility"] is None


def test_json_is_written_to_a_file_as_well(tmp_path: Path) -> None:
    path = tmp_path / "fäces"
    text = some_faces().to_json(path)
    assert path.read_text(encoding="utf-8") == text
    assert "NaN" not in text  # which is no JSON


def test_infinity_is_no_json() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        some_faces(data={"distance": np.array([1, np.inf, 2])}).to_json()


def test_a_dictionary_written_by_hand_needs_no_types() -> None:
    faces = Faces.from_dict({"boxes_xyxy": [[0, 0, 4, 4]], "landmarks": [[[1, 2]] * 5], "scores": [0.5]})
    assert faces.boxes.shape == (1, 4)
    assert faces.data == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bboxes": []}, r"expected the names boxes_xyxy, .*, data, dtypes, got bboxes"),
        ({"boxes_xyxy": [[0, 0, 4, 4]]}, r"expected boxes \(N, 4\)"),
    ],
)
def test_other_names_and_shapes_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=rf"^Faces(\.from_dict)?: {message}"):
        Faces.from_dict({**some_faces().to_dict(), **change})
