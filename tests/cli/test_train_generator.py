from __future__ import annotations

import runpy
import sys

import pytest
import torch
from tiny_faces import write_tiny_faces

from ultra_face.super_resolution.checkpoint import load_generator

SMALL = [
    *("--blocks", "1", "--width", "4", "--light", "--discriminator-width", "4", "--tile", "32", "--min-face", "16"),
    *("--batch", "2", "--num-held-out", "2", "--evaluate-every", "2", "--preview-every", "2"),
    *("--pixel-steps", "3", "--adversarial-steps", "2"),
]


@pytest.fixture
def train(repository, monkeypatch):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["train_srgan.py", *map(str, arguments)])
        runpy.run_path(str(repository / "tools" / "train_srgan.py"), run_name="__main__")

    return run


def test_train_and_resume(train, tmp_path, capsys):
    data, output = write_tiny_faces(tmp_path / "faces"), tmp_path / "run"
    train("--data", data, "--output", output, *SMALL)
    printed = capsys.readouterr().out
    assert "bicubic: antialiased" in printed
    assert "adversarial step 5: antialiased" in printed
    assert printed.rstrip().endswith(f"{output / 'best-adversarial.pt'}\n{output / 'best-pixel.pt'}")
    assert len(list((output / "sheets").glob("*.png"))) == 4  # at 2, 4 and the end of each phase
    generator = load_generator(output / "best-pixel.pt")
    assert generator(torch.rand(1, 3, 8, 8)).shape == (1, 3, 32, 32)

    train("--data", data, "--output", output, *SMALL, "--resume")
    assert "step 5" not in capsys.readouterr().out  # nothing was left to do


def test_errors_are_one_sentence(train, tmp_path):
    data, output = write_tiny_faces(tmp_path / "faces"), tmp_path / "run"
    with pytest.raises(SystemExit, match=r"^ultra-face train-generator: .*no\.yaml"):
        train("--data", tmp_path / "no.yaml")
    with pytest.raises(
        SystemExit, match=r"^ultra-face train-generator: .*last\.pt: expected a run to go on with, got no file"
    ):
        train("--data", data, "--output", output, *SMALL, "--resume")
    with pytest.raises(SystemExit, match=r"^ultra-face train-generator: Generator: scale: expected a power of two"):
        train("--data", data, "--output", output, *SMALL, "--scale", 1)
    with pytest.raises(
        SystemExit, match=r"^ultra-face train-generator: expected images of at least 96 x 96 px, got none in 4"
    ):
        train("--data", data, "--output", output)
    with pytest.raises(SystemExit, match=r"^ultra-face train-generator: .*expected a trained detector, got no file"):
        train("--data", data, "--output", output, *SMALL, "--detector", tmp_path / "best.pt")


def test_interrupted(train, tmp_path, monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("ultra_face.super_resolution.trainer.Trainer.step", interrupt)
    output = tmp_path / "run"
    with pytest.raises(SystemExit, match=r"^130$"):
        train("--data", write_tiny_faces(tmp_path / "faces"), "--output", output, *SMALL)
    assert capsys.readouterr().err.endswith(
        f"ultra-face train-generator: interrupted; --resume goes on with {output}\n"
    )
    assert (output / "last.pt").is_file()
