"""A face model in 8-bit whole numbers, calibrated on photographs: an ONNX file, or a folder for OpenVINO.

Every tensor but the outputs of the head keeps to one scale, found on photographs: the decoding and the convolutions
before it stay in float. Weights have a scale a channel. In ONNX files they use 7 of 8 bits: processors without VNNI add
two products in 16 bits, which 8 bits overflow, so that a file would find other faces there.
"""

from __future__ import annotations

import importlib.util
import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from ultra_face.deploy.exports import as_values, errors_alone, export
from ultra_face.deploy.photographs import Inputs, Progress, choose_evenly
from ultra_face.deploy.quantised_nodes import head_layer, stays_float
from ultra_face.files.whole import new_folder, replacing, write_file
from ultra_face.formats.files import named
from ultra_face.heads.table import HEADS
from ultra_face.runtimes.ultralytics_model import open_checkpoint

ONNX, CHECKPOINT = ".onnx", ".pt"
OPENVINO = "_openvino_model"
"""How the name of a folder ends by which Ultralytics knows OpenVINO."""

_PACKAGES = {ONNX: ("onnx", "onnxruntime", "onnxslim"), OPENVINO: ("onnx", "onnxslim", "openvino", "nncf")}
_EXTRA = {ONNX: "export", OPENVINO: "int8"}
IMAGE_SIZE, STRIDE = 640, 32  # of an input [px], where nobody says another, and of what it is a multiple
_METADATA = "metadata.yaml"


def check_quantisation(model: Path, output: Path) -> str:
    """Check before anything is done that such a file can be made of a model.

    Returns:
        How the name of the output ends, `ONNX` or `OPENVINO`.

    Raises:
        FileExistsError: there is such a file or folder.
        ModuleNotFoundError: a package that makes such a file is not installed.
        ValueError: a name that does not end as one of a model, or as one that can be written.
    """
    kind = next((kind for kind in _PACKAGES if output.name.endswith(kind)), None)
    if kind is None or output.name == kind:
        raise ValueError(f"{output}: expected a name that ends in {ONNX} or {OPENVINO}, got another; write that")
    if model.suffix.lower() not in (ONNX, CHECKPOINT):
        raise ValueError(
            f"{model}: expected a checkpoint {CHECKPOINT} or the {ONNX} file that `yolo export` makes of one, got "
            f"{model.suffix or 'no ending'}; name one of these"
        )
    if output.exists():
        raise FileExistsError(f"{output}: expected a new name, got an existing one; choose another, or remove it")
    for package in _PACKAGES[kind]:
        if importlib.util.find_spec(package) is None:
            raise ModuleNotFoundError(
                f"{output}: expected the package {package}, which is not installed; "
                f'`pip install "ultra-face[{_EXTRA[kind]}]"`',
                name=package,
            )
    return kind


class FloatModel:
    """The ONNX file of a face model in float32.

    Args:
        file: as `yolo export format=onnx` writes it.

    Attributes:
        file: the same.
        for_openvino: what OpenVINO reads: the same, or the `.xml` of an export of the checkpoint, which runs faster.
        size_hw: height and width of an input [px]; None where any will do.
        batch: inputs that it takes at once; 1 where any number will do.
        metadata: what the exporter notes.
        head: number of the head's layer.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a file of another kind, one in half precision, or one that is quantised already.
    """

    def __init__(self, file: Path) -> None:
        import onnx  # only here: an extra

        expected = "the ONNX file that `yolo export format=onnx` makes of a face model, in float"
        remedy = f"make one of its {CHECKPOINT}"
        if not file.is_file():
            raise FileNotFoundError(f"{file}: expected {expected}, got no file; check the path")
        with named(file, expected, remedy):
            model = onnx.load(file)
        self.file = self.for_openvino = file
        self.metadata = {entry.key: entry.value for entry in model.metadata_props}
        heads = [head.__name__ for head in HEADS]
        nodes = model.graph.node
        head = head_layer(node.name for node in nodes)
        (given, *_) = model.graph.input or [None]
        wrong = None
        if self.metadata.get("head") not in heads or head is None:
            wrong = f"one with the head {self.metadata['head']}" if "head" in self.metadata else "one of another origin"
        elif any(node.op_type == "QuantizeLinear" for node in nodes):
            wrong = "one in whole numbers"
        elif given is None or given.type.tensor_type.elem_type != onnx.TensorProto.FLOAT:
            wrong = "one in half precision"
        elif len(given.type.tensor_type.shape.dim) != 4:
            wrong = f"one whose input has {len(given.type.tensor_type.shape.dim)} dimensions"
        if wrong is not None:
            raise ValueError(f"{file}: expected {expected}, with one of {', '.join(heads)}, got {wrong}; {remedy}")
        assert head is not None
        assert given is not None
        self.head, self.input = head, given.name
        batch, _, height, width = (int(axis.dim_value) for axis in given.type.tensor_type.shape.dim)  # 0 for any
        self.batch = batch or 1
        self.size_hw = (height, width) if height and width else None

    def stays_float(self, name: str) -> bool:
        """Whether the node of this name is no whole number afterwards."""
        return stays_float(name, self.head)


