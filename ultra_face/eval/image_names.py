"""Names of WIDER FACE images: `event/name`, without folder prefix and without image suffix.

The suffix is cut as a whole. `str.rstrip(".jpg")`, as common scripts do it, strips a *set of characters* and
turns `rally_pj.jpg` into `rally_`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path, PurePosixPath

from ultra_face.formats.image_files import IMAGE_SUFFIXES
from ultra_face.text_files import read_text

_SHOWN = 5


class ImageSetError(ValueError):
    """The images of two sets differ, or an image name cannot be read."""


def strip_image_suffix(name: str) -> str:
    """`a.b.jpg` -> `a.b`; a name without image suffix stays as it is."""
    for suffix in IMAGE_SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


def image_name(path: str) -> str:
    """`any/prefix/0--Parade/0_Parade_1.jpg` -> `0--Parade/0_Parade_1`.

    Raises:
        ImageSetError: the path has no event folder.
    """
    parts = PurePosixPath(path.replace("\\", "/")).parts
    if len(parts) < 2 or parts[-2] == "/":
        raise ImageSetError(f"{path!r}: expected event/name, got no event folder")
    return f"{parts[-2]}/{strip_image_suffix(parts[-1])}"


def read_image_list(path: str | Path) -> tuple[str, ...]:
    """Names in a text file with one image path a line; blank lines are skipped, order is kept.

    Raises:
        ImageSetError: the file holds no image, a line has no event folder, or an image is listed twice.
    """
    try:
        names = tuple(image_name(line) for line in read_lines(path))
    except ImageSetError as error:
        raise ImageSetError(f"{path}: {error}; write one event/name a line") from error
    if not names:
        raise ImageSetError(f"{path}: expected one image (event/name) a line, got an empty list")
    repeated = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if repeated:
        raise ImageSetError(f"{path}: {abbreviate(repeated)} listed more than once")
    return names


def read_lines(path: str | Path) -> list[str]:
    """Lines of a text file without surrounding blanks; blank lines are skipped."""
    return [line.strip() for line in read_text(path).splitlines() if line.strip()]


def check_same_images(
    expected: Iterable[str],
    found: Mapping[str, object],
    *,
    allow_missing: bool = False,
    allow_extra: bool = False,
) -> None:
    """Compare the images that have ground truth with those that have predictions.

    Args:
        expected: names that have ground truth.
        found: predictions by name.
        allow_missing: accept images without predictions.
        allow_extra: accept predictions for images without ground truth.

    Raises:
        ImageSetError: lists the first names of each difference that is not allowed, and how many there are.
    """
    known = set(expected)
    missing = [] if allow_missing else sorted(known - found.keys())
    extra = [] if allow_extra else sorted(found.keys() - known)
    if missing:
        raise ImageSetError(
            f"no predictions for {len(missing)} of {len(known)} images: {abbreviate(missing)}; write a "
            "result file with count 0 where nothing was found, or score missing images as empty with --allow-missing"
        )
    if extra:
        raise ImageSetError(
            f"predictions for {len(extra)} images that exist in no event of the ground truth: "
            f"{abbreviate(extra)}; remove them, or leave extra images out with --allow-extra"
        )


def abbreviate(names: Collection[str]) -> str:
    """The first few names, and how many more there are."""
    shown = ", ".join(list(names)[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
