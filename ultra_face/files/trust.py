"""Whether code that files bring may run.

A checkpoint is a pickle, which may call any function when it is loaded; a model YAML may name functions for layers, and
a data YAML programs that fetch its images. Commands and `FaceDetector` refuse all three, unless whoever runs them
trusts the file. `YOLO(...)` and the stock `yolo` stay as Ultralytics has them: nobody says anything there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_trusted: ContextVar[bool | None] = ContextVar("trusted", default=None)


@contextmanager
def files_trusted(trusted: bool | None) -> Iterator[None]:
    """Say whether the code of files may run meanwhile, in this thread; None says nothing."""
    before = _trusted.set(trusted)
    try:
        yield
    finally:
        _trusted.reset(before)


def is_trusted() -> bool:
    """Whether somebody has said that the code of files may run."""
    return bool(_trusted.get())


def is_refused() -> bool:
    """Whether somebody has said that it may not; where nobody said anything, Ultralytics does as it always does."""
    return _trusted.get() is False
