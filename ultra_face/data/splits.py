"""Which images of a source become which split: those that lists name, or every N-th by name, or all for training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ultra_face.data.image_store import ImageStore
from ultra_face.data.row_reading import RowReading
from ultra_face.formats.annotation import FaceAnnotations
from ultra_face.text_files import read_text

SPLIT_NAMES = ("train", "val")


@dataclass(frozen=True)
class SourceSplit:
    """The part of a source that becomes one split of the data set.

    Attributes:
        name: `train` or `val`.
        images: Where the images are.
        faces: What is known of each image.
        reading: How the rows of the source read, where its boxes are bare numbers; shared by its splits.
    """

    name: str
    images: ImageStore
    faces: list[FaceAnnotations]
    reading: RowReading | None = None


def split_argument(text: str) -> tuple[str, str | None]:
    """`NAME=LIST` or `NAME` of a command line as a split name and its list file or None."""
    name, _, list_file = text.partition("=")
    return name, list_file or None


def check_split_options(split_lists: Mapping[str, str | None], hold_out: int | None) -> None:
    """Check what does not depend on a source.

    Raises:
        ValueError: A split is neither `train` nor `val`; both ways to split are asked for; `hold_out` is below 2.
    """
    unknown = sorted(set(split_lists) - set(SPLIT_NAMES))
    if unknown:
        raise ValueError(f"expected splits among {', '.join(SPLIT_NAMES)}, got {', '.join(unknown)}")
    if hold_out is None:
        return
    if split_lists:
        raise ValueError(
            f"expected --split or --hold-out, got --hold-out {hold_out} and --split for {', '.join(split_lists)}; "
            "leave one out"
        )
    if hold_out < 2:
        raise ValueError(f"expected --hold-out of 2 or more, got {hold_out}; 7 holds out every seventh image")


def hold_out_images(faces: list[FaceAnnotations], every: int) -> dict[str, list[FaceAnnotations]]:
    """Of the images sorted by name, every `every`-th as `val` (the first at position `every`), the others as `train`.

    Raises:
        ValueError: There are fewer images than `every`, so that `val` would be empty.
    """
    if len(faces) < every:
        raise ValueError(
            f"expected {every} or more images to hold out every {every}-th, got {len(faces)}; lower --hold-out"
        )
    ordered = sorted(faces, key=lambda entry: entry.image)
    val = ordered[every - 1 :: every]
    del ordered[every - 1 :: every]
    return {"train": ordered, "val": val}


def find_list(list_file: str | None, folder: Path) -> Path | None:
    """Find the list file, looked up below `folder` first and as it stands second; None stays None."""
    if list_file is None:
        return None
    candidates = (folder / list_file, Path(list_file))
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(f"list of images {list_file} not found; expected {candidates[0]} or {candidates[1]}")


def select_images(faces: list[FaceAnnotations], list_file: Path | None) -> list[FaceAnnotations]:
    """The annotations of the images that `list_file` names, in its order; all of them without a list.

    A list may leave out the extension of an image, as those of Pascal VOC do, where only one image has the name.

    Raises:
        FileNotFoundError: A listed image has no annotation.
    """
    if list_file is None:
        return faces
    bare_names = [str(PurePosixPath(entry.image).with_suffix("")) for entry in faces]
    times = Counter(bare_names)
    by_name = {bare_name: entry for bare_name, entry in zip(bare_names, faces, strict=True) if times[bare_name] == 1}
    by_name |= {entry.image: entry for entry in faces}
    selected = []
    for number, line in enumerate(read_text(list_file).splitlines(), start=1):
        image = line.strip()
        if not image:
            continue
        if image not in by_name:
            raise FileNotFoundError(
                f"{list_file}:{number}: expected an image that the source annotates, got {image!r}; remove the line"
            )
        selected.append(by_name[image])
    return selected
