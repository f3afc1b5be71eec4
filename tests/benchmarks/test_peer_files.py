"""Files of other detectors: found by name, checked, and run from photograph to faces."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from onnx_files import constant_file

from benchmarks.peers.rfb import RFB
from benchmarks.peers.scrfd import SCRFD
from benchmarks.peers.table import ADAPTERS, name_of, open_detector
from benchmarks.peers.yolo5face import YOLO5Face

IMAGE = (1, 3, 48, 64)  # of the tiny files here, 64 x 48 px
PHOTOGRAPH = np.zeros((96, 256, 3), np.uint8)

# Three candidates of RFB: a face, the same face again, and corners in the wrong order.
SCORES = np.array([[[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]]])
CORNERS = np.array([[[0.25, 0.25, 0.5, 0.75], [0.25, 0.25, 0.5, 0.8], [0.9, 0.9, 0.8, 0.8]]])


@pytest.fixture
def rfb_file(tmp_path: Path) -> Path:
    return constant_file(tmp_path / "version-RFB-tiny.onnx", {"scores": SCORES, "boxes": CORNERS}, IMAGE)


def test_from_photograph_to_faces(rfb_file: Path) -> None:
    faces = open_detector(rfb_file)(PHOTOGRAPH)
    # Shares of the photograph, since the whole of it is stretched over the input.
    np.testing.assert_allclose(faces.boxes_xyxy, [[64, 24, 128, 72]])
    np.testing.assert_allclose(faces.scores, [0.9])
    assert faces.landmarks.shape == (1, 5, 2)
    assert np.isnan(faces.landmarks).all()


def test_confidence_and_overlap_can_be_set(rfb_file: Path) -> None:
    # The first two overlap by 0.5 of 0.55 of the height, IoU 10/11.
    assert open_detector(rfb_file, nms_iou=0.95)(PHOTOGRAPH).scores.tolist() == pytest.approx([0.9, 0.8])
    assert len(open_detector(rfb_file, confidence=0.95)(PHOTOGRAPH)) == 0


def test_pixels_are_those_that_the_network_was_trained_on(rfb_file: Path) -> None:
    blue = np.full((48, 64, 3), (255, 127, 63), np.uint8)
    tensor, _ = RFB(rfb_file).preprocess(blue)
    assert tensor.shape == IMAGE
    # (63 - 127) / 128, (127 - 127) / 128, (255 - 127) / 128 as red, green, blue.
    np.testing.assert_allclose(tensor[0, :, 0, 0], [-0.5, 0, 1])


def test_landmarks_come_with_their_boxes(tmp_path: Path) -> None:
    maps = {f"stride_{stride}": np.full((1, 3, 32 // stride, 32 // stride, 16), -9.0) for stride in (8, 16, 32)}
    # The second anchor, 8 x 10 px, in the cell of column 1 and row 2 at stride 8.
    maps["stride_8"][0, 1, 2, 1] = [0, 0, 0, 0, 9, 0, 0, 1, 0, 0, 1, -1, 0, 0, -1, 9]
    file = constant_file(tmp_path / "yolov5n-0.5.onnx", maps, (1, 3, 32, 32))
    faces = YOLO5Face(file, confidence=0.5)(np.zeros((64, 64, 3), np.uint8))
    # In the input: centre (1.5, 2.5) x 8 = (12, 20), size of the anchor; the photograph is twice as large.
    np.testing.assert_allclose(faces.boxes_xyxy, [[16, 30, 32, 50]], rtol=1e-5)
    # From the corner (8, 16) by anchors: (0, 0), (1, 0), (0, 1), (-1, 0), (0, -1), then twice as large.
    np.testing.assert_allclose(faces.landmarks, [[[16, 32], [32, 32], [16, 52], [0, 32], [16, 12]]], atol=1e-4)


def test_the_number_of_threads_is_the_one_that_was_asked(rfb_file: Path) -> None:
    assert RFB(rfb_file, num_threads=3).session.get_session_options().intra_op_num_threads == 3


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"scrfd_500m\.onnx: expected an ONNX file, got no file; give the path"):
        open_detector(tmp_path / "scrfd_500m.onnx")


def test_a_file_that_is_no_onnx_is_told(tmp_path: Path) -> None:
    (tmp_path / "yunet_n.onnx").write_text("<html>")
    with pytest.raises(
        ValueError, match=r"yunet_n\.onnx: expected an ONNX file, but it cannot be read .*; copy it again"
    ):
        open_detector(tmp_path / "yunet_n.onnx")


def test_the_file_of_another_detector_is_told(rfb_file: Path) -> None:
    expected = (
        "expected SCRFD with outputs of width 1, 1, 1, 4, 4, 4, 10, 10, 10, got scores [1, 3, 2], boxes [1, 3, 4]"
    )
    with pytest.raises(ValueError, match=re.escape(expected)):
        SCRFD(rfb_file)


def test_a_fixed_input_takes_no_other_size(rfb_file: Path) -> None:
    assert RFB(rfb_file, size=64).size == (64, 48)
    with pytest.raises(ValueError, match="takes 64 x 48 px, asked for 320 px; leave the size out"):
        RFB(rfb_file, size=320)


@pytest.mark.parametrize(("size", "expected"), [(None, (640, 640)), (320, (320, 320))])
def test_an_open_input_takes_the_size_that_is_asked(tmp_path: Path, size: int | None, expected: tuple) -> None:
    shape = (1, 3, "height", "width")
    file = constant_file(tmp_path / "a.onnx", {"scores": SCORES, "boxes": CORNERS}, shape)
    assert RFB(file, size=size).size == expected


@pytest.mark.parametrize("name", ADAPTERS)
def test_a_file_name_fits_one_row_only(name: str) -> None:
    assert name_of(Path("folder") / ADAPTERS[name].pattern.replace("*", "-x")) == name


def test_a_name_that_fits_no_row_lists_the_patterns() -> None:
    with pytest.raises(ValueError, match=r"best\.onnx: expected a file named like one of scrfd_500m\*\.onnx, "):
        name_of("best.onnx")
