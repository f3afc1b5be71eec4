"""Turned heads as an augmentation of Ultralytics' training, where the data YAML asks for them.

Ultralytics' hook for transforms of one's own, `augmentations=`, is not used. It takes Albumentations transforms, which
a YAML cannot name and this package does not need. They see points without their faces and visibilities, and cannot mark
one as hidden. They come after the mosaic, where a face may be cut and has been scaled.

So heads turn where the training set hands out an image with its labels, `get_image_and_label`. The image itself comes
from there, and so do those that mosaic, mixup, cutmix and copy-paste add to it: each face has the pixels of its
photograph, before any cut. The place also outlasts the transforms, which are built anew when the mosaic closes.
Validation has a set of its own, which stays as it is.

What is random is drawn from `random`, which Ultralytics seeds in each process that loads images.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from ultralytics.utils import LOGGER

from ultra_face.data.head_turning import turn_face
from ultra_face.faces import MIRRORED_LANDMARKS
from ultra_face.plugin.callbacks.landmarks import has_face_landmarks

KEY = "turn_heads"
CHANNELS = (1, 3)
MOST = {"probability": 1.0, "yaw": 45.0, "pitch": 25.0}
"""The greatest value of each setting; beyond these angles [degrees] the photographs show too little of a head."""


@dataclass(frozen=True)
class TurnedHeads:
    """The `turn_heads:` block of a data YAML.

    Attributes:
        probability: that a face is turned, if it can be.
        yaw: to the left or right by at most so much [degrees].
        pitch: up or down by at most so much [degrees].
    """

    probability: float = 0.3
    yaw: float = MOST["yaw"]
    pitch: float = MOST["pitch"]

    def __post_init__(self) -> None:
        """Reject values out of range.

        Raises:
            ValueError: a value that is no number from 0 to its greatest.
        """
        for name, most in MOST.items():
            value = getattr(self, name)
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not (is_number and math.isfinite(value) and 0 <= value <= most):
                raise ValueError(
                    f"data YAML, {KEY}: {name}: expected a number from 0 to {most:g}, got {value!r}; correct it"
                )

    @classmethod
    def from_yaml(cls, data: Mapping[str, Any]) -> TurnedHeads | None:
        """Read what a data YAML asks for; None where it does not.

        Raises:
            ValueError: a block that is no mapping, an unknown key, a value out of range, or other landmarks than a
                face's.
        """
        block = data.get(KEY)
        if block is None or block is False:
            return None
        known = ", ".join(field.name for field in fields(cls))
        if not isinstance(block, Mapping):
            raise ValueError(f"data YAML, {KEY}: expected a mapping of settings, got {block!r}; known are {known}")
        unknown = set(block) - set(MOST)
        if unknown:
            raise ValueError(
                f"data YAML, {KEY}: unknown key {', '.join(sorted(map(repr, unknown)))}; known are {known}; correct it"
            )
        if not has_face_landmarks(data):
            raise ValueError(
                f"data YAML, {KEY}: expected kpt_shape [5, 3] or [5, 2] and flip_idx {list(MIRRORED_LANDMARKS)}, got "
                f"{data.get('kpt_shape')} and {data.get('flip_idx')}; correct them, or leave out {KEY}"
            )
        if data.get("channels", 3) not in CHANNELS:
            raise ValueError(
                f"data YAML, {KEY}: expected images of 1 or 3 channels, got {data['channels']}; leave out {KEY}"
            )
        return cls(**block)


class TurningHeads:
    """In the place of a training set's `get_image_and_label`: the same, with some heads turned.

    Args:
        stock: gives the label dictionary of an image, with pixels in `img` and faces in `instances`, by its index.
        settings: how often and how far.
    """

    def __init__(self, stock: Callable[[int], dict[str, Any]], settings: TurnedHeads) -> None:
        self.stock = stock
        self.settings = settings

    def __call__(self, index: int) -> dict[str, Any]:
        """Return the image and its labels; the training set's own pixels and labels stay as they are."""
        return turn_heads(self.stock(index), self.settings)


def turn_heads(label: dict[str, Any], settings: TurnedHeads) -> dict[str, Any]:
    """Turn faces of a label dictionary as the training set hands it out, at random; faces that stay do so to the bit.

    Args:
        label: with `img` (H, W, C) and `instances`, boxes xywh and keypoints (N, 5, 3), normalised; changed in place,
            but for the pixels, which are replaced.
        settings: how often and how far.
    """
    instances = label["instances"]
    chosen = [face for face in range(len(instances)) if random.random() < settings.probability]
    if not chosen:
        return label
    size = np.array(label["img"].shape[1::-1], np.float64)
    centres, sides = np.split(instances.bboxes.astype(np.float64), 2, axis=1)
    boxes = np.concatenate([centres - sides / 2, centres + sides / 2], axis=1) * np.tile(size, 2)
    landmarks = instances.keypoints.astype(np.float64) * [*size, 1]
    landmarks[(landmarks[..., :2] == 0).all(axis=-1), 2] = 0  # of data without flags
    for face in chosen:
        turned = turn_face(
            label["img"],
            boxes[face],
            landmarks[face],
            yaw=random.uniform(-settings.yaw, settings.yaw),
            pitch=random.uniform(-settings.pitch, settings.pitch),
            others=np.delete(boxes, face, axis=0),
        )
        if turned is not None:
            label["img"], boxes[face] = turned.pixels, turned.box
            left_top, right_bottom = turned.box.reshape(2, 2) / size
            instances.bboxes[face] = [*(left_top + right_bottom) / 2, *right_bottom - left_top]
            instances.keypoints[face] = turned.landmarks / [*size, 1]
    return label


def turn_in_training(trainer: Any) -> None:
    """Let the training set turn heads if the data YAML asks for it; on `on_pretrain_routine_end`.

    And on `on_train_epoch_start`, since Ultralytics builds the set again where a batch does not fit into memory.

    Raises:
        ValueError: see `TurnedHeads.from_yaml`; or a training of another task than pose, or on a set of another make.
    """
    data = getattr(trainer, "data", None)  # a trainer of another task may hold something else, or nothing
    settings = TurnedHeads.from_yaml(data) if isinstance(data, Mapping) else None
    if settings is None:
        return
    if trainer.args.task != "pose":
        raise ValueError(
            f"data YAML, {KEY}: expected a training of task pose, whose labels have landmarks, got "
            f"{trainer.args.task}; leave out {KEY}"
        )
    dataset = trainer.train_loader.dataset
    stock = getattr(dataset, "get_image_and_label", None)
    if stock is None:
        raise ValueError(
            f"data YAML, {KEY}: expected a training set with Ultralytics' get_image_and_label, got "
            f"{type(dataset).__name__}; leave out {KEY}"
        )
    if isinstance(stock, TurningHeads):
        return
    dataset.get_image_and_label = TurningHeads(stock, settings)
    trainer.train_loader.reset()  # workers that run already have the set as it was
    LOGGER.info(
        f"Turned heads: a face turns with probability {settings.probability:g}, by up to {settings.yaw:g} degrees of "
        f"yaw and {settings.pitch:g} of pitch"
    )
