"""What the tools read of a data set is what Ultralytics trains on, in every layout that people have."""

from __future__ import annotations

import codecs
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from ultralytics.data.dataset import YOLODataset

from ultra_face.data.anchor_fit import read_box_sizes
from ultra_face.data.training_set import list_training_images, read_labelled_image
from ultra_face.formats.image_files import list_images
from ultra_face.formats.yolo_pose import RowLayout

TRAINING_SIZE = 64
LAYOUTS = {}


def layout(build):
    """Add a function that writes a data set below a folder and returns where its images are."""
    LAYOUTS[build.__name__] = build
    return build


class Writer:
    """Writes photographs with one face each, no two of the same size, in their label files."""

    def __init__(self, root, rows=RowLayout.VISIBILITY):
        self.root, self.rows, self.count = root, rows, 0

    def image(self, name, *, label=None, mark=b""):
        """Write an image of 60 x 40 px, and `label` for it; `False` leaves it without label file."""
        self.count += 1
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(self.count).integers(0, 255, (40, 60, 3)).astype(np.uint8)
        path.write_bytes(cv2.imencode(path.suffix.lower(), pixels)[1].tobytes())
        if label is not False:
            landmarks = " 0.5 0.5 2"[: 4 * self.rows] * 5
            row = f"0 0.5 0.5 {0.1 + self.count / 100} 0.3{landmarks}\n"
            label = self.root / (label or name.replace("images/", "labels/", 1))
            label.parent.mkdir(parents=True, exist_ok=True)
            label.with_suffix(".txt").write_bytes(mark + row.encode())
        return path


@layout
def folder(write):
    write.image("images/train/a.jpg")
    write.image("images/train/b.png")
    (write.root / "images" / "train" / "notes.txt").write_text("a.jpg\n")
    return [write.root / "images" / "train"]


@layout
def nested(write):
    write.image("images/train/one/a.jpg")
    write.image("images/train/two/er/a.jpg")
    return [write.root / "images" / "train"]


@layout
def linked_folder(write):
    write.image("images/train/a.jpg")
    write.image("elsewhere/images/b.jpg", label="labels/train/more/b.jpg")
    (write.root / "images" / "train" / "more").symlink_to(write.root / "elsewhere" / "images")
    return [write.root / "images" / "train"]


@layout
def linked_images(write):
    (write.root / "images" / "train").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg"):
        path = write.image(f"elsewhere/{name}", label=f"labels/train/{name}")
        (write.root / "images" / "train" / name).symlink_to(path)
    return [write.root / "images" / "train"]


@layout
def images_in_images(write):
    write.image("images/train/images/a.jpg", label="images/train/labels/a.jpg")
    write.image("images/train/b.jpg")
    return [write.root / "images" / "train"]


@layout
def list_relative_to_itself(write):
    write.image("images/train/a.jpg")
    write.image("images/train/b.jpg")
    write.image("images/train/not listed.jpg")
    (write.root / "train.txt").write_text("./images/train/a.jpg\n./images/train/b.jpg\n")
    return [write.root / "train.txt"]


@layout
def list_relative_to_the_working_folder(write):
    write.image("images/train/a.jpg")
    write.image("images/train/b.jpg")
    (write.root / "lists").mkdir()
    (write.root / "lists" / "train.txt").write_text("images/train/a.jpg\n\nreadme.md\ndata/../images/train/b.jpg\n")
    (write.root / "data").mkdir()
    return [write.root / "lists" / "train.txt"]


@layout
def list_of_absolute_paths(write):
    paths = [write.image(f"images/{name}") for name in ("a.jpg", "b.jpg")]
    (write.root / "train.txt").write_text("\r\n".join(map(str, paths)))
    return [write.root / "train.txt"]


@layout
def list_with_a_byte_order_mark(write):
    paths = [write.image(f"images/{name}") for name in ("a.jpg", "b.jpg")]
    (write.root / "train.txt").write_bytes(codecs.BOM_UTF8 + "\n".join(map(str, paths)).encode())
    return [write.root / "train.txt"]


@layout
def several_roots(write):
    write.image("first/images/a.jpg", label="first/labels/a.jpg")
    write.image("second/images/b.jpg", label="second/labels/b.jpg")
    path = write.image("images/c.jpg")
    (write.root / "more.txt").write_text(f"{path}\n")
    return [write.root / "second" / "images", write.root / "first" / "images", write.root / "more.txt"]


@layout
def folder_of_another_name(write):
    write.image("photos/a.jpg")
    write.image("photos/deep/b.jpg")
    return [write.root / "photos"]


