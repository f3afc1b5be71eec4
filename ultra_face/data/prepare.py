"""Face annotations to a YOLO pose data set, `images/<split>`, `labels/<split>` and their `data.yaml`, with a report.

Every file is written to a neighbour and moved into place, and every run compares what is there with what
should be: a second run changes nothing, and a run after an interruption completes the first. The folders
of images and `data.yaml` appear when all is written. The report says what was done in numbers a user can check.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import yaml

from ultra_face.data.cleaning import CleanedFaces, RowReading, clean_faces, fit_to_image
from ultra_face.data.sources import SourceSplit, open_source
from ultra_face.faces import MIRRORED_LANDMARKS
from ultra_face.files.whole import write_file, write_link
from ultra_face.formats.annotation import NUM_LANDMARKS, FaceAnnotations
from ultra_face.formats.files import claimed, staged
from ultra_face.formats.image_files import ImageStore, find_images, image_size
from ultra_face.formats.yolo_pose import RowLayout, format_labels, label_file

_SHOWN = 10

FACE_ALONE = {0: "face"}
"""The classes of a data set that knows faces alone."""

LANDMARK_KEYS = {"kpt_shape": [5, 3], "flip_idx": [*MIRRORED_LANDMARKS]}
DATA_KEYS = {**LANDMARK_KEYS, "names": FACE_ALONE}


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


@dataclass(frozen=True)
class ImageJob:
    """One image to prepare: where it comes from, what is known of it, and the split it goes to.

    `reading` is that of the source's rows, see `SourceSplit`.
    """

    split: str
    images: ImageStore
    faces: FaceAnnotations
    reading: RowReading | None


Progress = Callable[[Sequence[ImageJob]], Iterable[ImageJob]]


def prepare_dataset(
    sources: Sequence[Path],
    output: Path,
    *,
    image_folder: Path | None = None,
    split_lists: Mapping[str, str | None] | None = None,
    hold_out: int | None = None,
    link: bool = False,
    progress: Progress = iter,
) -> PrepareReport:
    """Write the YOLO pose data set of all `sources` to the folder `output`.

    Args:
        sources: Folders or label files, see `open_source`; the options below hold for each of them.
        output: Folder of the data set: new, empty, or of an earlier run with the same sources and splits.
        image_folder: See `open_source`.
        split_lists: See `open_source`.
        hold_out: See `open_source`.
        link: Make symbolic links to the images instead of copies. Ultralytics repairs damaged JPEG files in
            place, through the link; copies keep the originals safe.
        progress: Wraps the list of images, to show how far the work is.

    Raises:
        FileExistsError: `output` holds files of another origin.
        FileNotFoundError: An archive, list, label file or image is missing.
        OutputError: The disk is full or `output` is not writable; finished files stay valid, and running
            again goes on.
        ValueError: A broken annotation, a damaged archive, an image in two splits, links asked of an archive,
            split options that do not go together, or rows that are corners instead of x y w h.
    """
    splits = [
        split
        for source in sources
        for split in open_source(source, image_folder=image_folder, split_lists=split_lists, hold_out=hold_out)
    ]
    jobs = plan_jobs(splits)
    division = dict(split_lists or {}) if hold_out is None else {"hold_out": hold_out}
    report = PrepareReport(output / "data.yaml", {split.name: SplitReport() for split in splits})
    origin = {"sources": [str(source.resolve()) for source in sources], "splits": division}
    with claimed(output, origin) as claim:
        for job in progress(jobs):
            claim.check()
            _prepare_image(job, output, report.splits[job.split], link=link)
        for reading in {split.reading for split in splits if split.reading is not None}:
            reading.check()
        for split in report.splits:
            claim.publish(output / "images" / split)
        report.foreign_images += foreign_images({f"{job.split}/{job.faces.image}" for job in jobs}, output)
        write_file(report.data_yaml, data_yaml(report.splits).encode())
    return report


def plan_jobs(splits: Iterable[SourceSplit]) -> list[ImageJob]:
    """One job an image, in the order of the splits.

    Raises:
        ValueError: Two images would become the same one, or one image is in two splits.
    """
    seen: dict[str, ImageJob] = {}
    for split in splits:
        for faces in split.faces:
            stem = str(PurePosixPath(faces.image).with_suffix(""))
            if stem in seen:
                raise ValueError(
                    f"{faces.where}: expected each image once, got {faces.image} in {split.name} and "
                    f"{seen[stem].faces.image} in {seen[stem].split} ({seen[stem].faces.where}); "
                    "remove it from one, or prepare the sources into folders of their own"
                )
            seen[stem] = ImageJob(split.name, split.images, faces, split.reading)
    return list(seen.values())


def foreign_images(expected: Set[str], output: Path) -> list[str]:
    """Images below `output` that are not `expected`, `split/image`: of the user, or of a run with other annotations."""
    return sorted(
        str(path.relative_to(output))
        for path in find_images(output / "images")
        if path.relative_to(output / "images").as_posix() not in expected
    )


def data_yaml(
    splits: Iterable[str], layout: RowLayout = RowLayout.VISIBILITY, names: Mapping[int, str] = FACE_ALONE
) -> str:
    """Text of the data YAML; without `path`, so that Ultralytics takes the folder of the file itself."""
    landmarks = {**LANDMARK_KEYS, "kpt_shape": [NUM_LANDMARKS, int(layout)]} if layout else {}
    keys = {**landmarks, "names": dict(names)}
    return yaml.safe_dump({**{name: f"images/{name}" for name in splits}, **keys}, sort_keys=False)


def _prepare_image(job: ImageJob, output: Path, report: SplitReport, *, link: bool) -> None:
    try:
        content = job.images.read(job.faces.image)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{job.faces.where}: image missing: {error}; check the image folder") from error
    try:
        size = image_size(content, f"{job.faces.where}: {job.faces.image}")
        if size is None:
            raise ValueError(f"{job.faces.where}: {job.faces.image} does not decode as an image; fetch it again")
        width, height = size
        faces = fit_to_image(job.faces, width=width, height=height)
    except ValueError as error:
        report.problems.append(str(error))
        return
    if job.reading is not None:
        job.reading.see(faces, width=width, height=height)
    cleaned = clean_faces(faces, width=width, height=height)
    label_text = format_labels(cleaned.faces, width=width, height=height)
    label_path = label_file(output / "images" / job.split / job.faces.image)
    written = write_file(label_path, label_text.encode())
    path = staged(output / "images" / job.split) / job.faces.image
    written |= _place_image(job, path, content, link=link)
    report.add(cleaned, written=written)
    report.scaled_images += faces is not job.faces


def _place_image(job: ImageJob, path: Path, content: bytes, *, link: bool) -> bool:
    if not link:
        return write_file(path, content)
    target = job.images.file(job.faces.image)
    if target is None:
        raise ValueError(
            f"{job.faces.image} is inside an archive, which cannot be linked to; copy, or unpack the archive"
        )
    return write_link(path, target)
