"""MATLAB files of level 5 as the ground truth of WIDER FACE has them: cell arrays of names and of whole numbers.

Read here since SciPy's reader, which is compiled, ends the whole program at some damaged files. Nothing else of the
format is read: no structures, objects, sparse or complex arrays. Source: MAT-File Format, The MathWorks, version 5.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_BYTES = 2**29
"""Of an array unpacked: half a gigabyte; the faces of WIDER FACE take two megabytes."""

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_NUMBERS = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
_TEXTS = {2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_CELL, _CHAR, _FIRST_NUMBER, _LAST_NUMBER = 1, 4, 6, 15
_COMPLEX = 0x800
_DEPTH = 8
_WHAT = "a MATLAB file of level 5"


class MatlabFileError(ValueError):
    """A file that is damaged, or holds what is not read here."""


def read_matlab(path: Path, names: Collection[str]) -> dict[str, NDArray[Any]]:
    """The named variables of a file, those that it has.

    Returns:
        By name, an array in MATLAB's shape: of numbers, of one text, or of objects, which are such arrays again.

    Raises:
        OSError: The file cannot be read.
        MatlabFileError: It is no such file, is damaged, or a named variable is of another kind.
    """
    content = path.read_bytes()
    try:
        if len(content) < _HEADER or content[124:128] not in (b"\0\1IM", b"\1\0MI"):
            raise ValueError("its first bytes are those of another kind")
        order = "<" if content[126:128] == b"IM" else ">"
        found = {}
        for kind, part in _elements(memoryview(content)[_HEADER:], order):
            if kind == _COMPRESSED:
                kind, part = next(_elements(memoryview(_unpacked(part)), order))
            if kind == _MATRIX:
                name, array = _array(part, order, names, _DEPTH)
                if array is not None:
                    found[name] = array
        return found
    except (
        IndexError,
        LookupError,
        OverflowError,
        StopIteration,
        TypeError,
        ValueError,
        struct.error,
        zlib.error,
    ) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise MatlabFileError(
            f"{path}: expected {_WHAT}, got another, or a damaged one ({reason}); copy it again"
        ) from error


def _elements(content: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """The type and content of each element; those of four bytes or fewer have both in eight."""
    at = 0
    while at + 8 <= len(content):
        kind, size = struct.unpack_from(f"{order}II", content, at)
        if kind >> 16:  # the small form: the size is in the upper half
            kind, size = kind & 0xFFFF, kind >> 16
            start, at = at + 4, at + 8
        else:
            start = at + 8
            at = start + size + (-size % 8 if kind != _COMPRESSED else 0)
        if start + size > len(content):
            raise ValueError("it ends too early")
        yield kind, content[start : start + size]
    if at < len(content):
        raise ValueError("it ends too early")


def _unpacked(part: memoryview) -> bytes:
    unpack = zlib.decompressobj()
    content = unpack.decompress(part, MAX_BYTES)
    if unpack.unconsumed_tail:
        raise ValueError(f"an array takes more than {MAX_BYTES:,} bytes")
    return content


def _array(part: memoryview, order: str, names: Collection[str] | None, depth: int) -> tuple[str, NDArray[Any] | None]:
    """Name and content of a matrix; None instead of what is not asked for. None as `names` asks for anything."""
    elements = _elements(part, order)
    flags = struct.unpack_from(f"{order}I", next(elements)[1])[0]
    shape = tuple(np.frombuffer(next(elements)[1], f"{order}i4").tolist())
    name = bytes(next(elements)[1]).decode("latin-1")
    if names is not None and name not in names:
        return name, None
    kind = flags & 0xFF
    if flags & _COMPLEX or depth == 0 or not shape or min(shape) < 0:
        raise ValueError("it holds an array of another kind")
    if kind == _CELL:
        cells = [_cell(element, order, depth) for element in elements]
        array: NDArray[Any] = np.empty(len(cells), object)
        array[:] = cells
        return name, array.reshape(shape, order="F")
    stored, values = next(elements, (0, memoryview(b"")))
    if kind == _CHAR:
        encoding = _TEXTS[stored] + ("" if stored in (2, 16) else "-le" if order == "<" else "-be")
        return name, np.array([bytes(values).decode(encoding)])
    if _FIRST_NUMBER <= kind <= _LAST_NUMBER:
        numbers = np.frombuffer(values, f"{order}{_NUMBERS[stored]}") if stored else np.zeros(0)
        return name, numbers.reshape(shape, order="F")
    raise ValueError("it holds an array of another kind")


def _cell(element: tuple[int, memoryview], order: str, depth: int) -> NDArray[Any]:
    kind, part = element
    if kind != _MATRIX:
        raise ValueError("a cell holds no array")
    if not part:  # MATLAB's way to write an empty one
        return np.zeros((0, 0))
    array = _array(part, order, None, depth - 1)[1]
    assert array is not None
    return array
