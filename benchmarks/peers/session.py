"""Open the ONNX file of a detector: the right file, with a stated number of threads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnx
import onnxruntime
from google.protobuf.message import DecodeError


def session_options(num_threads: int) -> onnxruntime.SessionOptions:
    """Options of ONNX Runtime for so many threads; those of a waiting session must not keep the processor busy."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; some files hold counters that no operator uses, a warning each
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def load_model(file: str | Path) -> onnx.ModelProto:
    """Read an ONNX file; weights that it lists among its inputs, as old exporters did, become constants.

    Without that ONNX Runtime could not fold their norms, and such a network would run two to three times longer.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not ONNX.
    """
    if not Path(file).is_file():
        raise FileNotFoundError(f"{file}: expected an ONNX file, got no file; give the path of yours")
    try:
        model = onnx.load(file)
    except DecodeError as error:
        raise ValueError(f"{file}: expected an ONNX file, but it cannot be read ({error}); copy it again") from error
    weights = {weight.name for weight in model.graph.initializer}
    inputs = [given for given in model.graph.input if given.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    return model


def open_session(
    file: str | Path, *, detector: str, widths: Sequence[int], num_threads: int
) -> onnxruntime.InferenceSession:
    """Open a file and check that its outputs are those of the detector.

    Args:
        file: ONNX file.
        detector: its name, for errors.
        widths: last dimension of each output, in order.
        num_threads: threads within an operator.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not ONNX, or with other outputs.
    """
    session = onnxruntime.InferenceSession(
        load_model(file).SerializeToString(), session_options(num_threads), providers=["CPUExecutionProvider"]
    )
    outputs = session.get_outputs()
    if [output.shape[-1] for output in outputs] != list(widths):
        got = ", ".join(f"{output.name} {output.shape}" for output in outputs)
        raise ValueError(
            f"{file}: expected {detector} with outputs of width {', '.join(map(str, widths))}, got {got}; "
            "open it with its own class, see peers/table.py"
        )
    return session


def input_size(session: onnxruntime.InferenceSession, file: str | Path, size: int | None) -> tuple[int, int]:
    """Width and height of the input [px]: those of the file, or a square of `size` where the file leaves them open.

    Raises:
        ValueError: a size that the file does not take.
    """
    height, width = session.get_inputs()[0].shape[2:]
    if not (isinstance(height, int) and isinstance(width, int)):
        return (640, 640) if size is None else (size, size)
    if size not in {None, max(width, height)}:
        raise ValueError(f"{file}: takes {width} x {height} px, asked for {size} px; leave the size out")
    return width, height
