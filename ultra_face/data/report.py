"""What a preparation did, in numbers a user can check."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ultra_face.data.annotation import CleanedFaces

_SHOWN = 10


@dataclass
class SplitReport:
    """Counts of one split; grows as images are prepared."""

    images: int = 0
    written_images: int = 0
    images_without_faces: int = 0
    faces: int = 0
    faces_with_landmarks: int = 0
    landmarks: int = 0
    landmarks_outside: int = 0
    scaled_images: int = 0
    cut_boxes: int = 0
    skipped_boxes: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def add(self, cleaned: CleanedFaces, *, written: bool) -> None:
        """Count one prepared image."""
        present = cleaned.faces.landmarks[..., 2] > 0
        self.images += 1
        self.written_images += written
        self.images_without_faces += len(cleaned.faces) == 0
        self.faces += len(cleaned.faces)
        self.faces_with_landmarks += int(present.any(axis=1).sum())
        self.landmarks += int(present.sum())
        self.landmarks_outside += cleaned.landmarks_outside
        self.cut_boxes += cleaned.cut_boxes
        self.skipped_boxes += cleaned.skipped_boxes


@dataclass
class PrepareReport:
    """Counts by split, the data YAML that names the result, and images there that are no part of it."""

    data_yaml: Path
    splits: dict[str, SplitReport]
    foreign_images: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [line for name, split in self.splits.items() for line in _describe(name, split)]
        missing = [name for name in ("train", "val") if name not in self.splits]
        if missing:
            lines.append(
                f"no images for {' and '.join(missing)}: Ultralytics needs both splits; "
                "add --split NAME=LIST or --hold-out N"
            )
        if self.foreign_images:
            lines.append(describe_foreign(self.foreign_images))
        return "\n".join([*lines, f"data set: {self.data_yaml}"])


def describe_training_set(split: SplitReport, images: Path, foreign: list[str]) -> str:
    """One line on training images in the folder `images`, where `foreign` ones lie too."""
    line = (
        f"{split.images:,} images ({split.written_images:,} written), {split.faces:,} faces, of which "
        f"{split.faces_with_landmarks:,} have landmarks; to train on them, add {images} to train: of a data YAML"
    )
    return f"{line}; {describe_foreign(foreign)}" if foreign else line


def describe_foreign(images: list[str]) -> str:
    """What to know of images that lie in the data set and are no part of it."""
    return (
        f"left alone {len(images):,} images that this preparation does not write, but training will read: "
        f"{_shorten(images)}"
    )


def _describe(name: str, split: SplitReport) -> list[str]:
    skipped = ", ".join(f"{count:,} {reason}" for reason, count in sorted(split.skipped_boxes.items()))
    complete = split.images - split.written_images
    lines = [
        f"{name}: {split.images:,} images ({split.written_images:,} written, {complete:,} already complete)",
        f"  images without faces: {split.images_without_faces:,}",
        f"  faces: {split.faces:,}, of which {split.faces_with_landmarks:,} have landmarks",
        f"  landmarks: {split.landmarks:,} ({split.landmarks_outside:,} left out: outside the image)",
        f"  skipped boxes: {skipped or 'none'}",
    ]
    if split.cut_boxes:
        lines.append(f"  boxes cut at the border of their image: {split.cut_boxes:,}")
    if split.scaled_images:
        lines.append(f"  images whose labels were scaled from the size stated there: {split.scaled_images:,}")
    if split.problems:
        lines.append(f"  left out {len(split.problems):,} images: {_shorten(split.problems)}")
    return lines


def _shorten(items: list[str]) -> str:
    more = len(items) - _SHOWN
    return ", ".join(items[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
