"""Faces, the value object of detections: boxes, landmarks and scores of one image, and what one does with them.

What is done to pixels lies in `ultra_face.pictures`, what turns faces into rows and files in `ultra_face.exchange`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ultra_face.exchange import dictionary, rows, supervision
from ultra_face.face import Face
from ultra_face.files.whole import write_file
from ultra_face.pictures import alignment, boxes, drawing, hiding, pose
from ultra_face.pictures.pixels import Pixels, Size, check_image, width_and_height

FloatArray = NDArray[np.floating[Any]]
Shape = Literal["ellipse", "box"]

MIRRORED_LANDMARKS = (1, 0, 2, 4, 3)
"""The rule of landmarks: which of the five each one becomes in a mirrored image.

Index 0 is the eye that lies left when the face is upright, 1 the other eye, 2 the nose, 3 the mouth corner on the side
of 0, 4 the other one. So 0 and 3 are the right ones of the person. Turning an image turns the points and swaps nothing:
on an upside-down face, index 0 lies right. Mirroring an image, about either axis, swaps 0 with 1 and 3 with 4.
"""

_ARRAYS = {"boxes_xyxy": (4,), "landmarks": (5, 2), "scores": (), "visibility": (5,), "track_ids": ()}
"""Arrays with one entry a face, and the shape of an entry."""


@dataclass(frozen=True, eq=False, repr=False)
class Faces:
    """Detected faces of one image, in the order they came; equal to itself alone, as it holds arrays.

    An integer picks a `Face`; a slice, a mask (N,) or indices pick `Faces`, with all that belongs to them. Arrays stay
    in the precision that they come in: single from a result, double where figures are made of them.

    Attributes:
        boxes_xyxy: corners (N, 4) [px of the original image]; `boxes` is the same.
        landmarks: eye, eye, nose, mouth corner, mouth corner (N, 5, 2) [px of the original image], the left ones of the
            upright face first, as `MIRRORED_LANDMARKS` tells; NaN where the detector finds none.
        scores: confidence (N,) in 0..1.
        visibility: of each landmark (N, 5) in 0..1, where the detector tells it.
        track_ids: the same for the same person through a video (N,); -1 where a tracker has not matched the face.
        image_size: width and height of the original image [px]; where it is known, another image is refused.
        source: file or address of the image.
        frame: its number in a video, from 0.
        data: arrays of your own by name, each with one entry a face.

    Raises:
        ValueError: arrays of other shapes than these.
    """

    boxes_xyxy: FloatArray
    landmarks: FloatArray
    scores: FloatArray
    _: KW_ONLY
    visibility: FloatArray | None = None
    track_ids: NDArray[np.integer[Any]] | None = None
    image_size: tuple[int, int] | None = None
    source: str | None = None
    frame: int | None = None
    data: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in _ARRAYS:
            if getattr(self, name) is not None:
                object.__setattr__(self, name, np.asarray(getattr(self, name)))
        object.__setattr__(self, "data", {name: np.asarray(values) for name, values in self.data.items()})
        if self.image_size is not None:
            width, height = self.image_size
            object.__setattr__(self, "image_size", (int(width), int(height)))
        n = len(self) if self.scores.ndim else -1
        shapes = (self.boxes_xyxy.shape, self.landmarks.shape, self.scores.shape)
        if shapes != ((n, 4), (n, 5, 2), (n,)):
            raise ValueError(f"Faces: expected boxes (N, 4), landmarks (N, 5, 2) and scores (N,), got {shapes}")
        for name, array in (("visibility", self.visibility), ("track_ids", self.track_ids)):
            if array is not None and array.shape != (expected := (n, *_ARRAYS[name])):
                raise ValueError(f"Faces: expected {name} of shape {expected}, got {array.shape}")
        for name, array in self.data.items():
            if array.shape[:1] != (n,):
                raise ValueError(f"Faces: expected data[{name!r}] of shape ({n}, ...), got {array.shape}")

    @classmethod
    def from_result(cls, result: Any) -> Faces:
        """Take the faces out of one Ultralytics result of a model with five keypoints, with visibility and track ids.

        Raises:
            ValueError: a result without keypoints, or with another number of them.
        """
        if result.keypoints is None:
            raise ValueError("Faces: expected a result with keypoints, got none; predict with a face model")
        result = result.cpu().numpy()
        height, width = result.orig_shape
        return cls(
            result.boxes.xyxy,
            result.keypoints.data[..., :2],
            result.boxes.conf,
            visibility=result.keypoints.conf,
            track_ids=None if result.boxes.id is None else result.boxes.id.astype(np.int64),
            image_size=(width, height),
            source=result.path,
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Faces]) -> Faces:
        """The faces of some parts, one part after the other; none of no parts.

        A part without visibility or track ids, where another has them, gets NaN and -1. Size, source and frame stay
        where all parts agree. Parts without faces do not count.

        Raises:
            ValueError: parts with different names in `data`.
        """
        told = [part for part in parts if len(part)] or list(parts[:1])
        if not told:
            return cls(np.zeros((0, 4), np.float32), np.zeros((0, 5, 2), np.float32), np.zeros(0, np.float32))
        if unlike := [part for part in told if set(part.data) != set(told[0].data)]:
            raise ValueError(
                f"Faces.concatenate: expected the same names in the data of all parts, got {sorted(told[0].data)} and "
                f"{sorted(unlike[0].data)}; leave some out with dataclasses.replace(faces, data={{...}})"
            )
        arrays: dict[str, Any] = {}
        for name, entry in _ARRAYS.items():
            values = [getattr(part, name) for part in told]
            if not all(value is None for value in values):
                missing = -1 if name == "track_ids" else np.float32(np.nan)
                shaped = [
                    np.full((len(part), *entry), missing) if value is None else value
                    for part, value in zip(told, values, strict=True)
                ]
                arrays[name] = np.concatenate(shaped)
        shared = {
            name: getattr(told[0], name)
            for name in ("image_size", "source", "frame")
            if all(getattr(part, name) == getattr(told[0], name) for part in told)
        }
        data = {name: np.concatenate([part.data[name] for part in told]) for name in told[0].data}
        return cls(**arrays, **shared, data=data)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Faces:
        """The same faces as `to_dict` took apart, or `json.loads` read.

        Raises:
            ValueError: a name that is no field, or wrong shapes.
        """
        return cls(**dictionary.from_dict(values, tuple(one.name for one in fields(cls))))

    def __len__(self) -> int:
        return len(self.scores)

    def __repr__(self) -> str:
        """How many, and of which image, in a line; the arrays are an attribute away."""
        known: dict[str, Any] = {"scores": f"{self.scores.min():.2f}-{self.scores.max():.2f}" if len(self) else None}
        known |= {"image_size": self.image_size, "source": self.source and repr(self.source), "frame": self.frame}
        return (
            ", ".join(
                [f"Faces({len(self)}", *(f"{name}={value}" for name, value in known.items() if value is not None)]
            )
            + ")"
        )

    def __iter__(self) -> Iterator[Face]:
        """Yield each `Face`, which `for box, landmarks, score in faces` takes apart."""
        return (self[index] for index in range(len(self)))

    @overload
    def __getitem__(self, chosen: int | np.integer[Any]) -> Face: ...
    @overload
    def __getitem__(self, chosen: slice | NDArray[Any] | Sequence[Any]) -> Faces: ...
    def __getitem__(self, chosen: Any) -> Face | Faces:
        """The `Face` of an index, or the `Faces` of a slice, a mask (N,) or indices, in the order of these."""
        alone = not isinstance(chosen, slice) and np.ndim(chosen) == 0
        if isinstance(chosen, list | tuple):
            chosen = np.asarray(chosen) if len(chosen) else np.zeros(0, int)
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        picked: dict[str, Any] = {name: None if array is None else array[chosen] for name, array in arrays.items()}
        data = {name: values[chosen] for name, values in self.data.items()}
        if not alone:
            return replace(self, **picked, data=data)
        track_id = picked["track_ids"]
        return Face(
            picked["boxes_xyxy"],
            picked["landmarks"],
            float(picked["scores"]),
            visibility=picked["visibility"],
            track_id=None if track_id is None else int(track_id),
            image_size=self.image_size,
            source=self.source,
            frame=self.frame,
            data=data,
        )

    def allclose(self, other: Faces, *, rtol: float = 1e-5, atol: float = 1e-8) -> bool:
        """Whether both hold the same faces in the same order, numbers as close as `numpy.allclose` has it.

        NaN equals NaN, and ids and texts are equal or not; size, source and frame are not compared.
        """
        mine, theirs = ({**{name: getattr(one, name) for name in _ARRAYS}, **one.data} for one in (self, other))
        return mine.keys() == theirs.keys() and all(_close(mine[name], theirs[name], rtol, atol) for name in mine)

    @property
    def boxes(self) -> FloatArray:
        """The same as `boxes_xyxy`."""
        return self.boxes_xyxy

    @property
    def boxes_xywh(self) -> NDArray[np.float64]:
        """Left, top, width and height (N, 4) [px of the original image], in double precision."""
        corners = self.boxes_xyxy.astype(np.float64)
        return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)

    @property
    def width(self) -> NDArray[np.float64]:
        """Of the boxes (N,) [px]."""
        return self.boxes_xywh[:, 2]

    @property
    def height(self) -> NDArray[np.float64]:
        """Of the boxes (N,) [px]."""
        return self.boxes_xywh[:, 3]

    @property
    def area(self) -> NDArray[np.float64]:
        """Of the boxes (N,) [px^2]."""
        return boxes.areas(self.boxes_xyxy)

    @property
    def eye_distance(self) -> NDArray[np.float64]:
        """Between the eyes (N,) [px]; NaN where one is unknown."""
        return pose.eye_distance(self.landmarks)

    @property
    def roll(self) -> NDArray[np.float64]:
        """Of the line through the eyes (N,) [degrees], in -180..180.

        0 for an upright face, positive for one turned clockwise in the image; NaN where the eyes are unknown or fall
        together.
        """
        return pose.roll(self.landmarks)

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Which faces (N,) can be aligned: those whose landmarks are known and do not fall together."""
        return np.asarray(np.isfinite(self.transforms()).all(axis=(1, 2)))

    def pose(self) -> NDArray[np.float64]:
        """Yaw, pitch and roll of the head (N, 3) [degrees], estimated from the five landmarks.

        0, 0, 0 is an upright face that looks into the camera. Yaw is positive where it looks to the right side of its
        upright image, pitch where it looks up, roll where it is turned clockwise in the image: first it nods, then it
        turns, then the image rolls. Five points and a mean face tell little: half of the errors are below 5 degrees in
        yaw and pitch and one in ten is beyond 12, as docs/faces.md derives, and more for small faces.

        NaN where landmarks are unknown, or the eyes would be less than 8 px apart if seen from the front.
        """
        return pose.pose(self.landmarks)

    def sharpness(self, image: Pixels) -> NDArray[np.float64]:
        """Variance of the Laplacian of each aligned crop of 112 px in grey (N,), the higher the sharper.

        It compares faces of any size, best those of the same person and light. 0 for a face that is not `valid`.

        Raises:
            ValueError: no image of this kind, or another one than the faces were found in.
        """
        self._check(image, "sharpness")
        return alignment.sharpness(image, self.landmarks)

    def largest(self, n: int = 1) -> Faces:
        """The `n` faces of largest area, or as many as there are, the largest first."""
        return self.sort("area")[: max(n, 0)]

    def sort(self, by: str | ArrayLike = "score", *, descending: bool = True) -> Faces:
        """The faces by a measure, the highest first; equal ones stay in order, and NaN comes last.

        Args:
            by: "score", "area", "width", "height", "eye_distance", "left", "top", "track_id", a name in `data`, or an
                array (N,) such as `faces.sharpness(image)`.
            descending: whether the highest comes first.

        Raises:
            ValueError: an unknown name, or no array (N,) of numbers.
        """
        values = self._measure(by) if isinstance(by, str) else np.asarray(by)
        if values.shape != (len(self),) or values.dtype.kind not in "biuf":
            got = f"{values.dtype} of shape {values.shape}"
            raise ValueError(f"Faces.sort: expected one number for each of {len(self)} faces, got {got}")
        values = values.astype(np.float64)
        return self[np.argsort(-values if descending else values, kind="stable")]

    def inside(self, polygon: ArrayLike) -> Faces:
        """The faces whose box has its centre inside a polygon (K, 2) [px of the original image].

        Raises:
            ValueError: no polygon of three or more points.
        """
        corners = np.asarray(polygon, np.float64)
        if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3:
            raise ValueError(f"Faces.inside: expected a polygon (K, 2) of 3 or more points, got shape {corners.shape}")
        return self[boxes.inside((self.boxes_xyxy[:, :2] + self.boxes_xyxy[:, 2:]) / 2, corners)]

    def nms(self, iou: float = 0.5) -> Faces:
        """The faces that no better one overlaps by more than an intersection over union of `iou`, in their order."""
        return self[boxes.suppress(self.boxes_xyxy, self.scores, iou=iou)]

    def align(self, image: Pixels, *, size: Size = 112) -> Pixels:
        """Cut each face out, turned, scaled and moved so that its landmarks meet the recognition template.

        Args:
            image: the image that the faces were found in, (H, W) or (H, W, C) with 1 to 4 channels in any order.
            size: side of the crops, or their width and height [px]; the face fills the height.

        Returns:
            Crops (N, height, width) or (N, height, width, C); black for a face that is not `valid`.

        Raises:
            ValueError: no image of this kind, another one than the faces were found in, or a size below 1 px.
        """
        self._check(image, "align")
        return alignment.align(image, self.landmarks, width_and_height(size, "Faces.align"))

    def transforms(self, size: Size = 112) -> NDArray[np.float64]:
        """Matrices (N, 2, 3) that take (x, y, 1) in the image to the pixel (x, y) in the aligned crop.

        `cv2.warpAffine(crop, matrix, (width, height), flags=cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR)` brings a crop
        back to its place in an image of this size.

        Args:
            size: side of the crops, or their width and height [px].

        Returns:
            (N, 2, 3); NaN for a face that is not `valid`.

        Raises:
            ValueError: a size below 1 px.
        """
        return alignment.transforms(self.landmarks, width_and_height(size, "Faces.transforms"))

    def crop(self, image: Pixels, *, margin: float = 0.0, square: bool = False) -> list[Pixels]:
        """Copies of what the boxes show: a list, as their sizes differ.

        Args:
            image: the image that the faces were found in, (H, W) or (H, W, C).
            margin: what to add on each side, as a part of the box: 0.2 makes it 1.4 times as wide and high.
            square: give squares of the longer side, black where the image ends; else crops end with the image.

        Raises:
            ValueError: no image of this kind, or another one than the faces were found in.
        """
        self._check(image, "crop")
        return boxes.crop(image, self.boxes_xyxy, margin=margin, square=square)

    def blur(
        self,
        image: Pixels,
        *,
        strength: float = 0.5,
        shape: Shape = "ellipse",
        scale: float = 1.3,
        inplace: bool = False,
    ) -> Pixels:
        """Blur the faces, each in proportion to its size.

        Args:
            image: the image that the faces were found in, (H, W) or (H, W, C) with 1 to 4 channels in any order.
            strength: standard deviation of the Gaussian, as a part of the longer side of what is hidden.
            shape: "ellipse" or "box".
            scale: times that the hidden part is larger than the box.
            inplace: change the image itself.

        Returns:
            The image itself, or a copy; every pixel outside the shapes as before.

        Raises:
            ValueError: no image of this kind, another one than the faces were found in, one that cannot be written to,
                an unknown shape, or a strength or scale that is not positive.
        """
        _check_positive("blur", strength=strength)
        return self._hide(image, "blur", hiding.blurred(strength), shape, scale, inplace)

    def pixelate(
        self, image: Pixels, *, blocks: int = 6, shape: Shape = "ellipse", scale: float = 1.3, inplace: bool = False
    ) -> Pixels:
        """Show the faces in blocks of one colour, `blocks` along the longer side; else as `blur`."""
        _check_positive("pixelate", blocks=blocks)
        return self._hide(image, "pixelate", hiding.pixelated(blocks), shape, scale, inplace)

    def fill(
        self,
        image: Pixels,
        *,
        color: int | Sequence[int] = 0,
        shape: Shape = "ellipse",
        scale: float = 1.3,
        inplace: bool = False,
    ) -> Pixels:
        """Paint the faces over in a grey or in a colour of the image's channels: nothing is left; else as `blur`."""
        numbers = np.asarray(color)
        if numbers.shape not in ((), (1,), (3,)) or not ((numbers >= 0) & (numbers <= 255)).all():
            raise ValueError(f"Faces.fill: expected a color of 1 or 3 numbers in 0..255, got {color}")
        return self._hide(image, "fill", hiding.filled(color), shape, scale, inplace)

    def overlay(
        self, image: Pixels, picture: Pixels, *, shape: Shape = "ellipse", scale: float = 1.3, inplace: bool = False
    ) -> Pixels:
        """Cover the faces with a picture (h, w) or (h, w, C), stretched over each; else as `blur`.

        A fourth channel is its opacity: where it is transparent, the face shows.
        """
        check_image(picture, "Faces.overlay, the picture")
        return self._hide(image, "overlay", hiding.covered(picture), shape, scale, inplace)

    def draw(
        self,
        image: Pixels,
        *,
        boxes: bool = True,
        landmarks: bool = True,
        scores: bool = True,
        color: tuple[int, int, int] = drawing.BOX_COLOUR,
        inplace: bool = False,
    ) -> Pixels:
        """Draw boxes, landmarks and, over faces that are wide enough to bear them, track ids and scores.

        Args:
            image: the image that the faces were found in, (H, W) or (H, W, C).
            boxes: whether to draw them.
            landmarks: whether to draw those that are known.
            scores: whether to write them, after the track id where there is one.
            color: of boxes and labels, in the order of the image's channels.
            inplace: change the image itself.

        Returns:
            The image itself, or a copy.

        Raises:
            ValueError: no image of this kind, another one than the faces were found in, or one that cannot be written.
        """
        self._check(image, "draw", writes=inplace)
        labels = [(face.box_xyxy, _label(face)) for face in self] if scores else []
        drawn = drawing.draw(
            image, self.boxes_xyxy if boxes else None, self.landmarks if landmarks else None, labels, color=color
        )
        if not inplace:
            return drawn
        image[...] = drawn
        return image

    def to_dict(self) -> dict[str, Any]:
        """The fields as lists, for JSON, and their types under `dtypes`; NaN is None. `from_dict` reads it."""
        return dictionary.to_dict(vars(self))

    def to_json(self, path: str | Path | None = None) -> str:
        """`to_dict` as JSON text, written to a file if one is named."""
        return _written(json.dumps(self.to_dict(), allow_nan=False), path)

    def to_rows(self) -> list[dict[str, Any]]:
        """One flat dictionary a face, with the same columns for every image; what is unknown is None.

        Raises:
            ValueError: an array of your own with the name of another column.
        """
        return rows.to_rows(**vars(self))

    def to_csv(self, path: str | Path | None = None) -> str:
        """The rows as CSV text with a header, without faces too, written to a file if one is named."""
        return _written(rows.csv_text(self.to_rows(), (*rows.COLUMNS, *self.data)), path)

    def to_parquet(self, path: str | Path) -> None:
        """Write the rows as a Parquet file.

        Raises:
            ModuleNotFoundError: polars is not installed.
        """
        rows.write_parquet(self.to_rows(), path, self.data)

    def to_supervision(self) -> tuple[Any, Any]:
        """The faces as `supervision.Detections` with the true boxes, and as `supervision.KeyPoints`.

        Raises:
            ModuleNotFoundError: supervision is not installed.
        """
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        return supervision.to_supervision(**arrays, data=self.data)

    def _measure(self, name: str) -> NDArray[Any]:
        known: dict[str, NDArray[Any]] = {"score": self.scores}
        known |= {each: getattr(self, each) for each in ("area", "width", "height", "eye_distance")}
        known |= {"left": self.boxes_xyxy[:, 0], "top": self.boxes_xyxy[:, 1]}
        known |= {} if self.track_ids is None else {"track_id": self.track_ids}
        known |= self.data
        if name not in known:
            raise ValueError(f"Faces.sort: expected one of {', '.join(known)} or an array, got {name!r}")
        return known[name]

    def _check(self, image: Pixels, method: str, *, writes: bool = False) -> None:
        check_image(image, f"Faces.{method}", size=self.image_size)
        if writes and not image.flags.writeable:
            raise ValueError(f"Faces.{method}: expected an image to write to, got a read-only one; leave out inplace")

    def _hide(self, image: Pixels, method: str, paint: hiding.Paint, shape: str, scale: float, inplace: bool) -> Pixels:
        self._check(image, method, writes=inplace)
        _check_positive(method, scale=scale)
        if shape not in hiding.SHAPES:
            raise ValueError(f"Faces.{method}: expected a shape of {', '.join(hiding.SHAPES)}, got {shape!r}")
        hidden = image if inplace else image.copy()
        hiding.hide(hidden, self.boxes_xyxy, paint, shape=hiding.SHAPES[shape], scale=scale)
        return hidden


def _check_positive(method: str, **values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"Faces.{method}: expected a {name} above 0, got {value}")


def _close(mine: NDArray[Any] | None, theirs: NDArray[Any] | None, rtol: float, atol: float) -> bool:
    if mine is None or theirs is None:
        return mine is theirs
    if mine.shape != theirs.shape:
        return False
    if mine.dtype.kind == theirs.dtype.kind == "f":
        return np.allclose(mine, theirs, rtol, atol, equal_nan=True)
    return np.array_equal(mine, theirs)


def _label(face: Face) -> str:
    score = f"{face.score:.2f}"
    return score if face.track_id is None else f"#{face.track_id} {score}"


def _written(text: str, path: str | Path | None) -> str:
    if path is not None:
        write_file(Path(path), text.encode())
    return text
