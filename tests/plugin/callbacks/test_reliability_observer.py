"""What the reliability observer reads from a batch of the validator, and what it writes."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ultra_face.plugin.callbacks.reliability import PICTURE_FILE, RECORD_FILE, ReliabilityObserver

# Faces of 20 and 80 px in a 200 x 100 px input, as normalised centre and size: classes 0 and 1.
FACES = [[0.1, 0.2, 0.1, 0.2], [0.6, 0.5, 0.4, 0.8]]


def batch() -> dict[str, Any]:
    return {
        "img": torch.zeros(2, 3, 100, 200),
        "batch_idx": torch.tensor([1.0, 1.0]),
        "bboxes": torch.tensor(FACES),
        "cls": torch.tensor([[0.0], [1.0]]),
    }


def prediction(classes: list[float]) -> dict[str, Any]:
    return {
        "bboxes": torch.tensor([[10.0, 10, 30, 30], [80.0, 10, 160, 90], [11.0, 10, 31, 30], [0.0, 60, 10, 70]]),
        "conf": torch.tensor([0.9, 0.8, 0.7, 0.2]),
        "cls": torch.tensor(classes),
    }


def test_boxes_are_judged_in_pixels_of_the_input() -> None:
    observer = ReliabilityObserver()
    observer.see(prediction([0, 1, 0, 0]), 1, batch())
    (seen,) = observer.judged
    assert seen.right.tolist() == [True, True, False, False]  # the third claims the face of the first
    assert seen.sides.tolist() == pytest.approx([20, 80, 20, 10])


def test_a_box_of_another_class_is_wrong_and_takes_no_face_from_others() -> None:
    observer = ReliabilityObserver()
    observer.see(prediction([1, 1, 0, 0]), 1, batch())
    assert observer.judged[0].right.tolist() == [False, True, True, False]


def test_boxes_in_an_image_without_faces_are_wrong() -> None:
    observer = ReliabilityObserver()
    observer.see(prediction([0, 0, 0, 0]), 0, batch())
    assert not observer.judged[0].right.any()


@pytest.mark.parametrize("plots", [True, False])
def test_the_record_and_the_picture(tmp_path: Path, plots: bool) -> None:
    observer = ReliabilityObserver()
    observer.see(prediction([0, 1, 0, 0]), 1, batch())
    validator = SimpleNamespace(save_dir=tmp_path, args=SimpleNamespace(plots=plots), metrics=SimpleNamespace())
    observer.tell(validator)
    record = json.loads((tmp_path / RECORD_FILE).read_text())
    assert record == validator.metrics.reliability
    # |1 - 0.9| + |1 - 0.8| + |0 - 0.7| + |0 - 0.2| over 4 boxes
    assert record["bands"]["all"]["calibration_error"] == pytest.approx(0.3)
    assert (tmp_path / PICTURE_FILE).exists() is plots


def test_nothing_is_told_of_no_boxes(tmp_path: Path) -> None:
    ReliabilityObserver().tell(SimpleNamespace(save_dir=tmp_path))
    assert list(tmp_path.iterdir()) == []
    assert ReliabilityObserver().figures() == {}


def test_nor_of_boxes_under_the_lowest_bin(tmp_path: Path) -> None:
    """As of a model in its first epoch: there is no error to tell."""
    observer = ReliabilityObserver()
    observer.see(prediction([0, 1, 0, 0]) | {"conf": torch.tensor([0.09, 0.05, 0.02, 0.01])}, 1, batch())
    observer.tell(SimpleNamespace(save_dir=tmp_path))
    assert list(tmp_path.iterdir()) == []
