"""Open a model of Ultralytics for a command; whatever is wrong with its file is told in one sentence.

A checkpoint builds only classes of torch, Ultralytics and ultra-face, as `trust` explains.
"""

from __future__ import annotations

import re
from pathlib import Path

from ultralytics import YOLO

from ultra_face.files.trust import files_trusted, is_trusted
from ultra_face.formats.archives import check_stored
from ultra_face.formats.files import named
from ultra_face.formats.yaml_files import read_yaml

REMEDY = "name a best.pt of yolo train"
HOW_TO_TRUST = "if you know who made it, run again with --trust, in Python with trust=True"

_UNKNOWN_NAME = re.compile(r"[Uu]nsupported (?:global: )?(?:GLOBAL|class) ([\w.]+)|unrecognized function ([\w.]+)")
_CHECKPOINT = ".pt"
_YAML = (".yaml", ".yml")
_SCALE = re.compile(r"(\d+)([nslmx])(.+)?$")


def open_model(file: str | Path, expected: str = "a model of Ultralytics") -> YOLO:
    """Open a checkpoint, a model YAML or an export, shipped ones by their name. An export is read when it predicts.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not what is `expected`, in words; or it names what may run code of its own.
    """
    try:
        with named(file, expected, REMEDY), files_trusted(is_trusted()):
            if not is_trusted():
                _check_yaml(str(file), expected)
                _check_packing(Path(file))
            try:
                return YOLO(file)
            except Exception as error:
                if name := unknown_name(error):
                    raise ValueError(
                        f"{file}: expected {expected} of known classes, got one that names {name}, which may run code; "
                        f"{HOW_TO_TRUST}"
                    ) from error
                raise
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{file}: expected {expected}, got no file; check the path") from error


def _check_yaml(file: str, expected: str) -> None:
    """Read a model YAML of the user with care before Ultralytics does, whose loader a deep one makes crash.

    Raises:
        ValueError: it is broken, or stands for too much.
    """
    with_scale_left_out = _SCALE.sub(r"\1\3", file)  # where Ultralytics looks for yolov5n-x.yaml next
    for path in dict.fromkeys((file, with_scale_left_out)):
        if path.lower().endswith(_YAML) and Path(path).is_file():
            read_yaml(path, expected)


def _check_packing(file: Path) -> None:
    """Refuse a checkpoint whose parts unpack to more than they are.

    Raises:
        ValueError: it is one.
    """
    if file.suffix.lower() == _CHECKPOINT and file.is_file():
        check_stored(file)


def unknown_name(error: BaseException) -> str | None:
    """The class or function of a pickle that made torch refuse it; None where it failed otherwise."""
    cause: BaseException | None = error
    while cause is not None:
        if found := _UNKNOWN_NAME.search(str(cause)):
            return found[1] or found[2]
        cause = cause.__cause__
    return None


def open_trained(file: str | Path, expected: str) -> YOLO:
    """As `open_model`, a checkpoint or an export alone: a model YAML, which has no weights, is not even read.

    Raises:
        FileNotFoundError, ValueError: as `open_model`.
    """
    if str(file).lower().endswith(_YAML):
        raise ValueError(f"{file}: expected {expected} with weights, got a model YAML; {REMEDY}")
    return open_model(file, expected)


def open_checkpoint(file: Path) -> YOLO:
    """Open the checkpoint of a face model, which has a network and weights.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a file of another kind.
    """
    expected = "the checkpoint of a face model"
    model = None if str(file).lower().endswith(_YAML) else open_model(file, expected)
    if model is None or not model.ckpt:
        raise ValueError(f"{file}: expected {expected}, got a model YAML or an export; {REMEDY}")
    return model
