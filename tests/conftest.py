"""Fixtures of the whole suite: an Ultralytics that writes nowhere else, and the real photographs where they exist."""

from __future__ import annotations

import os
import re
import signal
import tempfile
from collections.abc import Generator, Iterator
from importlib.util import find_spec
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

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as of what a shell runs in the background, and all it starts
    signal.signal(signal.SIGINT, signal.default_int_handler)

WITHOUT_TORCH = find_spec("torch") is None

pytest_plugins = ["annotated_sources", "shipped_export"]

ROOT = Path(__file__).resolve().parent.parent


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Skip the files that import torch or Ultralytics where they are not installed, as `tools/check_pythons` has it."""
    report = yield
    missing = re.search("No module named '(torch|ultralytics)", str(report.longrepr)) if WITHOUT_TORCH else None
    if report.failed and missing:
        report.outcome, report.longrepr = "skipped", (str(collector.path), 0, f"Skipped: needs {missing[1]}")
    return report


@pytest.fixture(scope="session", autouse=True)
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run in an empty folder: what a test leaves where it runs, as a copy of the weights, is not in the checkout."""
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("elsewhere"))
    yield
    os.chdir(before)


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
