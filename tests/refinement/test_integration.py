"""Stage two is brought back to the image, and speaks only of whole faces that stage one does not know."""

from __future__ import annotations

import pytest
import torch
from literal import random_boxes
from torch import Tensor

from ultra_face.refinement.geometry import best_columns, corners
from ultra_face.refinement.integration import already_found, faces_in_windows, to_image, whole


def predictions(count: int, nc: int, kpt_shape: tuple[int, int]) -> Tensor:
    """Random predictions of three tiles (3, 4 + nc + K x D, N)."""
    rows = 4 + nc + kpt_shape[0] * kpt_shape[1]
    return torch.rand(3, rows, count, generator=torch.Generator().manual_seed(0)) * 100


def test_corners_of_centre_and_size() -> None:
    centred = torch.tensor([[[10.0], [20], [4], [6], [0.9]]])
    assert corners(centred).tolist() == [[[8, 17, 12, 23]]]


def test_best_columns_come_with_their_scores() -> None:
    columns = torch.arange(8.0).view(1, 2, 4)
    best, scores = best_columns(columns, torch.tensor([[0.1, 0.9, 0.5, 0.7]]), 2)
    assert best.tolist() == [[[1, 3], [5, 7]]]
    torch.testing.assert_close(scores, torch.tensor([[0.9, 0.7]]))


def test_best_columns_of_fewer_than_the_limit() -> None:
    best, scores = best_columns(torch.zeros(1, 2, 4), torch.zeros(1, 4), 300)
    assert (best.shape, scores.shape) == ((1, 2, 4), (1, 4))


def in_tile(found: Tensor, left_top: Tensor, scale: float, nc: int, kpt_shape: tuple[int, int]) -> Tensor:
    """The affine map of the cut and the enlargement, value by value: what `to_image` undoes."""
    out, (num_landmarks, values) = found.clone(), kpt_shape
    x_rows = [0, *(4 + nc + k * values for k in range(num_landmarks))]
    for tile, (left, top) in enumerate(left_top.tolist()):
        for row in x_rows:
            out[tile, row] = (found[tile, row] - left) * scale
            out[tile, row + 1] = (found[tile, row + 1] - top) * scale
        out[tile, 2:4] = found[tile, 2:4] * scale
    return out


@pytest.mark.parametrize("nc", [1, 3])
@pytest.mark.parametrize("kpt_shape", [(5, 3), (5, 2)])
@pytest.mark.parametrize("scale", [2, 4])
def test_to_image_undoes_cut_and_enlargement(scale: int, kpt_shape: tuple[int, int], nc: int) -> None:
    in_image = predictions(7, nc, kpt_shape)
    left_top = torch.tensor([[0.0, 0], [12, 30], [100, 7]])
    tiles = in_tile(in_image, left_top, scale, nc, kpt_shape)
    got = to_image(tiles, left_top, scale=scale, kpt_shape=kpt_shape)
    torch.testing.assert_close(got, in_image, rtol=1e-5, atol=1e-4)


def test_to_image_in_numbers() -> None:
    # A face at (40, 80) of a 4-fold tile whose window begins at (100, 50): 100 + 40 / 4, 50 + 80 / 4.
    column = torch.tensor([40.0, 80, 24, 32, 0.7] + [44.0, 84, 0.5] * 5).view(1, -1, 1)
    got = to_image(column, torch.tensor([[100.0, 50]]), scale=4, kpt_shape=(5, 3))
    torch.testing.assert_close(got.flatten(), torch.tensor([110.0, 70, 6, 8, 0.7] + [111.0, 71, 0.5] * 5))


WINDOW = {"side": 64, "image_hw": (200, 300)}


def is_whole(box: list[float], corner: list[float], **changes: object) -> bool:
    return bool(whole(torch.tensor([[box]]), torch.tensor([corner]), **WINDOW | changes))


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ([52, 52, 112, 112], True),  # 2 px from each side of 50..114
        ([51.9, 52, 80, 80], False),
        ([52, 51.9, 80, 80], False),
        ([80, 80, 112.1, 112], False),
        ([80, 80, 112, 112.1], False),
        ([40, 60, 80, 80], False),
    ],
)
def test_boxes_at_a_side_of_the_window_are_cut(box: list[float], expected: bool) -> None:
    assert is_whole(box, [50, 50]) is expected


