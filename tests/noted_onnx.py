"""ONNX files of one operator that look like those of Ultralytics' exporter."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper


def write_noted_onnx(file: Path, *shape: int | str, half: bool = False, kpt_shape: str = "[5, 3]") -> Path:
    """A network that gives back its image, with the notes of Ultralytics' exporter."""
    kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    image, output = (helper.make_tensor_value_info(name, kind, shape) for name in ("images", "output0"))
    graph = helper.make_graph([helper.make_node("Identity", ["images"], ["output0"])], "same", [image], [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    notes = {"names": "{0: 'face'}", "stride": "32", **({"kpt_shape": kpt_shape} if kpt_shape else {})}
    helper.set_model_props(model, notes)
    onnx.save(model, file)
    return file
