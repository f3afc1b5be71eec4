"""A generator in a file: its architecture, its weights, and what it was trained with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ultra_face.files.whole import replacing
from ultra_face.formats.archives import check_stored
from ultra_face.nn.srgan import Generator

_KIND = "ultra-face generator"
_REMEDY = "name a file that `ultra-face train-generator` wrote"


def save_generator(path: str | Path, generator: Generator, **record: Any) -> None:
    """Write a generator in float32; what `path` held before stays until the new file is complete.

    Args:
        path: the file, `.pt`.
        generator: on any device, its norms not folded.
        record: what the numbers and weights come from: plain numbers, strings, lists and dictionaries.

    Raises:
        OutputError: the disk is full or the folder cannot be written to.
        ValueError: the norms of the generator are folded.
    """
    weights = {name: value.detach().float().cpu() for name, value in generator.state_dict().items()}
    if weights.keys() != Generator(**generator.architecture).state_dict().keys():
        raise ValueError(f"{path}: expected a generator as it was trained, got a fused one; save it before `fuse`")
    content = {"kind": _KIND, "architecture": generator.architecture, "weights": weights, "record": record}
    with replacing(Path(path)) as partial:
        torch.save(content, partial)


def load_generator(path: str | Path) -> Generator:
    """The generator of a file, in evaluation, on the CPU, in float32.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no checkpoint of a generator, or its weights do not fit its architecture.
    """
    content = _read(path)
    try:
        generator = Generator(**content["architecture"])
        generator.load_state_dict(content["weights"])
    except (RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{path}: expected weights that fit {content['architecture']}, got {reason}") from error
    return generator.eval()


def read_record(path: str | Path) -> dict[str, Any]:
    """What a generator was trained with, as given to `save_generator`.

    Raises:
        FileNotFoundError, ValueError: as `load_generator`.
    """
    record: dict[str, Any] = _read(path)["record"]
    return record


def _read(path: str | Path) -> Mapping[str, Any]:
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: expected a generator checkpoint, got no file; {_REMEDY}")
    check_stored(file)
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever torch.load meets in a file of another kind
        raise ValueError(f"{file}: expected a generator checkpoint, got a file of another kind; {_REMEDY}") from error
    if not isinstance(content, Mapping) or content.get("kind") != _KIND:
        raise ValueError(f"{file}: expected a generator checkpoint, got a file of another kind; {_REMEDY}")
    return content
