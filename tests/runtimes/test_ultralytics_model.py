"""Models are opened by their file or by the name of a shipped one; what cannot be opened is told in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_models import small_model

from ultra_face.runtimes.ultralytics_model import open_checkpoint, open_model


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, the working one, of models of every kind."""
    torch.save({"model": small_model("AnchorPose").half(), "train_args": {"task": "pose"}}, tmp_path / "best.pt")
    torch.save({"a": 1}, tmp_path / "dict.pt")
    (tmp_path / "text.pt").write_text("no model")
    (tmp_path / "text.onnx").write_text("no model")
    (tmp_path / "odd.yaml").write_text("a: 1\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_checkpoints_yaml_files_and_shipped_names(files: Path) -> None:
    assert type(open_checkpoint(Path("best.pt")).model.model[-1]).__name__ == "AnchorPose"
    assert open_checkpoint(Path("yolov5n-aesvc-face.pt")).task == "pose"
    assert open_model("yolov5n-face.yaml").task == "pose"


@pytest.mark.parametrize("name", ["dict.pt", "text.pt", "odd.yaml"])
def test_files_of_another_kind(files: Path, name: str) -> None:
    message = rf"^{name}: expected a net, got a file of another kind \(\w+: .+\); name a best\.pt of yolo train$"
    with pytest.raises(ValueError, match=message) as caught:
        open_model(name, "a net")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["no.pt", "no.onnx", "no.yaml", "no/best.pt"])
def test_no_file(files: Path, name: str) -> None:
    with pytest.raises(FileNotFoundError, match=rf"^{name}: expected a net, got no file; check the path$"):
        open_model(name, "a net")


@pytest.mark.parametrize("name", ["text.onnx", "yolov5n-face.yaml"])
def test_what_holds_no_checkpoint(files: Path, name: str) -> None:
    message = rf"^{name}: expected the checkpoint of a face model, got a model YAML or an export; name a best\.pt"
    with pytest.raises(ValueError, match=message):
        open_checkpoint(Path(name))
