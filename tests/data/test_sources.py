from __future__ import annotations

import numpy as np
import pytest

from ultra_face.data.sources import (
    RETINAFACE_FOLDER,
    check_split_options,
    hold_out_images,
    open_source,
    select_images,
    split_argument,
)
from ultra_face.formats.annotation import assemble_faces


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


def images_by_split(splits):
    return {split.name: [entry.image for entry in split.faces] for split in splits}


def test_a_label_file_without_lists_is_all_training(retinaface_source):
    expected = {"train": ["one/a.jpg", "b.jpg", "c.png"]}
    assert images_by_split(open_source(retinaface_source)) == expected
    assert images_by_split(open_source(retinaface_source / "label.txt")) == expected


def test_lists_select_the_images_of_a_split(retinaface_source):
    splits = open_source(retinaface_source, split_lists={"train": "train.txt", "val": "dev.txt"})
    assert images_by_split(splits) == {"train": ["one/a.jpg", "c.png"], "val": ["b.jpg"]}


def test_a_list_outside_the_source(retinaface_source, tmp_path):
    (tmp_path / "mine.txt").write_text("b.jpg\n", encoding="utf-8")
    splits = open_source(retinaface_source, split_lists={"val": str(tmp_path / "mine.txt")})
    assert images_by_split(splits) == {"val": ["b.jpg"]}


def test_images_elsewhere(retinaface_source, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    (retinaface_source / "images").rename(elsewhere)
    (split,) = open_source(retinaface_source / "label.txt", image_folder=elsewhere)
    assert split.images.read("b.jpg") == (elsewhere / "b.jpg").read_bytes()


@pytest.mark.parametrize("fixture", ["official_source", "official_archives"])
def test_the_official_release(fixture, request):
    splits = open_source(request.getfixturevalue(fixture))
    assert images_by_split(splits) == {"train": ["0--Parade/train.jpg"], "val": ["0--Parade/val.jpg"]}
    for split in splits:
        np.testing.assert_array_equal(split.faces[0].invalid, [False, True])
        assert split.images.read(split.faces[0].image)


@pytest.mark.parametrize("fixture", ["official_source", "official_archives"])
def test_landmarks_replace_the_official_boxes_where_there_are_any(fixture, request):
    source = request.getfixturevalue(fixture)
    for split, row in (("train", "1 2 30 40" + " 5 5 0" * 5), ("val", "1 2 30 40")):
        label_file = source / RETINAFACE_FOLDER / split / "label.txt"
        label_file.parent.mkdir(parents=True)
        label_file.write_text(f"# 0--Parade/{split}.jpg\n{row}\n", encoding="utf-8")
    train, val = open_source(source)
    np.testing.assert_array_equal(train.faces[0].boxes_xywh, [[1, 2, 30, 40]])
    np.testing.assert_array_equal(val.faces[0].boxes_xywh, [[10, 20, 30, 40], [50, 20, 30, 40]])


def test_unknown_splits(retinaface_source):
    with pytest.raises(ValueError, match="expected splits among train, val, got dev, tests"):
        open_source(retinaface_source, split_lists={"tests": None, "dev": None})


def test_a_list_that_is_missing(retinaface_source):
    with pytest.raises(
        FileNotFoundError, match=r"list of images no\.txt not found; expected .*source/no\.txt or no\.txt"
    ):
        open_source(retinaface_source, split_lists={"train": "no.txt"})


def test_a_list_that_names_an_unknown_image(retinaface_source):
    (retinaface_source / "train.txt").write_text("b.jpg\nx.jpg\n", encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"train\.txt:2: expected an image .* annotates, got 'x\.jpg'"):
        open_source(retinaface_source, split_lists={"train": "train.txt"})


def test_a_folder_with_nothing(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"expected WIDER_train\.zip or WIDER_train/images, got neither; put WIDER"
    ):
        open_source(tmp_path)


def test_a_release_without_box_lists(official_archives):
    (official_archives / "wider_face_split.zip").unlink()
    with pytest.raises(FileNotFoundError, match=r"expected wider_face_split\.zip or .*bbx_gt\.txt, got neither"):
        open_source(official_archives)


def test_an_archive_without_box_lists(official_archives):
    (official_archives / "WIDER_train.zip").replace(official_archives / "wider_face_split.zip")
    (official_archives / "WIDER_val.zip").rename(official_archives / "WIDER_train.zip")
    with pytest.raises(FileNotFoundError, match=r"wider_face_split\.zip: expected wider_face_split/wider_face_train"):
        open_source(official_archives, split_lists={"train": None})


@pytest.mark.parametrize(("annotations", "images"), [("annotations", "images"), ("Annotations", "JPEGImages")])
def test_pascal_voc(voc_source, annotations, images):
    (voc_source / "annotations").rename(voc_source / annotations)
    (voc_source / "images").rename(voc_source / images)
    (split,) = open_source(voc_source)
    assert images_by_split([split]) == {"train": ["a.jpg", "b.png", "c.jpg"]}
    np.testing.assert_array_equal(split.faces[0].boxes_xywh, [[10, 20, 30, 40], [50, 20, 20, 30]])
    assert split.images.read("b.png") == (voc_source / images / "b.png").read_bytes()


def test_pascal_voc_with_images_elsewhere_and_lists(voc_source, tmp_path):
    (voc_source / "images").rename(tmp_path / "elsewhere")
    (voc_source / "train.txt").write_text("c.jpg\nb\n", encoding="utf-8")
    lists = {"train": "train.txt"}
    (split,) = open_source(voc_source, image_folder=tmp_path / "elsewhere", split_lists=lists)
    assert images_by_split([split]) == {"train": ["c.jpg", "b.png"]}


def test_landmark_photographs(landmark_source):
    for source in (landmark_source, landmark_source / "landmarks.txt"):
        (split,) = open_source(source)
        assert images_by_split([split]) == {"train": ["AFLW/b.jpg", "lfw/a b.jpg"]}
        assert split.images.read("lfw/a b.jpg") == (landmark_source / "lfw" / "a b.jpg").read_bytes()
        np.testing.assert_array_equal(split.faces[1].landmarks[0, 1], [52, 30, 2])


def test_every_third_image_is_held_out(voc_source):
    expected = {"train": ["a.jpg", "b.png"], "val": ["c.jpg"]}
    assert images_by_split(open_source(voc_source, hold_out=3)) == expected


def test_the_official_release_has_its_own_val(official_source):
    with pytest.raises(
        ValueError, match=r"expected label\.txt, .* in it to hold out images of, .* has a val of its own"
    ):
        open_source(official_source, hold_out=7)


def test_sources_lists_and_holding_out_exclude_each_other(retinaface_source):
    with pytest.raises(
        ValueError, match="expected --split or --hold-out, got --hold-out 2 and --split for train; leave"
    ):
        open_source(retinaface_source, split_lists={"train": "train.txt"}, hold_out=2)
