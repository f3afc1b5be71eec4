"""A model YAML with our layers builds layers and nothing else, of sizes that fit; all else is told in a sentence."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from small_models import small_yaml
from ultralytics import YOLO

from ultra_face.files.trust import files_trusted
from ultra_face.plugin.parser import UnknownLayerError
from ultra_face.runtimes.ultralytics_model import open_model


def write(folder: Path, change: Any = lambda content: None, **keys: Any) -> Path:
    """A small model YAML of a face model, changed."""
    content = copy.deepcopy(small_yaml("AnchorPose")) | keys
    content = {key: value for key, value in content.items() if value is not None}
    change(content)
    file = folder / "model-pose.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    return file


def row(index: int, place: int, value: Any) -> Any:
    """Put a value into a row of the backbone."""

    def change(content: dict[str, Any]) -> None:
        content["backbone"][index][place] = value

    return change


def test_the_small_model_builds(tmp_path: Path) -> None:
    assert YOLO(write(tmp_path)).model is not None
    assert YOLO(write(tmp_path, activation="nn.LeakyReLU(0.1, inplace=True)")).model is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (row(1, 0, 7), r"layer 1 \(Conv\): expected earlier layers as inputs, got 7"),
        (row(1, 0, "x"), r"layer 1 \(Conv\): expected earlier layers as inputs, got 'x'"),
        (row(1, 1, 10**9), r"layer 1 \(Conv\): expected 1 to 100 repeats, got 1000000000"),
        (row(1, 1, 0), r"layer 1 \(Conv\): expected 1 to 100 repeats, got 0"),
        (row(1, 3, [10_000, 3]), r"layer 1 \(Conv\): expected arguments up to 8192, got 10000"),
        (row(1, 3, [8, 2000]), r"layer 1 \(Conv\): expected arguments up to 1024, got 2000"),
        (row(1, 3, [8, float("nan")]), r"layer 1 \(Conv\): expected arguments up to 1024, got nan"),
        (row(1, 3, "abc"), r"layer 1: expected \[from, repeats, layer, arguments\], got \[-1, 1, 'Conv', 'abc'\]"),
        (row(0, 2, "load_checkpoint"), r"layer 0: expected a layer, got 'load_checkpoint'"),
        (row(0, 2, "nn.functional"), r"layer 0: expected a layer, got 'nn.functional'"),
        (row(0, 2, "torchvision.ops.nms"), r"layer 0: expected a layer, got 'torchvision.ops.nms'"),
        (row(1, 3, [8, 3, 2, "same"]), r"expected layers that fit each other, got a file of another kind \(\w+: "),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rows_that_ask_for_too_much_or_for_no_layer(tmp_path: Path, change: Any, message: str) -> None:
    with pytest.raises(ValueError, match=rf"model-pose\.yaml: {message}"):
        YOLO(write(tmp_path, change))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"nc": -1}, "nc: expected 1 to 8192 classes, got -1"),
        ({"nc": "many"}, "nc: expected 1 to 8192 classes, got 'many'"),
        ({"scales": [1]}, r"scales: expected a row for each letter, got \[1\]"),
        (
            {"scales": {"n": [1, 1e9, 64]}},
            r"scales: n: expected \[depth, width, most channels\], got \[1, 1000000000.0",
        ),
        ({"activation": "nn.SiLU"}, "activation: expected a layer of torch.nn such as nn.SiLU"),
        ({"activation": "nn.ReLU(print(1))"}, "activation: expected a layer of torch.nn such as nn.SiLU"),
        ({"activation": "nn.functional.silu(1)"}, "activation: expected a layer of torch.nn such as nn.SiLU"),
        ({"activation": "("}, "activation: expected a layer of torch.nn such as nn.SiLU"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_keys_that_are_out_of_range(tmp_path: Path, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=rf"model-pose\.yaml: {message}"):
        YOLO(write(tmp_path, **keys))


def test_more_weights_than_memory_holds_are_refused_before_they_are_made(tmp_path: Path) -> None:
    """8192 x 8192 x 9 weights are 6e8, of which 2^28 = 2.7e8 may be."""

    def change(content: dict[str, Any]) -> None:
        content["backbone"][0][3] = content["backbone"][1][3] = [8192, 3, 2]

    with pytest.raises(
        ValueError, match=r"model-pose\.yaml: expected a model of at most 268,435,456 weights, got more"
    ):
        YOLO(write(tmp_path, change))


def test_code_in_a_yaml_with_our_layers_does_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    with pytest.raises(ValueError, match="activation: expected a layer"):
        YOLO(write(tmp_path, activation=f"open({str(mark)!r}, 'w')"))
    assert not mark.exists()


def test_code_in_a_stock_yaml_runs_for_ultralytics_and_not_for_commands(tmp_path: Path) -> None:
    """`YOLO` stays as Ultralytics has it; what commands open does not run code."""
    mark = tmp_path / "ran"

    def stock(content: dict[str, Any]) -> None:
        content["head"] = [[-1, 1, "nn.Identity", []], [[2, 3, 4], 1, "Pose", ["nc", [5, 3]]]]
        content["head"][1][0] = [2, 3, 4]

    file = write(tmp_path, stock, activation=f"open({str(mark)!r}, 'w').close() or nn.SiLU()", anchors=None, sr=None)
    with pytest.raises(ValueError, match="activation: expected a layer"):
        open_model(file)
    assert not mark.exists()
    with files_trusted(True):
        open_model(file)
    assert mark.exists()


@pytest.mark.parametrize("part", ["backbone", "head"])
def test_a_yaml_without_rows_is_refused_for_commands(tmp_path: Path, part: str) -> None:
    with pytest.raises(ValueError, match=r"model-pose\.yaml"):
        open_model(write(tmp_path, **{part: None}))
    with pytest.raises(ValueError, match=r"model-pose\.yaml"):
        open_model(write(tmp_path, **{part: "text"}))


def test_a_yaml_too_deep_for_the_loader_of_ultralytics_is_refused_before_it(tmp_path: Path) -> None:
    """Its loader is compiled and ends the program at enough brackets."""
    file = tmp_path / "deep-pose.yaml"
    file.write_text("a: " + "[" * 3000 + "]" * 3000)
    with pytest.raises(ValueError, match=r"deep-pose\.yaml: expected a model of Ultralytics, got brackets"):
        open_model(file)
    (tmp_path / "deep5-pose.yaml").write_bytes(file.read_bytes())
    with pytest.raises(ValueError, match=r"deep5-pose\.yaml: expected a model of Ultralytics, got brackets"):
        open_model(tmp_path / "deep5n-pose.yaml")  # of which Ultralytics opens the other


def test_an_unknown_layer_is_both_errors() -> None:
    assert issubclass(UnknownLayerError, KeyError)  # as Ultralytics raises
    assert issubclass(UnknownLayerError, ValueError)  # as commands tell
