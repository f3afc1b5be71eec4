"""The checks of a model YAML: each broken row gets one sentence that says where and what to do."""

from __future__ import annotations

import copy

import pytest

from ultra_face.plugin.parser import UnknownLayerError, prepare
from ultra_face.refinement.settings import RefinementSettings

KNOWN, SCALED, LAYERS, HEADS = {"Conv", "Pose", "Ours", "OurPose"}, {"Conv", "Ours"}, {"Ours"}, {"OurPose"}


def model(*rows: list, **settings: object) -> dict:
    backbone, head = [[-1, 1, "Conv", [64]], *rows], [[[-1], 1, "OurPose", ["nc", "anchors"]]]
    return {"kpt_shape": [5, 3], "backbone": backbone, "head": head, **settings}


def check(given: dict) -> dict:
    return prepare(given, known=KNOWN, scaled=SCALED, layers=LAYERS, heads=HEADS)


def test_names_in_the_arguments_of_our_heads_stand_for_keys_of_the_yaml():
    assert check(model(nc=1, anchors=[[4, 5]]))["head"] == [[[-1], 1, "OurPose", [1, [[4, 5]]]]]


def test_names_that_are_no_keys_stay_for_the_parser():
    assert check(model(anchors=[[4, 5]]))["head"][0][3] == ["nc", [[4, 5]]]


@pytest.mark.parametrize("channels", [-64, 0, 1.5, None])
def test_stock_models_pass_untouched_whatever_they_hold(channels):
    stock = {
        "backbone": [[-1, 1, "Conv", [channels]]],
        "head": [[[-1], 1, "Pose", ["nc"]]],
        "face_loss": "nonsense",
        "sr": "nonsense",
    }
    before = copy.deepcopy(stock)
    assert check(stock) is stock
    assert stock == before


@pytest.mark.parametrize("name", ["nn.Identity", "torchvision.ops.DropBlock2d"])
def test_layers_of_torch_are_known(name):
    check(model([-1, 1, name, []]))


def test_an_unknown_layer_lists_ours():
    with pytest.raises(UnknownLayerError) as caught:
        check(model([-1, 1, "Cnov", [64]], yaml_file="a.yaml"))
    assert str(caught.value) == (
        "a.yaml: layer 1: unknown layer 'Cnov'; ultra-face has OurPose, Ours, "
        "beside the layers of Ultralytics; correct the name"
    )


@pytest.mark.parametrize(
    ("arguments", "got"), [([-64], "-64"), ([0], "0"), ([1.5], "1.5"), ([None], "None"), ([], "none")]
)
@pytest.mark.parametrize("name", ["Ours", "Conv"])
def test_channels_below_one(name, arguments, got):
    with pytest.raises(ValueError, match=rf"^model YAML: layer 1 \({name}\): .* at least 1, got {got}; correct"):
        check(model([-1, 1, name, arguments]))


def test_channels_may_be_a_name_that_the_parser_resolves():
    check(model([-1, 1, "Ours", ["nc"]]))


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"aplha": 3}, "unknown key 'aplha'; known are alpha, "),
        ({"alpha": -1}, "alpha: expected a number above 0, got -1"),
        ([3], "expected a mapping"),
    ],
)
def test_a_bad_face_loss_block(block, expected):
    with pytest.raises(ValueError, match=f"face_loss: {expected}"):
        check(model(face_loss=block))


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"Windows": 3}, "unknown key 'Windows'; known are windows, "),
        ({"window": 60}, "window: expected a side whose 2-fold is a multiple of the stride 32, got 60"),
        ("on", "expected a mapping of settings, or off, got 'on'"),
    ],
)
def test_a_bad_sr_block(block, expected):
    with pytest.raises(ValueError, match=rf"^a\.yaml: sr: {expected}"):
        check(model(sr=block, yaml_file="a.yaml"))


@pytest.mark.parametrize("block", [None, True, False, {"windows": 3}])
def test_a_good_sr_block_reaches_the_head_as_settings(block):
    given = model(sr=block)
    given["head"][-1][3] = ["sr"]
    assert check(given)["head"][-1][3] == [RefinementSettings.from_yaml(block)]


@pytest.mark.parametrize("kpt_shape", [[5, 3], [5, 2], (5, 3)])
def test_five_landmarks_with_or_without_visibility(kpt_shape):
    check(model(kpt_shape=kpt_shape))


@pytest.mark.parametrize("kpt_shape", [None, [17, 3], [5, 4], 5])
def test_other_landmarks_are_rejected_for_our_heads(kpt_shape):
    with pytest.raises(ValueError, match=r"kpt_shape: expected \[5, 3\] or \[5, 2\].*correct kpt_shape in the data"):
        check(model(kpt_shape=kpt_shape))
