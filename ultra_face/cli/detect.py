"""Find faces and write them as rows: one a face, with box, landmarks and score.

The rows of an input come when it is done; one that fails is listed at the end and leaves none.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

import cv2

from ultra_face.cli.command import new_parser
from ultra_face.cli.outputs import Outputs
from ultra_face.cli.rows import add_form, form_of, open_rows
from ultra_face.cli.sources import SourceFile, add_options, find_inputs, load_detector, look, work_through
from ultra_face.files.whole import write_file


def parser() -> ArgumentParser:
    """What the command asks for."""
    new = new_parser(
        "detect",
        __doc__,
        "photo.jpg --output -",
        "photos --recursive --output faces.csv --draw drawn",
        "clip.mp4 --output faces.parquet --conf 0.3",
    )
    add_options(new, output="file of rows: .jsonl, .csv or .parquet; or - for standard output")
    add_form(new, "by the suffix of --output; JSON lines, a face each, on standard output")
    new.add_argument("--draw", type=Path, metavar="FOLDER", help="also write the images, not videos, with faces drawn")
    return new


def run(options: Namespace) -> int:
    """Look at each input and write its rows; return the exit status."""
    form = form_of(options)
    drawn = Outputs.folder(options, options.draw, "--draw") if options.draw else None
    inputs = find_inputs(options, written=[drawn.place] if drawn else [])
    with open_rows(options.output, form, overwrite=options.overwrite) as rows_of_input:
        detector = load_detector(options)

        def work(file: SourceFile) -> int:
            num_faces = 0
            with rows_of_input() as write:
                for pixels, faces in look(file, detector, quiet=options.quiet):
                    write(faces)
                    num_faces += len(faces)
                    if drawn is not None and file.is_image:
                        target = drawn.claim(file, inputs.name(file, ".jpg"))
                        write_file(target, cv2.imencode(".jpg", faces.draw(pixels, inplace=True))[1].tobytes())
            return num_faces

        return work_through(inputs, options, work)
