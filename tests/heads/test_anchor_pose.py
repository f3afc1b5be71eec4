"""AnchorPose: the layout of its output, its decoding against literal loops, its errors."""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ultra_face.heads.anchor_pose import AnchorPose
from ultra_face.heads.face_head import STOCK_DECODING

STRIDES = (8.0, 16.0)
ANCHORS = ((10.0, 13.0, 20.0, 26.0, 33.0, 23.0), (60.0, 45.0, 62.0, 119.0, 116.0, 90.0))
CHANNELS = (12, 16)
GRIDS = ((5, 7), (3, 4))  # height and width of the maps


def build(kpt_shape: tuple[int, int] = (5, 3), nc: int = 1) -> AnchorPose:
    torch.manual_seed(0)
    head = AnchorPose(nc, kpt_shape, ANCHORS, ch=CHANNELS)
    head.stride = torch.tensor(STRIDES)
    return head.eval()


def features(batch: int = 2) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(batch, c, *grid, generator=generator) * 2 for c, grid in zip(CHANNELS, GRIDS, strict=True)]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def literal_decoding(head: AnchorPose, maps: list[Tensor]) -> Tensor:
    """Formulas of YOLOv5 for one cell and anchor at a time: raw convolution maps -> (B, N, 4 + nc + nk)."""
    num_landmarks, values = head.kpt_shape
    rows = []
    for image in range(len(maps[0])):
        for level, stride, anchors in zip(maps, STRIDES, ANCHORS, strict=True):
            for a in range(3):
                anchor_w, anchor_h = anchors[2 * a : 2 * a + 2]
                for row in range(level.shape[2]):
                    for column in range(level.shape[3]):
                        out = level[image, a * head.no : (a + 1) * head.no, row, column].tolist()
                        x, y = (
                            (2 * sigmoid(out[0]) - 0.5 + column) * stride,
                            (2 * sigmoid(out[1]) - 0.5 + row) * stride,
                        )
                        w, h = (2 * sigmoid(out[2])) ** 2 * anchor_w, (2 * sigmoid(out[3])) ** 2 * anchor_h
                        decoded = [x, y, w, h]
                        decoded += [sigmoid(out[4]) * sigmoid(c) for c in out[5 : 5 + head.nc]]
                        for k in range(num_landmarks):
                            first = 5 + head.nc + k * values
                            decoded += [
                                out[first] * anchor_w + (column + 0.5) * stride,
                                out[first + 1] * anchor_h + (row + 0.5) * stride,
                                *(sigmoid(v) for v in out[first + 2 : first + values]),
                            ]
                        rows.append(decoded)
    return torch.tensor(rows).view(len(maps[0]), -1, 4 + head.nc + head.nk)


@pytest.mark.parametrize("nc", [1, 3])
@pytest.mark.parametrize("kpt_shape", [(5, 3), (5, 2)])
def test_decoding_against_literal_loops(kpt_shape: tuple[int, int], nc: int) -> None:
    head, x = build(kpt_shape, nc), features()
    with torch.no_grad():
        decoded, _ = head(x)
        expected = literal_decoding(head, [conv(level) for conv, level in zip(head.predict, x, strict=True)])
    # Three anchors in each of 5 x 7 and 3 x 4 cells.
    assert decoded.shape == (2, 4 + nc + kpt_shape[0] * kpt_shape[1], 3 * (35 + 12))
    torch.testing.assert_close(decoded, expected.mT, rtol=1e-4, atol=1e-3)


def test_training_returns_the_raw_maps() -> None:
    head, x = build().train(), features()
    outputs = head(x)
    assert outputs["feats"] is x
    assert [tuple(level.shape) for level in outputs["raw"]] == [(2, 3, 21, 5, 7), (2, 3, 21, 3, 4)]
    assert head.no == 5 + 1 + 15


def test_evaluation_returns_the_raw_maps_too_and_export_does_not() -> None:
    head, x = build(), features()
    with torch.no_grad():
        decoded, outputs = head(x)
        torch.testing.assert_close(outputs["raw"], head.train()(x)["raw"])
        head.eval().export = True
        torch.testing.assert_close(head(x), decoded)


