"""Models of five convolutions with any of our heads, whose random weights find something everywhere."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from ultralytics.nn.tasks import PoseModel

import ultra_face

ANCHORS = [[8, 10, 12, 16], [16, 20, 24, 30], [40, 50, 60, 80]]
ARGUMENTS = {
    "AnchorPose": ["nc", "kpt_shape", "anchors"],
    "SRPose": ["nc", "kpt_shape", "anchors", "sr"],
    "FacePose": ["nc", "kpt_shape"],
    "SRFacePose": ["nc", "kpt_shape", "sr"],
}
PLAIN = {"SRPose": "AnchorPose", "SRFacePose": "FacePose"}


def small_yaml(
    head: str, sr: Any = None, *, nc: int = 1, kpt_shape: tuple[int, int] = (5, 3), width: int = 8
) -> dict[str, Any]:
    """Levels P3 to P5 of so many channels each, without a neck."""
    return {
        "nc": nc,
        "kpt_shape": list(kpt_shape),
        "anchors": ANCHORS,
        "sr": sr,
        "backbone": [[-1, 1, "Conv", [width, 3, 2]] for _ in range(5)],
        "head": [[[2, 3, 4], 1, head, ARGUMENTS[head]]],
    }


def small_model(head: str, sr: Any = None, *, seed: int = 0, **settings: Any) -> Any:
    """A model in evaluation whose scores are spread over 0..1; the same weights for the same seed, generator aside."""
    ultra_face.register()
    torch.manual_seed(seed)
    model = PoseModel(small_yaml(head, sr, **settings), verbose=False).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".generator." not in name and ".dfl." not in name and parameter.dim() > 1:
                parameter.normal_(0, 1.4 / parameter[0].numel() ** 0.5, generator=generator)
        spread(model.model[-1])
    model.names, model.kpt_shape = {0: "face"}, model.yaml["kpt_shape"]  # as Ultralytics' trainer sets them
    return model


def spread(head: Any) -> None:
    """Scores spread over 0..1, and boxes about as large as an anchor, or two cells where there are none."""
    if hasattr(head, "predict"):
        for conv in head.predict:
            conv.weight.mul_(4)
            conv.bias.fill_(0.5)
    else:
        for boxes, scores in zip(head.cv2, head.cv3, strict=True):
            scores[-1].weight.mul_(8)
            scores[-1].bias.zero_()
            boxes[-1].bias.copy_(-torch.arange(16.0).repeat(4))  # bin by bin less likely: distances near 0.6 cells


def photograph(batch: int = 1, height: int = 96, width: int = 128, *, seed: int = 1) -> Tensor:
    """Smooth noise (B, 3, H, W), 0..1."""
    coarse = torch.rand(batch, 3, height // 8, width // 8, generator=torch.Generator().manual_seed(seed))
    return nn.functional.interpolate(coarse, size=(height, width), mode="bicubic").clamp(0, 1)