@pytest.mark.parametrize(
    ("box", "corner", "expected"),
    [
        ([0, 0, 30, 30], [0, 0], True),
        ([0, 60, 30, 63], [0, 0], False),  # the window's lower side lies inside the image
        ([-3, 20, 30, 40], [0, 0], True),
        ([270, 150, 300, 200], [236, 136], True),
        ([237, 150, 260, 180], [236, 136], False),
        ([290, 20, 301, 40], [236, 10], True),
    ],
)
def test_the_sides_of_the_image_cut_nothing(box: list[float], corner: list[float], expected: bool) -> None:
    assert is_whole(box, corner) is expected


def test_nothing_is_cut_in_an_image_smaller_than_a_window() -> None:
    assert is_whole([0, 0, 50, 40], [0, 0], image_hw=(40, 50))


def test_the_border_is_an_argument() -> None:
    assert not is_whole([55, 60, 80, 80], [50, 50], border=6.0)
    assert is_whole([55, 60, 80, 80], [50, 50], border=5.0)


def test_each_tile_has_its_own_window() -> None:
    boxes = torch.tensor([[[60.0, 60, 80, 80], [100, 100, 120, 120]]]).expand(2, -1, -1)
    left_top = torch.tensor([[50.0, 50], [90, 90]])
    assert whole(boxes, left_top, **WINDOW).tolist() == [[True, False], [False, True]]


def test_faces_that_a_window_touches_best_first() -> None:
    # Whole in 50..114; across its left side; beside it, touching a side only; far away.
    boxes = torch.tensor([[60.0, 60, 70, 70], [40, 60, 51, 70], [40, 60, 50, 70], [200, 60, 210, 70]])
    found, scores = faces_in_windows(
        boxes.expand(2, -1, -1),
        torch.tensor([[0.7, 0.9, 0.8, 0.95]]).expand(2, -1),
        torch.tensor([[50.0, 50], [190, 50]]),
        side=64,
    )
    torch.testing.assert_close(scores, torch.tensor([[0.9, 0.7, 0, 0], [0.95, 0, 0, 0]]))
    assert found[0, :2].tolist() == boxes[[1, 0]].tolist()
    assert found[1, 0].tolist() == boxes[3].tolist()


def test_faces_of_a_window_up_to_a_limit() -> None:
    boxes = random_boxes(1, 20, seed=4, extent=30)
    found, scores = faces_in_windows(boxes, torch.linspace(0.1, 0.9, 20)[None], torch.zeros(1, 2), side=64, limit=3)
    assert found.tolist() == boxes[:, [19, 18, 17]].tolist()
    assert scores.shape == (1, 3)


def test_already_found_needs_overlap_and_confidence() -> None:
    boxes = torch.tensor([[[0.0, 0, 10, 10], [50, 0, 60, 10], [100, 0, 110, 10], [150, 0, 160, 10]]])
    # The same box; moved by 2 of 10 px, IoU 2/3; the same, doubtful; moved by 4 of 10 px, IoU 3/7.
    found = torch.tensor([[[0.0, 0, 10, 10], [52, 0, 62, 10], [100, 0, 110, 10], [154, 0, 164, 10]]])
    scores = torch.tensor([[0.6, 0.9, 0.59, 0.9]])
    assert already_found(boxes, found, scores, confident=0.6).tolist() == [[True, True, False, False]]


def test_already_found_against_loops() -> None:
    boxes, found = random_boxes(2, 40, seed=1, extent=40), random_boxes(2, 30, seed=2, extent=40)
    scores = torch.rand(2, 30, generator=torch.Generator().manual_seed(3))
    got = already_found(boxes, found, scores, confident=0.5)

    def iou(a: list[float], b: list[float]) -> float:
        width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
        shared = max(width, 0) * max(height, 0)
        return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)

    expected = [
        [any(iou(a, b) > 0.5 and score >= 0.5 for b, score in zip(found_of, scores_of, strict=True)) for a in boxes_of]
        for boxes_of, found_of, scores_of in zip(boxes.tolist(), found.tolist(), scores.tolist(), strict=True)
    ]
    assert got.tolist() == expected
    assert 0 < got.sum() < got.numel()
