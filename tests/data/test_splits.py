from __future__ import annotations

import numpy as np
import pytest

from ultra_face.data.splits import check_split_options, hold_out_images, select_images, split_argument
from ultra_face.formats.label_text import assemble_faces


def annotations(*images):
    return [assemble_faces(image, f"label.txt:{number}", []) for number, image in enumerate(images, start=1)]


def names(faces):
    return [entry.image for entry in faces]


@pytest.mark.parametrize(("text", "pair"), [("train=a.txt", ("train", "a.txt")), ("val", ("val", None))])
def test_split_argument(text, pair):
    assert split_argument(text) == pair


def test_every_nth_image_by_name_is_held_out():
    images = [f"{number}.jpg" for number in range(10, 24)]
    shuffled = [images[index] for index in np.random.default_rng(0).permutation(14)]
    parts = hold_out_images(annotations(*shuffled), 4)
    # of 14 images the 4th, 8th and 12th
    assert names(parts["val"]) == ["13.jpg", "17.jpg", "21.jpg"]
    assert names(parts["train"]) == [image for image in images if image not in names(parts["val"])]


def test_as_many_images_as_the_interval_hold_out_the_last():
    parts = hold_out_images(annotations("a.jpg", "b.jpg", "c.jpg"), 3)
    assert {name: names(faces) for name, faces in parts.items()} == {"train": ["a.jpg", "b.jpg"], "val": ["c.jpg"]}


def test_too_few_images():
    with pytest.raises(ValueError, match="expected 3 or more images to hold out every 3-th, got 2; lower --hold-out"):
        hold_out_images(annotations("a.jpg", "b.jpg"), 3)


@pytest.mark.parametrize("every", [1, 0, -7])
def test_intervals_that_leave_nothing_to_train_on(every):
    with pytest.raises(ValueError, match=f"expected --hold-out of 2 or more, got {every}; 7 holds out every seventh"):
        check_split_options({}, every)


def test_lists_and_holding_out_exclude_each_other():
    with pytest.raises(ValueError, match="got --hold-out 7 and --split for train, val; leave one out"):
        check_split_options({"train": "a.txt", "val": None}, 7)


def test_a_list_may_leave_out_extensions(tmp_path):
    listed = tmp_path / "train.txt"
    listed.write_text("one/a\nb.v2\n c.jpg \n", encoding="utf-8")
    faces = annotations("c.jpg", "b.v2.png", "one/a.jpg", "a.jpg")
    assert names(select_images(faces, listed)) == ["one/a.jpg", "b.v2.png", "c.jpg"]


def test_a_name_without_extension_must_be_that_of_one_image(tmp_path):
    listed = tmp_path / "train.txt"
    listed.write_text("a.png\na\n", encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"train\.txt:2: expected an image that the source annotates, got 'a'"):
        select_images(annotations("a.jpg", "a.png"), listed)
