"""ONNX files of Ultralytics' exporter in ONNX Runtime alone, against the network that they were made of."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from small_exports import INPUT_HW, inputs

from ultra_face.detection.predictions import read_predictions
from ultra_face.detection.suppression import suppress
from ultra_face.runtimes.network import Signature
from ultra_face.runtimes.onnx_network import CPU, CUDA, OnnxNetwork
from ultra_face.runtimes.ultralytics_network import UltralyticsNetwork

Small = Callable[[str], Path]


@pytest.mark.parametrize(
    ("name", "fixed_hw"), [("fixed", INPUT_HW), ("batch", INPUT_HW), ("dynamic", None), ("half", INPUT_HW)]
)
def test_what_the_file_says_of_itself(small: Small, name: str, fixed_hw: tuple[int, int] | None) -> None:
    network = OnnxNetwork(small(name))
    assert network.signature == Signature(1, 3, 32, fixed_hw)
    assert network.providers == (CPU,)
    assert not network.sees_photographs


@pytest.mark.parametrize("count", [1, 3, 4])
@pytest.mark.parametrize("name", ["fixed", "batch", "dynamic"])
def test_batches_of_any_size_give_what_the_checkpoint_gives(small: Small, name: str, count: int) -> None:
    expected = UltralyticsNetwork(small("pt"), "cpu")(inputs(count))
    found = OnnxNetwork(small(name))(inputs(count))
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


def test_half_precision_takes_what_its_graph_takes(small: Small) -> None:
    expected = UltralyticsNetwork(small("pt"), "cpu")(inputs(2))
    found = OnnxNetwork(small("half"))(inputs(2))
    # 11 bits: of 128 px, 1/16 px a rounding.
    np.testing.assert_allclose(found[:, :4], expected[:, :4], atol=0.5)


def test_an_input_of_half_precision(small: Small, tmp_path: Path) -> None:
    import onnx

    model = onnx.load(small("fixed"))
    given = model.graph.input[0]
    given.type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
    given.name = "half_images"
    model.graph.node.insert(0, onnx.helper.make_node("Cast", ["half_images"], ["images"], to=onnx.TensorProto.FLOAT))
    onnx.save(model, tmp_path / "half.onnx")
    expected = OnnxNetwork(small("fixed"))(inputs(1).astype(np.float16).astype(np.float32))
    np.testing.assert_array_equal(OnnxNetwork(tmp_path / "half.onnx")(inputs(1)), expected)


def test_other_sizes_of_a_dynamic_file(small: Small) -> None:
    images = inputs(2, (64, 160))
    expected = UltralyticsNetwork(small("pt"), "cpu")(images)
    np.testing.assert_allclose(OnnxNetwork(small("dynamic"))(images), expected, rtol=1e-4, atol=1e-3)


def test_a_file_that_suppresses_by_itself_gives_what_we_suppress(small: Small) -> None:
    inside, outside = OnnxNetwork(small("nms")), OnnxNetwork(small("fixed"))
    for count in (1, 2):
        for rows, columns in zip(inside(inputs(count)), outside(inputs(count)), strict=True):
            found = read_predictions(rows, inside.signature, confidence=0.5)
            plain = read_predictions(columns, outside.signature, confidence=0.5)
            plain = plain[suppress(plain.boxes_xyxy, plain.scores, iou=0.5)]
            assert 0 < len(plain) < 300  # of which the file gives no more
            np.testing.assert_allclose(found.boxes_xyxy, plain.boxes_xyxy, atol=1e-3)
            np.testing.assert_allclose(found.landmarks, plain.landmarks, atol=1e-3)
            np.testing.assert_allclose(found.scores, plain.scores, atol=1e-5)


def test_names_of_files_in_any_script(small: Small, tmp_path: Path) -> None:
    file = tmp_path / "Gesichter ü 顔.onnx"
    file.write_bytes(small("fixed").read_bytes())
    assert OnnxNetwork(file).signature.fixed_hw == INPUT_HW


@pytest.mark.parametrize("device", [0, "0", "cuda", "cuda:0", "TensorrtExecutionProvider", "tpu", "-1"])
def test_a_device_that_is_not_there(small: Small, monkeypatch: pytest.MonkeyPatch, device: str | int) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CPU])
    message = rf"^device={device!r}: expected a device that this ONNX Runtime has, got none of cpu and {CPU}; choose"
    with pytest.raises(ValueError, match=message):
        OnnxNetwork(small("fixed"), device)


@pytest.mark.parametrize("device", ["cpu", CPU, None])
def test_the_processor_by_every_name(small: Small, device: str | None) -> None:
    assert OnnxNetwork(small("fixed"), device).providers[-1] == CPU


class Session:
    """A session of an ONNX Runtime that has these providers and remembers what it was asked for."""

    asked: ClassVar[list[object]] = []
    threads: ClassVar[int]
    runs: tuple[str, ...] = ()

    def __init__(self, content: bytes, settings: Any, providers: list[object]) -> None:
        Session.asked, Session.threads = providers, settings.intra_op_num_threads
        self._real = _INFERENCE_SESSION(content, providers=[CPU])

    def get_providers(self) -> list[str]:
        return list(self.runs)

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)


_INFERENCE_SESSION = onnxruntime.InferenceSession


@pytest.fixture
def with_cuda(monkeypatch: pytest.MonkeyPatch) -> type[Session]:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    monkeypatch.setattr(Session, "runs", (CUDA, CPU))
    return Session


@pytest.mark.parametrize(
    ("device", "provider", "options"),
    [
        (None, CUDA, {}),
        ("cuda", CUDA, {"device_id": 0}),
        (1, CUDA, {"device_id": 1}),
        ("cuda:2", CUDA, {"device_id": 2}),
        (CUDA, CUDA, {}),
    ],
)
def test_a_gpu_comes_before_the_processor(
    small: Small, with_cuda: type[Session], device: str | int | None, provider: str, options: dict[str, int]
) -> None:
    assert OnnxNetwork(small("fixed"), device).providers == (CUDA, CPU)
    assert with_cuda.asked == [(provider, options), (CPU, {})]


def test_threads(small: Small, with_cuda: type[Session]) -> None:
    """Zero leaves their number to ONNX Runtime."""
    OnnxNetwork(small("fixed"))
    assert with_cuda.threads == 0
    OnnxNetwork(small("fixed"), threads=3)
    assert with_cuda.threads == 3


def test_a_gpu_whose_libraries_do_not_load(
    small: Small, with_cuda: type[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(with_cuda, "runs", (CPU,))
    assert OnnxNetwork(small("fixed")).providers == (CPU,)  # nobody has asked for one
    message = rf"^device=0: expected ONNX Runtime to run on {CUDA}, got {CPU}, as its libraries do not load; install"
    with pytest.raises(ValueError, match=message):
        OnnxNetwork(small("fixed"), 0)


def test_files_of_another_kind(tmp_path: Path) -> None:
    import onnx
    from onnx import helper

    with pytest.raises(FileNotFoundError, match=r"no\.onnx: expected an ONNX file, got no file; check the path"):
        OnnxNetwork(tmp_path / "no.onnx")
    (tmp_path / "text.onnx").write_text("no model")
    message = r"text\.onnx: expected an ONNX file, got a file of another kind \(InvalidProtobuf: .*\); make one with"
    with pytest.raises(ValueError, match=message) as caught:
        OnnxNetwork(tmp_path / "text.onnx")
    assert "\n" not in str(caught.value)

    value = helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, [1, 3, 32, 32])
    graph = helper.make_graph([helper.make_node("Identity", ["images"], ["y"])], "g", [value],
                              [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 3, 32, 32])])  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(ValueError, match=r"other\.onnx: expected a face model of Ultralytics .* one with no landmarks"):
        OnnxNetwork(tmp_path / "other.onnx")
    helper.set_model_props(model, {"names": "face", "kpt_shape": "(5, 3)"})
    onnx.save(model, tmp_path / "odd.onnx")
    with pytest.raises(ValueError, match=r"odd\.onnx: expected notes of Ultralytics' exporter, got others \(malformed"):
        OnnxNetwork(tmp_path / "odd.onnx")


def test_onnx_runtime_is_not_installed(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    file = small("fixed")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModuleNotFoundError, match=r"best\.onnx: expected the package onnxruntime, .*`pip install onnx"):
        OnnxNetwork(file)


def test_a_network_without_inputs_or_of_other_values_is_named(tmp_path: Path) -> None:
    """ONNX Runtime tells of another kind of input when it runs, in an error of its own."""
    notes = {"names": "{0: 'face'}", "kpt_shape": "[5, 3]", "stride": "32"}
    for name, kind in (("none.onnx", None), ("uint8.onnx", TensorProto.UINT8)):
        node = helper.make_node("Constant", [], ["out"], value_floats=[0.0])
        images = [] if kind is None else [helper.make_tensor_value_info("images", kind, [1, 3, 64, 64])]
        out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1])
        graph = helper.make_graph([node], "g", images, [out])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        helper.set_model_props(model, notes)
        onnx.save(model, tmp_path / name)
    with pytest.raises(ValueError, match=r"none\.onnx: expected an ONNX file, got a file of another kind \(IndexError"):
        OnnxNetwork(tmp_path / "none.onnx")
    network = OnnxNetwork(tmp_path / "uint8.onnx")
    with pytest.raises(ValueError, match=r"uint8\.onnx: expected an ONNX file that takes images of this size, got"):
        network(np.zeros((1, 3, 64, 64), np.float32))


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        ({"kpt_shape": "(" * 500}, "expected notes of Ultralytics' exporter"),
        ({"kpt_shape": "5"}, r"expected a face model of Ultralytics with kpt_shape .* got one with kpt_shape 5"),
        ({"kpt_shape": "[[5], 3]"}, r"got one with kpt_shape \[\[5\], 3\]"),
        ({"names": "3"}, "got one with the classes 3"),
        ({"stride": "0"}, "expected a stride of 1 to 1024 px, got 0"),
        ({"stride": "32.5"}, "expected notes of Ultralytics' exporter"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_notes_that_are_none_are_told(small: Small, tmp_path: Path, notes: dict[str, str], message: str) -> None:
    model = onnx.load(small("dynamic"))
    for note in model.metadata_props:
        note.value = notes.get(note.key, note.value)
    onnx.save(model, tmp_path / "a.onnx")
    with pytest.raises(ValueError, match=rf"a\.onnx: .*{message}"):
        OnnxNetwork(tmp_path / "a.onnx")
