"""Follow the faces of videos: rows with an id for each person, and the sharpest crop of each.

Every face that is found has a row; one that the tracker has not matched has the id -1. Each video has ids of its own.
A video that fails is listed at the end and leaves neither rows nor crops. Images of folders are left out.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2

from ultra_face.cli.command import new_parser
from ultra_face.cli.outputs import Outputs
from ultra_face.cli.rows import JSON_LINES, add_form, open_rows
from ultra_face.cli.sources import (
    OF_VIDEOS,
    SourceFile,
    add_options,
    find_inputs,
    load_detector,
    look,
    work_through,
)
from ultra_face.faces import Faces
from ultra_face.files.whole import write_file
from ultra_face.formats.image_files import Pixels
from ultra_face.video.tracking import TRACKERS, UNMATCHED, Tracker

PERSON = "person-{:04d}.png"


def parser() -> ArgumentParser:
    """What the command asks for."""
    new = new_parser("track", __doc__, "clip.mp4 --output tracked", "clips --output tracked --format parquet")
    add_options(new, output="folder for the rows of each video, and a folder of crops beside them", conf=OF_VIDEOS)
    add_form(new, f"{JSON_LINES}, a face each")
    new.add_argument(
        "--tracker",
        choices=TRACKERS,
        default=TRACKERS[0],
        help=f"of Ultralytics (default: {TRACKERS[0]}, whose ids `ultra-face blur --spare-ids` takes)",
    )
    return new


def run(options: Namespace) -> int:
    """Track the faces of each video; return the exit status."""
    outputs = Outputs.folder(options, options.output)
    inputs = find_inputs(options, videos_only=True)
    form = options.format or JSON_LINES
    detector = load_detector(options)

    def work(file: SourceFile) -> int:
        if file.is_image:
            raise ValueError(f"{file.path}: expected a video, got an image; use `ultra-face detect`")
        crops = inputs.name(file, "")
        before = _crops_before(outputs, crops)
        tracker, people, num_faces = Tracker(options.tracker), People(), 0
        table = outputs.claim(file, inputs.name(file, f".{form}"))
        with (
            outputs.all_or_none(),
            open_rows(table, form, overwrite=options.overwrite) as rows_of_input,
            rows_of_input() as write,
        ):
            for pixels, found in look(file, detector, quiet=options.quiet):
                faces = replace(found, track_ids=tracker(pixels, found))
                write(faces)
                people.see(faces, pixels)
                num_faces += len(faces)
            for track_id, crop in people.crops.items():
                target = outputs.claim(file, crops / PERSON.format(track_id))
                write_file(target, cv2.imencode(".png", crop)[1].tobytes())
        for of_nobody in before - outputs.taken.keys():
            of_nobody.unlink()
        return num_faces

    return work_through(inputs, options, work)


def _crops_before(outputs: Outputs, folder: Path) -> set[Path]:
    """Crops of an earlier run, whose people are others.

    Raises:
        FileExistsError: there are some, and they are not to be replaced.
    """
    crops = set((outputs.place / folder).glob("person-*.png"))
    if crops and not outputs.overwrite:
        raise FileExistsError(
            f"{outputs.place / folder}: expected a folder without crops, got one that has some; choose another, or add "
            "--overwrite"
        )
    return crops


@dataclass(eq=False)
class People:
    """The sharpest aligned crop of each person so far, by track id."""

    crops: dict[int, Pixels] = field(default_factory=dict)
    sharpness: dict[int, float] = field(default_factory=dict)

    def see(self, faces: Faces, pixels: Pixels) -> None:
        """Keep what is sharper than all before."""
        for face, crop, sharpness in zip(faces, faces.align(pixels), faces.sharpness(pixels).tolist(), strict=True):
            track_id = face.track_id
            if track_id not in (None, UNMATCHED) and sharpness > self.sharpness.get(track_id, 0.0):
                self.sharpness[track_id], self.crops[track_id] = sharpness, crop
