"""Which models the page takes, and what it is told of them."""

from __future__ import annotations

import onnx
import pytest
from noted_onnx import write_noted_onnx

from ultra_face.web.page_model import open_page_model


def test_a_file_of_one_size(tmp_path):
    file = write_noted_onnx(tmp_path / "mine.onnx", 1, 3, 96, 128)
    model = open_page_model(str(file))
    assert model.content == file.read_bytes()
    assert model.describe("model.onnx", confidence=0.4, threads=2) == {
        "name": "mine", "file": "model.onnx", "size": {"width": 128, "height": 96}, "stride": None,
        "classes": 1, "values": 3, "confidence": 0.4, "threads": 2,
    }  # fmt: skip


def test_a_file_for_any_size(tmp_path):
    file = write_noted_onnx(tmp_path / "mine.onnx", "batch", 3, "height", "width", kpt_shape="[5, 2]")
    described = open_page_model(str(file), 320).describe("model.onnx", confidence=0.5, threads=1)
    assert (described["size"], described["stride"]) == ({"width": 320, "height": 320}, 32)
    assert described["values"] == 2
    assert open_page_model(str(file)).size == 640
    with pytest.raises(ValueError, match="expected --imgsz in multiples of 32 px, got 330"):
        open_page_model(str(file), 330)


@pytest.mark.parametrize(
    ("shape", "options", "size", "told"),
    [
        ((4, 3, 96, 96), {}, None, "expected inputs of float32, one at a time, got a batch of 4"),
        ((1, 3, 96, 96), {"half": True}, None, "expected inputs of float32, one at a time, got float16"),
        ((1, 3, 96, 96), {}, 128, "expected inputs of 96 x 96 px, the only size that it takes, got 128 px"),
        ((1, 3, 96, 96), {"kpt_shape": ""}, None, r"expected a face model of Ultralytics with kpt_shape \[5, 3\]"),
    ],
)
def test_what_the_page_does_not_take_is_told(tmp_path, shape, options, size, told):
    with pytest.raises(ValueError, match=f"mine.onnx: {told}"):
        open_page_model(str(write_noted_onnx(tmp_path / "mine.onnx", *shape, **options)), size)


def test_files_of_other_kinds_are_told(tmp_path):
    (tmp_path / "model.mnn").touch()
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ValueError, match=r"model.mnn: expected a face model, .pt or .onnx, got another"):
        open_page_model(str(tmp_path / "model.mnn"))
    with pytest.raises(ValueError, match=r"model.onnx: expected an ONNX file, got a file of another kind"):
        open_page_model(str(tmp_path / "model.onnx"))
    for name in ("no.onnx", "no.pt"):
        with pytest.raises(FileNotFoundError, match=f"{name}: expected"):
            open_page_model(str(tmp_path / name))


def test_an_export_without_its_tools_is_told(monkeypatch):
    monkeypatch.setattr("ultra_face.web.page_model.importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        ModuleNotFoundError, match=r"expected the package onnx, .* `pip install \"ultra-face\[export\]\"`"
    ):
        open_page_model("yolov5n-aesvc-face.pt")


@pytest.mark.slow
def test_a_checkpoint_is_exported_and_left_alone(page_model, repository):
    assert (page_model.name, page_model.signature.fixed_hw, page_model.size) == ("yolov5n-aesvc-face", (640, 640), 640)
    assert onnx.load_from_string(page_model.content).graph.output[0].name == "output0"
    assert not list((repository / "weights").glob("*.onnx"))
