"""The maps for trackers hold, at the place of each prediction, the features of the cell that made it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_models import ANCHORS, photograph, small_model
from torch import Tensor
from ultralytics.models.yolo.detect import DetectionPredictor

from ultra_face.heads.anchor_pose import AnchorPose
from ultra_face.plugin.callbacks.predict import prediction_maps

STRIDES = (8, 16, 32)


def coded_maps(height: int, width: int, channels: int = 4, batch: int = 1) -> list[Tensor]:
    """Maps whose features tell image, stride, row and column of their cell."""
    maps = []
    for stride in STRIDES:
        rows, columns = torch.meshgrid(torch.arange(height // stride), torch.arange(width // stride), indexing="ij")
        for_image = [
            torch.stack([torch.full_like(rows, image), torch.full_like(rows, stride), rows, columns])
            for image in range(batch)
        ]
        maps.append(torch.stack(for_image).float())
    assert maps[0].shape[1] == channels
    return maps


def features(maps: list[Tensor], wanted: list[Tensor]) -> list[Tensor]:
    """What Ultralytics' predictor reads for these predictions."""
    return DetectionPredictor.get_obj_feats(maps, wanted)


@pytest.mark.parametrize(("height", "width"), [(96, 128), (160, 64)])
def test_each_anchor_has_the_features_of_its_cell(height: int, width: int) -> None:
    # With all weights 0 each box lies in the middle of its cell and is as large as its anchor: it tells its own cell.
    head = AnchorPose(1, (5, 3), ANCHORS, ch=(4, 4, 4)).eval()
    head.stride = torch.tensor(STRIDES)
    for parameter in head.parameters():
        parameter.data.zero_()
    maps = coded_maps(height, width, batch=2)
    decoded, _ = head(maps)
    level_of = {anchor: stride for stride, row in zip(STRIDES, ANCHORS, strict=True) for anchor in row[::2]}
    expected = [
        [image, stride := level_of[round(box_width)], y // stride, x // stride]
        for image in range(2)
        for x, y, box_width in decoded[image, :3].T.tolist()
    ]
    every = torch.arange(decoded.shape[2])
    found = torch.cat(features(prediction_maps(head, decoded, maps), [every, every]))
    assert found.tolist() == expected


def test_a_prediction_without_a_cell_has_the_features_at_its_centre() -> None:
    head, maps = (
        small_model("SRFacePose", {"windows": 3, "window": 32, "scale": 2, "blocks": 0}).model[-1],
        coded_maps(64, 96),
    )
    num_own = sum(level[0, 0].numel() for level in maps)
    tile = torch.zeros(1, 20, 3)
    tile[0, :2] = torch.tensor([[0.0, 39.9, 200.0], [8.0, 15.9, -3.0]])  # the last lies beyond the image
    predictions = torch.cat([torch.rand(1, 20, num_own), tile], dim=2)
    (found,) = features(prediction_maps(head, predictions, maps), [torch.arange(num_own, num_own + 3)])
    # Cells of 8 px: 39.9 / 8 = 4.99; the last row and column of 64 x 96 px are 7 and 11.
    assert found.tolist() == [[0, 8, 1, 0], [0, 8, 1, 4], [0, 8, 0, 11]]


def test_sorted_predictions_have_the_features_at_their_centres() -> None:
    head = small_model("SRPose", {"windows": 0, "blocks": 0, "ciou_nms": 0.5}).model[-1]
    predictions = torch.zeros(1, 20, 2)
    predictions[0, :2] = torch.tensor([[80.0, 3.0], [60.0, 20.0]])
    (found,) = features(prediction_maps(head, predictions, coded_maps(64, 96)), [torch.tensor([1, 0])])
    assert found.tolist() == [[0, 8, 2, 0], [0, 8, 7, 10]]


@pytest.mark.parametrize("augment", [False, True])
@pytest.mark.parametrize("head", ["AnchorPose", "FacePose", "SRPose", "SRFacePose"])
@pytest.mark.parametrize(("height", "width"), [(96, 128), (128, 64)])
def test_every_prediction_of_a_model_has_features(head: str, height: int, width: int, augment: bool) -> None:
    sr: Any = {"windows": 3, "window": 32, "scale": 2, "blocks": 0, "max_face": 24}
    model = small_model(head, sr if head.startswith("SR") else None)
    with torch.no_grad():
        decoded, outputs = model(photograph(2, height, width), augment=augment)
        maps = prediction_maps(model.model[-1], decoded, outputs["feats"])
    assert sum(level.shape[2] * level.shape[3] for level in maps) == decoded.shape[2]
    assert outputs["feats"][0].shape[2:] == (height // 8, width // 8)  # of the image itself, and not of a tile
