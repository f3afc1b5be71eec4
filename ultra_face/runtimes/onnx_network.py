"""Networks that `yolo export format=onnx` writes, run by ONNX Runtime and NumPy alone."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ultra_face.formats.files import named
from ultra_face.runtimes.network import Inputs, Pixels, Signature, run_in_parts, signature_of
from ultra_face.runtimes.score_table import KEY

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
EXPECTED, REMEDY = "an ONNX file", "make one with `yolo export format=onnx`"
_LITERALS = ("names", "kpt_shape", KEY)
_HALF = "tensor(float16)"


class OnnxNetwork:
    """A network in an ONNX file, with what Ultralytics' exporter notes in it."""

    signature: Signature
    providers: tuple[str, ...]
    sees_photographs = False
    batch: int | None
    """Inputs that run at once, no more and no fewer; None where any number does."""
    takes_half: bool
    """Whether its input is float16."""

    def __init__(self, file: Path, device: str | int | None = None, threads: int | None = None) -> None:
        """Load the file.

        Args:
            file: of Ultralytics' exporter; batch and size fixed or dynamic, with or without `nms`, whole or half.
            device: `cpu`; the number of an NVIDIA GPU, as `0` or `cuda:0`; or a provider by the name that ONNX
                Runtime has for it. By default the first GPU where this ONNX Runtime can use one.
            threads: of the processor; by default ONNX Runtime takes one a core.

        Raises:
            FileNotFoundError: there is no such file.
            ModuleNotFoundError: ONNX Runtime is not installed.
            ValueError: a file of another kind, or a device that is not there.
        """
        try:
            import onnxruntime
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"{file}: expected the package onnxruntime, which is not installed; `pip install onnxruntime`"
            ) from error
        if not file.is_file():
            raise FileNotFoundError(f"{file}: expected an ONNX file, got no file; check the path")
        provider, options = _provider(device, onnxruntime.get_available_providers())
        wanted = [(provider, options), (CPU, {})] if provider != CPU else [(CPU, {})]
        self._file = file
        expected, remedy = EXPECTED, REMEDY
        if provider != CPU:
            expected, remedy = f"{expected} that {provider} runs", f"{remedy}, or choose device='cpu'"
        with named(file, expected, remedy):
            settings = onnxruntime.SessionOptions()
            settings.intra_op_num_threads = threads or 0
            # As bytes, since a path goes through the locale's encoding.
            self._session = onnxruntime.InferenceSession(file.read_bytes(), settings, providers=wanted)
        self.providers = tuple(self._session.get_providers())
        if device is not None and provider not in self.providers:
            raise ValueError(
                f"device={device!r}: expected ONNX Runtime to run on {provider}, got {', '.join(self.providers)}, as "
                "its libraries do not load; install those that this onnxruntime-gpu needs, or choose device='cpu'"
            )
        with named(file, expected, remedy):
            self._input = self._session.get_inputs()[0]
            self.signature = _signature(file, self._session)
        batch = self._input.shape[0]
        self.batch = batch if isinstance(batch, int) else None
        self.takes_half = self._input.type == _HALF

    def __call__(self, inputs: Inputs, photographs: Sequence[Pixels] = ()) -> NDArray[np.floating[Any]]:
        """As `Network.__call__`."""
        return run_in_parts(self._run, inputs, self.batch)

    def _run(self, inputs: Inputs) -> NDArray[np.floating[Any]]:
        given = inputs.astype(np.float16) if self.takes_half else inputs
        with named(self._file, f"{EXPECTED} that takes images of this size", REMEDY):
            output: NDArray[np.floating[Any]] = self._session.run(None, {self._input.name: given})[0]
        return output


def _signature(file: Path, session: Any) -> Signature:
    """What the file says of itself; sizes as its graph has them.

    Raises:
        ValueError: a network of another kind.
    """
    noted = session.get_modelmeta().custom_metadata_map
    try:
        metadata = {key: ast.literal_eval(noted[key]) for key in _LITERALS if key in noted}
        stride = int(noted.get("stride", 32))
    except (MemoryError, RecursionError, SyntaxError, TypeError, ValueError) as error:  # as literal_eval may
        raise ValueError(
            f"{file}: expected notes of Ultralytics' exporter, got others ({error}); make one with `yolo export "
            "format=onnx`"
        ) from error
    height, width = session.get_inputs()[0].shape[2:]
    fixed = (height, width) if isinstance(height, int) and isinstance(width, int) else None
    return signature_of(file, metadata, stride=stride, fixed_hw=fixed)


def _provider(device: str | int | None, available: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """The provider of a device, with its options.

    Raises:
        ValueError: this ONNX Runtime has no such device.
    """
    word = "" if device is None else str(device)
    if not word:
        return (CUDA if CUDA in available else CPU), {}
    if word == "cpu":
        return CPU, {}
    number = word.removeprefix("cuda").removeprefix(":") or "0"
    if number.isdecimal() and CUDA in available:
        return CUDA, {"device_id": int(number)}
    if word in available:
        return word, {}
    raise ValueError(
        f"device={device!r}: expected a device that this ONNX Runtime has, got none of cpu and {', '.join(available)}; "
        "choose one of these, or install onnxruntime-gpu for an NVIDIA GPU"
    )
