"""The rows of the output: one a photograph, its faces a list in it. The one place of their schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ultra_face.exchange.rows import BOX, POINTS, VISIBILITY
from ultra_face.faces import Faces

FACE = pa.struct([pa.field(name, pa.float32()) for name in ("score", *BOX, *POINTS, *VISIBILITY)])
"""A face, named as the columns of `ultra-face detect` [px of the upright image]; null where a value is not known."""

SCHEMA = pa.schema(
    {
        "path": pa.string(),
        "width": pa.int32(),
        "height": pa.int32(),
        "faces": pa.list_(FACE),
        "error": pa.string(),
        "model": pa.string(),
        "model_sha256": pa.string(),
        "ultra_face": pa.string(),
    }
)
"""Every row.

- `path`: of the photograph, as it was found: an absolute path, a URI, or what the path column holds.
- `width`, `height` [px of the upright image]: null where it does not decode.
- `faces`: best first, each a `FACE`; an empty list where there is none, null where there is an error.
- `error`: null, or a sentence that says why there are no faces.
- `model`, `model_sha256`, `ultra_face`: file name and SHA-256 of the model, and the version of this package.

Lists and structs of plain numbers: pyarrow, polars and pandas read them without an extension type.
"""

_OF_A_FACE = frozenset(field.name for field in FACE)


@dataclass(frozen=True)
class Origin:
    """What the faces were found with.

    Attributes:
        model: name of its file.
        model_sha256: of the content of that.
        version: of this package.
    """

    model: str
    model_sha256: str
    version: str


def to_table(paths: Sequence[str], found: Sequence[Faces | str], origin: Origin) -> pa.Table:
    """Rows of photographs.

    Args:
        paths: of N photographs.
        found: N times the faces [px of the upright image], or a sentence that says why there are none.
        origin: what they were found with.
    """
    rows: list[dict[str, Any]] = []
    for path, faces in zip(paths, found, strict=True):
        if isinstance(faces, str):
            rows.append({"path": path, "error": faces})
            continue
        width, height = faces.image_size or (None, None)
        listed = [{name: row[name] for name in _OF_A_FACE} for row in faces.to_rows()]
        rows.append({"path": path, "width": width, "height": height, "faces": listed})
    whence = {"model": origin.model, "model_sha256": origin.model_sha256, "ultra_face": origin.version}
    return pa.Table.from_pylist([row | whence for row in rows], schema=SCHEMA)
