"""What is compared: a row is a model, what is changed of it, and the question that it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Description = dict[str, Any]
"""A model YAML as it is read."""


@dataclass(frozen=True)
class Row:
    """One way to train.

    Attributes:
        model: name of the model YAML, without suffix.
        question: what the row answers, beside another.
        face_loss: settings over those of the YAML's `face_loss:` block.
        layers: makes other layers of the YAML's, or None.
        recipe: Ultralytics' settings over those of the recipe that all rows share.
        data: settings over those of the data YAML.
    """

    model: str
    question: str
    face_loss: Mapping[str, Any] = field(default_factory=dict)
    layers: Callable[[Description], Description] | None = None
    recipe: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)


def towers(description: Description) -> Description:
    """A 3 x 3 convolution with norm and activation between each level and the head."""
    return _before_the_head(description, "Conv")


def two_towers(description: Description) -> Description:
    """Two of them, one after the other, as each branch of Ultralytics' head has."""
    return towers(towers(description))


def wide_towers(description: Description) -> Description:
    """One of twice the channels, where the scale allows it: at n the topmost level has as many as it may."""
    return _before_the_head(description, "Conv", widening=2)


def depthwise_towers(description: Description) -> Description:
    """The same a channel at a time, which costs next to nothing; the head's 1 x 1 mixes them."""
    return _before_the_head(description, "DWConv")


def _before_the_head(description: Description, layer: str, widening: int = 1) -> Description:
    *rows, (levels, repeats, head, arguments) = description["head"]
    below = [*description["backbone"], *rows]
    added = [[level, 1, layer, [widening * below[level][3][0], 3, 1]] for level in levels]
    places = [len(below) + number for number in range(len(added))]
    return description | {"head": [*rows, *added, [places, repeats, head, arguments]]}


FACE, FREE, FULL = "yolov5n-face", "yolov5n-face-free", "yolov5n-aesvc"


def _alpha(start: float, end: float) -> dict[str, float]:
    return {"alpha_start": start, "alpha": end}


def _objectness(*, gain: float, target: float = 1, divisor: float = 1) -> dict[str, float]:
    return {"objectness_gain": gain, "objectness_target": target, "objectness_divisor": divisor}


BY_COUNT = _objectness(gain=2, divisor=0)

TOGETHER = {**_alpha(1, 1), **BY_COUNT, "simota": 10, "landmark_units": 8, "crowd_exponent": 0.5}
"""All that was thought to help."""

GAIN_4 = {**TOGETHER, "objectness_gain": 4}
"""The same, objectness twice as strong: what won, and the loss of `yolov5-aesvc-fast.yaml`."""

PAPER = {**_alpha(3, 3), **_objectness(gain=1), "simota": 0, "landmark_units": 0, "crowd_exponent": 0}
"""The paper's, over a YAML that has another."""

