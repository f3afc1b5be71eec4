from __future__ import annotations

import numpy as np
import pytest
import torch
from face_files import SIZE

from ultra_face.super_resolution.crops import (
    CROPS_PER_IMAGE,
    Batches,
    Crop,
    CropSettings,
    Region,
    any_region,
    cut,
    draw_crop,
    face_region,
    to_pixels,
    to_tensor,
)
from ultra_face.super_resolution.crops import mirrored as mirror
from ultra_face.super_resolution.degrade import Degradation, reduce
from ultra_face.super_resolution.face_images import read_pixels

RNG = np.random.default_rng


@pytest.mark.parametrize("box", [(100, 60, 60, 40), (5, 118, 20, 20), (150, 30, 118, 100)])
def test_faces_are_never_enlarged_nor_smaller_than_asked(box, crops):
    rng, sides, faces = RNG(0), [], []
    for _ in range(300):
        region = face_region(np.array(box, float), SIZE, crops, rng)
        assert 0 <= region.left <= SIZE[0] - region.side
        assert 0 <= region.top <= SIZE[1] - region.side
        sides.append(region.side)
        faces.append(max(box[2:]) * crops.tile / region.side)
    assert min(sides) >= crops.tile
    # Rounding the side moves the size by up to half a pixel in `tile`; the image's side bounds what is cut out.
    assert min(faces) >= crops.min_face * (1 - 0.5 / crops.tile)
    assert max(faces) <= 1.25 * crops.tile * (1 + 0.5 / crops.tile)
    assert max(faces) / min(faces) > 1.2


def test_the_centre_of_a_face_lies_in_the_middle(crops):
    rng, box = RNG(0), np.array([100.0, 60.0, 30.0, 30.0])
    places = []
    for _ in range(300):
        region = face_region(box, SIZE, crops, rng)
        places.append((box[:2] - (region.left, region.top)) / region.side)
    # 0.2 to 0.8 of the side, plus what is lost to whole pixels.
    assert np.min(places) >= 0.2
    assert np.max(places) <= 0.8 + 1 / crops.tile
    assert np.ptp(places, axis=0).min() > 0.5


def test_regions_anywhere_reach_every_border(crops):
    rng = RNG(0)
    regions = [any_region(SIZE, crops, rng) for _ in range(500)]
    assert min(region.side for region in regions) == crops.tile
    assert max(region.side for region in regions) <= min(SIZE)
    assert min(region.left for region in regions) == min(region.top for region in regions) == 0
    assert max(region.left + region.side for region in regions) == SIZE[0]
    assert max(region.top + region.side for region in regions) == SIZE[1]


def test_a_region_of_the_tile_is_copied(images):
    pixels = read_pixels(images[0].path)
    crop = cut(images[0], pixels, Region(left=90, top=40, side=32), 32)
    np.testing.assert_array_equal(crop.pixels, pixels[40:72, 90:122])


def test_faces_of_a_crop_in_its_frame(images):
    crop = cut(images[0], read_pixels(images[0].path), Region(left=60, top=20, side=80), 32)
    # The box of 60 x 40 px about (100, 60) in a square of 80 px from (60, 20): centre (40, 40) / 80.
    np.testing.assert_allclose(crop.boxes_cxcywh, [[0.5, 0.5, 0.75, 0.5]], atol=1e-4)
    # The left eye at (0.45 x 200, 0.45 x 120) = (90, 54), so (30, 34) / 80.
    np.testing.assert_allclose(crop.landmarks[0, 0], [0.375, 0.425, 2])
    assert crop.landmarks[0, :, 2].tolist() == [2, 2, 1, 2, 2]


def test_boxes_are_clipped_and_landmarks_outside_are_missing(images):
    crop = cut(images[0], read_pixels(images[0].path), Region(left=99, top=20, side=80), 32)
    assert len(crop.boxes_cxcywh) == 1  # 31 of 60 px remain, from 0 to 31 px
    np.testing.assert_allclose(crop.boxes_cxcywh[0, [0, 2]], [15.5 / 80, 31 / 80], atol=1e-4)
    assert crop.landmarks[0, :, 2].tolist() == [0, 2, 1, 0, 2]  # x of 90, 110, 100, 94 and 106 px
    assert not crop.landmarks[0, 0].any()


def test_a_face_of_which_less_than_half_is_left_has_no_label(images):
    crop = cut(images[0], read_pixels(images[0].path), Region(left=101, top=20, side=80), 32)
    assert crop.boxes_cxcywh.shape == (0, 4)
    assert crop.landmarks.shape == (0, 5, 3)


def test_mirrored(images):
    crop = cut(images[0], read_pixels(images[0].path), Region(left=70, top=20, side=80), 32)
    turned = mirror(crop)
    np.testing.assert_array_equal(turned.pixels, crop.pixels[:, ::-1])
    np.testing.assert_allclose(turned.boxes_cxcywh[0], crop.boxes_cxcywh[0] * [-1, 1, 1, 1] + [1, 0, 0, 0])
    assert (np.diff(turned.landmarks[0, :2, 0]) > 0).all()  # the left eye is still the left one
    for kind in ("pixels", "boxes_cxcywh", "landmarks"):
        np.testing.assert_allclose(getattr(mirror(turned), kind), getattr(crop, kind), atol=1e-12)


