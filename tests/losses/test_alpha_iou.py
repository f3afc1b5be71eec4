"""Alpha-CIoU against Ultralytics' CIoU and against arithmetic by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from ultralytics.utils.metrics import bbox_iou

from ultra_face.losses.alpha_iou import EPS, alpha_ciou_loss, ciou_terms

DEGENERATE = {
    "no width": ([1.0, 1.0, 1.0, 3.0], [0.0, 0.0, 2.0, 2.0]),
    "no height": ([0.0, 1.0, 2.0, 1.0], [0.0, 0.0, 2.0, 2.0]),
    "target of no size": ([0.0, 0.0, 2.0, 2.0], [1.0, 1.0, 1.0, 1.0]),
    "both of no size, same place": ([1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]),
    "both of no size, apart": ([1.0, 1.0, 1.0, 1.0], [4.0, 5.0, 4.0, 5.0]),
    "far apart": ([0.0, 0.0, 1.0, 1.0], [1e4, 1e4, 1e4 + 1, 1e4 + 1]),
    "touching": ([0.0, 0.0, 1.0, 1.0], [1.0, 0.0, 2.0, 1.0]),
    "identical": ([0.0, 0.0, 3.0, 5.0], [0.0, 0.0, 3.0, 5.0]),
}


def random_boxes(num_boxes: int, *, seed: int) -> Tensor:
    corner, size = torch.rand(2, num_boxes, 2, generator=torch.Generator().manual_seed(seed)) * 10
    return torch.cat([corner, corner + size + 0.1], 1)


def loss_of(box: list[float], target: list[float], alpha: float) -> float:
    loss, _ = alpha_ciou_loss(torch.tensor([box]), torch.tensor([target]), alpha=alpha)
    return float(loss)


def test_alpha_one_is_ultralytics_ciou() -> None:
    boxes, targets = random_boxes(500, seed=0).requires_grad_(), random_boxes(500, seed=1)
    stock = 1 - bbox_iou(boxes, targets, xywh=False, CIoU=True)
    (stock_gradient,) = torch.autograd.grad(stock.sum(), boxes)
    loss, ciou = alpha_ciou_loss(boxes, targets, alpha=1)
    (gradient,) = torch.autograd.grad(loss.sum(), boxes)
    torch.testing.assert_close(loss, stock)
    torch.testing.assert_close(ciou, 1 - stock)
    torch.testing.assert_close(gradient, stock_gradient)


def test_shifted_boxes_by_hand() -> None:
    box, target = [0.0, 0.0, 2.0, 2.0], [1.0, 0.0, 3.0, 2.0]
    # Intersection 1 x 2 = 2, union 4 + 4 - 2 = 6, IoU 1/3. Centres 1 apart, enclosing box 3 x 2 with squared
    # diagonal 9 + 4 = 13. Both are square, so there is no aspect term.
    assert loss_of(box, target, 3.0) == pytest.approx(1 - (1 / 3) ** 3 + (1 / 13) ** 3, abs=1e-6)
    assert loss_of(box, target, 1.0) == pytest.approx(1 - 1 / 3 + 1 / 13, abs=1e-6)


def test_boxes_of_another_shape_by_hand() -> None:
    box, target = [0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 2.0, 4.0]
    # Intersection 2 x 2 = 4, union 8 + 8 - 4 = 12, IoU 1/3. Centres (2, 1) and (1, 2): squared distance 2;
    # enclosing box 4 x 4: squared diagonal 32; 2/32 = 1/16.
    v = 4 / math.pi**2 * (math.atan(2 / 4) - math.atan(4 / 2)) ** 2
    beta = v / (1 - 1 / 3 + v)
    assert loss_of(box, target, 3.0) == pytest.approx(1 - (1 / 3) ** 3 + (1 / 16) ** 3 + (beta * v) ** 3, abs=1e-6)
    iou, distance, aspect = (float(term) for term in ciou_terms(torch.tensor([box]), torch.tensor([target])))
    assert (iou, distance, aspect) == pytest.approx((1 / 3, 1 / 16, beta * v), abs=1e-6)


def test_beta_carries_no_gradient() -> None:
    box = torch.tensor([[0.0, 0.0, 4.0, 2.0]], requires_grad=True)
    target = torch.tensor([[0.0, 0.0, 2.0, 4.0]])
    _, _, aspect = ciou_terms(box, target)
    (gradient,) = torch.autograd.grad(aspect.sum(), box)
    # d(beta v)/dx = beta dv/dx, with v = k (atan(1/2) - atan(r))^2 and r = w / h = 2, so that
    # dv/dr = -2 k (atan(1/2) - atan(2)) / (1 + r^2), dr/dx2 = 1 / h = 1/2.
    k = 4 / math.pi**2
    angle = math.atan(1 / 2) - math.atan(2)
    beta = k * angle**2 / (1 - 1 / 3 + k * angle**2)  # IoU 1/3, as above
    assert float(gradient[0, 2]) == pytest.approx(beta * -2 * k * angle / (1 + 4) / 2, rel=1e-4)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0, 3.0])
def test_identical_boxes_cost_nothing(alpha: float) -> None:
    box = [0.0, 0.0, 3.0, 5.0]
    # IoU misses 1 by about EPS over the area, which the power multiplies by alpha; the two other terms are
    # held at EPS or above, whose power is what remains (2 x 3.2e-4 for alpha 0.5).
    remainder = 0.0 if alpha == 1 else 2 * EPS**alpha
    assert abs(loss_of(box, box, alpha)) <= remainder + 1e-6


@pytest.mark.parametrize("alpha", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("pair", DEGENERATE.values(), ids=DEGENERATE)
def test_degenerate_boxes_give_finite_values_and_gradients(pair: tuple[list[float], list[float]], alpha: float) -> None:
    box, target = torch.tensor([pair[0]], requires_grad=True), torch.tensor([pair[1]])
    loss, ciou = alpha_ciou_loss(box, target, alpha=alpha)
    loss.sum().backward()
    assert loss.isfinite().all()
    assert ciou.isfinite().all()
    assert box.grad.isfinite().all()


def test_larger_alpha_weighs_well_placed_boxes_up() -> None:
    def pull(shift: float, alpha: float) -> float:
        box = torch.tensor([[shift, 0.0, shift + 10, 10.0]], requires_grad=True)
        alpha_ciou_loss(box, torch.tensor([[0.0, 0.0, 10.0, 10.0]]), alpha=alpha)[0].sum().backward()
        return float(box.grad.abs().max())

    assert pull(0.5, 3.0) / pull(8.0, 3.0) > pull(0.5, 1.0) / pull(8.0, 1.0)


def test_no_boxes() -> None:
    loss, ciou = alpha_ciou_loss(torch.zeros(0, 4), torch.zeros(0, 4))
    assert loss.shape == ciou.shape == (0, 1)
