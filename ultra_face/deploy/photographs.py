"""Photographs of a data set as a network takes them, for fitting norms and for calibration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from ultralytics.data.augment import LetterBox

from ultra_face.formats.image_files import list_images, read_image

Progress = Callable[[Iterable[Any]], Iterable[Any]]


@dataclass(frozen=True)
class Inputs:
    """Photographs as a network takes them, read anew each time.

    Attributes:
        files: of the photographs.
        size: longer side of an input, as high and wide as the photograph needs; or height and width of each [px].
    """

    files: Sequence[Path]
    size: int | tuple[int, int]

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[Tensor]:
        """Yield each photograph (1, 3, H, W), RGB, 0..1.

        Raises:
            ValueError: one does not decode.
        """
        is_fixed = isinstance(self.size, tuple)
        letterbox = LetterBox(self.size if is_fixed else (self.size, self.size), auto=not is_fixed)
        for file in self.files:
            pixels = read_image(file)
            if pixels is None:
                raise ValueError(f"{file}: expected an image, got a file that does not decode; remove it")
            resized = letterbox(image=pixels)[..., ::-1].transpose(2, 0, 1)
            yield torch.from_numpy(resized.copy()).unsqueeze(0).float() / 255


def choose_evenly(locations: Iterable[str | Path], count: int) -> list[Path]:
    """At most so many images of folders and lists, evenly spread over all.

    Raises:
        FileNotFoundError: a folder or list is not there.
    """
    files = list_images(locations)
    return [files[index * len(files) // count] for index in range(count)] if len(files) > count else files
