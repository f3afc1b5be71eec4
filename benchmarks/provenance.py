"""Where a measured number comes from: what ran, on what, with which data, commit and seed.

Every result file under `results/` carries one such record, so that a number can be traced and measured again.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PACKAGES = (
    "ultra-face",
    "ultralytics",
    "torch",
    "numpy",
    "scipy",
    "opencv-python",
    "onnxruntime",
    "openvino",
    "nncf",
    "ray",
)
REPOSITORY = Path(__file__).resolve().parent.parent
RESULTS = "results"
"""Folder of the records, which changes while one after the other is written and is nothing that they rest on."""


def provenance(config: Mapping[str, Any], data: str, seed: int | None) -> dict[str, Any]:
    """Describe the run of the calling script as one JSON-serialisable record.

    Args:
        config: the settings that the numbers depend on (image size, thresholds, threads, ...).
        data: name of the data set and split, in words; no local path.
        seed: seed of every random generator used, or None where nothing random ran.

    Returns:
        Keys `command`, `config`, `data`, `seed`, `commit`, `dirty`, `versions`, `machine` and `date` (UTC).
        `dirty` tells whether there were uncommitted changes, those of other records left out. `commit` and `dirty` are
        None outside a git checkout that has a commit.
    """
    return {
        "command": _command(),
        "config": dict(config),
        "data": data,
        "seed": seed,
        **_revision(),
        "versions": _versions(),
        "machine": _machine(),
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    }


def _command() -> str:
    """The command line; files of the repository by their place in it, all others by their name alone."""
    return shlex.join(["python", *map(_without_place, sys.argv)])


def _without_place(argument: str) -> str:
    path = Path(argument)
    if path.is_absolute() and path.is_relative_to(REPOSITORY):
        return path.relative_to(REPOSITORY).as_posix()
    return path.name if path.is_absolute() or path.parts[:1] == ("..",) else argument


def _revision() -> dict[str, str | bool | None]:
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return {"commit": None, "dirty": None}
    changes = _git("status", "--porcelain", "--untracked-files=no", "--", ".", f":!{RESULTS}")
    return {"commit": commit, "dirty": bool(changes)}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(REPOSITORY), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _versions() -> dict[str, str]:
    """Versions of Python and of the installed packages, read without importing any of them."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _machine() -> dict[str, Any]:
    """Processor model, logical processors (all, and those this process may use), OMP_NUM_THREADS, system."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": _processor_model(),
        "cores": os.cpu_count(),
        "usable_cores": usable,
        "omp_num_threads": os.environ.get("OMP_NUM_THREADS"),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _processor_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()
