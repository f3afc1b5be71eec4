"""ONNX Runtime inside Ultralytics with a stated number of threads, which Ultralytics leaves at its default."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import onnxruntime

from benchmarks.peers.session import session_options


@contextmanager
def onnx_threads(num_threads: int) -> Iterator[None]:
    """Sessions that are opened meanwhile run with so many threads."""
    load = onnxruntime.InferenceSession

    def session(file: Any, *_: Any, **settings: Any) -> onnxruntime.InferenceSession:
        return load(file, session_options(num_threads), **settings)

    with mock.patch.object(onnxruntime, "InferenceSession", session):
        yield
