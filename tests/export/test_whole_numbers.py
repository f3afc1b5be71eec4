"""`yolo export quantize=8` of our models: the faces stay, since each kind of value has its own scale."""

from __future__ import annotations

import shutil
from pathlib import Path

import onnx
import pytest
from quantised_faces import assert_finds_the_same
from shipped_export import SHIPPED, export
from ultralytics.utils import ASSETS

SIZE = 320
PHOTOGRAPHS = sorted(ASSETS.glob("*.jpg"))  # those that Ultralytics ships


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return Path(shutil.copy(SHIPPED, tmp_path / "best.pt"))


def data_of_photographs(folder: Path) -> Path:
    """A data YAML of the photographs that Ultralytics ships, without labels."""
    (folder / "images").mkdir()
    for photograph in PHOTOGRAPHS:
        shutil.copy(photograph, folder / "images")
    data = folder / "data.yaml"
    data.write_text(f"path: {folder}\ntrain: images\nval: images\nnames: {{0: face}}\nkpt_shape: [5, 3]\n")
    return data


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the exporter, see test_exported_models.py
def test_the_shipped_weights_keep_their_faces(checkpoint: Path, shipped_onnx: Path, tmp_path: Path) -> None:
    quantised = export(checkpoint, format="onnx", quantize=8, data=str(data_of_photographs(tmp_path)), imgsz=SIZE)
    graph = onnx.load(quantised).graph
    heads = [node.name for node in graph.node if node.op_type == "Conv" and "/model.25/" in node.name]
    kinds = ("boxes", "objectness", "classes", "landmarks")
    assert heads == [f"/model.25/predict.{level}/{kind}/Conv" for level in range(3) for kind in kinds]
    integers = {node.input[0] for node in graph.node if node.op_type == "QuantizeLinear"}
    decoding = {
        output
        for node in graph.node
        for output in node.output
        if "/model.25/" in node.name and node.op_type not in ("Conv", "QuantizeLinear", "DequantizeLinear")
    }
    assert len(decoding) > 20
    assert not decoding & integers
    assert_finds_the_same(quantised, shipped_onnx, PHOTOGRAPHS, size=SIZE, median=2.0)


def test_a_float_export_has_one_convolution_a_level(shipped_onnx: Path) -> None:
    convs = [node.name for node in onnx.load(shipped_onnx).graph.node if node.op_type == "Conv"]
    assert [name for name in convs if "/model.25/" in name] == [f"/model.25/predict.{level}/Conv" for level in range(3)]
