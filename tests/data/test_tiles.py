from __future__ import annotations

import cv2
import numpy as np
import pytest
import yaml
from label_rows import lengths_of_labels, shorten_labels

from ultra_face.data.tiles import TileSettings, Window, crop_faces, cut_tiles, random_window, tiles_of
from ultra_face.data.training_set import LabelledImage
from ultra_face.formats.annotation import FaceAnnotations
from ultra_face.formats.yolo_pose import read_labels

SMALL = TileSettings(tiles_per_image=3, shortest=30, longest=60, min_faces=1)


def make_faces(boxes, landmarks=None):
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    landmarks = np.zeros((len(boxes), 5, 3)) if landmarks is None else np.asarray(landmarks, dtype=np.float64)
    return FaceAnnotations("one/a.png", "a.txt", boxes, landmarks, np.zeros(len(boxes), dtype=bool))


def crowd(height=200, width=300):
    """A picture whose red is the column and whose green is the row, with a face of 10 x 10 px every 20 px."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[..., 2], pixels[..., 1] = np.arange(width) % 256, np.arange(height)[:, None]
    return LabelledImage(
        pixels, make_faces([(x, y, 10, 10) for x in range(5, width, 20) for y in range(5, height, 20)])
    )


def snapshot(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("box", "cropped"),
    [
        ((40, 50, 20, 10), (10, 30, 20, 10)),  # inside the window: moved by its corner
        ((20, 50, 20, 10), (0, 30, 10, 10)),  # exactly half is left
        ((19, 50, 20, 10), None),  # 9 of 20 px
        ((20, 10, 20, 20), None),  # half of the width times half of the height
        ((122, 75, 10, 5), (92, 55, 8, 5)),  # 8 of 10 px, at the other edges of the window
        ((122, 77, 10, 6), None),  # 8 of 10 px times 3 of 6 px
        ((40, 50, 1.5, 30), None),  # too narrow to train on
    ],
)
def test_boxes_are_moved_clipped_and_dropped(box, cropped):
    faces = crop_faces(make_faces([box]), Window(left=30, top=20, width=100, height=60))
    np.testing.assert_array_equal(faces.boxes_xywh, np.reshape(cropped or (), (-1, 4)))


def test_landmarks_outside_are_blanked():
    points = [(35, 52, 2), (28, 52, 2), (40, 55, 1), (0, 0, 0), (36, 81, 2)]
    faces = crop_faces(make_faces([(25, 40, 20, 40)], [points]), Window(left=30, top=20, width=100, height=60))
    np.testing.assert_array_equal(faces.landmarks, [[(5, 32, 2), (0, 0, 0), (10, 35, 1), (0, 0, 0), (0, 0, 0)]])


def test_a_window_without_faces():
    assert len(crop_faces(make_faces([]), Window(0, 0, 10, 10))) == 0


def test_windows_are_squares_of_all_sides_that_reach_every_edge():
    rng = np.random.default_rng(0)
    windows = np.array([random_window(63, 61, SMALL, rng) for _ in range(4000)])
    left, top, width, height = windows.T
    np.testing.assert_array_equal(width, height)
    assert set(width) == set(range(30, 61))
    assert (left.min(), top.min(), (left + width).max(), (top + height).max()) == (0, 0, 63, 61)


def test_a_window_is_no_larger_than_the_image():
    window = random_window(20, 45, TileSettings(shortest=50, longest=50), np.random.default_rng(0))
    assert window == Window(0, 0, 20, 45)


def test_tiles_are_what_their_labels_say():
    tiles = list(tiles_of(crowd(), SMALL, np.random.default_rng(0)))
    assert [tile.faces.image for tile in tiles] == ["one/a_0.jpg", "one/a_1.jpg", "one/a_2.jpg"]
    for tile in tiles:
        left, top = int(tile.pixels[0, 0, 2]), int(tile.pixels[0, 0, 1])
        height, width = tile.pixels.shape[:2]
        np.testing.assert_array_equal(tile.pixels, crowd().pixels[top : top + height, left : left + width])
        np.testing.assert_array_equal(
            tile.faces.boxes_xywh, crop_faces(crowd().faces, Window(left, top, width, height)).boxes_xywh
        )


def test_a_tile_has_enough_faces():
    # One face every 20 px: a window of 60 px holds 3 or, with halves at both edges, 4 of them in a row; one of 30 px
    # at most 2. So 12 faces need luck, which 10 windows a tile do not always bring.
    many = TileSettings(tiles_per_image=3, shortest=30, longest=60, min_faces=12)
    tiles = [tile for seed in range(20) for tile in tiles_of(crowd(), many, np.random.default_rng(seed))]
    assert {len(tile.faces) for tile in tiles} <= set(range(12, 17))
    assert 0 < len(tiles) < 60


def test_the_same_window_is_not_cut_twice():
    whole = TileSettings(tiles_per_image=3, shortest=500, longest=500, min_faces=0)
    (tile,) = tiles_of(crowd(), whole, np.random.default_rng(0))
    assert tile.pixels.shape == (200, 300, 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tiles_per_image": 0}, "expected one tile or more an image, got 0; raise --tiles"),
        ({"shortest": 0}, "expected sides of whole pixels, the shorter first, got 0-520; correct --side"),
        ({"shortest": 600}, "expected sides of whole pixels, the shorter first, got 600-520"),
        ({"min_faces": -1}, "expected zero or more faces in a tile, got -1; raise --min-faces"),
    ],
)
def test_settings_out_of_range(settings, message):
    with pytest.raises(ValueError, match=message):
        TileSettings(**settings)


def test_a_data_set_of_tiles(prepared_voc, tmp_path):
    line = cut_tiles(prepared_voc, tmp_path / "tiles", SMALL)
    tiles = sorted((tmp_path / "tiles" / "images" / "train").iterdir())
    assert line.startswith(f"tiles of 3 photographs: {len(tiles)} images ({len(tiles)} written), ")
    assert {tile.stem[0] for tile in tiles} == {"a", "b"}  # c shows no face
    for tile in tiles:
        height, width = cv2.imread(str(tile)).shape[:2]
        assert 30 <= height == width <= 60
        boxes_cxcywh, _ = read_labels(tmp_path / "tiles" / "labels" / "train" / f"{tile.stem}.txt")
        assert len(boxes_cxcywh) >= 1


def test_the_seed_decides(prepared_voc, tmp_path):
    anything = TileSettings(tiles_per_image=2, shortest=30, longest=60, min_faces=0)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        cut_tiles(prepared_voc, tmp_path / name, anything, seed=seed)
    first, same, other = (snapshot(tmp_path / name) for name in "abc")
    assert first == same
    assert all(first[name] != other[name] for name in first if name.endswith(".jpg"))
    assert "6 images (0 written)" in cut_tiles(prepared_voc, tmp_path / "a", anything, seed=1)
    with pytest.raises(FileExistsError, match="choose another output folder"):
        cut_tiles(prepared_voc, tmp_path / "a", anything, seed=2)


def test_no_tile_with_enough_faces(prepared_voc, tmp_path):
    with pytest.raises(ValueError, match="expected tiles with 3 faces or more, found none; lower --min-faces or raise"):
        cut_tiles(prepared_voc, tmp_path / "tiles", TileSettings(min_faces=3))
    assert not (tmp_path / "tiles").exists()


def test_a_broken_label_file(prepared_voc, tmp_path):
    (prepared_voc / "labels" / "train" / "b.txt").write_text("0 0.5\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"b\.txt:1: expected 20 values .*, got 2; run `ultra-face prepare`"):
        cut_tiles(prepared_voc, tmp_path / "tiles", SMALL)


def test_an_image_that_does_not_decode(prepared_voc, tmp_path):
    (prepared_voc / "images" / "train" / "b.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"b\.png: expected an image, got a file that does not decode"):
        cut_tiles(prepared_voc, tmp_path / "tiles", SMALL)


def test_the_photographs_are_not_written_over(prepared_voc):
    with pytest.raises(FileExistsError, match="states otherwise; choose another output folder"):
        cut_tiles(prepared_voc, prepared_voc, SMALL)


@pytest.mark.parametrize(("columns", "kpt_shape"), [(5, None), (15, [5, 2]), (20, [5, 3])])
def test_labels_keep_the_layout_of_the_photographs(prepared_voc, tmp_path, columns, kpt_shape):
    """Those of the source and these are trained on together, and training drops rows of another length."""
    shorten_labels(prepared_voc / "labels" / "train", columns)
    cut_tiles(prepared_voc, tmp_path / "new", SMALL)
    assert lengths_of_labels(tmp_path / "new" / "labels" / "train") == {columns}
    assert yaml.safe_load((tmp_path / "new" / "data.yaml").read_text(encoding="utf-8")).get("kpt_shape") == kpt_shape


def test_faces_keep_their_classes(prepared_voc, tmp_path):
    for file in (prepared_voc / "labels" / "train").glob("*.txt"):
        file.write_text("".join(f"1{line[1:]}\n" for line in file.read_text().splitlines()))
    data = prepared_voc / "data.yaml"
    data.write_text(data.read_text().replace("0: face", "0: face\n  1: mask"))
    cut_tiles(prepared_voc, tmp_path / "tiles", TileSettings(min_faces=1))
    rows = [line for file in (tmp_path / "tiles" / "labels").rglob("*.txt") for line in file.read_text().splitlines()]
    assert rows
    assert {row.split()[0] for row in rows} == {"1"}