def exporting(head: AnchorPose) -> AnchorPose:
    """As the exporter has it for a file of one size."""
    head.export, head.dynamic = True, False
    return head


@pytest.mark.filterwarnings("ignore")  # torch announces to retire tracing
@pytest.mark.parametrize("copied", [False, True])
def test_the_grid_is_a_constant_of_a_file_of_one_size(copied: bool) -> None:
    head, x = exporting(build()), features()
    with torch.no_grad():
        expected = head(x)  # the exporter's dry run
    head = deepcopy(head) if copied else head
    traced = torch.jit.trace(head, (x,))
    torch.testing.assert_close(traced(x), expected)
    assert not {"aten::meshgrid", "aten::arange"} & operators(traced)
    head.dynamic = True
    assert {"aten::meshgrid", "aten::arange"} <= operators(torch.jit.trace(head, (x,)))


def operators(traced: torch.jit.ScriptModule) -> set[str]:
    return {node.kind() for node in traced.inlined_graph.nodes()}


def test_another_size_gets_another_grid() -> None:
    head, x = build(), features()
    wide = [torch.cat([level, level], dim=3) for level in x]
    with torch.no_grad():
        expected = [head(maps)[0] for maps in (x, wide, x)]
        exporting(head)
        for maps, decoded in zip((x, wide, x), expected, strict=True):
            torch.testing.assert_close(head(maps), decoded)


def test_another_precision_and_device_get_another_grid() -> None:
    head, x = exporting(build()), features()
    with torch.no_grad():
        single = head(x)
        half = head.half()([level.half() for level in x])
        nowhere = head.float().to("meta")([level.to("meta") for level in x])
    assert (half.dtype, nowhere.device.type, nowhere.shape) == (torch.float16, "meta", single.shape)
    # Eleven bits of a coordinate of up to 116 px, in a few steps.
    torch.testing.assert_close(half.float(), single, rtol=1e-2, atol=0.5)


