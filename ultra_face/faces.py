"""Faces, the value object of detections: boxes, landmarks and scores of one image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]

MIRRORED_LANDMARKS = (1, 0, 2, 4, 3)
"""Which landmark each of the five becomes in a mirrored image: eyes and mouth corners change places."""

# Where the landmarks lie in the 112 x 112 px crop that face recognition networks are trained on (ArcFace, Deng et al.
# 2019).
RECOGNITION_TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32
)


@dataclass(frozen=True, eq=False)
class Faces:
    """Detected faces of one image, in the order they came; equal to itself alone, as it holds arrays.

    In the precision of the arrays that it is given: single from a result, double where figures are made of it.

    Attributes:
        boxes_xyxy: corners (N, 4) [px of the original image].
        landmarks: eye, eye, nose, mouth corner, mouth corner (N, 5, 2) [px of the original image]. Index 0 is the eye
            that lies left when the face is upright, and 3 the mouth corner on that side. A turned face keeps this
            order; only mirroring the image swaps 0 with 1 and 3 with 4. NaN where the detector finds none.
        scores: confidence (N,) in 0..1.
    """

    boxes_xyxy: FloatArray
    landmarks: FloatArray
    scores: FloatArray

    def __post_init__(self) -> None:
        """Check the shapes.

        Raises:
            ValueError: shapes that are not (N, 4), (N, 5, 2) and (N,).
        """
        n = len(self.scores)
        shapes = (self.boxes_xyxy.shape, self.landmarks.shape, self.scores.shape)
        if shapes != ((n, 4), (n, 5, 2), (n,)):
            raise ValueError(f"Faces: expected boxes (N, 4), landmarks (N, 5, 2) and scores (N,), got {shapes}")

    @classmethod
    def from_result(cls, result: Any) -> Faces:
        """Take the faces out of one Ultralytics result of a model with five keypoints.

        Raises:
            ValueError: a result without keypoints, or with another number of them.
        """
        if result.keypoints is None:
            raise ValueError("Faces: expected a result with keypoints, got none; predict with a face model")
        result = result.cpu().numpy()
        return cls(result.boxes.xyxy, result.keypoints.data[..., :2], result.boxes.conf)

    @classmethod
    def concatenate(cls, parts: Sequence[Faces]) -> Faces:
        """The faces of one or more parts, one part after the other."""
        fields = ("boxes_xyxy", "landmarks", "scores")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in fields))

    @property
    def boxes_xywh(self) -> NDArray[np.float64]:
        """Left, top, width and height (N, 4) [px of the original image], in double precision."""
        boxes = self.boxes_xyxy.astype(np.float64)
        return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)

    def __len__(self) -> int:
        return len(self.scores)

    def __iter__(self) -> Iterator[tuple[FloatArray, FloatArray, float]]:
        """Yield box (4,), landmarks (5, 2) and score of each face."""
        yield from zip(self.boxes_xyxy, self.landmarks, self.scores.tolist(), strict=True)

    def __getitem__(self, chosen: slice | NDArray[Any] | Sequence[int]) -> Faces:
        """The faces of a slice, a mask (N,) or indices, in the order of these."""
        return Faces(self.boxes_xyxy[chosen], self.landmarks[chosen], self.scores[chosen])

    def align(self, image: NDArray[np.uint8], *, size: int = 112) -> NDArray[np.uint8]:
        """Cut each face out, turned, scaled and moved so that its landmarks meet the recognition template.

        Args:
            image: the image that the faces were found in, (H, W) or (H, W, C) with 1 to 4 channels in any order.
            size: side of the crops [px].

        Returns:
            Crops (N, size, size) or (N, size, size, C); a face whose landmarks fall together has no pose and gives a
            black crop.

        Raises:
            ValueError: no image of this kind, or a size below 1 px.
        """
        import cv2  # only here: `import ultra_face` and its doctor must work where OpenCV does not load

        _check_image(image)
        if size < 1:
            raise ValueError(f"Faces.align: expected a size of 1 px or more, got {size}")
        crops = np.zeros((len(self), size, size, *image.shape[2:]), np.uint8)
        for crop, points in zip(crops, self.landmarks, strict=True):
            matrix = similarity(points, RECOGNITION_TEMPLATE * (size / 112))
            if matrix is not None:
                crop[:] = cv2.warpAffine(image, matrix, (size, size)).reshape(crop.shape)
        return crops


def similarity(source: NDArray[Any], target: NDArray[Any]) -> NDArray[np.float64] | None:
    """The turn, scale and shift, never a reflection, that bring points closest to others in the least squares.

    Source: Umeyama, "Least-squares estimation of transformation parameters between two point patterns", PAMI 1991. In
    the plane its singular value decomposition reduces to a division: with points as complex numbers about their means,
    turn and scale are the one factor `a` that minimises the sum of |a source - target|^2.

    Args:
        source: (N, 2).
        target: (N, 2).

    Returns:
        Matrix (2, 3), which takes (x, y, 1) of the source; None where the source's points fall together.
    """
    z, w = (points[:, 0] + 1j * points[:, 1] for points in (source.astype(np.float64), target.astype(np.float64)))
    about_mean = z - z.mean()
    spread = np.vdot(about_mean, about_mean).real
    if not spread > 0:
        return None
    a = np.vdot(about_mean, w) / spread
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def _check_image(image: object) -> None:
    expected = "Faces.align: expected an array (H, W) or (H, W, C) of uint8"
    if not isinstance(image, np.ndarray):
        raise ValueError(
            f"{expected}, got {type(image).__name__}; pass result.orig_img, or numpy.asarray(image) of a PIL image"
        )
    if image.dtype != np.uint8:
        raise ValueError(f"{expected}, got {image.dtype}; scale it to 0..255 and convert it with astype(numpy.uint8)")
    if image.ndim not in (2, 3) or 0 in image.shape or image.shape[2:] > (4,):
        raise ValueError(f"{expected}, got shape {image.shape}; pass one image, its 1 to 4 channels last")
