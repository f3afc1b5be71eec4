"""The modules beside the benchmark scripts, and the ONNX files of other detectors where they exist."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))


@pytest.fixture(scope="session")
def peer_files(shared_data: Path) -> Path:
    """Folder of ONNX files beside the real photographs; the test skips where it is absent."""
    folder = shared_data.parent / "peers"
    if not folder.is_dir():
        pytest.skip("needs the ONNX files of other detectors beside the real photographs")
    return folder
