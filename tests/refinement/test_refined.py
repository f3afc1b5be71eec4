"""A scene made of numbers: what the second look is shown, and where what it finds ends up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from ultra_face.heads.sr_pose import SRFacePose, SRPose
from ultra_face.nn.srgan import CubicEnlargement

HEIGHT, WIDTH = 120, 160
SR = {"windows": 3, "window": 32, "scale": 4, "blocks": 0, "max_face": 16, "doubt": [0.1, 0.6], "first_look": 1.0}
ANCHORS = [[8, 10], [16, 20]]


def make_head(kind: str = "SRPose", kpt_shape: tuple[int, int] = (5, 3), nc: int = 1, **changes: Any) -> Any:
    if kind == "SRPose":
        return SRPose(nc, kpt_shape, ANCHORS, SR | changes, ch=(8, 8)).eval()
    return SRFacePose(nc, kpt_shape, SR | changes, ch=(8, 8)).eval()


def column(x: float, y: float, w: float, h: float, *scores: float, values: int = 3) -> list[float]:
    """A prediction whose five landmarks lie 1 px right of and 2 px below the centre, visible with 0.75."""
    return [x, y, w, h, *scores, *([x + 1, y + 2, 0.75][:values] * 5)]


def columns(*rows: list[float]) -> Tensor:
    return torch.tensor(rows).T[None]


class Tiles:
    """Stands for the network: gives these predictions, one (C, N) a tile, and keeps the tiles that it was shown."""

    def __init__(self, *found: Sequence[list[float]]) -> None:
        self.found = torch.stack([torch.tensor(list(rows)).T for rows in found])
        self.shown = torch.empty(0)

    def __call__(self, tiles: Tensor) -> tuple[Tensor, None]:
        self.shown = tiles
        return self.found[: len(tiles)], None


def image(batch: int = 1) -> Tensor:
    return torch.rand(batch, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0))


def refine(head: Any, first: Tensor, detect: Any) -> Tensor:
    y, extra = head.refine((first, "training outputs"), image=image(len(first)), detect=detect)
    assert extra == "training outputs"
    return y


SURE, DOUBTFUL = column(30, 30, 12, 12, 0.9), column(100, 60, 10, 12, 0.3)
LARGE = column(120, 80, 40, 40, 0.4)
NOTHING = column(64, 64, 20, 20, 0.0)


@pytest.mark.parametrize("kind", ["SRPose", "SRFacePose"])
def test_a_face_that_stage_one_doubts_is_found_again(kind: str) -> None:
    head, first = make_head(kind), columns(SURE, DOUBTFUL, LARGE)
    tiles = Tiles([column(72, 56, 40, 48, 0.8)])
    y = refine(head, first, tiles)
    assert torch.equal(y[..., :3], first)
    # Its window of 32 px is centred on (100, 60): it begins at (84, 44). A tile pixel is a quarter of an input pixel:
    # (84 + 72 / 4, 44 + 56 / 4) = (102, 58) with sides of 40 / 4 and 48 / 4, landmarks 1 / 4 and 2 / 4 px further.
    torch.testing.assert_close(y[0, :, 3], torch.tensor([102, 58, 10, 12, 0.8] + [102.25, 58.5, 0.75] * 5))
    # The face was the only doubt; two of three windows stay unused and give empty columns.
    assert y.shape[2] == 3 + 3
    assert not y[..., 4:].any()


def test_the_network_is_shown_the_enlarged_window() -> None:
    tiles = Tiles([NOTHING])
    refine(make_head(), columns(DOUBTFUL), tiles)
    expected = CubicEnlargement(4)(image()[..., 44:76, 84:116]).clamp(0, 1)
    torch.testing.assert_close(tiles.shown, expected)
    assert tiles.shown.shape == (1, 3, 128, 128)


@pytest.mark.parametrize(("kpt_shape", "nc"), [((5, 2), 1), ((5, 3), 3), ((5, 2), 2)])
def test_landmarks_and_classes_of_other_numbers(kpt_shape: tuple[int, int], nc: int) -> None:
    values, others = kpt_shape[1], [0.01] * (nc - 1)
    head = make_head(kpt_shape=kpt_shape, nc=nc)
    first = columns(column(100, 60, 10, 12, *others, 0.3, values=values))
    y = refine(head, first, Tiles([column(72, 56, 40, 48, *others, 0.8, values=values)]))
    expected = [102, 58, 10, 12, *others, 0.8, *([102.25, 58.5, 0.75][:values] * 5)]
    torch.testing.assert_close(y[0, :, 1], torch.tensor(expected))


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (column(10, 64, 20, 20, 0.8), "cut at the left side of its window"),
        (column(64, 120, 20, 20, 0.8), "cut at the lower side"),
    ],
)
def test_cut_faces_do_not_count(found: list[float], why: str) -> None:
    y = refine(make_head(), columns(DOUBTFUL), Tiles([found]))
    assert y[0, 4, 1] == 0, why


def test_a_face_that_stage_one_is_sure_of_stays_its_own() -> None:
    # The sure face at (110, 52) lies in the window of the doubtful one, at 4 x (110 - 84, 52 - 44) = (104, 32).
    first = columns(DOUBTFUL, column(110, 52, 8, 8, 0.6))
    y = refine(make_head(), first, Tiles([column(104, 32, 32, 32, 0.99), column(64, 64, 40, 48, 0.7)]))
    assert torch.equal(y[..., :2], first)
    # The best of the tile comes first, and says nothing; the doubtful one is found.
    torch.testing.assert_close(y[0, 4, 2:4], torch.tensor([0.0, 0.7]))


def test_a_face_beside_a_sure_one_is_new() -> None:
    first = columns(DOUBTFUL, column(110, 52, 8, 8, 0.6))
    # At (110, 56), moved by half a box: IoU 1 / 3.
    y = refine(make_head(), first, Tiles([column(104, 48, 32, 32, 0.99), NOTHING]))
    assert y[0, 4, 2] == pytest.approx(0.99)


def test_the_first_look_counts_less_where_there_is_a_second() -> None:
    # In the window: doubtful, sure, large. Outside: background, below the band but as small, and another box.
    inside = [DOUBTFUL, column(110, 52, 8, 8, 0.7), column(100, 60, 17, 12, 0.3), column(98, 62, 8, 8, 0.02)]
    outside = [column(20, 20, 8, 8, 0.05)]
    first = columns(*inside, *outside)
    y = refine(make_head(first_look=0.5), first, Tiles([NOTHING]))
    torch.testing.assert_close(y[0, 4, :5], torch.tensor([0.15, 0.7, 0.3, 0.01, 0.05]))
    unchanged = [row for row in range(first.shape[1]) if row != 4]
    assert torch.equal(y[:, unchanged, :5], first[:, unchanged])


def test_nothing_doubtful_is_not_looked_at() -> None:
    def never(tiles: Tensor) -> Any:
        raise AssertionError("the network was run again")

    first = columns(SURE, LARGE)
    assert torch.equal(refine(make_head(), first, never), first)


def test_windows_of_a_batch_go_to_their_images() -> None:
    # Nothing in the first image, one doubtful face in the second, two in the third, where the surer one comes first.
    first = torch.cat(
        [
            columns(SURE, NOTHING),
            columns(DOUBTFUL, NOTHING),
            columns(DOUBTFUL, column(40, 80, 10, 10, 0.5)),
        ]
    )
    center = 64.0
    tiles = Tiles(*([column(center, center, 40, 40, score)] for score in (0.7, 0.8, 0.9)))
    y = refine(make_head(), first, tiles)
    assert len(tiles.shown) == 3
    # Stage two begins at column 2, with one column for each of the three windows of an image.
    torch.testing.assert_close(y[:, 4, 2:], torch.tensor([[0, 0, 0], [0.7, 0, 0], [0.8, 0.9, 0]]))
    torch.testing.assert_close(y[1:, :2, 2], torch.tensor([[100.0, 60], [40, 80]]))
    torch.testing.assert_close(y[2, :2, 3], torch.tensor([100.0, 60]))


def test_an_exported_graph_detects_in_every_window() -> None:
    head, first = make_head(), columns(SURE, DOUBTFUL)
    eager = refine(head, first, Tiles([column(72, 56, 40, 48, 0.8)]))
    head.export = True
    tiles = Tiles(*[[column(72, 56, 40, 48, 0.8)]] * 3)
    exported = head.refine(first, image=image(), detect=tiles)
    assert len(tiles.shown) == 3
    # Unused windows have places, but no scores.
    torch.testing.assert_close(exported[:, 4], eager[:, 4])
    torch.testing.assert_close(exported[..., :3], eager[..., :3])


def test_a_face_at_the_border_of_the_image() -> None:
    # The window begins at (0, 120 - 32); the box reaches the sides of the image, where nothing is cut off.
    first = columns(column(5, 114, 10, 12, 0.3))
    y = refine(make_head(), first, Tiles([column(20, 104, 40, 48, 0.8)]))
    torch.testing.assert_close(y[0, :5, 1], torch.tensor([5, 114, 10, 12, 0.8]))


def test_an_image_smaller_than_a_window() -> None:
    head, tiles = make_head(), Tiles([column(72, 56, 40, 48, 0.8)])
    small = torch.rand(1, 3, 24, 20)
    y, _ = head.refine((columns(column(10, 12, 8, 8, 0.3)), None), image=small, detect=tiles)
    # The window is the image, with grey beyond: (72 / 4, 56 / 4).
    torch.testing.assert_close(y[0, :5, 1], torch.tensor([18, 14, 10, 12, 0.8]))
    torch.testing.assert_close(tiles.shown[..., 110:, 100:].mean(), torch.tensor(114 / 255))


def test_corners_for_the_nms_of_the_exporter() -> None:
    def as_corners(y: Tensor) -> Tensor:
        half = y[:, 2:4] / 2
        return torch.cat([y[:, :2] - half, y[:, :2] + half, y[:, 4:]], dim=1)

    first, found = columns(SURE, DOUBTFUL), Tiles([column(72, 56, 40, 48, 0.8)])
    centred = refine(make_head(), first, found)
    head = make_head()
    head.xyxy, found.found = True, as_corners(found.found)
    torch.testing.assert_close(refine(head, as_corners(first), found), as_corners(centred))


def test_ciou_nms_judges_both_stages() -> None:
    # Stage two finds the doubtful face again, at the same place and with the better score.
    head = make_head(ciou_nms=0.5)
    y = refine(head, columns(DOUBTFUL, SURE), Tiles([column(64, 64, 40, 48, 0.8)]))
    kept = y[0, :, y[0, 4] > 0]
    torch.testing.assert_close(kept[:5], torch.tensor([[30, 30, 12, 12, 0.9], [100, 60, 10, 12, 0.8]]).T)


def test_ciou_nms_without_windows() -> None:
    def never(tiles: Tensor) -> Any:
        raise AssertionError("the network was run again")

    twice = columns(SURE, column(31, 30, 12, 12, 0.5), DOUBTFUL)
    y = refine(make_head(windows=0, ciou_nms=0.5), twice, never)
    torch.testing.assert_close(y[0, 4], torch.tensor([0.9, 0, 0.3]))


def test_neither_windows_nor_suppression_is_the_plain_head() -> None:
    y = (columns(SURE, DOUBTFUL), "training outputs")
    assert make_head(windows=0).refine(y, image=image(), detect=None) is y


def test_many_faces_of_many_images_share_the_tiles_columns() -> None:
    # The tiles of two images have unlike numbers of predictions that matter; the columns fit the larger number.
    first = torch.cat([columns(DOUBTFUL), columns(DOUBTFUL)])
    few = [column(64, 64, 20, 20, 0.5), NOTHING, NOTHING]
    many = [column(64, 64, 20, 20, 0.5), column(40, 40, 20, 20, 0.3), column(80, 80, 20, 20, 0.4)]
    y = refine(make_head(), first, Tiles(few, many))
    torch.testing.assert_close(y[:, 4, 1:4], torch.tensor([[0.5, 0, 0], [0.5, 0.4, 0.3]]))
