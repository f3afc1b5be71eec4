from __future__ import annotations

import numpy as np
import pytest
import yaml
from label_rows import lengths_of_labels, shorten_labels

from ultra_face.data.collages import CollageSettings, make_collages, paste
from ultra_face.data.prepare import prepare_dataset
from ultra_face.data.training_set import LabelledImage
from ultra_face.formats.annotation import FaceAnnotations
from ultra_face.formats.yolo_pose import read_labels

GRID = CollageSettings(side=200, cells=2, smallest=0.4, largest=0.9)


def photograph(number, height=40, width=40):
    """A black picture with a white square, which is the face; the middle of the square is its nose."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[10:20, 20:30] = 255
    landmarks = np.zeros((1, 5, 3))
    landmarks[0, 2] = (25, 15, 2)
    boxes = np.array([[20.0, 10, 10, 10]])
    return LabelledImage(pixels, FaceAnnotations(f"{number}.jpg", "a", boxes, landmarks, np.zeros(1, dtype=bool)))


@pytest.fixture
def photographs(landmark_source, tmp_path):
    prepare_dataset([landmark_source], tmp_path / "photographs")
    return tmp_path / "photographs"


def snapshot(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("seed", range(5))
def test_faces_are_where_the_labels_say(seed):
    collage = paste("0.jpg", [photograph(number) for number in range(4)], GRID, np.random.default_rng(seed))
    assert collage.pixels.shape == (200, 200, 3)
    assert len(collage.faces) == 4
    for (left, top, width, height), points in zip(collage.faces.boxes_xywh, collage.faces.landmarks, strict=True):
        middle_x, middle_y = left + width / 2, top + height / 2
        np.testing.assert_allclose(points, [[0, 0, 0], [0, 0, 0], [middle_x, middle_y, 2], [0, 0, 0], [0, 0, 0]])
        assert (collage.pixels[int(middle_y), int(middle_x)] == 255).all()
        # outside the box, but inside the photograph, which is four times as wide as the face
        for x, y in [(left - width / 2, middle_y), (middle_x, top + 1.5 * height), (middle_x, top - height / 2)]:
            assert (collage.pixels[int(y), int(x)] == 0).all()


def test_photographs_fill_their_share_of_a_cell():
    rng = np.random.default_rng(0)
    collages = [paste("0.jpg", [photograph(0)] * 4, GRID, rng) for _ in range(50)]
    # the face is a quarter of the photograph, which is rounded to whole pixels
    photograph_sides = 4 * np.concatenate([collage.faces.boxes_xywh[:, 2] for collage in collages])
    assert (photograph_sides.min(), photograph_sides.max()) == (pytest.approx(40, abs=1), pytest.approx(90, abs=1))


def test_each_photograph_stays_in_its_cell():
    full = CollageSettings(side=200, cells=2, smallest=1, largest=1)
    collage = paste("0.jpg", [photograph(0)] * 3, full, np.random.default_rng(0))
    # 2.5 times the size of 40 px, row by row; the fourth cell is background
    np.testing.assert_array_equal(collage.faces.boxes_xywh, [[50, 25, 25, 25], [150, 25, 25, 25], [50, 125, 25, 25]])
    assert (collage.pixels[100:, 100:] == collage.pixels[100, 100]).all()


def test_a_long_photograph_keeps_its_proportions():
    full = CollageSettings(side=100, cells=1, smallest=1, largest=1)
    collage = paste("0.jpg", [photograph(0, height=40, width=80)], full, np.random.default_rng(0))
    left, top, width, height = collage.faces.boxes_xywh[0]
    assert (left, width, height) == (25, 12.5, 12.5)  # 100 / 80 times the size, over the whole width
    assert 12.5 <= top <= 12.5 + 50


def test_cells_that_do_not_divide_the_side():
    uneven = CollageSettings(side=101, cells=3, smallest=1, largest=1)
    collage = paste("0.jpg", [photograph(0)] * 9, uneven, np.random.default_rng(0))
    assert collage.pixels.shape == (101, 101, 3)
    assert len(collage.faces) == 9


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cells": 0}, "expected 1 to 416 cells along 416 px, got 0; correct --cells"),
        ({"side": 4}, "expected 1 to 4 cells along 4 px, got 5"),
        ({"smallest": 0}, "expected shares of a cell up to 1, the smaller first, got 0-1; correct --fill"),
        ({"smallest": 0.9, "largest": 0.5}, r"expected shares of a cell .*, got 0\.9-0\.5"),
        ({"largest": 1.5}, r"expected shares of a cell .*, got 0\.5-1\.5"),
    ],
)
def test_settings_out_of_range(settings, message):
    with pytest.raises(ValueError, match=message):
        CollageSettings(**settings)


def test_a_data_set_of_collages(photographs, tmp_path):
    line = make_collages(photographs, tmp_path / "collages", GRID)
    assert line.startswith("collages of 2 photographs: 1 images (1 written), 2 faces, of which 2 have landmarks; ")
    boxes_cxcywh, landmarks = read_labels(tmp_path / "collages" / "labels" / "train" / "00000.txt")
    assert (boxes_cxcywh[:, 1] < 0.5).all()  # the first row of cells
    assert (landmarks[..., 2] == 2).all()


def test_every_photograph_is_pasted_once(photographs, tmp_path):
    single = CollageSettings(side=100, cells=1, smallest=1, largest=1)
    assert "2 images (2 written), 2 faces" in make_collages(photographs, tmp_path / "collages", single)
    first, second = (snapshot(tmp_path / "collages")[f"labels/train/0000{number}.txt"] for number in range(2))
    assert first != second


def test_the_seed_decides(photographs, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        make_collages(photographs, tmp_path / name, GRID, seed=seed)
    first, same, other = (snapshot(tmp_path / name) for name in "abc")
    assert first == same
    assert first["images/train/00000.jpg"] != other["images/train/00000.jpg"]
    assert "1 images (0 written)" in make_collages(photographs, tmp_path / "a", GRID, seed=1)
    with pytest.raises(FileExistsError, match="states otherwise; choose another output folder"):
        make_collages(photographs, tmp_path / "a", GRID, seed=2)


def test_a_photograph_that_does_not_decode(photographs, tmp_path):
    (photographs / "images" / "train" / "AFLW" / "b.jpg").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"b\.jpg: expected an image, got a file that does not decode"):
        make_collages(photographs, tmp_path / "collages", GRID)


@pytest.mark.parametrize(("columns", "kpt_shape"), [(5, None), (15, [5, 2]), (20, [5, 3])])
def test_labels_keep_the_layout_of_the_photographs(prepared_voc, tmp_path, columns, kpt_shape):
    """Those of the source and these are trained on together, and training drops rows of another length."""
    shorten_labels(prepared_voc / "labels" / "train", columns)
    make_collages(prepared_voc, tmp_path / "new", CollageSettings(side=96, cells=2))
    assert lengths_of_labels(tmp_path / "new" / "labels" / "train") == {columns}
    assert yaml.safe_load((tmp_path / "new" / "data.yaml").read_text(encoding="utf-8")).get("kpt_shape") == kpt_shape


def test_faces_keep_their_classes(prepared_voc, tmp_path):
    (file, *_) = sorted((prepared_voc / "labels" / "train").glob("*.txt"))
    lines = file.read_text().splitlines()
    file.write_text("".join(f"1{line[1:]}\n" for line in lines))
    data = prepared_voc / "data.yaml"
    data.write_text(data.read_text().replace("0: face", "0: face\n  1: mask"))
    make_collages(prepared_voc, tmp_path / "collages", CollageSettings())
    written = "".join(file.read_text() for file in (tmp_path / "collages" / "labels").rglob("*.txt"))
    assert [row.split()[0] for row in written.splitlines()].count("1") == len(lines) > 0
