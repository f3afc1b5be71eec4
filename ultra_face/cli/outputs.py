"""Where commands that look for faces write: a file, or files in a folder, none of which destroys another."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ultra_face.cli.sources import Inputs, SourceFile
from ultra_face.detection.images import VIDEO_SUFFIXES, is_video_name
from ultra_face.formats.image_files import IMAGE_SUFFIXES, is_image_name

STANDARD_OUTPUT = Path("-")
OF_FILES = (*IMAGE_SUFFIXES, *VIDEO_SUFFIXES, ".csv", ".jsonl", ".parquet")
"""By which a name is that of a file rather than of a folder."""

Seen = tuple[int, int]
"""Inode and time of change [ns] of a file."""


@dataclass(frozen=True)
class Outputs:
    """Where a command writes: one file, or files in a folder.

    Attributes:
        place: the file or folder.
        is_file: which of the two.
        overwrite: whether files that exist are replaced.
        taken: the files given out so far, each with what was there before.
    """

    place: Path
    is_file: bool
    overwrite: bool
    taken: dict[Path, Seen | None] = field(default_factory=dict)

    @classmethod
    def of(cls, options: Namespace, inputs: Inputs) -> Outputs:
        """Take `--output` for a file where it is named like one and there is one input, else for a folder.

        Exits with a usage message where it is named like a file and there are several inputs.
        """
        place = options.output
        named_like_file = is_image_name(place) or is_video_name(place)
        one_file = [file.path for file in inputs.files] == [Path(source) for source in options.sources[:1]]
        is_file = one_file and len(options.sources) == 1 and bool(place.suffix) and not place.is_dir()
        if named_like_file and not is_file and not place.is_dir():
            options.usage_error(f"--output: expected a folder for {len(inputs.files)} inputs, got {place}")
        return cls(place, is_file, options.overwrite)

    @classmethod
    def folder(cls, options: Namespace, place: Path, option: str = "--output") -> Outputs:
        """Take what an option names for a folder.

        Exits with a usage message where it is named like a file, or is one.
        """
        if place.is_file() or place == STANDARD_OUTPUT or (place.suffix.lower() in OF_FILES and not place.is_dir()):
            options.usage_error(f"{option}: expected a folder, got {place}")
        return cls(place, is_file=False, overwrite=options.overwrite)

    @contextmanager
    def all_or_none(self) -> Iterator[None]:
        """Remove again what is written meanwhile if the block fails: an input that fails leaves no part of its own.

        A file that was there before and is not replaced yet stays.
        """
        before = set(self.taken)
        try:
            yield
        except BaseException:
            for path in self.taken.keys() - before:
                was_there = self.taken.pop(path)
                with suppress(OSError):
                    if _seen(path) != was_there:
                        path.unlink()
            raise

    def claim(self, file: SourceFile, name: Path) -> Path:
        """The file to write for an input, `name` below the folder.

        Raises:
            FileExistsError: it exists and is not to be replaced, or it was given out for another input.
            ValueError: it is the input itself.
        """
        path = self.place if self.is_file else self.place / name
        if path.exists() and path.samefile(file.path):
            raise ValueError(f"{file.path}: expected an output elsewhere, got the input itself; name another place")
        if path in self.taken:
            raise FileExistsError(
                f"{file.path}: expected a name of its own, got {path}, which another input has; "
                "run them apart, each into a folder of its own"
            )
        if path.exists() and not self.overwrite:
            raise FileExistsError(f"{path}: expected a new file, got one that exists; add --overwrite to replace it")
        self.taken[path] = _seen(path)
        return path


def _seen(path: Path) -> Seen | None:
    """What tells a file from one that replaces it; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