@contextmanager
def float_model(model: Path, size: int | None, *, openvino: bool = False) -> Iterator[FloatModel]:
    """The ONNX file of a model, made of a checkpoint for the time of the context.

    Args:
        model: checkpoint or ONNX file.
        size: side of an input [px], 640 by default, or what the ONNX file is made for.
        openvino: also make what OpenVINO reads, of a checkpoint.

    Raises:
        FileNotFoundError: there is no such model.
        ValueError: another model than a face model in float, or an ONNX file of another size.
    """
    if size is not None and size % STRIDE:
        raise ValueError(f"--imgsz: expected a multiple of {STRIDE} px, got {size}; choose one")
    with tempfile.TemporaryDirectory() as folder:
        if model.suffix.lower() == CHECKPOINT:
            check_head(model)
            exported = FloatModel(export(model, Path(folder), size or IMAGE_SIZE))
            if openvino:
                made = export(model, Path(folder), size or IMAGE_SIZE, kind="openvino")
                (exported.for_openvino,) = made.glob("*.xml")
            yield exported
            return
        exported = FloatModel(model)
        if size is not None and exported.size_hw not in (None, (size, size)):
            height, width = exported.size_hw
            raise ValueError(
                f"{model}: expected inputs of {height} x {width} px, for which it is made, got --imgsz {size}; "
                "leave it out"
            )
        yield exported


def check_head(checkpoint: Path) -> None:
    """Check that a checkpoint is that of a face model.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it ends in no head of ours.
    """
    head = open_checkpoint(checkpoint).model.model[-1]
    if not isinstance(head, HEADS):
        raise ValueError(
            f"{checkpoint}: expected a face model that ends in one of {', '.join(each.__name__ for each in HEADS)}, "
            f"got {type(head).__name__}; use `yolo export quantize=8` for it"
        )


def calibration_inputs(model: FloatModel, locations: Sequence[str | Path], count: int, size: int | None) -> Inputs:
    """So many photographs of folders and lists, evenly chosen, as a model takes them.

    Raises:
        FileNotFoundError: there are none.
    """
    side = size or IMAGE_SIZE
    return Inputs(choose_evenly(locations, count), model.size_hw or (side, side))


def write_quantised(model: FloatModel, output: Path, inputs: Inputs, *, progress: Progress = iter) -> None:
    """Write a model in whole numbers; nothing is written where that fails.

    Args:
        model: in float.
        output: file that ends in `ONNX`, or folder that ends in `OPENVINO`.
        inputs: photographs to calibrate on.
        progress: wraps the photographs and shows how far they are.

    Raises:
        ValueError: a photograph does not decode.
    """
    if output.name.endswith(OPENVINO):
        with new_folder(output) as made:
            write_openvino(model, made, inputs, progress=progress)
    else:
        with replacing(output) as partial:
            _write_onnx(model, partial, inputs, progress)


def _write_onnx(model: FloatModel, output: Path, inputs: Inputs, progress: Progress) -> None:
    import onnx  # only here: extras
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._images = iter(progress(inputs))

        def get_next(self) -> dict[str, Any] | None:
            images = next(self._images, None)
            return None if images is None else {model.input: images.expand(model.batch, -1, -1, -1).numpy()}

    float_nodes = [node.name for node in onnx.load(model.file).graph.node if model.stays_float(node.name)]
    with errors_alone(logging.getLogger()):
        quantize_static(
            model.file,
            output,
            Reader(),
            quant_format=QuantFormat.QDQ,
            nodes_to_exclude=float_nodes,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
        )


def write_openvino(model: FloatModel, folder: Path, inputs: Inputs | None, *, progress: Progress = iter) -> None:
    """Write a model into an empty folder for OpenVINO: in whole numbers, or in float where there are no inputs."""
    import openvino  # only here: extras

    network = openvino.Core().read_model(model.for_openvino)
    if inputs is not None:
        network = _quantised_openvino(model, network, inputs, progress)
    openvino.save_model(network, folder / f"{folder.name.removesuffix(OPENVINO)}.xml", compress_to_fp16=False)
    text = yaml.safe_dump(as_values(model.metadata), sort_keys=False, allow_unicode=True)
    write_file(folder / _METADATA, text.encode())


def _quantised_openvino(model: FloatModel, network: Any, inputs: Inputs, progress: Progress) -> Any:
    import nncf  # only here: an extra

    # Sigmoids too, as in Ultralytics' own export: SiLU stays one operator of OpenVINO.
    in_float = [
        node.get_friendly_name()
        for node in network.get_ordered_ops()
        if node.get_type_name() == "Sigmoid" or model.stays_float(node.get_friendly_name())
    ]
    to_numpy: Callable[[Any], Any] = lambda images: images.expand(model.batch, -1, -1, -1).numpy()  # noqa: E731
    with errors_alone(logging.getLogger("nncf")):
        return nncf.quantize(
            network,
            nncf.Dataset(progress(inputs), to_numpy),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(inputs),
            ignored_scope=nncf.IgnoredScope(names=in_float, validate=False),
        )
