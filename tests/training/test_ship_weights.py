"""The shipped file: averaged weights that predict, and nothing of the machine that made them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from small_models import small_model

from training import ship_weights

SETTINGS = {"task": "pose", "imgsz": 64, "lr0": 0.01, "data": "/home/me/faces.yaml", "project": "/home/me/runs"}


def checkpoint(seed: int, **changes: Any) -> dict[str, Any]:
    model = small_model("AnchorPose", seed=seed)
    model.yaml["yaml_file"] = "/home/me/small.yaml"
    record = {"date": "today", "version": "8", "license": "AGPL", "docs": "", "ema": model, "model": None}
    return record | {"train_args": SETTINGS, "optimizer": {"state": 1}, "git": {"root": "/home/me"}} | changes


def test_weights_are_the_mean() -> None:
    first, second = checkpoint(0), checkpoint(1)
    name = "model.0.conv.weight"
    mean = (first["ema"].state_dict()[name] + second["ema"].state_dict()[name]) / 2
    result = ship_weights.shipped([first, second], name="a.pt", image_size=640)["model"].state_dict()[name]
    torch.testing.assert_close(result, mean.half())
    assert not torch.equal(result, first["ema"].state_dict()[name].half())


def test_counters_are_not_averaged() -> None:
    states = [{"seen": torch.tensor(count)} for count in (3, 4)]
    assert ship_weights.average(states) == {"seen": torch.tensor(3)}


def test_checkpoints_of_other_architectures_are_refused() -> None:
    states = [{"w": torch.zeros(1)}, {"w": torch.zeros(2)}]
    with pytest.raises(ValueError, match="expected checkpoints of one architecture, got others; average those of one"):
        ship_weights.average(states)


def test_the_file_predicts_at_its_size_and_tells_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ultralytics import YOLO

    torch.save(checkpoint(0), tmp_path / "last.pt")
    output = tmp_path / "faces.pt"
    monkeypatch.setattr(sys, "argv", ["ship_weights", str(tmp_path / "last.pt"), "--output", str(output)])
    ship_weights.main()
    assert b"/home/me" not in output.read_bytes()
    model = YOLO(output)
    assert model.overrides["imgsz"] == 640
    assert model.ckpt["train_args"] == {"task": "pose", "imgsz": 640, "lr0": 0.01}
    assert torch.load(output, weights_only=False).keys() >= {"date", "version", "license"}


def test_a_checkpoint_of_another_script_becomes_one_of_this_package() -> None:
    record = checkpoint(0, date=None, train_args={"task": "pose"})
    trained = record["ema"]
    trained.note, trained.criterion = "of the script", object()
    del record["license"], record["docs"]
    result = ship_weights.shipped([record], name="a.pt", image_size=640)
    assert result["date"]
    assert result["license"].startswith("AGPL-3.0")
    assert result["model"].names == trained.names
    assert not {"note", "criterion"} & vars(result["model"]).keys()
    for name, value in trained.state_dict().items():
        torch.testing.assert_close(result["model"].state_dict()[name].float(), value.half().float())


def test_a_missing_file_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["ship_weights", str(tmp_path / "no.pt"), "--output", str(tmp_path / "a.pt")])
    with pytest.raises(SystemExit, match=r"ship_weights: .*no\.pt"):
        ship_weights.main()


def test_only_a_checkpoint_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "face.onnx"
    monkeypatch.setattr(sys, "argv", ["ship_weights.py", str(tmp_path / "last.pt"), "--output", str(output)])
    with pytest.raises(SystemExit, match=r"ship_weights: .*face\.onnx: expected a name that ends in \.pt"):
        ship_weights.main()
    assert not output.exists()