LOSSES: Mapping[str, Row] = {
    "stock": Row("yolov5n-pose", "Ultralytics' head and loss on the trunk of all these rows: what is to be beaten"),
    "face": Row(FACE, "anchors and the paper's FaceLoss, alpha constant 3"),
    "face-free": Row(FREE, "Ultralytics' head with FaceLoss, alpha rising from 1 to 3"),
    # 1. alpha
    "face-alpha-1": Row(FACE, "plain CIoU", _alpha(1, 1)),
    "face-alpha-rising": Row(FACE, "alpha rising from 1 to 3", _alpha(1, 3)),
    "face-free-alpha-1": Row(FREE, "plain CIoU", _alpha(1, 1)),
    "face-free-alpha-3": Row(FREE, "alpha constant 3", _alpha(3, 3)),
    # 2. objectness
    "objectness-gain-3": Row(FACE, "objectness three times as strong", _objectness(gain=3)),
    "objectness-count-2": Row(FACE, "objectness divided by the count of positives, gain 2", BY_COUNT),
    "objectness-count-4": Row(FACE, "the same, gain 4", _objectness(gain=4, divisor=0)),
    "objectness-target-1": Row(
        FACE, "a target of 1 instead of the quality, by count, gain 2", _objectness(gain=2, target=0, divisor=0)
    ),
    # 3. positives
    "ratio-2.5": Row(FACE, "fewer anchors fit a face: ratio of sides under 2.5", {"ratio_limit": 2.5}),
    "ratio-3": Row(FACE, "the same, under 3", {"ratio_limit": 3}),
    "quality-weight": Row(FACE, "a positive weighs its quality", {"positive_exponent": 1}),
    "simota": Row(FACE, "a face keeps the best of its anchors by cost", {"simota": 10}),
    # 4. landmarks
    "landmark-units": Row(FACE, "landmark errors in eighths of the face instead of strides", {"landmark_units": 8}),
    "landmark-weight-2": Row(FACE, "landmarks weigh twice as much", {"landmark_weight": 0.12}),
    "landmark-weight-4": Row(FACE, "landmarks weigh four times as much", {"landmark_weight": 0.24}),
    "landmark-units-weight-2": Row(
        FACE, "both: eighths of the face, twice the weight", {"landmark_units": 8, "landmark_weight": 0.12}
    ),
    "face-free-landmark-weight-4": Row(
        FREE, "plain CIoU, landmarks weigh four times as much", {**_alpha(1, 1), "landmark_weight": 0.24}
    ),
    "face-free-landmark-units-weight-4": Row(
        FREE,
        "plain CIoU, eighths of the face, four times the weight",
        {**_alpha(1, 1), "landmark_units": 8, "landmark_weight": 0.24},
    ),
    "face-free-landmark-units": Row(FREE, "landmark errors in eighths of the face", {"landmark_units": 8}),
    # 5. balance of images
    "crowd": Row(FACE, "a face weighs 1 / sqrt(faces of its image)", {"crowd_exponent": 0.5}),
    "face-free-crowd": Row(FREE, "a face weighs 1 / sqrt(faces of its image)", {"crowd_exponent": 0.5}),
    # 6. towers
    "towers": Row(FACE, "a 3 x 3 convolution before the head's 1 x 1", layers=towers),
    "depthwise-towers": Row(FACE, "the same a channel at a time", layers=depthwise_towers),
    # poses
    "turned-heads": Row(FACE, "heads turned by up to 45 degrees", data={"turn_heads": {"probability": 0.3}}),
    # together
    "together": Row(
        FACE,
        "plain CIoU, objectness by count, best anchors, eighths of the face, crowds held down, and towers",
        TOGETHER,
        layers=towers,
    ),
    "together-all-anchors": Row(FACE, "the same, but all anchors that fit", {**TOGETHER, "simota": 0}, layers=towers),
    "together-two-towers": Row(FACE, "the same with two convolutions before the head", TOGETHER, layers=two_towers),
    "together-gain-4": Row(FACE, "the same, objectness twice as strong", GAIN_4, towers),
    "together-gain-8": Row(FACE, "objectness four times as strong", {**TOGETHER, "objectness_gain": 8}, towers),
    "together-gain-4-no-crowds": Row(
        FACE, "twice as strong, crowds at full weight", {**GAIN_4, "crowd_exponent": 0}, towers
    ),
    "together-gain-4-wide": Row(FACE, "twice as strong, the convolution twice as wide", GAIN_4, wide_towers),
    "together-gain-4-simota-20": Row(
        FACE,
        "twice as strong, the 20 best anchors decide how many stay",
        {**GAIN_4, "simota": 20},
        towers,
    ),
    "together-gain-8-landmarks-double": Row(
        FACE,
        "four times as strong, landmarks too: what is left is half the box",
        {**TOGETHER, "objectness_gain": 8, "landmark_weight": 0.12},
        towers,
    ),
    "together-alpha-3": Row(FACE, "the same with the paper's alpha", {**TOGETHER, **_alpha(3, 3)}, towers),
    "together-quality": Row(
        FACE, "the same, a positive weighs its quality", {**TOGETHER, "positive_exponent": 1}, towers
    ),
    "together-landmarks-half": Row(
        FACE, "the same, landmarks weigh half", {**TOGETHER, "landmark_weight": 0.03}, towers
    ),
    "face-free-landmarks-half": Row(
        FREE,
        "plain CIoU, eighths of the face, half the weight",
        {**_alpha(1, 1), "landmark_units": 8, "landmark_weight": 0.03},
    ),
    "face-free-together": Row(
        FREE,
        "plain CIoU, eighths of the face, crowds held down",
        {**_alpha(1, 1), "landmark_units": 8, "crowd_exponent": 0.5},
    ),
}
"""Part by part, each beside `face`, or beside `face-free` where the name says so."""

LAYERS: Mapping[str, Row] = {
    "mc4f": Row("yolov5n-mc4f", "MC4f in the backbone"),
    "aesvc-only": Row("yolov5n-aesvc-only", "AESVC on the topmost lateral"),
    "mspam": Row("yolov5n-mspam", "MSPAM in the neck"),
    "cbam": Row("yolov5n-cbam", "CBAM in the places of MSPAM"),
    "aesvc-mc4f": Row("yolov5n-aesvc-mc4f", "AESVC and MC4f"),
    "aesvc": Row(FULL, "the paper's full model"),
    "aesvc-p2": Row("yolov5n-aesvc-p2", "the full model with the four levels of the paper's Table 1"),
    "aesvc-free": Row("yolov5n-aesvc-free", "the full model without anchors"),
    "aesvc-fast": Row("yolov5n-aesvc-fast", "the full model with norms that fold and a 3 x 3 stem", PAPER),
    "aesvc-fast-gain-4": Row("yolov5n-aesvc-fast", "the same with the loss of together-gain-4", GAIN_4),
}
"""The paper's Table 2, whose first row is `face`, and variants of its last."""

ROWS: Mapping[str, Row] = {**LOSSES, **LAYERS}