def test_mirrored_missing_landmarks_stay_missing():
    crop = Crop(np.zeros((8, 8, 3), np.uint8), np.array([[0.5, 0.5, 0.2, 0.2]]), np.zeros((1, 5, 3)))
    assert not mirror(crop).landmarks.any()


@pytest.mark.parametrize(("background", "labelled"), [(0.0, 40), (1.0, 20)])
def test_share_of_backgrounds(images, background, labelled):
    rng, pixels = RNG(0), read_pixels(images[0].path)
    settings = CropSettings(tile=16, min_face=16, background=background)
    drawn = [draw_crop(images[0], pixels, settings, rng) for _ in range(40)]
    assert all(crop.pixels.shape == (16, 16, 3) for crop in drawn)
    showing = sum(len(crop.boxes_cxcywh) > 0 for crop in drawn)
    assert (showing >= labelled // 2) if background == 0 else (showing <= labelled)


def test_half_of_the_crops_are_mirrored(images, crops):
    rng, pixels = RNG(0), np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    pixels[:, :, 0] = np.arange(SIZE[0])  # redder to the right
    drawn = [draw_crop(images[0], pixels, crops, rng).pixels[..., 0].astype(int) for _ in range(200)]
    count = sum(red[0, 0] > red[0, -1] for red in drawn)
    # Binomial: 100 with a deviation of 7.1.
    assert abs(count - 100) < 4 * 7.1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tile": 0}, "tile: expected at least 1 px, got 0"),
        ({"min_face": 0}, "min_face: expected more than 0, up to the tile, got 0"),
        ({"tile": 32, "min_face": 33}, "min_face: expected more than 0, up to the tile, got 33"),
        ({"background": 1.5}, "background: expected a share from 0 to 1, got 1.5"),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(ValueError, match=message):
        CropSettings(**settings)


@pytest.fixture
def batches(images, crops):
    return Batches(images, crops, Degradation.plain(antialias=True), scale=4, size=6, seed=0)


def test_shapes_and_range(batches):
    batch = batches[0]
    assert batch.high.shape == (6, 3, 32, 32)
    assert batch.low.shape == (6, 3, 8, 8)
    assert batch.high.dtype == batch.low.dtype == torch.float32
    assert batch.high.min() >= 0
    assert 0.5 < batch.high.max() <= 1


def test_low_is_the_degraded_high(batches):
    batch = batches[3]
    reduced = [reduce(image, 4, antialias=True) for image in to_pixels(batch.high)]
    torch.testing.assert_close(batch.low, to_tensor(reduced))


def test_a_step_always_gives_the_same_batch(batches):
    first, again, other = batches[5], batches[5], batches[6]
    for name in ("low", "high"):
        torch.testing.assert_close(getattr(first, name), getattr(again, name), rtol=0, atol=0)
    assert not torch.equal(first.high, other.high)


def test_another_seed_gives_another_batch(images, crops):
    first, second = (Batches(images, crops, Degradation(), scale=4, size=2, seed=seed)[0] for seed in (0, 1))
    assert not torch.equal(first.high, second.high)


def test_few_crops_share_an_image(images, crops, monkeypatch):
    read = []
    monkeypatch.setattr(
        "ultra_face.super_resolution.crops.read_pixels",
        lambda path: read.append(path) or np.zeros((120, 200, 3), np.uint8),
    )
    assert len(Batches(images, crops, Degradation(), scale=4, size=9, seed=0)[0].high) == 9
    assert len(read) == -(-9 // CROPS_PER_IMAGE)


def test_faces_belong_to_their_crops(batches):
    faces = batches[0].faces
    num_faces = len(faces["batch_idx"])
    assert num_faces > 0
    assert faces["batch_idx"].unique().tolist() == sorted(set(faces["batch_idx"].tolist()))
    assert faces["batch_idx"].max() < 6
    assert faces["cls"].tolist() == [[0.0]] * num_faces
    assert faces["bboxes"].shape == (num_faces, 4)
    assert faces["keypoints"].shape == (num_faces, 5, 3)
    assert 0 <= faces["bboxes"].min() <= faces["bboxes"].max() <= 1


def test_pixels_survive_the_way_to_a_tensor_and_back():
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(to_pixels(to_tensor([image, image]))[1], image)


def test_values_out_of_range_are_clipped():
    assert to_pixels(torch.tensor([-0.2, 0.5, 1.2]).view(1, 3, 1, 1))[0].ravel().tolist() == [0, 128, 255]


def test_to_a_device(batches):
    batch = batches[0].to(torch.device("meta"))
    assert {values.device.type for values in (batch.low, batch.high, *batch.faces.values())} == {"meta"}
