"""Faces as a dictionary of lists that JSON can hold and that gives the same arrays back, their types included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ultra_face.exchange.rows import plain

DTYPES = "dtypes"


def to_dict(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `Faces` as lists; `dtypes` tells type and shape of one face's part of each array."""
    arrays = {name: value for name, value in fields.items() if isinstance(value, np.ndarray)}
    return {
        **{name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()},
        **{name: plain(array) for name, array in arrays.items()},
        "data": {name: plain(array) for name, array in fields["data"].items()},
        DTYPES: {**_dtypes(arrays), "data": _dtypes(fields["data"])},
    }


def from_dict(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The fields again; lists without a type become what NumPy makes of them.

    Args:
        values: as `to_dict` gives them, or read from JSON.
        names: of the fields.

    Raises:
        ValueError: a name that is no field.
    """
    if unknown := sorted(set(values) - {*names, DTYPES}):
        raise ValueError(f"Faces.from_dict: expected the names {', '.join((*names, DTYPES))}, got {unknown[0]}")
    dtypes = values.get(DTYPES, {})
    fields = {name: _array(value, dtypes.get(name)) for name, value in values.items() if name not in ("data", DTYPES)}
    of_data = dtypes.get("data", {})
    return {
        **fields,
        "data": {name: _array(value, of_data.get(name)) for name, value in values.get("data", {}).items()},
    }


def _dtypes(arrays: Mapping[str, NDArray[Any]]) -> dict[str, str]:
    """As NumPy writes them, for example "(4,)<f4"."""
    return {name: f"{a.shape[1:] or ''}{a.dtype.str}" for name, a in arrays.items()}


def _array(value: Any, dtype: str | None) -> Any:
    if not isinstance(value, list) or dtype is None:
        return value
    kind = np.dtype(dtype)
    return np.array(value, kind.base).reshape(len(value), *kind.shape)
