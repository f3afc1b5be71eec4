"""Checkpoints for the tests of exported models; training them takes seconds, so it is done once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from detecting_model import save_detecting_model


@pytest.fixture(scope="session")
def detecting_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives the checkpoint of a model, by name, that finds faces in the photographs."""

    @cache
    def checkpoint(name: str) -> Path:
        return save_detecting_model(name, tmp_path_factory.mktemp(name) / "best.pt")

    return checkpoint
