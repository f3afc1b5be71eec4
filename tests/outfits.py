"""What tests need beside Python: compilers, browsers and the like. CI has them all; other machines may not."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def lacks(what: str) -> NoReturn:
    """End a test that this machine cannot run: skipped with the reason, or failed where `ULTRA_FACE_CI` is set."""
    if os.environ.get("ULTRA_FACE_CI"):
        pytest.fail(f"expected in CI, which `.ci/run` prepares for it: {what}")
    pytest.skip(what)
