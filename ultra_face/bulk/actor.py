"""What one actor does: load the detector once, then read, decode and look at one batch of photographs after another."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import pyarrow as pa

from ultra_face.bulk.places import read
from ultra_face.bulk.rows import Origin, to_table
from ultra_face.bulk.sources import PATH, Columns
from ultra_face.detector import FaceDetector
from ultra_face.faces import Faces
from ultra_face.formats.image_files import Pixels, decode_image

READERS = 8
"""Files that an actor fetches at once, since a cloud is slow to answer."""


@dataclass(frozen=True)
class Task:
    """What every actor has to know.

    Attributes:
        content: of the model file, since the machines of a cluster share no files.
        origin: its name and hash.
        settings: of `FaceDetector`.
        on_gpu: whether it computes on a GPU.
        columns: of the bytes and of the path; None where rows are names of files.
        done: paths that are left out, since their rows are written.
    """

    content: bytes
    origin: Origin
    settings: dict[str, Any]
    on_gpu: bool
    columns: Columns | None
    done: frozenset[str]


class Looker:
    """Takes tables of photographs and gives rows; Ray makes actors of this class."""

    def __init__(self, task: Sequence[Any]) -> None:
        """Load the model.

        Args:
            task: with the reference to a `Task`; it stands in a list since Ray warns of references that stand alone.

        Raises:
            ValueError: a GPU is asked for, and the runtime of the model has none.
        """
        import ray

        self.task: Task = ray.get(task[0])
        cv2.setNumThreads(1)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, self.task.origin.model)
            file.write_bytes(self.task.content)
            # Ray shows an actor its own GPU alone, which is the one that a detector takes unasked.
            device = None if self.task.on_gpu else "cpu"
            self.detector = FaceDetector(file, device=device, threads=1, **self.task.settings)
        if self.task.on_gpu and "cuda" not in self.detector.providers[0].lower():
            raise ValueError(
                f"bulk: expected a runtime that computes on a GPU, got {self.detector.providers[0]}; leave out "
                "num_gpus, or install onnxruntime-gpu or a PyTorch for it on every machine"
            )

    def __call__(self, table: pa.Table) -> pa.Table:
        """Names of photographs, or their bytes and paths -> rows of `SCHEMA`."""
        paths, contents = self._photographs(table)
        decoded = [_decoded(content) for content in contents]
        found = iter(look(self.detector, [pixels for pixels in decoded if not isinstance(pixels, str)]))
        rows = [pixels if isinstance(pixels, str) else next(found) for pixels in decoded]
        return to_table(paths, rows, self.task.origin)

    def _photographs(self, table: pa.Table) -> tuple[list[str], list[bytes | str]]:
        """Paths of photographs, and of each its bytes or why there are none."""
        if self.task.columns is None:
            paths = table[PATH].to_pylist()
            with ThreadPoolExecutor(READERS) as pool:
                return paths, list(pool.map(_read, paths))
        self.task.columns.check(table.column_names, "data set")
        rows = zip(*(table[name].to_pylist() for name in self.task.columns), strict=True)
        left = [(content, path) for content, path in rows if path not in self.task.done]
        missing = "expected the bytes of an image, got null"
        return [path for _, path in left], [missing if content is None else content for content, _ in left]


def _read(name: str) -> bytes | str:
    """The content of a file, or why there is none."""
    try:
        return read(name)
    except (OSError, ValueError) as error:
        return f"expected a file that can be read, got {_words(error)}"


def _decoded(content: bytes | str) -> Pixels | str:
    """The pixels (H, W, 3) BGR of an image file, upright, or why there are none; a reason stays what it is."""
    if isinstance(content, str):
        return content
    try:
        pixels = decode_image(content)
    except Exception as error:  # decoders raise what they like
        return f"expected an image, got {_words(error)}"
    return f"expected an image, got {len(content):,} bytes that do not decode as one" if pixels is None else pixels


def look(detector: Any, pictures: Sequence[Pixels]) -> list[Faces | str]:
    """The faces of each picture (H, W, 3) BGR, or why there are none.

    They run together. Where that fails they run one by one, so that the one at fault costs the others nothing.
    """
    try:
        return list(detector(list(pictures)))
    except (ValueError, MemoryError, cv2.error) as error:
        if len(pictures) == 1:
            return [f"expected a picture to look at, got {_words(error)}"]
        return [found for picture in pictures for found in look(detector, [picture])]


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
