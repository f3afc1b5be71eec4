"""A convolution split by what its rows mean gives what the whole one gives."""

from __future__ import annotations

import pytest
import torch
from small_models import photograph, small_model
from torch import nn

from ultra_face.heads.split_convolution import SplitConvolution
from ultra_face.heads.table import HEADS

KINDS = {"boxes": 4, "objectness": 1, "classes": 2, "landmarks": 10}


def test_values_are_those_of_the_whole_in_their_order() -> None:
    conv = nn.Conv2d(8, 3 * 17, 1)
    split, x = SplitConvolution(conv, KINDS), torch.randn(2, 8, 5, 7)
    torch.testing.assert_close(split(x), conv(x), rtol=1e-5, atol=1e-6)
    assert {name: part.out_channels for name, part in split.named_children()} == {
        "boxes": 12, "objectness": 3, "classes": 6, "landmarks": 30,
    }  # fmt: skip
    # Objectness is row 4 of the 17 of each of three anchors.
    torch.testing.assert_close(split.objectness.weight, conv.weight[[4, 21, 38]])


def test_rows_that_are_no_multiple_are_refused() -> None:
    with pytest.raises(ValueError, match="expected a multiple of 17 rows, got 50"):
        SplitConvolution(nn.Conv2d(8, 50, 1), KINDS)


@pytest.mark.parametrize("kpt_shape", [(5, 3), (5, 2)])
@pytest.mark.parametrize("head", [head.__name__ for head in HEADS])
def test_heads_predict_the_same(head: str, kpt_shape: tuple[int, int]) -> None:
    model, x = small_model(head, False, nc=2, kpt_shape=kpt_shape), photograph(2)
    with torch.no_grad():
        expected = model(x)[0]
        model.model[-1].split_by_kind()
        torch.testing.assert_close(model(x)[0], expected, rtol=1e-4, atol=1e-3)
    kinds = {tuple(dict(part.named_children())) for part in model.modules() if isinstance(part, SplitConvolution)}
    if hasattr(model.model[-1], "predict"):
        assert kinds == {("boxes", "objectness", "classes", "landmarks")}
    else:  # without visibility, each branch of the anchor-free head has values of one kind already
        assert kinds == ({("landmarks", "visibility")} if kpt_shape == (5, 3) else set())


def test_both_branches_of_a_head_without_suppression_are_split() -> None:
    model = small_model("FacePose")
    head = type(model.model[-1])(1, (5, 3), 16, True, (8, 8, 8))  # end to end
    head.split_by_kind()
    parts = [name for name, part in head.named_modules() if isinstance(part, SplitConvolution)]
    assert parts == [f"{branch}.{level}.2" for branch in ("cv4", "one2one_cv4") for level in range(3)]
