"""YAML files of others: read by PyYAML's safe loader, and refused where a few lines stand for more than memory holds.

An alias repeats what it names, and an alias of aliases multiplies: ten lines may stand for a billion values. PyYAML
keeps them as one object, which is harmless until somebody goes through it, if only to write a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

import yaml

from ultra_face.formats.files import read_text

MAX_VALUES, MAX_DEPTH = 100_000, 50
"""Of a YAML file: far beyond what any of ours holds."""

MAX_LENGTH = 200_000
"""Of its text, which takes seconds to read at that."""


def read_yaml(path: str | Path, expected: str) -> Any:
    """The content of a file that is to be what is `expected`, in words.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no text in UTF-8, no YAML, too long, or stands for too much.
    """
    text = read_text(path)
    if len(text) > MAX_LENGTH:
        raise ValueError(f"{path}: expected {expected} of at most {MAX_LENGTH:,} letters, got {len(text):,}")
    if _brackets(text) > 2 * MAX_DEPTH:  # PyYAML takes time by the square of them
        raise ValueError(f"{path}: expected {expected}, got brackets more than {2 * MAX_DEPTH} deep; correct it")
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        problem = " ".join(str(error).split())
        raise ValueError(f"{path}: expected {expected}, got broken YAML ({problem}); correct it") from error
    except ValueError as error:  # of a date or a number that Python does not take, which names no file
        if str(path) in str(error):
            raise
        raise ValueError(f"{path}: expected {expected}, got broken YAML ({error}); correct it") from error
    check_extent(content, path)
    return content


def _brackets(text: str) -> int:
    """How deep brackets are nested at most, counting those in quotes and comments too; closing ones alone hide none."""
    steps = (1 if letter in "[{" else -1 for letter in text if letter in "[]{}")
    return max(accumulate(steps, lambda depth, step: max(depth + step, 0), initial=0))


def check_extent(content: Any, where: object) -> None:
    """Check that what a YAML file stands for can be gone through; `where` names it in errors.

    Raises:
        ValueError: It holds more than `MAX_VALUES`, is nested deeper than `MAX_DEPTH`, or holds itself.
    """
    if _count(content, {}, MAX_DEPTH) > MAX_VALUES:
        raise ValueError(
            f"{where}: expected at most {MAX_VALUES:,} values, {MAX_DEPTH} deep, got more, or an alias within itself; "
            "write out what is meant"
        )


def _count(value: Any, counted: dict[int, int], depth: int) -> int:
    """How many values there are with all aliases written out; more than `MAX_VALUES` where they are nested too deep."""
    if not isinstance(value, (Mapping, list, tuple, set)):
        return 1
    if depth == 0:
        return MAX_VALUES + 1
    if id(value) not in counted:
        parts = [*value, *value.values()] if isinstance(value, Mapping) else list(value)
        counted[id(value)] = MAX_VALUES + 1  # until it is known: what holds itself never is
        counted[id(value)] = 1 + sum(_count(part, counted, depth - 1) for part in parts)
    return counted[id(value)]
