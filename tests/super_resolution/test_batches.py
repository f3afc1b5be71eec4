from __future__ import annotations

import numpy as np
import pytest
import torch

from ultra_face.super_resolution.batches import CROPS_PER_IMAGE, Batches, to_pixels, to_tensor
from ultra_face.super_resolution.degrade import Degradation, reduce


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
        "ultra_face.super_resolution.batches.read_pixels",
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
