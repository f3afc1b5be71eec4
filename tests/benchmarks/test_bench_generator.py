"""The benchmark of the generator: the peer is what its weights say, the record has every enlargement."""

from __future__ import annotations

import json
import runpy
import sys

import cv2
import pytest
import torch
from tiny_faces import write_tiny_faces
from torch import nn

from benchmarks.peers import srgan
from ultra_face.nn.srgan import Generator
from ultra_face.super_resolution.checkpoint import save_generator
from ultra_face.super_resolution.degrade import enlarge
from ultra_face.super_resolution.held_out import by_network, measure


@pytest.fixture
def bench(repository, monkeypatch):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["bench_generator.py", *map(str, arguments)])
        runpy.run_path(str(repository / "benchmarks" / "bench_generator.py"), run_name="__main__")

    return run


def test_a_peer_without_weights_is_grey(tmp_path):
    network = srgan.Peer()
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    torch.save(network.state_dict(), tmp_path / "srgan.pth")
    # (tanh(0) + 1) / 2 at four times the size.
    loaded = srgan.load_peer(tmp_path / "srgan.pth")
    torch.testing.assert_close(loaded(torch.rand(2, 3, 5, 7)), torch.full((2, 3, 20, 28), 0.5))


@pytest.mark.data
def test_the_published_weights_do_what_is_known_of_them(shared_data):
    """Better than bicubic where the reduction was antialiased, worse where it was not."""
    files = sorted((shared_data / "wider-train-649").rglob("*.jpg"))[::50]
    tiles = [middle(cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB), 128) for file in files]
    published = by_network(srgan.load_peer(shared_data.parent / "peers" / "srgan-x4-voc2012.pth"))
    for antialias, better in ((True, True), (False, False)):
        ours, bicubic = (
            measure(way, tiles, scale=4, antialias=antialias).psnr for way in (published, lambda x: enlarge(x, 4))
        )
        assert (ours > bicubic) is better


def middle(image, side):
    top, left = ((length - side) // 2 for length in image.shape[:2])
    return image[top : top + side, left : left + side]


def test_record(bench, tmp_path, capsys):
    generator, output = Generator(4, blocks=1, width=4, light=True), tmp_path / "generator.json"
    save_generator(tmp_path / "pixel.pt", generator, step=3)
    data = write_tiny_faces(tmp_path / "faces")
    arguments = ("--crops", 3, "--tile", 32, "--min-face", 16, "--data", data, "--data-name", "noise")
    bench(*arguments, "--generator", tmp_path / "pixel.pt", "--output", output)
    record = json.loads(output.read_text())
    assert record["provenance"]["data"] == "noise"
    assert record["generators"]["pixel"] == {"scale": 4, "blocks": 1, "width": 4, "light": True, "step": 3}
    assert record["networks"]["pixel"]["parameters"] == sum(value.numel() for value in generator.parameters())
    assert list(record["quality"]) == ["bicubic", "pixel"]
    for reduction in ("antialiased", "not antialiased"):
        bicubic, untrained = (found[reduction] for found in record["quality"].values())
        # Untrained it is the bicubic enlargement, in floating point.
        assert untrained["psnr"] == pytest.approx(bicubic["psnr"], abs=0.05)
        assert untrained["ssim"] == pytest.approx(bicubic["ssim"], abs=0.005)
    assert json.loads(capsys.readouterr().out)["quality"] == record["quality"]


def test_generators_that_cannot_be_compared(bench, tmp_path, capsys):
    files = [tmp_path / f"x{scale}.pt" for scale in (2, 4)]
    for scale, file in zip((2, 4), files, strict=True):
        save_generator(file, Generator(scale, blocks=1, width=4, light=True))
    arguments = ("--data", write_tiny_faces(tmp_path / "faces"), "--data-name", "noise")
    with pytest.raises(SystemExit):
        bench(*arguments, "--tile", 32, "--min-face", 16, "--generator", *files)
    assert "expected generators of one scale, got [2, 4]" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        bench(*arguments, "--generator", files[0], files[0])
    assert "expected generators of different file names" in capsys.readouterr().err
