from __future__ import annotations

import numpy as np
import pytest

from ultra_face.formats.widerface import (
    ImageSetError,
    abbreviate,
    check_same_images,
    image_name,
    parse_widerface,
    read_image_list,
    strip_image_suffix,
)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("0--Parade/0_Parade_1.jpg", "0--Parade/0_Parade_1"),
        ("/data/WIDER_val/images/0--Parade/0_Parade_1.jpg", "0--Parade/0_Parade_1"),
        ("images\\0--Parade\\0_Parade_1.PNG", "0--Parade/0_Parade_1"),
        ("0--Parade/0_Parade_1", "0--Parade/0_Parade_1"),
        ("0--Parade/a.b.jpg", "0--Parade/a.b"),
    ],
)
def test_image_name(path, name):
    assert image_name(path) == name


@pytest.mark.parametrize("path", ["0_Parade_1.jpg", "/0_Parade_1.jpg", ""])
def test_image_name_without_event(path):
    with pytest.raises(ImageSetError, match="expected event/name, got no event folder"):
        image_name(path)


@pytest.mark.parametrize("name", ["rally_pj", "group.", "a_jpg"])
def test_only_the_suffix_goes_not_letters_of_it(name):
    assert strip_image_suffix(f"{name}.jpg") == name
    assert f"{name}.jpg".rstrip(".jpg") != name  # what `rstrip` would leave


def test_image_list(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("/1--Riot/b.jpg\n\n0--Parade/a\r\n")
    assert read_image_list(path) == ("1--Riot/b", "0--Parade/a")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n", r"list\.txt: expected one image \(event/name\) a line, got an empty list"),
        ("0--Parade/a\n0--Parade/a.jpg\n", r"list\.txt: 0--Parade/a listed more than once"),
        ("a.jpg\n", r"list\.txt: 'a\.jpg': expected event/name, got no event folder; write one event/name a line"),
    ],
)
def test_broken_image_list(tmp_path, text, message):
    path = tmp_path / "list.txt"
    path.write_text(text)
    with pytest.raises(ImageSetError, match=message):
        read_image_list(path)


def test_differences_are_listed_and_counted():
    expected = [f"e/{letter}" for letter in "abcdefg"]
    with pytest.raises(ImageSetError, match=r"no predictions for 7 of 7 images: e/a, e/b, e/c, e/d, e/e and 2 more"):
        check_same_images(expected, {})
    check_same_images(expected, {}, allow_missing=True)
    with pytest.raises(ImageSetError, match=r"predictions for 1 images that exist in no event .*: e/x; remove them"):
        check_same_images(["e/a"], {"e/a": None, "e/x": None})
    check_same_images(["e/a"], {"e/a": None, "e/x": None}, allow_extra=True)


def test_abbreviate():
    assert abbreviate(["a", "b"]) == "a, b"
    assert abbreviate(list("abcdef")) == "a, b, c, d, e and 1 more"


TEXT = """0--Parade/a.jpg
2
345 211 4 5 2 0 0 0 2 0
10 20 30 40 0 1 1 1 0 1
0--Parade/none.jpg
0
0 0 0 0 0 0 0 0 0 0
1--Handshaking/b.jpg
1
5 6 -2 8 0 0 0 0 0 0
"""


def test_boxes_and_invalid_flags():
    first, none, last = parse_widerface(TEXT, "gt.txt")
    assert [entry.image for entry in (first, none, last)] == [
        "0--Parade/a.jpg",
        "0--Parade/none.jpg",
        "1--Handshaking/b.jpg",
    ]
    np.testing.assert_array_equal(first.boxes_xywh, [[345, 211, 4, 5], [10, 20, 30, 40]])
    np.testing.assert_array_equal(first.invalid, [False, True])
    np.testing.assert_array_equal(first.landmarks, np.zeros((2, 5, 3)))
    np.testing.assert_array_equal(last.boxes_xywh, [[5, 6, -2, 8]])


@pytest.mark.parametrize("count", [0, 1])
@pytest.mark.parametrize("next_image", ["", "b.jpg\n1\n1 2 3 4 0 0 0 0 0 0\n"])
def test_an_image_without_faces_has_a_row_of_zeros(count, next_image):
    text = f"a.jpg\n{count}\n0 0 0 0 0 0 0 0 0 0 \n{next_image}"
    images = parse_widerface(text, "gt.txt")
    assert [len(entry) for entry in images] == [0, 1][: len(images)]
    assert len(images) == 1 + bool(next_image)


def test_the_row_of_zeros_may_miss():
    images = parse_widerface("a.jpg\n0\nb.jpg\n0\n", "gt.txt")
    assert [(entry.image, len(entry)) for entry in images] == [("a.jpg", 0), ("b.jpg", 0)]


def test_annotations_know_their_line():
    assert [entry.where for entry in parse_widerface(TEXT, "gt.txt")] == ["gt.txt:1", "gt.txt:5", "gt.txt:8"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.jpg\nmany\n", r"gt\.txt:2: expected the number of faces, got 'many'"),
        ("a.jpg\n-1\n", r"gt\.txt:2: expected the number of faces, got '-1'"),
        ("a.jpg\n", r"gt\.txt:2: expected the number of faces, got the end of the file"),
        ("a.jpg\n1\n", r"gt\.txt:3: expected 10 values of a face, got the end of the file"),
        ("a.jpg\n1\n1 2 3 4 0\n", r"gt\.txt:3: expected 10 values .*, got 5"),
        ("a.jpg\n2\n1 2 3 4 0 0 0 0 0 0\nb.jpg\n", r"gt\.txt:4: expected finite numbers, got 'b\.jpg'"),
        ("a.jpg\n1\n1 2 3 nan 0 0 0 0 0 0\n", r"gt\.txt:3: expected finite numbers, got 'nan'"),
        ("a.jpg\n1\n1 2 3 4 3 0 0 0 0 0\n", r"gt\.txt:3: expected blur from 0 to 2, got 3"),
        ("a.jpg\n1\n1 2 3 4 0 0 0 2 0 0\n", r"gt\.txt:3: expected invalid from 0 to 1, got 2"),
        (
            "a.jpg\n1\n1 2 3 4 0 0 0 0 0 0\n1 2 3 4 0 0 0 0 0 0\n",
            r"gt\.txt:4: expected the path of an image, got '1 2",
        ),
        ("a.jpg\n0\na.jpg\n0\n", r"gt\.txt:3: expected each image once, got a\.jpg again; remove one of the two"),
        ("../a.jpg\n0\n", r"gt\.txt:1: expected the path of an image, got '\.\./a\.jpg'"),
        ("/a.jpg\n0\n", r"gt\.txt:1: expected the path of an image, got '/a\.jpg'"),
    ],
)
def test_broken_lines_are_named(text, message):
    with pytest.raises(ValueError, match=message):
        parse_widerface(text, "gt.txt")


@pytest.mark.data
def test_the_official_validation_list(shared_data):
    path = shared_data / "wider-val-groundtruth" / "wider_face_val_bbx_gt.txt"
    images = parse_widerface(path.read_text(encoding="utf-8"), path.name)
    # 3,226 images and 39,708 rows of ten values (counted with grep and awk), 4 of which are rows of zeros
    assert len(images) == 3226
    assert sum(map(len, images)) == 39708 - 4
    assert sum(len(entry) == 0 for entry in images) == 4
