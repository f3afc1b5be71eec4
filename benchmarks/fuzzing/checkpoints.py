"""Broken and hostile checkpoints and ONNX files, through all commands that open one. None of them may run code."""

from __future__ import annotations

import builtins
import importlib
import os
import pickle
import subprocess
import zipfile
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from benchmarks.fuzzing.case import Case, written
from benchmarks.fuzzing.mutations import BYTES, HUGE
from benchmarks.fuzzing.sandbox import Sandbox
from benchmarks.fuzzing.seeds import Seeds
from ultra_face.cli.doctor import examine_file
from ultra_face.deploy.quantising import float_model
from ultra_face.detector import FaceDetector
from ultra_face.evaluation.detect_folders import open_detector
from ultra_face.evaluation.detect_images import Run, Settings
from ultra_face.files.trust import files_trusted
from ultra_face.refinement.checkpoint import write_refined
from ultra_face.runtimes.ultralytics_model import open_checkpoint
from ultra_face.super_resolution.checkpoint import load_generator
from ultra_face.super_resolution.losses import load_detector, vgg19_features
from ultra_face.web.page_model import open_page_model

GENERATOR = "ultra-face generator"
PICTURE = np.full((48, 64, 3), 114, np.uint8)


class Calls:
    """What a pickle makes of it: a call of any function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._made_of = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        """As `object.__reduce__`."""
        return self._made_of


class Checkpoints:
    """A checkpoint or an ONNX file, broken or made by somebody else."""

    def __init__(self, seeds: Seeds) -> None:
        self.checkpoint, self.onnx = seeds.checkpoint.read_bytes(), seeds.onnx.read_bytes()

    def case(self, number: int, rng: Random, sandbox: Sandbox) -> Case:
        """As `Family.case`; half of them are checkpoints, half ONNX files."""
        if number % 2:
            mutation = list(ONNX)[number // 2 % len(ONNX)]
            file = written(sandbox.input / "model.onnx", ONNX[mutation](self.onnx, rng))
            readers: Sequence[Callable[[Path, Sandbox], Any]] = (_detect, _page, _quantise, _evaluate)
            kind = "ONNX"
        else:
            mutation = list(CHECKPOINTS)[number // 2 % len(CHECKPOINTS)]
            file = written(sandbox.input / "model.pt", CHECKPOINTS[mutation](self, rng, sandbox))
            readers = (_detect, _evaluate, _refine, _doctor, _generator, _load_detector, _vgg, _page, _quantise)
            kind = "checkpoint"
        read = rng.choice(readers)

        def run() -> Any:
            with files_trusted(False):  # as every command without --trust
                return read(file, sandbox)

        return Case(f"{kind}, {mutation}", run, (file.name,))


def _detect(file: Path, sandbox: Sandbox) -> Any:
    return FaceDetector(file, imgsz=64, device="cpu")(PICTURE)


def _evaluate(file: Path, sandbox: Sandbox) -> Any:
    return open_detector(Run(str(file), sandbox.input, sandbox.output, Settings(scales=(64,), device="cpu")))


def _refine(file: Path, sandbox: Sandbox) -> Any:
    return write_refined(open_checkpoint(file), sandbox.output / "refined.pt", settings={"windows": 2})


def _doctor(file: Path, sandbox: Sandbox) -> Any:
    healthy, text = examine_file(file)
    if not healthy:
        raise ValueError(text)
    return text


def _generator(file: Path, sandbox: Sandbox) -> Any:
    return load_generator(file)


def _load_detector(file: Path, sandbox: Sandbox) -> Any:
    return load_detector(file)


def _vgg(file: Path, sandbox: Sandbox) -> Any:
    return vgg19_features(file)


def _page(file: Path, sandbox: Sandbox) -> Any:
    if file.suffix == ".pt":
        return FaceDetector(file, device="cpu")  # the page exports what this opens
    return open_page_model(str(file))


def _quantise(file: Path, sandbox: Sandbox) -> Any:
    if file.suffix == ".pt":
        return open_checkpoint(file)  # from which the float model is exported
    with float_model(file, None) as model:
        return model.size_hw


Make = Callable[[Checkpoints, Random, Sandbox], bytes]


def _on_bytes(name: str) -> Make:
    return lambda family, rng, sandbox: BYTES[name](family.checkpoint, rng)


def _pickle_changed(family: Checkpoints, rng: Random, sandbox: Sandbox) -> bytes:
    """The archive is right, the pickle in it is not."""
    change = BYTES[rng.choice(list(BYTES))]
    return _with_members(
        family.checkpoint, lambda name, content: change(content, rng) if name.endswith(".pkl") else content
    )


def _tensors_changed(family: Checkpoints, rng: Random, sandbox: Sandbox) -> bytes:
    change = BYTES[rng.choice(("truncated", "part lost", "only noise"))]
    return _with_members(family.checkpoint, lambda name, content: change(content, rng) if "/data/" in name else content)


def _with_members(archive: bytes, change: Callable[[str, bytes], bytes], *, squeeze: bool = False) -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(BytesIO(archive)) as before, zipfile.ZipFile(content, "w") as after:
        for name in before.namelist():
            kind = zipfile.ZIP_DEFLATED if squeeze else zipfile.ZIP_STORED
            after.writestr(name, change(name, before.read(name)), compress_type=kind)
    return content.getvalue()


def _other_content(family: Checkpoints, rng: Random, sandbox: Sandbox) -> bytes:
    others: Sequence[Any] = (
        {}, [], None, 3, "text", {"model": None}, {"model": {"a": 1}}, {"model": torch.zeros(3)},
        {"ema": 1, "model": 2},
        {"kind": GENERATOR}, {"kind": GENERATOR, "architecture": {"width": 10**9}, "weights": {}},
        {"kind": GENERATOR, "architecture": {}, "weights": {}}, {"features.0.weight": torch.zeros(3)},
        {"model": torch.nn.Identity()}, {"model": torch.nn.Sequential(torch.nn.Linear(2, 2)), "train_args": 3},
        torch.nn.Conv2d(1, 1, 1), {"model": torch.nn.Identity(), "train_args": {"task": "fly"}},
    )  # fmt: skip
    return _saved(rng.choice(others), rng)


def _saved(content: Any, rng: Random) -> bytes:
    stream = BytesIO()
    way = rng.choice(("archive", "legacy", "pickle"))
    if way == "pickle":
        pickle.dump(content, stream, protocol=rng.choice((2, 4)))
    else:
        torch.save(content, stream, _use_new_zipfile_serialization=way == "archive")
    return stream.getvalue()


def _calls(family: Checkpoints, rng: Random, sandbox: Sandbox) -> bytes:
    """A pickle that runs code when it is loaded: it would leave a file outside."""
    mark = str(sandbox.outside / "ran")
    code = f"open({mark!r}, 'w').close()"
    hostile = rng.choice(
        (
            Calls(os.system, f"touch {mark}"),
            Calls(subprocess.call, ["touch", mark]),
            Calls(builtins.exec, code),
            Calls(builtins.eval, code),
            Calls(builtins.open, mark, "w"),
            Calls(importlib.import_module, "antigravity"),
            Calls(os.mkdir, mark),
            Calls(torch.load, mark),
            Calls(torch.hub.download_url_to_file, "http://127.0.0.1:9/a", mark),
            Calls(np.save, mark, 1),
            Calls(builtins.getattr, torch.nn.Module, "__init_subclass__"),
        )
    )
    around = rng.choice(("model", "alone", "beside", "inside a layer", "state"))
    if around == "inside a layer":
        layer = torch.nn.Identity()
        layer.hidden = hostile
        return _saved({"model": layer}, rng)
    kinds: Mapping[str, Any] = {
        "model": {"model": hostile},
        "alone": hostile,
        "beside": {"model": torch.nn.Identity(), "optimizer": hostile},
        "state": {"kind": GENERATOR, "architecture": {}, "weights": {"a": hostile}},
    }
    return _saved(kinds[around], rng)


def _bomb(family: Checkpoints, rng: Random, sandbox: Sandbox) -> bytes:
    """An archive of kilobytes with hundreds of megabytes of zeros in it, as pickle or as tensor."""
    ending = rng.choice((".pkl", "/data/0"))
    zeros = bytes(2**27)
    return _with_members(
        family.checkpoint, lambda name, content: content + zeros if name.endswith(ending) else content, squeeze=True
    )


def _leaving_names(family: Checkpoints, rng: Random, sandbox: Sandbox) -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(BytesIO(family.checkpoint)) as before, zipfile.ZipFile(content, "w") as after:
        for name in before.namelist():
            _, _, rest = name.partition("/")
            after.writestr(
                rng.choice(("../../outside/", f"{sandbox.outside}/", "a/../../", "face/")) + rest, before.read(name)
            )
    return content.getvalue()


def _another_file(family: Checkpoints, rng: Random, sandbox: Sandbox) -> bytes:
    script = BytesIO()
    torch.jit.save(torch.jit.trace(torch.nn.Identity(), torch.zeros(1)), script)
    return rng.choice(
        (family.onnx, script.getvalue(), b"\x89PNG\r\n\x1a\n" + bytes(100), b"PK\x05\x06" + bytes(18), b"a: 1\n")
    )


CHECKPOINTS: Mapping[str, Make] = {
    "none": lambda family, rng, sandbox: family.checkpoint,
    **{name: _on_bytes(name) for name in BYTES},
    "pickle changed": _pickle_changed,
    "tensors changed": _tensors_changed,
    "other content": _other_content,
    "pickle that runs code": _calls,
    "pickle that runs code, again": _calls,
    "bomb": _bomb,
    "names that leave the folder": _leaving_names,
    "another file": _another_file,
}


def _changed(change: Callable[[Any, Random], None]) -> Callable[[bytes, Random], bytes]:
    def make(content: bytes, rng: Random) -> bytes:
        model = onnx.load_from_string(content)
        change(model, rng)
        return model.SerializeToString()

    return make


def _notes(model: Any, rng: Random) -> None:
    wrong = (
        "", "None", "{}", "[5, 3", "[5, 4]", "(" * 5000, "-1", "0", "{0: 'face'}", "[" * 200 + "]" * 200, "os.getcwd()",
        "9" * 5000, "[[5], 3]", "{'a': [1]}", "[5, None]", "5", "'x'", "[5.0, 3.0]", "[5, 3]", "{1, 2}", "b'1'", *HUGE,
    )  # fmt: skip
    for note in model.metadata_props:
        if rng.random() < 0.4:
            note.value = rng.choice(wrong)
    if rng.random() < 0.3:
        del model.metadata_props[rng.randrange(len(model.metadata_props))]


def _dimensions(model: Any, rng: Random) -> None:
    shape = (model.graph.input if rng.random() < 0.6 else model.graph.output)[0].type.tensor_type.shape
    axis = shape.dim[rng.randrange(len(shape.dim))]
    if rng.random() < 0.5:
        axis.dim_value = rng.choice((0, 1, 3, 7, 33, 64, 2**31, 2**62))
    else:
        axis.dim_param = rng.choice(("a", "batch", "height"))
    if rng.random() < 0.2:
        del shape.dim[rng.randrange(len(shape.dim))]


def _nodes(model: Any, rng: Random) -> None:
    nodes = model.graph.node
    node = nodes[rng.randrange(len(nodes))]
    what = rng.randrange(5)
    if what == 0:
        node.op_type = rng.choice(("NoSuchOperator", "Loop", "Relu", "Sin", "Reshape"))
    elif what == 1:
        node.input[:] = node.input[:-1]
    elif what == 2:
        nodes.remove(node)
    elif what == 3:
        node.domain = "com.example"
    else:
        node.input[:] = [*node.input[:-1], node.output[0]]  # a loop


def _weights(model: Any, rng: Random) -> None:
    tensor = model.graph.initializer[rng.randrange(len(model.graph.initializer))]
    what = rng.randrange(4)
    if what == 0:
        tensor.dims[:] = [*tensor.dims[:-1], rng.choice((0, -1, 2**40))]
    elif what == 1:
        tensor.raw_data = tensor.raw_data[: len(tensor.raw_data) // 2]
    elif what == 2:
        tensor.data_type = rng.choice((0, 8, 9, 99))
    else:
        values = numpy_helper.to_array(tensor)
        filled = np.full(values.shape, rng.choice((np.nan, np.inf, 1e38, 0)), np.float64).astype(values.dtype)
        tensor.CopyFrom(numpy_helper.from_array(filled, tensor.name))


def _external(model: Any, rng: Random) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    place = rng.choice(("../outside/canary.txt", "/etc/passwd", "weights.bin", ""))
    del tensor.external_data[:]
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", place


def _other_network(content: bytes, rng: Random) -> bytes:
    """A small network with the notes of a face model, whose output has another shape or holds no numbers."""
    shape = rng.choice(((1, 20, 84), (1, 5, 10), (20, 84), (1, 0, 0), (1, 84, 20), (2, 20, 4), (1, 21, 6), (1,)))
    values = np.full(shape, rng.choice((0.0, np.nan, np.inf, -1e30, 1e30)), np.float32)
    node = helper.make_node("Constant", [], ["out"], value=numpy_helper.from_array(values))
    image = helper.make_tensor_value_info(
        "images",
        rng.choice((TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.UINT8, TensorProto.STRING)),
        [1, 3, 64, 64],
    )
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, shape)
    graph = helper.make_graph([node], "g", [image] if rng.random() < 0.9 else [], [out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    model.metadata_props.extend(onnx.load_from_string(content).metadata_props)
    return model.SerializeToString()


ONNX: Mapping[str, Callable[[bytes, Random], bytes]] = {
    "none": lambda content, rng: content,
    **BYTES,
    "notes": _changed(_notes),
    "dimensions": _changed(_dimensions),
    "nodes": _changed(_nodes),
    "weights": _changed(_weights),
    "weights elsewhere": _changed(_external),
    "another network": _other_network,
    "another file": lambda content, rng: rng.choice((b"a: 1\n", pickle.dumps({}), b"PK\x05\x06" + bytes(18))),
}
