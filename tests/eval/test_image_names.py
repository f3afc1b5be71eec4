from __future__ import annotations

import pytest

from ultra_face.eval.image_names import (
    ImageSetError,
    abbreviate,
    check_same_images,
    image_name,
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
