"""What is common to all runtimes: reading what Ultralytics notes, and batches of a fixed size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ultra_face.runtimes.network import Signature, run_in_parts, signature_of


@pytest.mark.parametrize("size", [None, 1, 2, 3, 8])
@pytest.mark.parametrize("count", [1, 3, 4])
def test_parts_of_a_fixed_size_give_what_the_whole_gives(size: int | None, count: int) -> None:
    shapes = []

    def run(inputs: np.ndarray) -> np.ndarray:
        shapes.append(len(inputs))
        return inputs.reshape(len(inputs), -1) * 2

    inputs = np.arange(count * 12, dtype=np.float32).reshape(count, 3, 2, 2)
    np.testing.assert_array_equal(run_in_parts(run, inputs, size), inputs.reshape(count, -1) * 2)
    assert set(shapes) == {count if size is None else size}


def test_a_face_model() -> None:
    noted = {"names": {0: "face", 1: "mask"}, "kpt_shape": (5, 2), "head": "FacePose"}
    assert signature_of("a.onnx", noted, stride=64, fixed_hw=(64, 128)) == Signature(2, 2, 64, (64, 128))


@pytest.mark.parametrize(
    ("noted", "got"),
    [
        ({}, "no landmarks"),
        ({"names": {0: "person"}}, "no landmarks"),
        ({"names": {0: "person"}, "kpt_shape": [17, 3]}, r"kpt_shape \[17, 3\]"),
    ],
)
def test_other_models(noted: dict[str, Any], got: str) -> None:
    message = (
        rf"^a\.onnx: expected a face model of Ultralytics with kpt_shape .*, got one with {got}; name a face model"
    )
    with pytest.raises(ValueError, match=message):
        signature_of("a.onnx", noted, stride=32, fixed_hw=None)
