"""The ONNX files of other detectors, where they exist."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def peer_files(shared_data: Path) -> Path:
    """Folder of ONNX files beside the real photographs; the test skips where it is absent."""
    folder = shared_data.parent / "peers"
    if not folder.is_dir():
        pytest.skip("needs the ONNX files of other detectors beside the real photographs")
    return folder
