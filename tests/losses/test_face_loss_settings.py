"""The `face_loss:` block: what it accepts, and one sentence for what it does not."""

from __future__ import annotations

import math
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from ultra_face.losses.settings import FaceLossSettings

KNOWN = ", ".join(field.name for field in fields(FaceLossSettings))


def test_defaults_are_the_papers_constants() -> None:
    settings = FaceLossSettings()
    assert (settings.alpha, settings.wing_width, settings.wing_epsilon) == (3.0, 10.0, 2.0)


@pytest.mark.parametrize("block", [None, {}])
def test_no_block_gives_the_defaults(block: dict[str, float] | None) -> None:
    assert FaceLossSettings.from_yaml(block) == FaceLossSettings()


def test_a_block_changes_what_it_names() -> None:
    settings = FaceLossSettings.from_yaml({"alpha": 1, "landmark_weight": 0})
    assert settings == FaceLossSettings(alpha=1, landmark_weight=0)


def test_unknown_key_lists_the_known_ones() -> None:
    expected = f"face_loss: unknown key 'aplha', 'wing'; known are {KNOWN}; correct the model YAML"
    with pytest.raises(ValueError, match=expected):
        FaceLossSettings.from_yaml({"wing": 1, "aplha": 3})


@pytest.mark.parametrize("block", [3.0, ["alpha"], "alpha"])
def test_a_block_that_is_no_mapping(block: Any) -> None:
    with pytest.raises(ValueError, match=rf"face_loss: expected a mapping of settings, got .*; known are {KNOWN}"):
        FaceLossSettings.from_yaml(block)


@pytest.mark.parametrize("name", [field.name for field in fields(FaceLossSettings)])
@pytest.mark.parametrize("value", [-1, math.inf, math.nan, "3", None])
def test_values_out_of_range(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"face_loss: {name}: expected .*, got {value!r}; correct the model YAML"):
        FaceLossSettings.from_yaml({name: value})


def test_alpha_rises_evenly_from_its_start() -> None:
    settings = FaceLossSettings(alpha=3.0, alpha_start=1.0)
    # A quarter of the way from 1 to 3 is 1.5.
    assert [settings.alpha_at(share) for share in (0.0, 0.25, 1.0)] == [1.0, 1.5, 3.0]


def test_alpha_stays_where_it_starts_at_its_value() -> None:
    assert FaceLossSettings(alpha=2.0, alpha_start=2.0).alpha_at(0.0) == 2.0


def test_zero_switches_the_landmark_term_off_and_no_other() -> None:
    assert FaceLossSettings.from_yaml({"landmark_weight": 0}).landmark_weight == 0
    for name in ("alpha", "alpha_start", "wing_width", "wing_epsilon"):
        with pytest.raises(ValueError, match=f"face_loss: {name}: expected a number above 0, got 0"):
            FaceLossSettings.from_yaml({name: 0})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ratio_limit", 1, "a number above 1"),
        ("simota", 2.5, "a whole number of at least 0"),
        ("crowd_exponent", 1.5, "a number from 0 to 1"),
    ],
)
def test_ranges_of_their_own(name: str, value: float, expected: str) -> None:
    with pytest.raises(ValueError, match=f"face_loss: {name}: expected {expected}, got {value}; correct the model"):
        FaceLossSettings.from_yaml({name: value})


def test_what_anchors_alone_have_is_named_where_it_is_set() -> None:
    assert FaceLossSettings(alpha=1, landmark_units=8).only_with_anchors() == []
    assert FaceLossSettings(simota=10, ratio_limit=3).only_with_anchors() == ["ratio_limit", "simota"]


def test_every_setting_is_on_the_page(repository: Path) -> None:
    page = (repository / "docs" / "training.md").read_text(encoding="utf-8")
    assert [field.name for field in fields(FaceLossSettings) if f"`{field.name}`" not in page] == []
    off = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", page, re.MULTILINE))
    assert len(off) == 8
    assert {name: getattr(FaceLossSettings(), name) for name in off} == {name: float(off[name]) for name in off}
