"""What commands that look for faces share: options of the detector, the files to go through, and what became of them.

Every input is tried, as long as there is room. Those that fail are listed at the end and leave nothing, and the exit
status says what happened: 0 done, 1 some inputs failed, 3 no face anywhere where `--fail-if-none` asks for one.
"""

from __future__ import annotations

import glob
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace, _ArgumentGroup
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

from ultra_face.cli.command import MENDABLE, add_trust, positive, sentence, share
from ultra_face.detection.images import is_video_name
from ultra_face.detector import FaceDetector
from ultra_face.faces import Faces
from ultra_face.files.whole import NO_ROOM, OutputError
from ultra_face.formats.image_files import Pixels, decode_image, is_image_content, is_image_name

Item = TypeVar("Item")
Detect = Callable[[Pixels], Faces]

FAILED, NO_FACE = 1, 3
"""Exit statuses."""

DETECTOR_SETTINGS = ("model", "conf", "precision", "iou", "imgsz", "tile", "scales", "rotate", "device")
TURNS = (0, 90, 180, 270)
OF_VIDEOS = 0.25
"""Lowest score of a face where a frame is not all: the frames before and after know more of it."""


def add_options(parser: ArgumentParser, *, output: str, conf: float | None = None) -> ArgumentParser:
    """Add what all commands that look for faces ask for.

    Args:
        parser: of the command.
        output: what `--output` names, in words.
        conf: lowest score of a face, where the command has one of its own.
    """
    add = parser.add_argument
    add("sources", nargs="+", metavar="SOURCE", help="image, video, folder of these, or pattern such as 'in/*.jpg'")
    add("--output", type=Path, required=True, help=output)
    add("--recursive", action="store_true", help="also what lies in folders below")
    add("--overwrite", action="store_true", help="replace files that exist")
    add("--quiet", action="store_true", help="show no progress")
    add("--fail-if-none", action="store_true", help=f"end with status {NO_FACE} where no input has a face")
    add = add_detector(parser, conf=conf).add_argument
    add("--device", help="cpu, or the number of a GPU (default: a GPU where there is one)")
    add_trust(parser)
    parser.set_defaults(usage_error=parser.error, program=parser.prog)
    return parser


def add_detector(parser: ArgumentParser, *, conf: float | None = None) -> _ArgumentGroup:
    """Add the options of a detector, wherever it runs, and return their group; `conf` is as in `add_options`."""
    group = parser.add_argument_group("detector")
    add = group.add_argument
    add("--model", help=".pt, .onnx or another format of Ultralytics (default: the weights of the package)")
    scores, own = group.add_mutually_exclusive_group(), conf or "as the model card says"
    scores.add_argument("--conf", type=share, default=conf, help=f"lowest score of a face (default: {own})")
    scores.add_argument("--precision", type=share, help="instead of a score: share of finds that shall be right")
    add("--iou", type=share, help="overlap above which two boxes are one face (default: 0.5)")
    add("--imgsz", type=positive, help="long side of the input in px (default: 640)")
    add("--tile", type=_tile, help="look at large images in tiles too: auto, or their side in px")
    add("--scales", type=_numbers, metavar="PX,PX", help="further input sizes to look at")
    add("--rotate", type=_turns, metavar="DEGREES", help="turns to look at: some of 0,90,180,270 (default: 0)")
    return group


def detector_settings(options: Namespace) -> dict[str, Any]:
    """The settings of the detector that were given; the others are the detector's own."""
    given = {name: getattr(options, name) for name in DETECTOR_SETTINGS}
    if given["precision"] is not None:
        given["conf"] = None  # which is the command's own: argparse refuses both
    return {name: value for name, value in given.items() if value is not None}


def load_detector(options: Namespace) -> FaceDetector:
    """The detector that was asked for.

    Raises:
        FileNotFoundError, ModuleNotFoundError, ValueError: as `FaceDetector`.
    """
    return FaceDetector(**detector_settings(options))


@dataclass(frozen=True)
class SourceFile:
    """An input file.

    Attributes:
        path: where it is.
        name: where it is below the folder that was given, or its name alone.
    """

    path: Path
    name: Path

    @property
    def is_image(self) -> bool:
        """Whether it is an image rather than a video: by its suffix, or by its content where that tells nothing."""
        if is_image_name(self.path) or is_video_name(self.path):
            return is_image_name(self.path)
        with self.path.open("rb") as stream:
            return is_image_content(stream.read(12))


@dataclass(frozen=True)
class Inputs:
    """The files to go through, and what could not be found, a sentence each."""

    files: list[SourceFile]
    failures: list[str] = field(default_factory=list)

    def name(self, file: SourceFile, ending: str) -> Path:
        """What is made of a file is named as itself, with another ending.

        Its own suffix stays before that where it alone tells two inputs apart, such as the halves of a live photo.
        """
        stem = _without_suffix(file.name)
        kept = file.name if self._stems[stem] > 1 else stem
        return kept.with_name(kept.name + ending)

    @cached_property
    def _stems(self) -> Counter[Path]:
        return Counter(map(_without_suffix, {file.name for file in self.files}))


def _without_suffix(name: Path) -> Path:
    return name.with_suffix("") if is_image_name(name) or is_video_name(name) else name


