"""Models in whole numbers: what is left in float, what they find, what is kept and what is refused."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper
from quantised_faces import assert_finds_the_same
from shipped_export import SHIPPED
from tiny_faces import write_tiny_faces
from ultralytics import YOLO
from ultralytics.utils import ASSETS

from ultra_face import FaceDetector, __main__
from ultra_face.deploy import quantising
from ultra_face.deploy.exports import as_values
from ultra_face.deploy.photographs import Inputs
from ultra_face.deploy.quantised_nodes import stays_float
from ultra_face.deploy.quantising import (
    FloatModel,
    calibration_inputs,
    check_head,
    check_quantisation,
    float_model,
    write_quantised,
)

PHOTOGRAPHS = sorted(ASSETS.glob("*.jpg"))  # those that Ultralytics ships
SIZE = 320


@pytest.fixture(scope="module")
def quantised(shipped_onnx: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped weights in whole numbers, calibrated on the photographs themselves."""
    output = tmp_path_factory.mktemp("quantised") / "int8.onnx"
    write_quantised(FloatModel(shipped_onnx), output, Inputs(PHOTOGRAPHS, (SIZE, SIZE)))
    return output


def metadata(file: Path) -> dict[str, str]:
    return {entry.key: entry.value for entry in onnx.load(file).metadata_props}


def test_the_faces_are_those_of_the_float_file(quantised: Path, shipped_onnx: Path) -> None:
    assert_finds_the_same(quantised, shipped_onnx, PHOTOGRAPHS, size=SIZE, median=1.0)


def test_output_convolutions_and_decoding_are_float_and_the_trunk_is_not(quantised: Path) -> None:
    graph = onnx.load(quantised).graph
    from_integers = {name for node in graph.node if node.op_type == "DequantizeLinear" for name in node.output}
    integer_weights = {tensor.name for tensor in graph.initializer if tensor.data_type == TensorProto.INT8}
    convs = [node for node in graph.node if node.op_type == "Conv"]
    outputs = [node for node in convs if stays_float(node.name, 25)]
    assert [node.name for node in outputs] == [f"/model.25/predict.{level}/Conv" for level in range(3)]
    for node in convs:
        assert (node.input[1] in from_integers) is (node not in outputs), node.name
    assert len(integer_weights) >= len(convs) - len(outputs)
    decoding = {name for node in graph.node if stays_float(node.name, 25) and "/" in node.name for name in node.output}
    made_integer = {node.input[0] for node in graph.node if node.op_type == "QuantizeLinear"}
    assert not decoding & made_integer


def test_weights_have_a_scale_a_channel_and_seven_bits(quantised: Path) -> None:
    tensors = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(quantised).graph.initializer}
    weights = tensors["model.0.conv.weight_quantized"]
    assert len(tensors["model.0.conv.weight_scale"]) == len(weights) == 16
    assert 32 < np.abs(weights.astype(int)).max() <= 64


def test_what_the_exporter_noted_is_kept(quantised: Path, shipped_onnx: Path) -> None:
    kept = metadata(quantised)
    assert kept.items() >= metadata(shipped_onnx).items()
    assert {"names", "kpt_shape", "stride", "imgsz", "task", "head"} <= set(kept)


def test_ultralytics_runs_it(quantised: Path) -> None:
    (result,) = YOLO(quantised, task="pose").predict(PHOTOGRAPHS[1], imgsz=SIZE, conf=0.5, verbose=False)
    assert len(result.boxes) >= 1
    assert result.names == {0: "face"}
    assert result.keypoints.shape[1:] == (5, 3)


# -- what is refused -----------------------------------------------------------------------------------------


def test_a_name_of_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.tflite: expected a name that ends in \.onnx or _openvino_model"):
        check_quantisation(tmp_path / "a.pt", tmp_path / "a.tflite")


def test_a_model_of_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.yaml: expected a checkpoint \.pt or the \.onnx file .*got \.yaml"):
        check_quantisation(tmp_path / "a.yaml", tmp_path / "b.onnx")


@pytest.mark.parametrize("name", ["b.onnx", "b_openvino_model"])
def test_what_exists_is_kept(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(FileExistsError, match="expected a new name, got an existing one"):
        check_quantisation(tmp_path / "a.pt", tmp_path / name)


@pytest.mark.parametrize(
    ("name", "package", "extra"), [("b.onnx", "onnxruntime", "export"), ("b_openvino_model", "nncf", "int8")]
)
def test_a_missing_package_is_named(
    name: str, package: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda asked: None if asked == package else object())
    with pytest.raises(ModuleNotFoundError, match=rf'the package {package}, .*`pip install "ultra-face\[{extra}\]"`'):
        check_quantisation(tmp_path / "a.pt", tmp_path / name)


def changed(shipped: Path, file: Path, change: str) -> Path:
    """The shipped model with one thing about it that does not suit."""
    model = onnx.load(shipped)
    if change == "another head":
        next(entry for entry in model.metadata_props if entry.key == "head").value = "Pose"
    elif change == "no notes":
        del model.metadata_props[:]
    elif change == "half":
        model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT16
    elif change == "one picture":
        del model.graph.input[0].type.tensor_type.shape.dim[0]
    else:
        model.graph.node.append(helper.make_node("QuantizeLinear", ["images"], ["q"]))
    onnx.save(model, file)
    return file


@pytest.mark.parametrize(
    ("change", "got"),
    [
        ("another head", "one with the head Pose"),
        ("no notes", "one of another origin"),
        ("half", "one in half precision"),
        ("whole", "one in whole numbers"),
        ("one picture", "one whose input has 3 dimensions"),
    ],
)
def test_an_onnx_file_of_another_kind_is_refused(change: str, got: str, shipped_onnx: Path, tmp_path: Path) -> None:
    file = changed(shipped_onnx, tmp_path / "a.onnx", change)
    with pytest.raises(ValueError, match=rf"a\.onnx: expected the ONNX file .*AnchorPose.*got {got}; make one of its"):
        FloatModel(file)


def test_a_file_that_is_no_onnx_and_one_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"no graph")
    with pytest.raises(ValueError, match=r"a\.onnx: expected the ONNX file that"):
        FloatModel(tmp_path / "a.onnx")
    with pytest.raises(FileNotFoundError, match="got no file; check the path"):
        FloatModel(tmp_path / "b.onnx")


