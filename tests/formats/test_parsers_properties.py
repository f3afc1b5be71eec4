"""What holds for any input of the pure parsers: what is written reads back, and anything else reads or names its file.

The same examples every time; those of a day's search belong into a test of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ultra_face.data.cleaning import clean_faces
from ultra_face.formats.annotation import FaceAnnotations, is_image_path, stays_inside
from ultra_face.formats.matlab import read_matlab
from ultra_face.formats.mtfl import parse_mtfl
from ultra_face.formats.pascal_voc import parse_voc
from ultra_face.formats.result_files import read_result_file, write_predictions
from ultra_face.formats.retinaface import format_retinaface, parse_retinaface
from ultra_face.formats.widerface import image_name, parse_widerface
from ultra_face.formats.yaml_files import read_yaml
from ultra_face.formats.yolo_pose import format_labels, read_faces, read_labels

few = settings(
    max_examples=60,
    deadline=None,  # other tests run beside
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)
LIKELY = st.sampled_from(["# a.jpg", "a.jpg", "b/c.png", "0", "1", "nan", "1e400", "# a.jpg 9 9"])
WORDS = st.one_of(LIKELY, st.text(), NUMBERS.map(str))
TEXTS = st.one_of(st.text(), st.lists(st.lists(WORDS, max_size=21).map(" ".join), max_size=6).map("\n".join))


def sizes(count: int) -> Any:
    """Rows of x, y, width, height [px], the sizes of 0 or more."""
    positive = st.floats(0, 1e4, allow_nan=False)
    return st.lists(st.tuples(NUMBERS, NUMBERS, positive, positive), max_size=count)


def read_or_refused(read: Callable[[], Any], source: object) -> Any:
    """What is read; None where it is refused by a sentence that begins with its source."""
    try:
        return read()
    except ValueError as error:
        told = str(error)
    assert told.startswith(f"{source}:")
    return None


@pytest.mark.parametrize("parse", [parse_retinaface, parse_widerface, parse_mtfl])
@few
@given(text=TEXTS)
def test_texts_are_read_or_refused_by_line(parse: Callable[[str, str], list[FaceAnnotations]], text: str) -> None:
    images = read_or_refused(lambda: parse(text, "labels/a.txt"), "labels/a.txt") or []
    assert len({faces.image for faces in images}) == len(images)
    for faces in images:
        assert faces.boxes_xywh.shape == (len(faces), 4)
        assert faces.landmarks.shape == (len(faces), 5, 3)
        assert np.isfinite(faces.boxes_xywh).all()
        assert is_image_path(faces.image)


@few
@given(content=st.binary(max_size=300))
def test_xml_is_read_or_refused_by_file(content: bytes) -> None:
    for whole in (content, b"<annotation>" + content + b"</annotation>"):
        read = read_or_refused(lambda whole=whole: parse_voc(whole, "a.xml"), "a.xml")
        assert read is None or all(len(box) == 4 for box, _, _ in read.rows)


@few
@given(text=TEXTS)
def test_labels_of_training_are_read_or_refused_by_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    if (read := read_or_refused(lambda: read_labels(file), file)) is not None:
        boxes, landmarks = read
        assert boxes.shape == (len(boxes), 4)
        assert landmarks.shape == (len(boxes), 5, 3)


@few
@given(rows=sizes(4), scores=st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_retinaface_reads_what_it_writes(rows: list[Any], scores: list[float]) -> None:
    boxes, count = np.array(rows, np.float64).reshape(-1, 4), len(rows)
    landmarks = np.zeros((count, 5, 3))
    landmarks[:, :2] = (3.25, -1.5, 2.0)
    written = FaceAnnotations("a/b c.jpg", "x", boxes, landmarks, np.zeros(count, bool), np.array(scores[:count]))
    (read,) = parse_retinaface(format_retinaface([written]), "x")
    np.testing.assert_array_equal(read.boxes_xywh, written.boxes_xywh)
    np.testing.assert_array_equal(read.landmarks, written.landmarks)
    np.testing.assert_array_equal(read.scores, written.scores)


@few
@given(rows=sizes(6), width=st.integers(8, 9000), height=st.integers(8, 9000))
def test_labels_read_back_to_a_millionth_of_the_image(tmp_path: Path, rows: list[Any], width: int, height: int) -> None:
    """Six digits of the share of the image: 5e-7 of each side, for a corner that of centre and half the size."""
    boxes = np.array(rows, np.float64).reshape(-1, 4)
    faces = FaceAnnotations("a.jpg", "x", boxes, np.zeros((len(rows), 5, 3)), np.zeros(len(rows), bool))
    kept = clean_faces(faces, width=width, height=height).faces
    (tmp_path / "a.txt").write_text(format_labels(kept, width=width, height=height))
    read = read_faces(tmp_path / "a.txt", "a.jpg", width=width, height=height)
    np.testing.assert_allclose(read.boxes_xywh, kept.boxes_xywh, rtol=0, atol=1e-6 * max(width, height))


@few
@given(rows=sizes(5))
def test_result_files_keep_every_digit(tmp_path: Path, rows: list[Any]) -> None:
    detections = np.column_stack([np.array(rows, np.float64).reshape(-1, 4), np.full(len(rows), 0.5)])
    write_predictions(tmp_path, {"event/a": detections})
    np.testing.assert_array_equal(read_result_file(tmp_path / "event" / "a.txt"), detections)


@few
@given(text=TEXTS)
def test_result_files_are_read_or_refused_by_file(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    read = read_or_refused(lambda: read_result_file(file), file)
    assert read is None or read.shape[1] == 5


@few
@given(head=st.binary(max_size=8), content=st.binary(max_size=400))
def test_matlab_files_are_read_or_refused_by_file(tmp_path: Path, head: bytes, content: bytes) -> None:
    file = tmp_path / "a.mat"
    file.write_bytes(bytes(124) + b"\0\1IM" + b"\x0e\0\0\0" + head + content)
    read = read_or_refused(lambda: read_matlab(file, ("a",)), file)
    assert read is None or set(read) <= {"a"}


@few
@given(text=st.text(max_size=200))
def test_yaml_is_read_or_refused_by_file(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    read_or_refused(lambda: read_yaml(file, "a thing"), file)


@few
@given(parts=st.lists(st.sampled_from(["..", "a", "b.jpg", ".", "", "\\", "C:", "..\\", "~"]), max_size=6))
def test_a_path_that_stays_inside_does(parts: list[str]) -> None:
    path = "/".join(parts)
    if stays_inside(path):
        assert not path.startswith("/")
        assert ".." not in path.replace("\\", "/").split("/")


@few
@given(path=st.text(st.sampled_from("ab./\\")))
def test_names_of_images_have_an_event_and_never_leave_it(path: str) -> None:
    name = read_or_refused(lambda: image_name(path), repr(path))
    if name is not None:
        event, _, image = name.partition("/")
        assert "/" not in image
        assert event
        assert ".." not in (event, image)
