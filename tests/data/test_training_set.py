from __future__ import annotations

import cv2
import numpy as np
import pytest
import yaml

from ultra_face.data.training_set import (
    LabelledImage,
    class_names,
    label_layout,
    list_training_images,
    read_labelled_image,
    write_labelled_image,
    write_training_set,
)
from ultra_face.formats.annotation import FaceAnnotations, assemble_faces, no_landmarks
from ultra_face.formats.yolo_pose import RowLayout


@pytest.fixture
def image():
    """A grey picture of 100 x 80 px with one face, and a box outside."""
    landmarks = np.zeros((2, 5, 3))
    landmarks[0, 0] = (20, 30, 2)
    return LabelledImage(
        np.full((80, 100, 3), 90, dtype=np.uint8),
        FaceAnnotations(
            "one/a.jpg", "a", np.array([[10.0, 20, 30, 40], [200, 0, 9, 9]]), landmarks, np.zeros(2, dtype=bool)
        ),
    )


def test_what_is_written_is_read_again(image, tmp_path):
    cleaned, written = write_labelled_image(image, tmp_path, "train")
    assert written
    assert cleaned.skipped_boxes == {"outside the image": 1}
    (tmp_path / "images" / "train.part").rename(tmp_path / "images" / "train")

    again = read_labelled_image(tmp_path, "train", "one/a.jpg")
    assert again.faces.image == "one/a.jpg"
    np.testing.assert_allclose(again.pixels, image.pixels, atol=1)
    np.testing.assert_allclose(again.faces.boxes_xywh, [[10, 20, 30, 40]], atol=1e-3)
    np.testing.assert_allclose(again.faces.landmarks[0, 0], (20, 30, 2), atol=1e-3)


def test_it_says_whether_it_wrote(image, tmp_path):
    assert [write_labelled_image(image, tmp_path, "val")[1] for _ in range(2)] == [True, False]
    (tmp_path / "labels" / "val" / "one" / "a.txt").unlink()
    assert write_labelled_image(image, tmp_path, "val")[1]
    assert write_labelled_image(image, tmp_path, "val", jpeg_quality=50)[1]


def test_an_image_that_does_not_decode(prepared_voc):
    (prepared_voc / "images" / "train" / "a.jpg").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"train/a\.jpg: expected an image, got a file that does not decode; prepare"):
        read_labelled_image(prepared_voc, "train", "a.jpg")


def test_an_image_without_label_file_has_no_faces_as_in_training(prepared_voc):
    (prepared_voc / "labels" / "train" / "b.txt").unlink()
    assert len(read_labelled_image(prepared_voc, "train", "b.png").faces) == 0


def test_turned_photographs_are_read_upright(prepared_voc):
    """As Ultralytics and `image_size` see them, whose width and height the labels are normalised by."""
    jpeg = cv2.imencode(".jpg", np.zeros((80, 100, 3), np.uint8))[1].tobytes()
    # EXIF of one entry: orientation (0x0112), a short, 6: turn by 90 degrees
    tiff = b"MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
    exif = b"\xff\xe1" + (len(tiff) + 8).to_bytes(2, "big") + b"Exif\x00\x00" + tiff
    (prepared_voc / "images" / "train" / "a.jpg").write_bytes(jpeg[:2] + exif + jpeg[2:])
    assert read_labelled_image(prepared_voc, "train", "a.jpg").pixels.shape == (100, 80, 3)


ORIGIN = {"made_of": "grey"}


def pictures(*names):
    for name in names:
        faces = assemble_faces(name, name, [([10.0, 20.0, 30.0, 40.0], no_landmarks(), False)])
        yield LabelledImage(np.full((80, 100, 3), 90, dtype=np.uint8), faces)


