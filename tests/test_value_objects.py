"""Value objects that hold arrays are equal to themselves alone: NumPy and torch compare arrays number by number."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any, get_args, get_origin, get_type_hints

import av  # which is only imported for types there, as Ray's Dataset is
import numpy as np
import pytest
import torch

import ultra_face
from ultra_face import Faces

ARRAYS = (np.ndarray, torch.Tensor)


def dataclasses_of_the_package() -> Iterator[type[Any]]:
    for module in pkgutil.walk_packages(ultra_face.__path__, "ultra_face."):
        if module.name != "ultra_face.__main__":
            for member in vars(importlib.import_module(module.name)).values():
                if dataclasses.is_dataclass(member) and isinstance(member, type) and member.__module__ == module.name:
                    yield member


def holds_arrays(annotation: Any) -> bool:
    """Whether a type is an array, or a container of arrays."""
    return get_origin(annotation) in ARRAYS or annotation in ARRAYS or any(map(holds_arrays, get_args(annotation)))


WITH_ARRAYS = [
    dataclass
    for dataclass in dataclasses_of_the_package()
    if any(
        holds_arrays(get_type_hints(dataclass, localns={"av": av, "Dataset": object})[field.name])
        for field in dataclasses.fields(dataclass)
    )
]


def test_the_search_finds_them() -> None:
    assert {"Faces", "Evaluation", "GroundTruth", "SecondLook", "FaceAnnotations"} <= {
        dataclass.__name__ for dataclass in WITH_ARRAYS
    }


@pytest.mark.parametrize("dataclass", WITH_ARRAYS, ids=lambda dataclass: dataclass.__name__)
def test_what_holds_arrays_is_compared_by_identity(dataclass: type[Any]) -> None:
    assert dataclass.__eq__ is object.__eq__
    assert dataclass.__hash__ is object.__hash__


def test_faces_are_equal_to_themselves_alone() -> None:
    def two_faces() -> Faces:
        return Faces(np.zeros((2, 4), np.float32), np.zeros((2, 5, 2), np.float32), np.zeros(2, np.float32))

    faces = two_faces()
    assert faces == faces
    assert faces != two_faces()
    assert len({faces, faces, two_faces()}) == 2
    assert faces in [two_faces(), faces]
