"""A helper head: learns the teacher's score in every cell, and its box and landmarks where it sees a face.

It stands beside the model's own head and is dropped after the training.

Of our own. Labels say something of the few cells that a face lies in; the teacher says something of all of them, and
what the helper passes back reaches the neck and the trunk.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, smooth_l1_loss, softplus
from torchvision.ops import distance_box_iou_loss
from ultralytics.nn.modules import Conv
from ultralytics.utils.tal import make_anchors

WIDTH = 64  # channels of its one hidden layer
VALUES = 15  # score, four sides, five landmarks
LEAST_SCORE = 0.1  # of the teacher, from which boxes and landmarks of a cell are learned
SMALLEST_AREA = 16.0  # [px^2], for the unit of landmark errors
BETA = 0.1  # landmark error, a share of the face, where the loss turns linear
FACES_PER_IMAGE = 8  # expected of 640 px, for the score at the start (YOLOv5)
GAINS = {"help_score": 1.0, "help_box": 2.0, "help_pose": 2.0}
"""Names of its terms and their weights among each other."""


class HelperHead(nn.Module):
    """A 3 x 3 and a 1 x 1 convolution a level: features (B, C, H, W) -> what the teacher says (B, 15, H, W).

    Sides count from the middle of the cell in strides, through a softplus; landmarks from there in two strides.

    Args:
        channels: of each level.
        strides: of each level [px].
    """

    def __init__(self, channels: Sequence[int], strides: Sequence[int]) -> None:
        super().__init__()
        self.strides = torch.tensor([float(stride) for stride in strides])
        self.levels = nn.ModuleList(nn.Sequential(Conv(c, WIDTH, 3), nn.Conv2d(WIDTH, VALUES, 1)) for c in channels)
        for level, stride in zip(self.levels, strides, strict=True):
            bias = level[1].bias.detach()  # type: ignore[index]
            bias.zero_()
            bias[0] = math.log(FACES_PER_IMAGE / (640 / stride) ** 2)
            bias[1:5] = 1.0

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Predict on each level."""
        return [level(x) for level, x in zip(self.levels, features, strict=True)]

    def loss(self, outputs: Sequence[Tensor], cells: Tensor, left_out: Tensor | None = None) -> Tensor:
        """Compare with what the teacher says of the same images.

        Args:
            outputs: of `forward`.
            cells: (B, 20, N), N all cells level by level: centre and size [px], score, landmarks [px] with visibility.
            left_out: image and box xyxy [px] of faces (M, 5) in which the teacher has no say.

        Returns:
            Score, box and landmark term (3,), each a mean weighed by the teacher's score.
        """
        said = torch.cat([output.float().flatten(2) for output in outputs], 2)
        middle, stride = make_anchors(outputs, self.strides.to(said.device), 0.5)
        middle = middle * stride  # (N, 2) [px]
        heard = torch.ones_like(cells[:, 4]) if left_out is None else ~_inside(middle, left_out, len(cells))
        score = cells[:, 4] * heard
        each = binary_cross_entropy_with_logits(said[:, 0], score, reduction="none")
        score_loss = (each * heard).sum() / score.sum().clamp(min=1)
        image, cell = (score > LEAST_SCORE).nonzero(as_tuple=True)
        mine, theirs, weight = said[image, :, cell], cells[image, :, cell], score[image, cell]
        total = weight.sum().clamp(min=1e-7)

        sides = softplus(mine[:, 1:5]) * stride[cell]
        boxes = torch.cat([middle[cell] - sides[:, :2], middle[cell] + sides[:, 2:]], 1)
        half = theirs[:, 2:4] / 2
        wanted = torch.cat([theirs[:, :2] - half, theirs[:, :2] + half], 1)
        box_loss = (distance_box_iou_loss(boxes, wanted) * weight).sum() / total

        unit = theirs[:, 2:4].prod(1).clamp(min=SMALLEST_AREA).sqrt()[:, None, None]
        points = mine[:, 5:].unflatten(1, (5, 2)) * 2 * stride[cell][:, None] + middle[cell][:, None]
        wanted = theirs[:, 5:].unflatten(1, (5, 3))[..., :2]
        errors = smooth_l1_loss(points / unit, wanted / unit, beta=BETA, reduction="none").mean((1, 2))
        return torch.stack([score_loss, box_loss, (errors * weight).sum() / total])


def _inside(points: Tensor, boxes: Tensor, images: int) -> Tensor:
    """Which points (N, 2) lie inside boxes (M, 5) of image and xyxy, image by image (B, N)."""
    left_top, right_bottom = boxes[:, None, 1:3], boxes[:, None, 3:5]
    inside = ((points >= left_top) & (points <= right_bottom)).all(2)
    count = inside.new_zeros(images, len(points), dtype=torch.int)
    return count.index_add_(0, boxes[:, 0].long(), inside.int()) > 0
