"""Faces, the value object of detections: boxes, landmarks and scores of one image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

# Where eyes, nose and mouth corners lie, image left to right, in the 112 x 112 px crop that face recognition networks
# are trained on (ArcFace, Deng et al. 2019).
RECOGNITION_TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32
)


@dataclass(frozen=True)
class Faces:
    """Detections of one image, in the order they came.

    Attributes:
        boxes_xyxy: corners (N, 4) [px of the original image].
        landmarks: eye, eye, nose, mouth, mouth, image left to right (N, 5, 2) [px of the original image].
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

    def __len__(self) -> int:
        return len(self.scores)

    def __iter__(self) -> Iterator[tuple[FloatArray, FloatArray, float]]:
        """Yield box (4,), landmarks (5, 2) and score of each face."""
        yield from zip(self.boxes_xyxy, self.landmarks, self.scores.tolist(), strict=True)

    def align(self, image: NDArray[np.uint8], *, size: int = 112) -> NDArray[np.uint8]:
        """Cut each face out, rotated and scaled so that its landmarks meet the recognition template.

        Args:
            image: the image that the faces were found in (H, W, C).
            size: side of the crops [px].

        Returns:
            Crops (N, size, size, C); a face whose landmarks fall together has no pose and gives a black crop.
        """
        import cv2  # only here: `import ultra_face` and its doctor must work where OpenCV does not load

        crops = np.zeros((len(self), size, size, image.shape[2]), np.uint8)
        for crop, points in zip(crops, self.landmarks, strict=True):
            whole = np.ascontiguousarray(points)  # OpenCV takes no part of rows, which x and y of x, y, v are
            matrix, _ = cv2.estimateAffinePartial2D(whole, RECOGNITION_TEMPLATE * (size / 112), method=cv2.LMEDS)
            if matrix is not None:
                crop[:] = cv2.warpAffine(image, matrix, (size, size)).reshape(crop.shape)
        return crops
