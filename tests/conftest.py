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
if "PYTEST_XDIST_WORKER" in os.environ:  # a process a core: its threads must not keep the others waiting
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

pytest_plugins = ["annotated_sources", "shipped_export"]

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real photographs and annotations; the test skips where it is absent.

    `ULTRA_FACE_SHARED` names the folder that it lies in; by default that is `shared` beside the repository.
    """
    folder = Path(os.environ.get("ULTRA_FACE_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip("needs the real photographs, in shared/data beside the repository or where ULTRA_FACE_SHARED says")
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return ROOT
