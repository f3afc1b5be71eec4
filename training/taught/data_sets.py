"""Which data set a label comes from, told to the trainer through the place of its class.

Mosaics put faces of several photographs into one image, and what Ultralytics' augmentation carries along with a face is
its box, its landmarks and its class. Models that are taught have one class, so the number of the data set stands there
until the batch is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from training.weigh_datasets import set_name


class Dataset(Protocol):
    """What is asked of Ultralytics' training sets."""

    im_files: Sequence[str]
    get_image_and_label: Any


class NumberedFaces:
    """In the place of a training set's `get_image_and_label`: the same, with the data set's number as class.

    Args:
        stock: the method itself.
        numbers: of the data sets that have one, from 1; all others are 0.
    """

    def __init__(self, stock: Any, numbers: Mapping[str, int]) -> None:
        self.stock, self.numbers = stock, numbers

    def __call__(self, index: int) -> dict[str, Any]:
        """An image with its labels."""
        labels: dict[str, Any] = self.stock(index)
        number = self.numbers.get(set_name(Path(labels["im_file"]).parent), 0)
        return labels | {"cls": np.full_like(labels["cls"], number)}


def number_faces(dataset: Dataset, names: Sequence[str]) -> None:
    """Let a training set hand out faces with the numbers of these data sets, 1 for the first.

    Raises:
        ValueError: a name that no image of it has.
    """
    there = {set_name(folder) for folder in {Path(file).parent for file in dataset.im_files}}
    if unknown := sorted(set(names) - there):
        raise ValueError(
            f"keep in {', '.join(unknown)}: expected names of data sets, {', '.join(sorted(there))}; name one of these"
        )
    numbers = {name: number for number, name in enumerate(names, 1)}
    dataset.get_image_and_label = NumberedFaces(dataset.get_image_and_label, numbers)


def kept(classes: Tensor, keep: float, keep_in: Mapping[str, float]) -> Tensor:
    """Of faces with such numbers (T, 1): the share of their weight that the teacher cannot take (T,)."""
    return classes.new_tensor([keep, *keep_in.values()])[classes.view(-1).long()]
