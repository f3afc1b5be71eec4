"""Fixtures of the whole suite: an Ultralytics that writes nowhere else, and the real photographs where they exist."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

# Before Ultralytics is imported: settings in a scratch folder, no installation, no look at the network.
os.environ.setdefault("YOLO_CONFIG_DIR", tempfile.mkdtemp(prefix="ultra-face-tests-"))
os.environ["YOLO_AUTOINSTALL"] = "false"
os.environ["YOLO_OFFLINE"] = "true"
os.environ.setdefault("MPLBACKEND", "Agg")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real photographs and annotations beside the repository; the test skips where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the real photographs in {folder.relative_to(ROOT.parent)} beside the repository")
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return ROOT