def test_the_exporters_nms_gets_corners() -> None:
    head, x = build(), features()
    with torch.no_grad():
        centred = head(x)[0]
        head.xyxy = True
        corners = head(x)[0]
    torch.testing.assert_close((corners[:, :2] + corners[:, 2:4]) / 2, centred[:, :2])
    torch.testing.assert_close(corners[:, 2:4] - corners[:, :2], centred[:, 2:4], rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(corners[:, 4:], centred[:, 4:])


def test_the_loss_decodes_to_the_same_place() -> None:
    head, x = build(), features()
    with torch.no_grad():
        decoded, outputs = head(x)
    first = 0
    for level, (raw, stride, (height, width)) in enumerate(zip(outputs["raw"], STRIDES, GRIDS, strict=True)):
        batch, num_anchors, _, _, _ = raw.shape
        # One row for each anchor and cell, in the order of the decoded output.
        values = raw.permute(0, 1, 3, 4, 2).flatten(0, 3)
        anchors = (head.anchor_wh[level] / stride)[None, :, None].expand(batch, -1, height * width, -1).flatten(0, 2)
        rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        corner = torch.stack([columns, rows], 2).view(-1, 2).repeat(batch * num_anchors, 1)

        center, size = head.decode_boxes(values[:, :4], anchors, dim=1)
        boxes = (torch.cat([center - size / 2, center + size / 2], dim=1) + corner.repeat(1, 2)) * stride
        points = head.decode_landmarks(values[:, 6:].unflatten(1, (5, 3))[..., :2], anchors[:, None], 0.5)
        landmarks = (points + corner[:, None]) * stride

        last = first + num_anchors * height * width
        ours = decoded[:, :, first:last].mT.flatten(0, 1)
        center, size = ours[:, :2], ours[:, 2:4]
        torch.testing.assert_close(boxes, torch.cat([center - size / 2, center + size / 2], 1), rtol=1e-4, atol=1e-3)
        torch.testing.assert_close(landmarks, ours[:, 5:].unflatten(1, (5, 3))[..., :2], rtol=1e-4, atol=1e-3)
        first = last


@pytest.mark.parametrize("nc", [1, 80])
def test_biases_start_from_a_few_faces_and_a_likely_class(nc: int) -> None:
    head = build(nc=nc)
    for conv in head.predict:
        nn.init.zeros_(conv.bias)
    head.bias_init()
    for conv, stride in zip(head.predict, STRIDES, strict=True):
        bias = conv.bias.detach().view(3, head.no)
        cells = (640 / stride) ** 2
        # exp(b) is the odds of a face, near its probability: 8 faces over all cells of a 640 px input.
        torch.testing.assert_close(bias[:, 4].exp() * cells, torch.full((3,), 8.0))
        # A class with odds 0.6 against the others: of 80 it starts at 0.6 / 79.
        torch.testing.assert_close(bias[:, 5 : 5 + nc].exp(), torch.full((3, nc), 0.6 / (nc - 0.99999)))
        assert not bias[:, :4].any()
        assert not bias[:, 5 + nc :].any()


def test_anchors_are_saved_with_the_weights() -> None:
    head = build()
    head.anchor_wh.mul_(2)
    other = build()
    other.load_state_dict(head.state_dict())
    # (levels, anchors, width and height), doubled.
    torch.testing.assert_close(other.anchor_wh, 2 * torch.tensor(ANCHORS).view(2, 3, 2))


def test_parameters() -> None:
    head = build((5, 2), nc=80)
    # 3 anchors x (5 + 80 + 10) = 285 outputs of a 1 x 1 convolution with bias.
    assert sum(p.numel() for p in head.parameters()) == (12 + 16) * 285 + 2 * 285


REMEDY = "correct `anchors:` in the model YAML, or run `ultra-face anchors`"


@pytest.mark.parametrize(
    ("anchors", "message"),
    [
        (ANCHORS[:1], "expected 2 rows, one a level, got 1"),
        ([*ANCHORS, ANCHORS[0]], "expected 2 rows, one a level, got 3"),
        (None, "expected rows of widths and heights, got None"),
        ([10, 13], r"expected rows of widths and heights, got \[10, 13\]"),
        ("anchors", "expected rows of widths and heights, got 'anchors'"),
        ([[10, 13, 20], [60, 45, 62]], r"expected rows of equal length, .* got lengths \[3\]"),
        ([[10, 13], [60, 45, 62, 119]], r"expected rows of equal length, .* got lengths \[2, 4\]"),
        ([[], []], r"expected rows of equal length, .* got lengths \[0\]"),
        ([[10, 13], [60, -45]], "expected sizes above 0 px, got"),
        ([[10, "13"], [60, 45]], "expected sizes above 0 px, got"),
        ([[10, 0], [60, 45]], "expected sizes above 0 px, got"),
        ([[10, math.nan], [60, 45]], "expected sizes above 0 px, got"),
        ([[10, math.inf], [60, 45]], "expected sizes above 0 px, got"),
    ],
)
def test_anchors_that_do_not_fit(anchors: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"AnchorPose: anchors: {message}.*{REMEDY}"):
        AnchorPose(1, (5, 3), anchors, ch=CHANNELS)


def test_end_to_end_is_refused() -> None:
    message = "AnchorPose: end2end: expected false, got true; this head needs NMS, use FacePose instead"
    with pytest.raises(ValueError, match=message):
        AnchorPose(1, (5, 3), ANCHORS, end2end=True, ch=CHANNELS)


@pytest.mark.parametrize("format_name", sorted(STOCK_DECODING))
def test_formats_that_replace_the_decoding_are_refused(format_name: str) -> None:
    head = build()
    head.export, head.format = True, format_name
    message = f"AnchorPose: Ultralytics' {format_name} export .* train yolov5-aesvc-free"
    with pytest.raises(NotImplementedError, match=message):
        head(features())


def test_scores_of_cells_are_those_of_their_best_anchors() -> None:
    decoded, outputs = build(nc=3)(features())
    expected = []
    first = 0
    for height, width in GRIDS:
        # Three anchors of each cell lie a whole map apart.
        anchors = [decoded[:, 4:7, first + a * height * width : first + (a + 1) * height * width] for a in range(3)]
        expected.append(anchors[0].maximum(anchors[1]).maximum(anchors[2]))
        first += 3 * height * width
    torch.testing.assert_close(outputs["scores"].sigmoid(), torch.cat(expected, 2), rtol=1e-4, atol=2e-6)
