"""The synthetic data set `faces-demo`: training works on a machine with no data and no network.

Each picture shows people of chosen sizes in front of a background, seen by an imperfect camera.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from ultra_face.data.training_set import LabelledImage, write_labelled_image
from ultra_face.demo.background import draw_distractors, random_background
from ultra_face.demo.canvas import Canvas
from ultra_face.demo.painter import PersonPainter
from ultra_face.demo.person import Person, Pose, random_look
from ultra_face.formats.annotation import FaceAnnotations, FloatArray
from ultra_face.formats.files import claimed

Pixels = npt.NDArray[np.uint8]
Rng = np.random.Generator

MIN_FACE_HEIGHT = 8.0
_PLACING_ATTEMPTS = 30
_MAX_COVERED = 0.2

SPLIT_SIZES = {"train": 128, "val": 32}
_JPEG_QUALITY = 92
_RECIPE = 1  # raised when the same seed draws other pictures

DemoJob = tuple[str, int]
"""Split and number of the picture in it."""


@dataclass(frozen=True)
class SceneKind:
    """How many people a kind of scene shows, how high their faces are [px], and how often it occurs."""

    people: tuple[int, int]
    face_height: tuple[float, float]
    share: float


SCENE_KINDS = (
    SceneKind(people=(1, 2), face_height=(80.0, 220.0), share=0.28),
    SceneKind(people=(3, 9), face_height=(24.0, 90.0), share=0.32),
    SceneKind(people=(20, 60), face_height=(MIN_FACE_HEIGHT, 26.0), share=0.16),
    SceneKind(people=(4, 20), face_height=(MIN_FACE_HEIGHT, 120.0), share=0.2),
    SceneKind(people=(0, 0), face_height=(MIN_FACE_HEIGHT, 26.0), share=0.04),
)


def draw_scene(name: str, rng: Rng) -> tuple[Pixels, FaceAnnotations]:
    """Draw a picture (H, W, 3), BGR, with sides of 320 to 416 px, and annotate its faces [px].

    Landmarks covered by something in front of the face have visibility 1. Boxes and landmarks may reach
    outside the picture: `clean_faces` deals with them as with those of photographs.
    """
    height, width = (int(side) for side in rng.integers(320, 417, 2))
    kind = SCENE_KINDS[rng.choice(len(SCENE_KINDS), p=[kind.share for kind in SCENE_KINDS])]
    canvas = Canvas(random_background(height, width, rng))
    draw_distractors(canvas, int(rng.integers(0, 9)), rng)
    people = _place_people(kind, height, width, rng)
    light_xy = rng.uniform(-0.3, 0.3, 2)
    for owner, person in enumerate(people, start=1):
        PersonPainter(canvas, owner, person).paint(light_xy)
    for person in people:
        if rng.random() < 0.06:
            _draw_occluder(canvas, person, rng)
    return _photograph(canvas.image(), rng), _annotate(name, canvas, people)


def _place_people(kind: SceneKind, height: int, width: int, rng: Rng) -> list[Person]:
    """People that hardly cover each other's faces, from the back (small) to the front (large)."""
    count = int(rng.integers(kind.people[0], kind.people[1] + 1))
    smallest, largest = np.log(kind.face_height)
    face_heights = np.sort(np.exp(rng.uniform(smallest, largest, count)))[::-1]
    people: list[Person] = []
    for face_height in face_heights:
        look, radius = random_look(rng), face_height / 1.78
        for _ in range(_PLACING_ATTEMPTS):
            margin = 0.6 * radius
            centre_xy = rng.uniform((margin, margin), (width - margin, height - margin))
            roll, yaw, nod = rng.normal(0, 0.22), rng.uniform(-0.65, 0.65), rng.uniform(-0.08, 0.12)
            person = Person(look, Pose(centre_xy, radius, float(np.clip(roll, -0.7, 0.7)), yaw, nod))
            box_xywh = person.box_xywh()
            if all(_covered_share(box_xywh, closer) <= _MAX_COVERED for closer in people):
                people.append(person)
                break
    return people[::-1]


