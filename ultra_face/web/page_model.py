"""The model that the page runs: an ONNX file, and what the page has to know of it."""

from __future__ import annotations

import importlib.util
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ultra_face.detector import IMAGE_SIZE, model_file, open_network
from ultra_face.runtimes.network import Signature

EXPECTED = "a face model, .pt or .onnx"


@dataclass(frozen=True)
class PageModel:
    """A network ready for the browser.

    Attributes:
        name: which the page shows.
        content: the ONNX file.
        signature: what the network takes and gives.
        size: longer side that pictures are scaled to where it takes inputs of any size [px].
    """

    name: str
    content: bytes
    signature: Signature
    size: int

    def describe(self, file: str, *, confidence: float, threads: int) -> dict[str, object]:
        """What `model.json` tells the page.

        Args:
            file: name of the ONNX file beside it.
            confidence: score at which the slider starts.
            threads: of WebAssembly.
        """
        fixed = self.signature.fixed_hw
        height, width = fixed or (self.size, self.size)
        return {
            "name": self.name,
            "file": file,
            "size": {"width": width, "height": height},
            "stride": None if fixed else self.signature.stride,
            "classes": self.signature.num_classes,
            "values": self.signature.landmark_values,
            "confidence": confidence,
            "threads": threads,
        }


def open_page_model(model: str, size: int | None = None) -> PageModel:
    """Open an ONNX file, or export a checkpoint in a folder of its own, which is removed.

    Args:
        model: path of a `.onnx` or `.pt`; shipped weights by their name, with or without suffix.
        size: longer side of the input [px]: by default 640, or the size that an ONNX file is made for.

    Raises:
        FileNotFoundError: there is no such model.
        ModuleNotFoundError: a package that exports, or reads ONNX files, is not installed.
        ValueError: a file of another kind, or a size that it does not take.
    """
    file = model_file(model)
    if file.is_dir() or file.suffix.lower() not in {".pt", ".onnx"}:
        raise ValueError(f"{model}: expected {EXPECTED}, got another; make one with `yolo export format=onnx`")
    if file.suffix.lower() == ".onnx":
        return _read(file, size)
    signature = open_network(str(file), "cpu").signature
    chosen = IMAGE_SIZE if size is None else size
    _check_size(file, chosen, signature)
    return PageModel(file.stem, *_export(file, chosen), chosen)


def _read(file: Path, size: int | None) -> PageModel:
    from ultra_face.runtimes.onnx_network import OnnxNetwork

    network = OnnxNetwork(file, "cpu")
    if network.batch not in (None, 1) or network.takes_half:
        got = "float16" if network.takes_half else f"a batch of {network.batch}"
        raise ValueError(
            f"{file}: expected inputs of float32, one at a time, got {got}; export the model without `half` and `batch`"
        )
    fixed = network.signature.fixed_hw
    if fixed is not None and size not in (None, *(fixed if fixed[0] == fixed[1] else ())):
        raise ValueError(
            f"{file}: expected inputs of {fixed[0]} x {fixed[1]} px, the only size that it takes, got {size} px; leave "
            "out --imgsz, or name the .pt"
        )
    chosen = size or max(fixed or (IMAGE_SIZE,))
    _check_size(file, chosen, network.signature)
    return PageModel(file.stem, file.read_bytes(), network.signature, chosen)


def _check_size(file: Path, size: int, signature: Signature) -> None:
    if size % signature.stride:
        raise ValueError(f"{file}: expected --imgsz in multiples of {signature.stride} px, got {size}; correct it")


def _export(file: Path, size: int) -> tuple[bytes, Signature]:
    """A checkpoint as an ONNX file for inputs of one size."""
    missing = [name for name in ("onnx", "onnxruntime", "onnxslim") if importlib.util.find_spec(name) is None]
    if missing:
        raise ModuleNotFoundError(
            f"{file}: expected the package {missing[0]}, which exports it to ONNX and is not installed; "
            '`pip install "ultra-face[export]"`, or name an ONNX file'
        )
    from ultralytics.utils import LOGGER

    from ultra_face.deploy.exports import errors_alone, export
    from ultra_face.runtimes.onnx_network import OnnxNetwork

    with tempfile.TemporaryDirectory() as folder, errors_alone(LOGGER):
        exported = export(file, Path(folder), size)
        return exported.read_bytes(), OnnxNetwork(exported, "cpu").signature