def snapshot(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_layout_and_report(tmp_path):
    output = tmp_path / "new"
    line = write_training_set(output, ORIGIN, pictures("a.jpg", "one/b.jpg"))
    assert line == (
        "2 images (2 written), 2 faces, of which 0 have landmarks; "
        f"to train on them, add {output / 'images' / 'train'} to train: of a data YAML"
    )
    files = snapshot(output)
    assert set(files) == {
        ".ultra_face.json",
        "data.yaml",
        *(
            f"{kind}/train/{name}{suffix}"
            for kind, suffix in (("images", ".jpg"), ("labels", ".txt"))
            for name in NAMES
        ),
    }
    # 100 x 80 px: centre (10 + 15) / 100, (20 + 20) / 80, size 30 / 100, 40 / 80
    assert files["labels/train/a.txt"] == b"0 0.250000 0.500000 0.300000 0.500000" + b" 0 0 0" * 5 + b"\n"
    assert yaml.safe_load(files["data.yaml"])["train"] == "images/train"
    assert list_training_images(output) == ["a.jpg", "one/b.jpg"]


NAMES = ("a", "one/b")


def test_a_second_run_changes_nothing(tmp_path):
    write_training_set(tmp_path, ORIGIN, pictures("a.jpg"))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert "1 images (0 written)" in write_training_set(tmp_path, ORIGIN, pictures("a.jpg"))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_an_interrupted_run_shows_no_images_and_is_completed(tmp_path):
    def interrupted():
        yield from pictures("a.jpg")
        raise KeyboardInterrupt

    write_training_set(tmp_path / "whole", ORIGIN, pictures("a.jpg", "b.jpg"))
    with pytest.raises(KeyboardInterrupt):
        write_training_set(tmp_path / "new", ORIGIN, interrupted())
    assert not (tmp_path / "new" / "images" / "train").exists()
    assert not (tmp_path / "new" / "data.yaml").exists()
    assert "2 images (1 written)" in write_training_set(tmp_path / "new", ORIGIN, pictures("a.jpg", "b.jpg"))
    assert snapshot(tmp_path / "new") == snapshot(tmp_path / "whole")


def test_images_that_were_not_written_are_named(tmp_path):
    write_training_set(tmp_path, ORIGIN, pictures("a.jpg", "b.jpg"))
    line = write_training_set(tmp_path, ORIGIN, pictures("a.jpg"))
    assert line.endswith(
        "; left alone 1 images that this preparation does not write, but training will read: images/train/b.jpg"
    )
    assert "\n" not in line


def test_a_folder_of_another_origin_is_refused(tmp_path):
    write_training_set(tmp_path / "other", {"made_of": "red"}, pictures("a.jpg"))
    with pytest.raises(FileExistsError, match=r'expected a folder made from \{"made_of": "grey"\}, got one whose'):
        write_training_set(tmp_path / "other", ORIGIN, pictures("a.jpg"))
    with pytest.raises(FileExistsError, match="expected a new or empty folder, got one with files of another origin"):
        write_training_set(tmp_path, ORIGIN, pictures("a.jpg"))


def test_no_training_images(tmp_path):
    (tmp_path / "images" / "train").mkdir(parents=True)
    (tmp_path / "images" / "train" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"train: expected images, got none; run `ultra-face prepare`"):
        list_training_images(tmp_path)


@pytest.mark.parametrize(
    ("layout", "row", "keys"),
    [
        (RowLayout.BOX, "0 0.250000 0.500000 0.300000 0.500000", {"names": {0: "face"}}),
        (
            RowLayout.POINTS,
            "0 0.250000 0.500000 0.300000 0.500000" + " 0 0" * 5,
            {"kpt_shape": [5, 2], "flip_idx": [1, 0, 2, 4, 3], "names": {0: "face"}},
        ),
    ],
)
def test_labels_are_written_in_the_layout_of_the_source(tmp_path, layout, row, keys):
    write_training_set(tmp_path, ORIGIN, pictures("a.jpg"), layout=layout)
    assert (tmp_path / "labels" / "train" / "a.txt").read_text(encoding="utf-8") == f"{row}\n"
    assert yaml.safe_load((tmp_path / "data.yaml").read_text(encoding="utf-8")) == {"train": "images/train", **keys}
    assert label_layout(tmp_path, ["a.jpg"]) is layout


def test_the_fullest_layout_counts(tmp_path):
    write_training_set(tmp_path, ORIGIN, pictures("a.jpg", "b.jpg", "c.jpg"))
    (tmp_path / "labels" / "train" / "a.txt").write_text("0 0.5 0.5 0.1 0.1\n", encoding="utf-8")
    (tmp_path / "labels" / "train" / "b.txt").unlink()
    assert label_layout(tmp_path, ["a.jpg", "b.jpg"]) is RowLayout.BOX
    assert label_layout(tmp_path, ["a.jpg", "b.jpg", "c.jpg"]) is RowLayout.VISIBILITY


def test_no_label_files(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"train: expected label files such as .*labels/train/NAME\.txt, got none"
    ):
        label_layout(tmp_path, ["a.jpg"])


def test_classes_and_their_names_travel(prepared_voc, tmp_path):
    labels = prepared_voc / "labels" / "train" / "a.txt"
    first, *others = labels.read_text().splitlines()
    labels.write_text("\n".join([f"1{first[1:]}", *others]) + "\n")
    data = prepared_voc / "data.yaml"
    data.write_text(yaml.safe_dump(yaml.safe_load(data.read_text()) | {"names": ["face", "mask"]}))
    assert class_names(prepared_voc) == {0: "face", 1: "mask"}
    image = read_labelled_image(prepared_voc, "train", "a.jpg")
    assert image.faces.class_numbers.tolist() == [1] + [0] * len(others)
    write_training_set(tmp_path / "new", {}, [image], classes=class_names(prepared_voc))
    assert (tmp_path / "new" / "labels" / "train" / "a.txt").read_text().startswith("1 ")
    assert yaml.safe_load((tmp_path / "new" / "data.yaml").read_text())["names"] == {0: "face", 1: "mask"}
    with pytest.raises(ValueError, match=r"a\.txt: expected a class of \{0: 'face'\}, got 1; name it in data\.yaml"):
        write_training_set(tmp_path / "other", {}, [image])


def test_without_data_yaml_there_are_faces_alone(tmp_path):
    assert class_names(tmp_path) == {0: "face"}


@pytest.mark.parametrize("text", ["", "names: face", "names: {}", "names: {a: 0}", "[1]"])
def test_a_data_yaml_without_names(tmp_path, text):
    (tmp_path / "data.yaml").write_text(text)
    with pytest.raises(ValueError, match=r"data\.yaml: expected `names:` with the name of each class, got "):
        class_names(tmp_path)
