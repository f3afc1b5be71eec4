"""GroupNorm folded into the nearest BatchNorm: the line of least squares, blocks, YAML rows, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from ultralytics.nn.tasks import PoseModel

import ultra_face
from ultra_face.deploy.norms import Moments, fold_norms, nearest_batch_norm
from ultra_face.nn.mc4f import CGS

ANCHORS = [[8, 10, 12, 16], [16, 20, 24, 30], [40, 50, 60, 80]]


def network(norm: str = "group") -> Any:
    """Five blocks, with and without arguments, and a head."""
    ultra_face.register()
    torch.manual_seed(0)
    rows: list[list[Any]] = [
        [-1, 1, "CGS", [16, 3, 2, norm]],
        [-1, 1, "CGS", [32, 3, 2]],
        [-1, 2, "MC4f", [32]],
        [-1, 1, "Conv", [32, 3, 2]],
        [-1, 1, "MC4f", [32, norm]],
        [-1, 1, "CGS", [32]],
        [-1, 1, "Conv", [32, 3, 2]],
        [-1, 1, "Conv", [32, 3, 2]],
    ]
    description = {"nc": 1, "kpt_shape": [5, 3], "anchors": ANCHORS, "backbone": rows}
    head = [[[5, 6, 7], 1, "AnchorPose", ["nc", "kpt_shape", "anchors"]]]
    return PoseModel(description | {"head": head}, verbose=False).eval()


def images(count: int = 6) -> list[Tensor]:
    """Smooth noise (1, 3, 64, 96), as photographs are smooth."""
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(count, 3, 8, 12, generator=generator)
    return list(nn.functional.interpolate(coarse, size=(64, 96), mode="bicubic").clamp(0, 1).split(1))


def test_the_nearest_batch_norm_is_numpys_line_of_least_squares() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4, 3, 5, 6, generator=generator) * 3 + 2
    y = torch.tensor([2.0, -0.5, 0.0]).view(3, 1, 1) * x + torch.randn(4, 3, 5, 6, generator=generator)
    moments = Moments()
    for part_x, part_y in zip(x.split(1), y.split(1), strict=True):
        moments.add(part_x, part_y)
    given = nearest_batch_norm(moments)(x)
    for channel in range(3):
        slope, offset = np.polyfit(x[:, channel].flatten().double(), y[:, channel].flatten().double(), 1)
        torch.testing.assert_close(given[:, channel], slope * x[:, channel] + offset, atol=1e-4, rtol=1e-4)


def test_a_channel_that_never_changes_keeps_its_value() -> None:
    moments = Moments()
    moments.add(torch.full((1, 1, 4, 4), 3.0), torch.full((1, 1, 4, 4), 7.0))
    torch.testing.assert_close(
        nearest_batch_norm(moments)(torch.full((1, 1, 2, 2), 3.0)), torch.full((1, 1, 2, 2), 7.0)
    )
    assert moments.correlation() == 0


def test_correlation_is_blind_to_scale_and_offset() -> None:
    x, moments = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)), Moments()
    moments.add(x, 2 * x + 5)
    assert moments.correlation() == pytest.approx(1)
    opposite = Moments()
    opposite.add(x, -x)
    assert opposite.correlation() == pytest.approx(-1)


def test_every_group_norm_of_the_blocks_is_replaced_in_a_copy() -> None:
    model = network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    folded, folds = fold_norms(model, images())
    assert [fold.name for fold in folds] == ["0 CGS", "1 CGS", "2 MC4f", "4 MC4f", "5 CGS"]
    assert all(0.5 < fold.correlation <= 1 for fold in folds)
    assert all(isinstance(layer.norm, nn.BatchNorm2d) for layer in folded.modules() if isinstance(layer, CGS))
    assert all(isinstance(layer.norm, nn.GroupNorm) for layer in model.modules() if isinstance(layer, CGS))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_the_first_block_is_numpys_fit_on_all_photographs() -> None:
    model = network()
    folded, _ = fold_norms(model, images())
    with torch.no_grad():
        x = torch.cat([model.model[0].conv(image) for image in images()])
        y = model.model[0].norm(x)
        given = folded.model[0].norm(x)
    for channel in range(16):
        slope, offset = np.polyfit(x[:, channel].flatten().double(), y[:, channel].flatten().double(), 1)
        torch.testing.assert_close(given[:, channel], slope * x[:, channel] + offset, atol=1e-4, rtol=1e-3)


def test_the_yaml_builds_what_the_copy_is() -> None:
    folded, _ = fold_norms(network(), images())
    assert [row[3] for row in folded.yaml["backbone"][:6]] == [
        [16, 3, 2, "batch"], [32, 3, 2, "batch"], [32, "batch"], [32, 3, 2], [32, "batch"], [32, 1, 1, "batch"],
    ]  # fmt: skip
    built = PoseModel(folded.yaml, verbose=False).eval()
    built.load_state_dict(folded.state_dict())
    with torch.no_grad():
        for image in images(2):
            torch.testing.assert_close(built(image)[0], folded(image)[0])


def test_photographs_all_alike_fold_exactly() -> None:
    """On one photograph GroupNorm is a line by channel, which BatchNorm is too."""
    model, (image,) = network(), images(1)
    folded, folds = fold_norms(model, [image])
    assert all(fold.correlation == pytest.approx(1, abs=1e-4) for fold in folds)
    with torch.no_grad():
        torch.testing.assert_close(folded(image)[0], model(image)[0], atol=1e-2, rtol=1e-2)


def test_without_group_norm_there_is_nothing_to_fold() -> None:
    folded, _ = fold_norms(network(), images(1))
    with pytest.raises(ValueError, match="GroupNorm in CGS or MC4f, got none; there is nothing to fold"):
        fold_norms(folded, images(1))


def test_no_photographs_are_refused() -> None:
    with pytest.raises(ValueError, match="expected photographs to fit the norms on, got none"):
        fold_norms(network(), [])
