"""Open the ONNX file of a detector: the right file, with a stated number of threads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnxruntime


def session_options(num_threads: int) -> onnxruntime.SessionOptions:
    """Options of ONNX Runtime for so many threads; those of a waiting session must not keep the processor busy."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; some files list their weights as inputs, a warning each
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


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
    if not Path(file).is_file():
        raise FileNotFoundError(f"{file}: expected the ONNX file of {detector}, got no file; give the path of yours")
    try:
        session = onnxruntime.InferenceSession(
            str(file), session_options(num_threads), providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # ONNX Runtime has a type of its own for every error code
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"{file}: expected the ONNX file of {detector}, but ONNX Runtime cannot read it ({reason}); copy it again"
        ) from error
    shapes = {output.name: output.shape for output in session.get_outputs()}
    if [shape[-1] for shape in shapes.values()] != list(widths):
        raise ValueError(
            f"{file}: expected {detector} with outputs of width {', '.join(map(str, widths))}, "
            f"got {', '.join(f'{name} {shape}' for name, shape in shapes.items())}; choose its own class in peers/table.py"
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
