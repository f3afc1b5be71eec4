"""Face annotations to a YOLO pose data set: `images/<split>`, `labels/<split>` and their `data.yaml`.

Every file is written to a neighbour and moved into place, and every run compares what is there with what
should be: a second run changes nothing, and a run after an interruption completes the first. The folders
of images and `data.yaml` appear when all is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml

from ultra_face.data.annotation import clean_faces, fit_to_image
from ultra_face.data.image_store import ImageStore, image_size
from ultra_face.data.output_folder import claim_folder, publish, staged, write_file, write_link
from ultra_face.data.report import PrepareReport, SplitReport
from ultra_face.data.row_reading import RowReading
from ultra_face.data.sources import open_source
from ultra_face.data.splits import SourceSplit
from ultra_face.data.yolo_pose import RowLayout, format_labels, label_file
from ultra_face.formats.annotation import NUM_LANDMARKS, FaceAnnotations
from ultra_face.formats.image_files import find_images

DATA_KEYS = {"kpt_shape": [5, 3], "flip_idx": [1, 0, 2, 4, 3], "names": {0: "face"}}


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
    claim_folder(output, {"sources": [str(source.resolve()) for source in sources], "splits": division})
    report = PrepareReport(output / "data.yaml", {split.name: SplitReport() for split in splits})
    for job in progress(jobs):
        _prepare_image(job, output, report.splits[job.split], link=link)
    for reading in {split.reading for split in splits if split.reading is not None}:
        reading.check()
    for split in report.splits:
        publish(output / "images" / split)
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


def data_yaml(splits: Iterable[str], layout: RowLayout = RowLayout.VISIBILITY) -> str:
    """Text of the data YAML; without `path`, so that Ultralytics takes the folder of the file itself."""
    keys = {**DATA_KEYS, "kpt_shape": [NUM_LANDMARKS, int(layout)]} if layout else {"names": DATA_KEYS["names"]}
    return yaml.safe_dump({**{name: f"images/{name}" for name in splits}, **keys}, sort_keys=False)


def _prepare_image(job: ImageJob, output: Path, report: SplitReport, *, link: bool) -> None:
    try:
        content = job.images.read(job.faces.image)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{job.faces.where}: image missing: {error}; check the image folder") from error
    size = image_size(content)
    if size is None:
        report.problems.append(f"{job.faces.where}: {job.faces.image} does not decode as an image; fetch it again")
        return
    width, height = size
    try:
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
