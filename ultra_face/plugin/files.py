"""Where the packaged YAML files and weights lie, and how a name finds them, in Ultralytics' own look-up too."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parents[1]
FOLDERS = ("cfg/models", "cfg/datasets", "cfg/train")
WEIGHTS = "weights"
PAGE = "examples/browser"


def root() -> Path:
    """Folder that holds `cfg/`, `weights/` and `examples/`: the package when installed, the checkout when editable."""
    return PACKAGE if (PACKAGE / "cfg").is_dir() else PACKAGE.parent


def find(file: str | Path) -> Path | None:
    """The packaged YAML file of a name or path: `yolov5-aesvc.yaml` or `cfg/models/yolov5-aesvc.yaml`.

    A path must end in the packaged folder and name; another folder's file of the same name is not ours.
    """
    asked = Path(str(file).strip())
    if asked.suffix not in {".yaml", ".yml"}:
        return None
    for folder in FOLDERS:
        packaged = root() / folder / asked.name
        if packaged.is_file() and asked.parent.as_posix() in {".", folder}:
            return packaged
    return None


def packaged_data() -> list[Path]:
    """The packaged data YAMLs."""
    return sorted((root() / "cfg/datasets").glob("*.yaml"))


def find_weights(file: str | Path) -> Path | None:
    """The packaged checkpoint of a name or path such as `model.pt` or `weights/model.pt`."""
    asked = Path(str(file).strip())
    packaged = root() / WEIGHTS / asked.name
    return packaged if packaged.is_file() and asked.parent.as_posix() in {".", WEIGHTS} else None


def fetch_weights(packaged: Path, asked: str | Path) -> Path:
    """Copy a packaged checkpoint to where it was asked for, as Ultralytics does with those that it downloads.

    Exports go beside the checkpoint that they are made of, so this keeps them out of the installed package. Where the
    user may not write, the packaged file itself is returned.
    """
    wanted = Path(str(asked).strip())
    try:
        wanted.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=wanted.parent, prefix=f".{wanted.name}-") as folder:
            part = Path(folder, wanted.name)
            shutil.copyfile(packaged, part)
            _publish(part, wanted)
    except OSError:
        return wanted if wanted.is_file() else packaged
    return wanted


def _publish(part: Path, wanted: Path) -> None:
    """Give a finished file its name in one step, never over a file that came meanwhile.

    Raises:
        OSError: there is such a file, or the folder cannot be written to.
    """
    try:
        os.link(part, wanted)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: an empty file takes the name first
        wanted.touch(exist_ok=False)
        try:
            part.replace(wanted)
        except OSError:
            wanted.unlink()
            raise


def exists(file: str | Path) -> bool:
    """Whether the user has a file of this path."""
    return Path(str(file).strip()).exists()


def has_other(folder: str | Path, file: str | Path, packaged: Path) -> bool:
    """Whether a folder holds a file of this name that is not the packaged one.

    In a clone, Ultralytics' folder of weights may be the one that is packaged.
    """
    found = Path(folder, str(file).strip())
    return found.exists() and not found.samefile(packaged)


def with_packaged_yaml(stock: Callable[..., Any]) -> Callable[..., Any]:
    """Ultralytics' look-up of a file, which falls back to the packaged YAML files."""

    @functools.wraps(stock)
    def check_file(file: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            found = stock(file, *args, **kwargs)
        except FileNotFoundError:
            packaged = find(file)
            if packaged is None:
                raise
            return str(packaged)
        return found or str(find(file) or "") or found

    return check_file


def with_packaged_weights(stock: Callable[..., Any], *, folder: Callable[[], str]) -> Callable[..., Any]:
    """Ultralytics' download of a missing file, which comes after the user's own files and the packaged weights.

    Args:
        stock: the download.
        folder: tells Ultralytics' folder of weights, which a user may change at any time.
    """

    @functools.wraps(stock)
    def attempt_download_asset(file: Any, *args: Any, **kwargs: Any) -> Any:
        packaged = find_weights(file)
        if packaged is None or exists(file) or has_other(folder(), file, packaged):
            return stock(file, *args, **kwargs)
        return str(fetch_weights(packaged, file))

    return attempt_download_asset


def with_stems_of_weights(stock: Callable[..., Any]) -> Callable[..., Any]:
    """Ultralytics' reading of a model's name without suffix, which knows those of the packaged weights too."""

    @functools.wraps(stock)
    def check_model_file_from_stem(model: Any, *args: Any, **kwargs: Any) -> Any:
        is_stem = isinstance(model, str | Path) and not Path(model).suffix and not exists(model)
        weights = f"{model}.pt"
        if is_stem and find_weights(weights) is not None:
            return Path(weights)
        return stock(model, *args, **kwargs)

    return check_model_file_from_stem


def hook_dirs() -> list[str]:
    """Where PyInstaller finds `hook-ultra_face.py`; the entry point `pyinstaller40` of the package names this."""
    return [str(Path(__file__).resolve().parent)]
