from __future__ import annotations

import pytest
import torch
from face_files import write_faces
from ultralytics import YOLO

from ultra_face.super_resolution.assemble import RunOptions, assemble, perceptual_loss
from ultra_face.super_resolution.checkpoint import save_generator
from ultra_face.super_resolution.crops import CropSettings

OPTIONS = {"blocks": 1, "width": 8, "discriminator_width": 4, "num_held_out": 5, "batch": 3}


@pytest.fixture
def detector_file(tmp_path):
    torch.manual_seed(0)
    YOLO("yolov5n-aesvc.yaml", task="pose").save(tmp_path / "best.pt")
    return tmp_path / "best.pt"


@pytest.fixture
def folders(tmp_path):
    write_faces(tmp_path / "train", 2)
    write_faces(tmp_path / "val", 1)
    return [tmp_path / "train" / "images"], [tmp_path / "val" / "images"]


def test_a_run_of_the_options(folders, tmp_path, crops):
    options = RunOptions(scale=2, light=True, seed=7, crops=crops, **OPTIONS)
    run = assemble(*folders, tmp_path / "run", options)
    generator = run.trainer.generator
    assert (generator.scale, generator.blocks, generator.width, generator.light) == (2, 1, 8, True)
    assert len(run.batches.images) == 2
    assert len(run.held_out) == 5
    assert run.batches[0].low.shape == (3, 3, 16, 16)
    assert (run.trainer.perceptual, run.trainer.detection) == (None, None)


def test_the_seed_decides_the_weights(folders, tmp_path, crops):
    first, same, other = (
        assemble(*folders, tmp_path, RunOptions(seed=seed, crops=crops, **OPTIONS)).trainer.generator.entry[0].weight
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_a_detector_as_judge_and_as_perceptual_network(folders, tmp_path, crops, detector_file):
    options = RunOptions(crops=crops, detector=detector_file, perceptual=f"detector={detector_file}", **OPTIONS)
    run = assemble(*folders, tmp_path / "run", options)
    batch = run.batches[0]
    losses = run.trainer.step(run.trainer.settings.pixel_steps, batch)
    assert list(losses) == ["discriminator", "content", "detection", "perceptual", "adversarial", "variation"]
    assert losses["detection"] > 0
    assert losses["perceptual"] > 0
    assert run.config["joint"] is True
    assert run.config["perceptual"] == "detector"


def test_starts_from_a_trained_generator(folders, tmp_path, crops, generator):
    save_generator(tmp_path / "trained.pt", generator)
    run = assemble(*folders, tmp_path / "run", RunOptions(scale=2, weights=tmp_path / "trained.pt", crops=crops))
    torch.testing.assert_close(run.trainer.generator.state_dict(), generator.state_dict(), rtol=0, atol=0)
    assert run.batches.scale == generator.scale == run.config["scale"] == 4


def test_tile_that_does_not_fit_the_scale(folders, tmp_path):
    options = RunOptions(crops=CropSettings(tile=50), **OPTIONS)
    with pytest.raises(ValueError, match="tile: expected a multiple of the scale of 4, got 50"):
        assemble(*folders, tmp_path / "run", options)


def test_no_perceptual_loss():
    assert perceptual_loss("none") is None


@pytest.mark.parametrize("choice", ["", "vgg19", "vgg19=", "vgg16=a.pth"])
def test_unknown_perceptual_loss(choice):
    with pytest.raises(ValueError, match="perceptual: expected none, vgg19=FILE or detector=FILE, got"):
        perceptual_loss(choice)


@pytest.mark.parametrize("kind", ["vgg19", "detector"])
def test_no_file_of_the_perceptual_network(kind, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a\.pth: expected .*, got no file"):
        perceptual_loss(f"{kind}={tmp_path / 'a.pth'}")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch": 0}, "batch: expected at least 1, got 0"),
        ({"num_held_out": 0}, "num_held_out: expected at least 1, got 0"),
    ],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(ValueError, match=message):
        RunOptions(**options)
