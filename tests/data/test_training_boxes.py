from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ultra_face.data.prepare import prepare_dataset
from ultra_face.data.training_boxes import list_images, read_box_sizes, scale_to_training
from ultra_face.data.yolo_pose import label_file


@pytest.mark.parametrize(
    ("width", "height", "scaled"),
    [
        (1000, 500, [64.0, 64.0]),  # 0.1 x 1000 and 0.2 x 500 px, both times 640 / 1000
        (500, 1000, [32.0, 128.0]),  # 0.1 x 500 and 0.2 x 1000 px, times 640 / 1000
    ],
)
def test_the_long_side_gets_the_training_size(width, height, scaled):
    wh = np.array([[0.1, 0.2]])
    np.testing.assert_allclose(scale_to_training(wh, width=width, height=height, training_size=640), [scaled])


def test_sizes_of_a_data_set(retinaface_source, tmp_path):
    prepare_dataset([retinaface_source], tmp_path / "data")
    sizes = read_box_sizes(list_images([tmp_path / "data" / "images"]), training_size=100)
    # images of 100 x 80 px at their own size: the two boxes that were kept, b.jpg before one/a.jpg
    np.testing.assert_allclose(sizes, [[20, 20], [30, 40]], atol=1e-3)


def test_images_without_labels_or_that_do_not_decode_have_no_boxes(retinaface_source, tmp_path):
    prepare_dataset([retinaface_source], tmp_path / "data")
    (tmp_path / "data" / "images" / "train" / "b.jpg").write_bytes(b"no image")
    (tmp_path / "data" / "labels" / "train" / "one" / "a.txt").unlink()
    assert read_box_sizes(list_images([tmp_path / "data" / "images"]), training_size=100).shape == (0, 2)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("/d/images/train/a.jpg", "/d/labels/train/a.txt"),
        ("/images/d/images/a.b.png", "/images/d/labels/a.b.txt"),
        ("/d/photos/a.jpg", "/d/photos/a.txt"),
        ("/d/train/images", "/d/train/images.txt"),
    ],
)
def test_label_files_are_where_ultralytics_looks(image, expected):
    assert label_file(Path(image)) == Path(expected)


def test_images_of_folders_and_lists(retinaface_source, monkeypatch):
    """As in training: `./` is the folder of the list, other relative paths start from the working folder."""
    monkeypatch.chdir(retinaface_source.parent)
    listed = retinaface_source / "images.txt"
    listed.write_text("./images/b.jpg\n\nsource/images/c.png\nnotes.txt\n", encoding="utf-8")
    images = list_images([str(retinaface_source / "images" / "one"), listed])
    expected = [retinaface_source / "images" / name for name in ("one/a.jpg", "b.jpg", "c.png")]
    assert [image.absolute() for image in images] == expected


def test_no_images(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no: expected a folder of images or a list of images, got nothing"):
        list_images([tmp_path / "no"])
    with pytest.raises(FileNotFoundError, match=r"expected images in .*, got none"):
        list_images([tmp_path])