def _covered_share(box_xywh: FloatArray, closer: Person) -> float:
    """Share of a face box (4,) [px] that the head and shoulders of a closer person may cover."""
    left_top, size = box_xywh[:2], box_xywh[2:]
    reach_left_top = closer.pose.centre_xy - closer.pose.radius * np.array([1.5, 1.4])
    reach_right_bottom = closer.pose.centre_xy + closer.pose.radius * np.array([1.5, 3.6])
    overlap = np.minimum(left_top + size, reach_right_bottom) - np.maximum(left_top, reach_left_top)
    return float(np.clip(overlap, 0, None).prod() / size.prod())


def _draw_occluder(canvas: Canvas, person: Person, rng: Rng) -> None:
    """A bar in front of a part of the face, such as a raised arm or a post."""
    angle = rng.uniform(0, np.pi)
    along = np.array([np.cos(angle), np.sin(angle)]) * 1.6 * person.pose.radius
    across = np.array([-along[1], along[0]]) * rng.uniform(0.1, 0.2)
    middle = person.pose.centre_xy + rng.uniform(-0.5, 0.5, 2) * person.pose.radius
    corners = np.stack(
        [middle - along - across, middle + along - across, middle + along + across, middle - along + across]
    )
    blue, green, red = rng.uniform(20, 220, 3)
    canvas.polygon(corners, (blue, green, red))


def _annotate(name: str, canvas: Canvas, people: list[Person]) -> FaceAnnotations:
    landmarks = np.zeros((len(people), 5, 3))
    for owner, person in enumerate(people, start=1):
        points_xy = person.landmarks_xy()
        landmarks[owner - 1, :, :2] = points_xy
        landmarks[owner - 1, :, 2] = [2 if canvas.owner_at(point) == owner else 1 for point in points_xy]
    boxes: FloatArray = np.array([person.box_xywh() for person in people]).reshape(-1, 4)
    return FaceAnnotations(name, name, boxes, landmarks, invalid=np.zeros(len(people), dtype=np.bool_))


def _photograph(picture: Pixels, rng: Rng) -> Pixels:
    """Colour cast, exposure, blur, noise and at times black and white, as from cameras of all kinds."""
    pixels = picture.astype(np.float64) * rng.normal(1.0, 0.05, 3) * rng.uniform(0.65, 1.2) + rng.normal(0, 8)
    if rng.random() < 0.08:
        pixels = np.repeat(pixels.mean(axis=2, keepdims=True), 3, axis=2)
    if rng.random() < 0.35:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 1.2)))
    pixels = pixels + rng.normal(0, rng.uniform(0, 9), pixels.shape)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def generate_demo(
    output: Path, *, seed: int = 0, progress: Callable[[Sequence[DemoJob]], Iterable[DemoJob]] = iter
) -> None:
    """Draw the data set into the folder `output`: `images/<split>` and `labels/<split>`.

    The same seed gives the same files. A run after an interruption completes the first.

    Args:
        output: Folder of the data set: new, empty, or of an earlier run with the same seed.
        seed: Seed of all pictures.
        progress: Wraps the list of pictures, to show how far the work is.

    Raises:
        FileExistsError: `output` holds files of another origin.
        OutputError: The disk is full or `output` is not writable; running again goes on.
    """
    with claimed(output, {"demo": "drawn faces", "recipe": _RECIPE, "seed": seed}) as claim:
        for split, index in progress([(split, index) for split, size in SPLIT_SIZES.items() for index in range(size)]):
            claim.check()
            rng = np.random.default_rng([seed, list(SPLIT_SIZES).index(split), index])
            scene = LabelledImage(*draw_scene(f"{index:04d}.jpg", rng))
            write_labelled_image(scene, output, split, jpeg_quality=_JPEG_QUALITY)
        for split in SPLIT_SIZES:
            claim.publish(output / "images" / split)
