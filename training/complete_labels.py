"""Complete the labels of a prepared data set by teachers that agree: distillation, to be said in a model card.

Teachers are other detectors. Each looks at the photograph at several sizes and mirrored; what at least two of them see
is a face, with the mean of their scores, 0 of those that do not see it. A face that has no label gets one, and a label
without landmarks gets theirs. What is labelled stays. Where teachers see something and do not agree is neither face nor
background: `ignore.txt` lists it, a line `image x0 y0 x1 y1` [px] each, and `--blur` hides it from training.

    python training/complete_labels.py datasets/crowd --output datasets/crowd-complete --teachers A.onnx B.pt C.onnx

The new data set holds copies of the training images alone, for the use of `train:` in a data YAML.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ultralytics.utils import TQDM

from training.teachers import SAME_FACE, Image, look, open_teacher, vote
from ultra_face.cli.command import command, positive, share
from ultra_face.data.training_set import (
    SPLIT,
    LabelledImage,
    class_names,
    list_training_images,
    read_labelled_image,
    write_training_set,
)
from ultra_face.evaluation.matching import inclusive_iou
from ultra_face.faces import Faces
from ultra_face.files.whole import write_file
from ultra_face.formats.annotation import FaceAnnotations

NEAR_A_LABEL = 0.2  # IoU from which a found face is taken for a labelled one, perhaps placed otherwise
LEAST_DESCRIBED = 8  # longer side [px] of a face below which landmarks are guesses
LARGEST_SIZE = 10_240  # px: 16 times the input, some four hundred tiles
IGNORED = "ignore.txt"


@dataclass(frozen=True)
class Terms:
    """What makes a face of what teachers see; scores are means over all teachers.

    Attributes:
        votes: teachers that must see a face.
        score: least score of a face.
        landmark_score: least score of a face whose landmarks are taken.
        doubt: least score of a place that is no face by these terms and yet no background.
    """

    votes: int = 2
    score: float = 0.3
    landmark_score: float = 0.4
    doubt: float = 0.13


def complete(
    labels: FaceAnnotations, voted: Faces, terms: Terms
) -> tuple[FaceAnnotations, NDArray[np.float64], Counter[str]]:
    """Add what the teachers agree on to the labels of one image.

    Args:
        labels: the faces [px] as they are labelled.
        voted: what `vote` makes of the teachers' faces [px].
        terms: what counts.

    Returns:
        The labels with the new faces, of the first class, at the end; corners of the places to ignore (n, 4) [px]; and
        how many faces, sets of landmarks and places these are.
    """
    agreed = voted.data["votes"] >= terms.votes
    is_face = agreed & (voted.scores >= terms.score)
    is_described = agreed & (voted.scores >= terms.landmark_score)
    points = np.where((is_described & _large(voted.boxes_xywh))[:, None, None], _visible(voted.landmarks), 0.0)
    overlaps = inclusive_iou(labels.boxes_xywh, voted.boxes_xywh)
    free = ~(overlaps >= NEAR_A_LABEL).any(axis=0)

    landmarks, described = labels.landmarks.copy(), 0
    bare = ~(landmarks[..., 2] > 0).any(axis=1) & _large(labels.boxes_xywh)
    for face in np.flatnonzero(bare) if len(voted) else ():
        best = overlaps[face].argmax()
        if overlaps[face, best] >= SAME_FACE and points[best].any():
            landmarks[face] = points[best]
            described += 1
    new, doubtful = is_face & free, ~is_face & free & (voted.scores >= terms.doubt)
    completed = replace(
        labels,
        boxes_xywh=np.concatenate([labels.boxes_xywh, voted.boxes_xywh[new]]),
        landmarks=np.concatenate([landmarks, points[new]]),
        invalid=np.concatenate([labels.invalid, np.zeros(int(new.sum()), np.bool_)]),
        classes=np.concatenate([labels.class_numbers, np.zeros(int(new.sum()), np.int64)]),
    )
    counts = Counter(faces=int(new.sum()), landmarks=described, ignored=int(doubtful.sum()))
    return completed, voted.boxes_xyxy[doubtful].astype(np.float64), counts


def hide(image: Image, places_xyxy: NDArray[np.float64], labels: FaceAnnotations) -> Image:
    """A copy of an image (H, W, 3) with places (n, 4) [px] blurred; what lies in labelled boxes stays sharp."""
    count = len(places_xyxy)
    places = Faces(places_xyxy, np.full((count, 5, 2), np.nan), np.ones(count))
    hidden = places.blur(image, shape="box", scale=1.0)
    corners = np.concatenate([labels.boxes_xywh[:, :2], labels.boxes_xywh[:, :2] + labels.boxes_xywh[:, 2:]], axis=1)
    for left, top, right, bottom in corners.clip(min=0):
        inside = slice(int(top), int(np.ceil(bottom))), slice(int(left), int(np.ceil(right)))
        hidden[inside] = image[inside]
    return hidden


@command("complete_labels")
def main() -> None:
    """Read the command line, complete, report."""
    options = _options()
    terms = Terms(options.votes, options.score, options.landmark_score, options.doubt)
    _check(options.teachers, options.sizes, terms)
    teachers = [open_teacher(file) for file in options.teachers]
    see = partial(look, sizes=options.sizes, mirror=options.mirror)
    origin = {"completed_from": str(options.dataset.resolve()), "teachers": [file.name for file in options.teachers]}
    origin |= {"sizes": options.sizes, "mirror": options.mirror, "blur": options.blur, **asdict(terms)}
    added: Counter[str] = Counter()
    ignored: list[str] = []

    def completed(names: Any) -> Iterator[LabelledImage]:
        for name in names:
            image = read_labelled_image(options.dataset, SPLIT, name)
            voted = vote([see(teacher, image.pixels) for teacher in teachers])
            faces, places, counts = complete(image.faces, voted, terms)
            added.update(counts)
            faces = replace(faces, image=str(Path(name).with_suffix(".jpg")))
            ignored.extend(f"{faces.image} {' '.join(f'{value:.1f}' for value in place)}\n" for place in places)
            yield LabelledImage(hide(image.pixels, places, faces) if options.blur else image.pixels, faces)

    progress = partial(TQDM, desc="photographs")
    images = completed(progress(list_training_images(options.dataset)))
    print(write_training_set(options.output, origin, images, classes=class_names(options.dataset)))
    write_file(options.output / IGNORED, "".join(ignored).encode())
    print(f"added {added['faces']:,} faces, and landmarks to {added['landmarks']:,} labels")
    print(f"{added['ignored']:,} places to ignore: {options.output / IGNORED}{', blurred' if options.blur else ''}")


def _check(files: Sequence[Path], sizes: Sequence[int], terms: Terms) -> None:
    """Refuse what no face or no end can come of.

    Raises:
        ValueError: a teacher that is given twice, fewer than must agree, or a size of too many tiles.
    """
    if max(sizes) > LARGEST_SIZE:
        raise ValueError(f"--sizes: expected {LARGEST_SIZE:,} px at most, got {max(sizes):,}; choose a smaller one")
    if len({file.resolve() for file in files}) < len(files):
        raise ValueError(f"--teachers: expected different files, got {', '.join(map(str, files))}; name each once")
    if len(files) < terms.votes:
        raise ValueError(
            f"--teachers: expected {terms.votes} or more, which must agree, got {len(files)}; add one or lower --votes"
        )


def _large(boxes_xywh: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(boxes_xywh[:, 2:].max(axis=1, initial=0) > LEAST_DESCRIBED)


def _visible(points: NDArray[Any]) -> NDArray[np.float64]:
    """Landmarks (..., 5, 2) [px] as x, y and visibility 2; all 0 where a detector has none."""
    known = np.isfinite(points).all(axis=-1, keepdims=True)
    return np.where(known, np.concatenate([points, np.full((*points.shape[:-1], 1), 2.0)], axis=-1), 0.0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add, terms = parser.add_argument, Terms()
    add("dataset", type=Path, help="prepared data set, with images/train and labels/train")
    add("--output", required=True, type=Path, help="folder of the data set to write")
    add(
        "--teachers",
        required=True,
        nargs="+",
        type=Path,
        help="ONNX files of detectors in benchmarks/peers/table.py, and face models of Ultralytics such as a best.pt",
    )
    add(
        "--sizes",
        nargs="+",
        type=positive,
        default=[640, 1280],
        help="long sides of the photograph [px] that teachers look at; above 640 in tiles (default: 640 1280)",
    )
    add("--mirror", action=argparse.BooleanOptionalAction, default=True, help="look at the mirrored photograph, too")
    add("--votes", type=positive, default=terms.votes, help=f"teachers that must agree (default: {terms.votes})")
    add("--score", type=share, default=terms.score, help=f"least mean score of a face (default: {terms.score})")
    add(
        "--landmark-score",
        type=share,
        default=terms.landmark_score,
        help=f"least mean score of a face whose landmarks are taken (default: {terms.landmark_score})",
    )
    add(
        "--doubt",
        type=share,
        default=terms.doubt,
        help=f"least mean score of what is neither face nor background (default: {terms.doubt})",
    )
    add("--blur", action="store_true", help=f"blur what is in {IGNORED} in the copies of the photographs")
    return parser.parse_args()


if __name__ == "__main__":
    main()
