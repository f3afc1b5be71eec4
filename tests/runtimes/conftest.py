"""Small face models, exported once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from shipped_export import export
from small_exports import EXPORTS, INPUT_HW, save_small


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives the checkpoint `pt`, or its export by name."""

    @cache
    def file(name: str) -> Path:
        checkpoint = save_small(tmp_path_factory.mktemp(name) / "best.pt", width=32)  # no less is exported
        return checkpoint if name == "pt" else export(checkpoint, imgsz=INPUT_HW, **EXPORTS[name])

    return file