def test_a_size_that_the_file_is_not_made_for_is_refused(shipped_onnx: Path, tmp_path: Path) -> None:
    model = onnx.load(shipped_onnx)
    for axis, size in zip(model.graph.input[0].type.tensor_type.shape.dim, (1, 3, 320, 640), strict=True):
        axis.dim_value = size
    onnx.save(model, tmp_path / "fixed.onnx")
    with (
        pytest.raises(ValueError, match=r"expected inputs of 320 x 640 px, for which it is made, got --imgsz 320"),
        float_model(tmp_path / "fixed.onnx", 320),
    ):
        pass
    with float_model(tmp_path / "fixed.onnx", None) as exported:
        assert calibration_inputs(exported, [ASSETS], 1, None).size == (320, 640)


def test_a_size_that_is_no_multiple_of_the_stride_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected a multiple of 32 px, got 100"), float_model(tmp_path / "a.pt", 100):
        pass


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    YOLO("yolov8n-pose.yaml").save(tmp_path / "stock.pt")
    with pytest.raises(ValueError, match=r"stock\.pt: expected a face model that ends in one of AnchorPose.*got Pose"):
        check_head(tmp_path / "stock.pt")


def test_no_photographs_are_refused(shipped_onnx: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"expected images in .*empty, got none"):
        calibration_inputs(FloatModel(shipped_onnx), [tmp_path / "empty"], 4, SIZE)


@pytest.mark.parametrize("name", ["b.onnx", "b_openvino_model"])
def test_nothing_is_written_where_a_photograph_does_not_decode(name: str, shipped_onnx: Path, tmp_path: Path) -> None:
    if name.endswith(quantising.OPENVINO):
        pytest.importorskip("nncf")
    (tmp_path / "bad.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"bad\.png: expected an image, got a file that does not decode"):
        write_quantised(FloatModel(shipped_onnx), tmp_path / name, Inputs([tmp_path / "bad.png"], (SIZE, SIZE)))
    assert [path.name for path in tmp_path.iterdir()] == ["bad.png"]


# -- OpenVINO ------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of nncf, about the versions of others
def test_openvino_in_whole_numbers(shipped_onnx: Path, tmp_path: Path) -> None:
    pytest.importorskip("nncf")
    import openvino

    output = tmp_path / "int8_openvino_model"
    write_quantised(FloatModel(shipped_onnx), output, Inputs(PHOTOGRAPHS, (SIZE, SIZE)))
    assert sorted(path.name for path in output.iterdir()) == ["int8.bin", "int8.xml", "metadata.yaml"]
    assert yaml.safe_load((output / "metadata.yaml").read_text()) == as_values(metadata(shipped_onnx))
    nodes = openvino.Core().read_model(output / "int8.xml").get_ops()
    scaled = [node.get_friendly_name() for node in nodes if node.get_type_name() == "FakeQuantize"]
    assert len(scaled) > 50
    assert [name for name in scaled if "/model.25/" in name] == []
    assert_finds_the_same(output, shipped_onnx, PHOTOGRAPHS, size=SIZE, median=1.0)


# -- the command ---------------------------------------------------------------------------------------------


@pytest.fixture
def shipped_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data YAML of noise, in the working folder, with the checkpoint beside it."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(SHIPPED, tmp_path / "best.pt")
    return write_tiny_faces(tmp_path / "faces")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the stock exporter traces, which torch announces to retire
def test_the_command_writes_a_file_and_reports(
    shipped_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = f"quantize best.pt int8.onnx --data {shipped_data} --photographs 2 --imgsz 96 --json lost.json"
    monkeypatch.setattr("sys.argv", ["ultra-face", *words.split()])
    __main__.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["float", "int8"]
    assert [line[:30].strip() for line in lines[1:]] == [
        "AP50, %", "faces of 0 to 20 px, %", "faces of 20 to 50 px, %", "faces of 50 px and more, %",
        "landmark error, % of the box", "size, MB", "1 thread, ms", "2 threads, ms",
    ]  # fmt: skip
    record = json.loads(Path("lost.json").read_text())
    assert (record["calibration_photographs"], record["val_photographs"]) == (2, 4)
    assert record["int8"]["megabytes"] < record["float"]["megabytes"] / 2
    assert set(record["float"]["ms"]) == {"1", "2"}
    assert {path.name for path in Path().iterdir()} == {"best.pt", "faces", "int8.onnx", "lost.json"}
    assert FaceDetector("int8.onnx", device="cpu")(np.zeros((64, 64, 3), np.uint8)).image_size == (64, 64)


@pytest.mark.parametrize(("file", "output"), [("int8.onnx", "int8.onnx"), ("lost.json", "new.onnx")])
def test_the_command_keeps_files_of_the_user(
    file: str, output: str, shipped_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(file).write_text("mine")
    words = f"quantize best.pt {output} --data {shipped_data} --json lost.json"
    monkeypatch.setattr("sys.argv", ["ultra-face", *words.split()])
    with pytest.raises(SystemExit, match=rf"{file}: expected a new .* got an existing one"):
        __main__.main()
    assert Path(file).read_text() == "mine"
