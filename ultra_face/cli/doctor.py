"""Say in one screen whether the plugin is active and how, which seams hold, and where everything lies.

With files, say of each checkpoint whether it loads without running code of its own, and what it is. Exit status: 0 if
every seam between Ultralytics and ultra-face holds, or every file loads so; else 1.
"""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
import sysconfig
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from ultra_face import __version__
from ultra_face.cli.command import new_parser
from ultra_face.plugin import files
from ultra_face.plugin.registration import SUPPORTED, register

AUTOLOAD = "_ultra_face_autoload"
EXTRAS = ("onnx", "onnxruntime", "onnxslim", "openvino")


def parser() -> ArgumentParser:
    """The command asks for files, or for nothing."""
    new = new_parser("doctor", __doc__, "", "best.pt")
    new.add_argument("files", nargs="*", type=Path, metavar="FILE", help="checkpoint, .pt, instead of the installation")
    return new


def run(options: Namespace) -> int:
    """Print the report; return the exit status."""
    reports = [examine_file(file) for file in options.files] or [examine()]
    print(*(text for _, text in reports), sep="\n")
    return 0 if all(healthy for healthy, _ in reports) else 1


def examine_file(file: Path) -> tuple[bool, str]:
    """Whether a checkpoint loads without code of its own, and the report."""
    from ultra_face.plugin.checkpoint_report import describe_checkpoint  # torch is needed here only

    healthy, rows = describe_checkpoint(file)
    return healthy, _section(str(file), rows)


def examine() -> tuple[bool, str]:
    """Whether all seams hold, and the report. Whatever is missing or broken is reported, not raised."""
    seams = register()
    sections = {
        f"ultra-face {__version__}": {
            "autoload": _autoload(),
            "yolo": _yolo_script(),
            "Python": f"{platform.python_version()}, {sys.executable}",
            "Ultralytics": f"{_module('ultralytics')}; supported {SUPPORTED}",
            "torch": _module("torch"),
            "devices": _guarded(_devices),
        },
        "seams": {seam.name: "holds" if seam.holds else f"DOES NOT HOLD: {seam.reason}" for seam in seams},
        "files": {
            "cfg": _folder(files.root() / "cfg", "**/*.yaml"),
            "weights": _folder(files.root() / files.WEIGHTS, "*.pt"),
            "datasets": _guarded(lambda: str(_settings()["datasets_dir"])),
            "settings": _guarded(lambda: str(_settings().file)),
        },
        "extras": {name: _installed(name) for name in EXTRAS},
    }
    text = "\n".join(_section(title, rows) for title, rows in sections.items())
    return all(seam.holds for seam in seams), text


def _section(title: str, rows: Mapping[str, str]) -> str:
    return "\n".join([title, *(f"  {name:<13} {value}" for name, value in rows.items())])


def _autoload() -> str:
    """Whether the stock `yolo` and every new interpreter of this environment find the plugin."""
    if os.environ.get("ULTRA_FACE_AUTOLOAD", "1") == "0":
        return "off, by ULTRA_FACE_AUTOLOAD=0; `import ultra_face` activates the plugin"
    if AUTOLOAD not in sys.modules:
        return "off, ultra_face.pth did not run at start-up; `import ultra_face` activates the plugin"
    return f"on, by ultra_face.pth in {Path(str(sys.modules[AUTOLOAD].__file__)).parent}"


def _yolo_script() -> str:
    """Which `yolo` the shell finds, and whether it is the one of this environment."""
    found, scripts = shutil.which("yolo"), Path(sysconfig.get_path("scripts"))
    if found is None:
        return f"not on the PATH; expected in {scripts}"
    same = Path(found).parent.resolve() == scripts.resolve()
    return found if same else f"{found}, of another environment than this Python"


def _module(name: str) -> str:
    """Version and folder of a module that should import."""
    return _guarded(lambda: _describe(importlib.import_module(name)))


def _describe(module: ModuleType) -> str:
    return f"{module.__version__}, {Path(str(module.__file__)).parent}"


def _devices() -> str:
    import torch

    names = [f"cpu ({torch.get_num_threads()} threads)"]
    names += [f"cuda:{index} ({torch.cuda.get_device_name(index)})" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps")
    return ", ".join(names)


def _settings() -> Any:
    from ultralytics import settings

    return settings


def _folder(folder: Path, pattern: str) -> str:
    count = len(list(folder.glob(pattern)))
    return f"{folder}, {count} {Path(pattern).suffix} file{'s' * (count != 1)}"


def _installed(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed; `pip install ultra-face[export]` brings it"


def _guarded(look: Callable[[], str]) -> str:
    """Look, or say why that was impossible."""
    try:
        return look()
    except Exception as error:  # a broken installation may raise anything
        return f"BROKEN ({type(error).__name__}: {error})"
