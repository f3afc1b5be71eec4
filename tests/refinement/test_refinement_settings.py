"""The `sr:` block: what it stands for, and one sentence for each value that makes no window."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ultra_face.nn.srgan import Generator
from ultra_face.refinement.settings import RefinementSettings


@pytest.mark.parametrize("block", [None, True, {}])
def test_an_empty_block_gives_the_defaults(block: Any) -> None:
    assert RefinementSettings.from_yaml(block) == RefinementSettings()


def test_off_has_no_windows_and_no_generator() -> None:
    off = RefinementSettings.from_yaml(False)
    assert (off.windows, off.blocks) == (0, 0)
    assert off.changed(windows=16, blocks=16) == RefinementSettings()


def test_the_block_of_settings_gives_the_settings() -> None:
    settings = RefinementSettings(windows=3, window=32, scale=2, doubt=(0.1, 0.5), light=True, ciou_nms=0.4)
    block = settings.as_yaml()
    assert block["doubt"] == [0.1, 0.5]  # a list, as YAML writes it
    assert RefinementSettings.from_yaml(block) == settings


def test_changes_leave_the_rest() -> None:
    settings = RefinementSettings(windows=3, window=32)
    assert settings.changed(window=96) == RefinementSettings(windows=3, window=96)
    assert settings == RefinementSettings(windows=3, window=32)
    with pytest.raises(ValueError, match=r"^sr: unknown key 'side'"):
        settings.changed(side=96)


@pytest.mark.parametrize(("window", "scale", "tile"), [(64, 4, 256), (48, 2, 96), (8, 4, 32)])
def test_a_tile_is_an_enlarged_window(window: int, scale: int, tile: int) -> None:
    assert RefinementSettings(window=window, scale=scale, max_face=8).tile == tile


def test_arguments_of_the_generator() -> None:
    generator = Generator(**RefinementSettings(scale=2, blocks=3, width=8, light=True).generator)
    assert (generator.scale, generator.blocks, generator.width, generator.light) == (2, 3, 8, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"windows": 0},
        {"blocks": 0},
        {"doubt": [0.001, 1]},
        {"doubt": (0.05, 0.6)},
        {"max_face": 1},
        {"context": 0},
        {"first_look": 1},
        {"ciou_nms": 0},
        {"ciou_nms": 0.999},
    ],
    ids=str,
)
def test_values_at_the_end_of_their_range(changes: dict[str, Any]) -> None:
    (key, value), settings = *changes.items(), RefinementSettings.from_yaml(changes)
    assert getattr(settings, key) == (tuple(value) if isinstance(value, list) else value)


COUNT = "a count of at least"


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("windows", -1, f"{COUNT} 0"),
        ("windows", 2.0, f"{COUNT} 0"),
        ("windows", True, f"{COUNT} 0"),
        ("windows", None, f"{COUNT} 0"),
        ("scale", 3, "2 or 4"),
        ("scale", 8, "2 or 4"),
        ("scale", 2.0, "2 or 4"),
        ("scale", "4", "2 or 4"),
        ("window", 60, "a side whose 2-fold is a multiple of the stride 32"),  # 120 = 3.75 x 32
        ("window", 0, "a side whose 2-fold is a multiple of the stride 32"),
        ("window", 64.0, "a side whose 2-fold is a multiple of the stride 32"),
        ("blocks", -1, f"{COUNT} 0"),
        ("blocks", 1.5, f"{COUNT} 0"),
        ("width", 0, f"{COUNT} 1"),
        ("light", 1, "true or false"),
        ("doubt", [0.6, 0.05], "two scores, low and high"),
        ("doubt", [0.3, 0.3], "two scores, low and high"),
        ("doubt", [0, 0.5], "two scores, low and high"),
        ("doubt", [0.5, 1.1], "two scores, low and high"),
        ("doubt", [0.5], "two scores, low and high"),
        ("doubt", 0.5, "two scores, low and high"),
        ("doubt", ["a", "b"], "two scores, low and high"),
        ("doubt", [math.nan, 0.5], "two scores, low and high"),
        ("max_face", 0, "a length above 0 px that a window shows whole"),
        ("max_face", "32", "a length above 0 px that a window shows whole"),
        ("max_face", 129, "a length above 0 px that a window shows whole"),  # the window is 128 px
        ("max_face", math.nan, "a length above 0 px that a window shows whole"),
        ("context", -0.1, "a share of at least 0"),
        ("context", None, "a share of at least 0"),
        ("first_look", 0, "above 0, up to 1"),
        ("first_look", 1.1, "above 0, up to 1"),
        ("first_look", True, "above 0, up to 1"),
        ("photograph", "yes", "true or false"),
        ("ciou_nms", 1, "a CIoU from 0, off, to below 1"),
        ("ciou_nms", -0.1, "a CIoU from 0, off, to below 1"),
        ("ciou_nms", False, "a CIoU from 0, off, to below 1"),
    ],
)
def test_values_out_of_range(key: str, value: Any, expected: str) -> None:
    with pytest.raises(ValueError, match=rf"^sr: {key}: expected {expected}.*, got .*; correct the model YAML$"):
        RefinementSettings.from_yaml({key: value})


def test_the_multiple_is_that_of_the_scale() -> None:
    with pytest.raises(ValueError, match=r"^sr: window: expected a side whose 2-fold is .* 32, got 24"):
        RefinementSettings(window=24, scale=2)  # 48 = 1.5 x 32
    assert RefinementSettings(window=24, scale=4, max_face=8).tile == 3 * 32


@pytest.mark.parametrize("block", ["sr", 16, [16]])
def test_a_block_that_is_no_mapping(block: Any) -> None:
    with pytest.raises(ValueError, match=r"^sr: expected a mapping of settings, or off, got .*; known are windows, "):
        RefinementSettings.from_yaml(block)


def test_unknown_keys_are_all_named() -> None:
    with pytest.raises(ValueError, match=r"^sr: unknown key 'Windows', 'tile'; known are windows, window, .*; correct"):
        RefinementSettings.from_yaml({"tile": 256, "Windows": 16})