@layout
def capital_suffixes(write):
    write.image("images/train/a.JPG")
    write.image("images/train/b.Jpeg")
    return [write.root / "images" / "train"]


@layout
def spaces_and_umlauts(write):
    write.image("images/train/Grüße aus Köln/ein Bild.jpg")
    write.image("images/train/[1] a.b.jpg")
    return [write.root / "images" / "train"]


@layout
def other_formats(write):
    for suffix in ("webp", "bmp", "tif", "tiff", "jp2"):
        write.image(f"images/train/{suffix}.{suffix}")
    return [write.root / "images" / "train"]


@layout
def hidden_files(write):
    write.image("images/train/a.jpg")
    write.image("images/train/._a.jpg")
    write.image("images/train/.cache/b.jpg")
    return [write.root / "images" / "train"]


@layout
def label_missing(write):
    write.image("images/train/a.jpg")
    write.image("images/train/b.jpg", label=False)
    return [write.root / "images" / "train"]


@layout
def label_with_a_byte_order_mark(write):
    write.image("images/train/a.jpg", mark=codecs.BOM_UTF8)
    return [write.root / "images" / "train"]


def training_files(locations):
    finder = SimpleNamespace(prefix="", fraction=1.0)
    return YOLODataset.get_img_files(finder, list(map(str, locations)))


def training_labels(locations, rows=RowLayout.VISIBILITY):
    task = "pose" if rows else "detect"
    data = {"names": {0: "face"}, "nc": 1, "channels": 3, **({"kpt_shape": [5, int(rows)]} if rows else {})}
    return YOLODataset(list(map(str, locations)), data=data, task=task, imgsz=TRAINING_SIZE, augment=False).labels


def sizes_in_training(labels):
    """Widths and heights [px] of all boxes, the long side of each image scaled to the training size."""
    sizes = [
        label["bboxes"][:, 2:] * np.array(label["shape"])[::-1] * TRAINING_SIZE / max(label["shape"])
        for label in labels
    ]
    return sorted(np.concatenate(sizes).round(3).tolist())


@pytest.mark.parametrize("build", LAYOUTS.values(), ids=LAYOUTS)
def test_anchors_are_fitted_to_the_boxes_of_training(build, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    locations = build(Writer(tmp_path))
    assert sorted(map(str, list_images(locations))) == training_files(locations)
    expected = sizes_in_training(training_labels(locations))
    assert expected
    assert sorted(read_box_sizes(list_images(locations), training_size=TRAINING_SIZE).round(3).tolist()) == expected


@pytest.mark.parametrize("rows", RowLayout)
def test_boxes_of_every_label_layout(rows, tmp_path):
    locations = folder(Writer(tmp_path, rows))
    sizes = read_box_sizes(list_images(locations), training_size=TRAINING_SIZE).round(3)
    assert sorted(sizes.tolist()) == sizes_in_training(training_labels(locations, rows))
    assert len(sizes) == 2


ELSEWHERE = {"folder_of_another_name", "several_roots", *(name for name in LAYOUTS if name.startswith("list_"))}


@pytest.mark.parametrize("name", sorted(LAYOUTS.keys() - ELSEWHERE))
def test_tiles_and_collages_are_made_of_the_faces_of_training(name, tmp_path):
    """They read the folder `images/train`."""
    (location,) = LAYOUTS[name](Writer(tmp_path))
    images = list_training_images(tmp_path)
    assert sorted(str(location / image) for image in images) == training_files([location])
    read = {image: read_labelled_image(tmp_path, "train", image) for image in images}
    for label in training_labels([location]):
        image = read[str(label["im_file"])[len(str(location)) + 1 :]]
        assert image.pixels.shape[:2] == label["shape"]
        np.testing.assert_allclose(image.faces.boxes_xywh[:, 2:], label["bboxes"][:, 2:] * (60, 40), atol=1e-4)
        np.testing.assert_allclose(image.faces.landmarks, label["keypoints"] * (60, 40, 1), atol=1e-4)


def test_a_dead_link_is_no_face_for_anchors_as_in_training(tmp_path):
    write = Writer(tmp_path)
    locations = folder(write)
    write.image("images/train/gone.jpg").unlink()
    (locations[0] / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert sorted(map(str, list_images(locations))) == training_files(locations)
    sizes = read_box_sizes(list_images(locations), training_size=TRAINING_SIZE).round(3)
    assert sorted(sizes.tolist()) == sizes_in_training(training_labels(locations))
