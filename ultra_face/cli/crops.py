"""What `align` and `crop` share: a picture for each face, and the list of them with the faces' rows."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ultra_face.cli.command import not_negative, positive
from ultra_face.cli.outputs import Outputs
from ultra_face.cli.sources import SourceFile, add_options, find_inputs, load_detector, look, work_through
from ultra_face.exchange.rows import COLUMNS, csv_text
from ultra_face.faces import Faces
from ultra_face.files.whole import write_file
from ultra_face.formats.image_files import Pixels

INDEX = "index.csv"
OF_A_CROP = ("file", "sharpness")
"""Columns of the index beside those of faces."""

Cut = Callable[[Faces, Pixels], Sequence[Pixels]]


def add_choice(parser: ArgumentParser) -> ArgumentParser:
    """Add the options of all commands that look for faces, and which of the faces are wanted."""
    add_options(parser, output=f"folder for the crops, as PNG, and {INDEX}")
    add = parser.add_argument_group("which faces").add_argument
    add("--largest", type=positive, metavar="N", help="of each image or frame only the N largest (default: all)")
    add(
        "--min-sharpness",
        type=not_negative,
        default=0.0,
        metavar="NUMBER",
        help="leave out faces below this variance of the Laplacian of the aligned face, a column of the index",
    )
    return parser


def write_crops(options: Namespace, cut: Cut, *, by_landmarks: bool) -> int:
    """Cut the wanted faces of each input and write them with their index; return the exit status.

    The index is written in any case, of an interrupted run too, and lists the crops that are there.

    Args:
        options: of `add_choice`.
        cut: gives a crop for each of the faces of a picture (H, W, 3), BGR.
        by_landmarks: whether it needs them; faces without are left out then.

    Raises:
        FileExistsError: the folder holds an index and is not to be overwritten.
    """
    outputs = Outputs.folder(options, options.output)
    inputs = find_inputs(options)
    index = outputs.place / INDEX
    if index.exists() and not options.overwrite:
        raise FileExistsError(
            f"{index}: expected a folder without crops, got one that has some; choose another, or add --overwrite"
        )
    detector = load_detector(options)
    rows: list[dict[str, Any]] = []

    def work(file: SourceFile) -> int:
        num_faces, of_file = 0, []
        with outputs.all_or_none():
            for pixels, found in look(file, detector, quiet=options.quiet):
                num_faces += len(found)
                frame = "" if found.frame is None else f"-{found.frame:06d}"
                possible = found.valid if by_landmarks else np.ones(len(found), bool)
                numbers, faces = _wanted(found, possible, pixels, options)
                for number, row, crop in zip(numbers, faces.to_rows(), cut(faces, pixels), strict=True):
                    name = inputs.name(file, f"{frame}-{number:03d}.png")
                    write_file(outputs.claim(file, name), cv2.imencode(".png", crop)[1].tobytes())
                    of_file.append({**row, "face": number, "file": name.as_posix()})
        rows.extend(of_file)
        return num_faces

    try:
        return work_through(inputs, options, work)
    finally:
        write_file(index, csv_text(rows, (*COLUMNS, *OF_A_CROP)).encode(errors="backslashreplace"))


def _wanted(found: Faces, possible: NDArray[np.bool_], pixels: Pixels, options: Namespace) -> tuple[list[int], Faces]:
    """Which of the faces are wanted, the largest of those that are sharp enough, and these with their sharpness."""
    sharpness = found.sharpness(pixels).astype(np.float32)
    sharp = np.flatnonzero(possible & (sharpness >= options.min_sharpness))
    largest = sharp[np.argsort(-found.area[sharp], kind="stable")][: options.largest]
    numbers = np.sort(largest)
    return numbers.tolist(), replace(found, data={"sharpness": sharpness})[numbers]
