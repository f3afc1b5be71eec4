"""A poured block gives what the donor's gives, exactly where its norms allow it; the rest is measured."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from drawn_layers import SMALL, drawn, leaving_mc4f, noise
from torch import nn
from ultralytics.nn.modules.block import C3, SPPF, C2f
from ultralytics.nn.modules.conv import Conv

from training.pouring import calibrate, embedded, folded, pour
from ultra_face.nn.mc4f import MC4f


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def test_a_kernel_in_a_larger_one_sees_the_same_pixels() -> None:
    small, x = torch.randn(4, 3, 3, 3), noise(2, 3)
    # Stride 2: the first tap lies 1 pixel before a cell with padding 1, and 2 pixels before it with padding 2.
    large = embedded(small, 1, 6, 2)
    given = nn.functional.conv2d(x, large, stride=2, padding=2)
    torch.testing.assert_close(given, nn.functional.conv2d(x, small, stride=2, padding=1), **SMALL)
    assert large[:, :, 1:4, 1:4].equal(small)


@pytest.mark.parametrize(("kernel", "padding"), [(3, 0), (2, 1)])
def test_a_kernel_that_does_not_fit_is_refused(kernel: int, padding: int) -> None:
    with pytest.raises(ValueError, match=f"holds one of 3 with padding 1, got {kernel} with padding {padding}"):
        embedded(torch.zeros(1, 1, 3, 3), 1, kernel, padding)


@pytest.mark.parametrize(
    ("donor", "ours"),
    [
        (Conv(6, 8, 3, 2), Conv(6, 8, 6, 2, 2)),
        (SPPF(6, 8), SPPF(6, 8)),
        (C3(6, 8, n=1), C3(6, 8, n=1)),
        (C3(6, 8, n=1), C3(6, 8, n=3)),
    ],
    ids=["Conv", "SPPF", "C3", "a deeper C3"],
)
def test_batch_norms_give_the_donors_output_for_any_input(donor: Any, ours: Any) -> None:
    drawn(donor), drawn(ours, seed=1)
    x, other = noise(3, 6), noise(2, 6, seed=1)
    given, own = pour(donor, ours, x, x.clone())
    torch.testing.assert_close(own, given, **SMALL)
    torch.testing.assert_close(ours(other), donor(other), **SMALL)


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("donor", [C2f(6, 8, n=1, shortcut=True), C3(6, 8, n=1)], ids=["C2f", "C3"])
def test_mc4f_with_batch_norm_gives_the_donors_output_through_its_last_layer(donor: Any, depth: int) -> None:
    ours = MC4f(6, 8, n=depth, norm="batch").eval()
    drawn(donor)
    x, other = noise(3, 6), noise(2, 6, seed=1)
    pour(donor, ours, x, x.clone())
    torch.testing.assert_close(ours(other), leaving_mc4f(donor(other)), **SMALL)


@pytest.mark.parametrize("depth", [2, 3])
def test_mc4f_with_group_norm_gives_it_for_a_single_photograph(depth: int) -> None:
    donor, ours = drawn(C2f(6, 64, n=2, shortcut=True)), MC4f(6, 64, n=depth).eval()
    assert ours.cv1.norm.num_groups > 1
    x = noise(1, 6)
    given, own = pour(donor, ours, x, x.clone())
    torch.testing.assert_close(own, leaving_mc4f(given), **SMALL)


def test_a_factor_and_constants_of_the_input_fall_away() -> None:
    donor, ours, x = drawn(Conv(6, 8, 1)), Conv(6, 8, 1).eval(), noise(3, 6)
    given, own = pour(donor, ours, x, 3 * x + torch.arange(6.0)[:, None, None])
    torch.testing.assert_close(own, given, **SMALL)


def test_a_fused_donor_is_the_same_donor() -> None:
    donor = drawn(Conv(6, 8, 3))
    x, before = noise(2, 6), folded(donor)
    expected, _ = pour(donor, Conv(6, 8, 3).eval(), x, x.clone())
    weight, donor.conv.bias = before, nn.Parameter(donor.bn(donor.conv(torch.zeros(1, 6, 3, 3)))[0, :, 1, 1].detach())
    donor.conv.weight.data.copy_(weight)
    del donor.bn
    donor.forward = donor.forward_fuse
    given, own = pour(donor, Conv(6, 8, 3).eval(), x, x.clone())
    torch.testing.assert_close(given, expected, **SMALL)
    torch.testing.assert_close(own, expected, **SMALL)


@pytest.mark.parametrize("norm", [nn.BatchNorm2d(4), nn.GroupNorm(2, 4)], ids=["batch", "group"])
def test_a_calibrated_norm_gives_the_targets_mean_and_deviation(norm: nn.Module) -> None:
    x, target = 5 + 3 * noise(4, 4), noise(4, 4, seed=1) * torch.arange(4.0)[:, None, None] - 2
    with torch.no_grad():
        calibrate(norm.eval(), x, target)
        y = norm(x)
    for mine, wanted in zip(torch.std_mean(y, (0, 2, 3)), torch.std_mean(target, (0, 2, 3)), strict=True):
        torch.testing.assert_close(mine, wanted, **SMALL)


def test_a_channel_that_never_changes_gives_the_targets_mean() -> None:
    norm, x, target = nn.BatchNorm2d(2).eval(), noise(2, 2), noise(2, 2, seed=1) + 7
    x[:, 0] = 0
    with torch.no_grad():
        calibrate(norm, x, target)
        y = norm(x)
    torch.testing.assert_close(y[:, 0], target[:, 0].mean().expand_as(y[:, 0]))
    with torch.no_grad():
        calibrate(norm, x, None)
        assert not norm(x).any()
