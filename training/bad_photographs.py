"""Training images as bad cameras take them: blurred, noisy, dark, compressed, with things before the faces.

The transforms are those of Albumentations, which Ultralytics runs for `augmentations=`. It gives all of them one seed,
so that they come together more often than their probabilities say: many images stay clean, some get several.
"""

from __future__ import annotations

from typing import Any


def bad_photographs() -> list[Any]:
    """A list for `YOLO.train(augmentations=...)`.

    Raises:
        ImportError: Albumentations is not installed; Ultralytics would go on without it.
    """
    try:
        import albumentations as A  # noqa: N812
    except ImportError as error:
        raise ImportError("bad_photographs: needs Albumentations; run `pip install albumentations`") from error
    return [
        A.OneOf([A.GaussianBlur((3, 7)), A.MotionBlur((3, 9)), A.Downscale((0.3, 0.8))], p=0.25),
        A.OneOf([A.GaussNoise((0.02, 0.1)), A.ISONoise()], p=0.15),
        A.OneOf([A.RandomGamma((100, 250)), A.RandomBrightnessContrast((-0.4, 0.2), (-0.3, 0.2))], p=0.3),
        A.ToGray(p=0.05),
        A.ImageCompression(quality_range=(20, 90), p=0.25),
        A.CoarseDropout((1, 6), (0.03, 0.12), (0.03, 0.12), fill="random_uniform", p=0.2),
    ]