def find_inputs(options: Namespace, *, written: Sequence[Path] = (), videos_only: bool = False) -> Inputs:
    """The files that the sources of a command name; those below what it writes are left out.

    Args:
        options: of the command.
        written: folders that it writes to, besides `--output`.
        videos_only: leave out the images of folders.

    Raises:
        FileNotFoundError: there is none at all.
        ValueError: an output is one of the source folders itself.
    """
    own = [path.resolve() for path in (options.output, *written)]
    files: dict[Path, SourceFile] = {}
    failures = []
    for source in options.sources:
        try:
            found = _find(source, recursive=options.recursive, own=own, videos_only=videos_only)
        except FileNotFoundError as error:
            failures.append(sentence(error))
        else:
            files.update((file.path, file) for file in found if file.path not in files)
    if not files:
        raise FileNotFoundError("; ".join(failures))
    return Inputs(list(files.values()), failures)


def _find(source: str, *, recursive: bool, own: list[Path], videos_only: bool) -> list[SourceFile]:
    path = Path(source)
    if path.is_dir():
        root = path.resolve()
        if root in own:  # the next run would take what this one has written
            raise ValueError(f"{source}: expected an output elsewhere, got the folder of the inputs; name one below it")
        below = path.rglob("*") if recursive else path.iterdir()
        inside = {file: file.relative_to(path) for file in sorted(below)}
        left_out = [output for output in own if output.is_relative_to(root)]
        found = [
            SourceFile(file, name)
            for file, name in inside.items()
            if (is_video_name(file) or (is_image_name(file) and not videos_only))
            and not any(part.startswith(".") for part in name.parts)
            and not any(file.resolve().is_relative_to(output) for output in left_out)
            and file.is_file()
        ]
        if not found:
            kinds = "videos" if videos_only else "images or videos"
            deeper = "" if recursive else "; --recursive looks into folders below too"
            raise FileNotFoundError(f"{source}: expected {kinds} in this folder, got none{deeper}")
        return found
    if path.exists():
        return [SourceFile(path, Path(path.name))]
    matches = [Path(match) for match in sorted(glob.glob(source, recursive=True))]  # noqa: PTH207
    found = [SourceFile(match, Path(match.name)) for match in matches if match.is_file()]
    if not found:
        raise FileNotFoundError(f"{source}: expected an image, a video or a folder, got nothing there; check the path")
    return found


def work_through(inputs: Inputs, options: Namespace, work: Callable[[SourceFile], int]) -> int:
    """Do the work of a command for each input and list on standard error those that fail.

    Args:
        inputs: the files.
        options: of the command.
        work: takes a file and gives the number of its faces.

    Returns:
        The exit status.

    Raises:
        OSError: the disk is full, or the place of the outputs cannot be written to.
    """
    num_faces, failures = 0, list(inputs.failures)
    try:
        for file in watch(inputs.files, "files", quiet=options.quiet or len(inputs.files) == 1):
            try:
                num_faces += work(file)
            except (BrokenPipeError, OutputError):  # nobody reads, or nothing can be written: the next fares no better
                raise
            except MENDABLE as error:
                if isinstance(error, OSError) and error.errno in NO_ROOM:  # half the rows of an input may be written
                    raise
                text = sentence(error)
                failures.append(text if str(file.path) in text else f"{file.path}: {text}")
    finally:
        for failure in failures:
            print(f"{options.program}: {failure}", file=sys.stderr)
    if failures:
        return FAILED
    return NO_FACE if options.fail_if_none and not num_faces else 0


def look(file: SourceFile, detector: Detect, *, quiet: bool) -> Iterator[tuple[Pixels, Faces]]:
    """The picture (H, W, 3), BGR, of an image, or each one of a video, upright, and the faces in it.

    Args:
        file: an image or a video.
        detector: finds the faces of a picture (H, W, 3), BGR.
        quiet: whether a video shows no progress.

    Raises:
        ModuleNotFoundError: a video, and PyAV is not installed.
        ValueError: no image, or no video.
    """
    if file.is_image:
        pixels = decode_image(file.path.read_bytes(), file.path)
        if pixels is None:
            raise ValueError(f"{file.path}: expected an image, got a file that does not decode as one; check it")
        yield pixels, replace(detector(pixels), source=str(file.path))
        return
    from ultra_face.video.film import open_film

    with open_film(file.path) as film:
        frames = watch(film, file.path.name, total=film.num_frames or None, quiet=quiet)
        for number, frame in enumerate(frames):
            pixels = frame.pixels()
            yield pixels, replace(detector(pixels), source=str(file.path), frame=number)


def watch(items: Iterable[Item], does: str, *, total: int | None = None, quiet: bool) -> Iterable[Item]:
    """Show on standard error how far an iterable is; `does` says in a word of what, `total` how many there will be."""
    if quiet:
        return items
    from tqdm import tqdm  # only here: commands that are refused need none

    return tqdm(items, desc=does, total=total, leave=False)


def _tile(text: str) -> int | Literal["auto"]:
    return "auto" if text == "auto" else positive(text)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(positive, text.split(",")))


def _turns(text: str) -> tuple[int, ...]:
    if not set(text.split(",")) <= set(map(str, TURNS)):
        raise ArgumentTypeError(f"expected some of {', '.join(map(str, TURNS))}, such as 0,90, got {text!r}")
    return tuple(map(int, text.split(",")))
