"""FacePose is Ultralytics' pose head in its plain-convolution style."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from ultralytics.nn.modules.conv import Conv
from ultralytics.nn.modules.head import Pose

from ultra_face.heads.face_head import STOCK_DECODING
from ultra_face.heads.face_pose import FacePose

CHANNELS = (16, 32)


class PlainPose(Pose):
    """The stock head of YOLOv5 and YOLOv8, which Ultralytics' parser marks so."""

    legacy = True


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("kpt_shape", [(5, 3), (5, 2)])
def test_same_outputs_as_the_stock_head_of_the_same_weights(kpt_shape: tuple[int, int], training: bool) -> None:
    torch.manual_seed(0)
    ours, stock = FacePose(1, kpt_shape, ch=CHANNELS), PlainPose(1, kpt_shape, ch=CHANNELS)
    stock.load_state_dict(ours.state_dict())
    x = [torch.randn(2, 16, 6, 5), torch.randn(2, 32, 3, 3)]
    outputs = []
    for head in (ours, stock):
        head.stride = torch.tensor([8.0, 16.0])
        head.bias_init()
        outputs.append(head.train(training)(x))
    torch.testing.assert_close(outputs[0], outputs[1], rtol=0, atol=0)


@pytest.mark.parametrize("stock_style", [True, False])
def test_its_style_is_its_own(monkeypatch: pytest.MonkeyPatch, stock_style: bool) -> None:
    monkeypatch.setattr(Pose, "legacy", stock_style)
    plain_branch = FacePose(1, (5, 3), ch=CHANNELS).cv3[0][0]
    assert isinstance(plain_branch, Conv)
    assert Pose.legacy is stock_style


def test_predictions_after_the_choice_of_the_best_are_not_augmented() -> None:
    assert FacePose(1, (5, 3), ch=CHANNELS).supports_tta
    head = FacePose(1, (5, 3), end2end=True, ch=CHANNELS)
    head.end2end = False  # NMS follows
    assert head.supports_tta
    head.end2end = True
    assert not head.supports_tta


def exported(head: FacePose, format_name: str) -> Tensor:
    head.stride, head.export, head.format = torch.tensor([8.0, 16.0]), True, format_name
    predictions: Tensor = head.eval()([torch.randn(1, 16, 4, 4), torch.randn(1, 32, 2, 2)])
    return predictions


def test_imx_is_refused() -> None:
    message = "FacePose: Ultralytics' imx export decodes as its own heads do, .* or train yolov8n-pose.yaml"
    with pytest.raises(NotImplementedError, match=message):
        exported(FacePose(1, (5, 3), ch=CHANNELS), "imx")


@pytest.mark.parametrize("format_name", ["onnx", *sorted(STOCK_DECODING - {"imx"})])
def test_formats_that_decode_as_the_stock_head_are_not_refused(format_name: str) -> None:
    # Box, score and five landmarks of x, y and visibility, for 4 x 4 and 2 x 2 cells.
    assert exported(FacePose(1, (5, 3), ch=CHANNELS), format_name).shape == (1, 4 + 1 + 15, 20)
