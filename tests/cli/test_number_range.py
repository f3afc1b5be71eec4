from __future__ import annotations

import pytest

from ultra_face.cli.command import parse_range


@pytest.mark.parametrize(
    ("text", "ends"), [("260-520", (260, 520)), (" 0.5-1 ", (0.5, 1)), ("64", (64, 64)), ("7-7", (7, 7))]
)
def test_ranges(text, ends):
    assert parse_range(text, "--side") == ends


@pytest.mark.parametrize("text", ["", "a", "1-", "-3", "1-2-3", "1e3", "nan", "1 - 2"])
def test_what_is_no_range(text):
    with pytest.raises(
        ValueError, match=r"^--side: expected a number or a range such as 260-520, got '.*'; write it so"
    ):
        parse_range(text, "--side")


@pytest.mark.parametrize("text", ["520-260", "0", "0-5"])
def test_ends_that_cannot_be(text):
    with pytest.raises(ValueError, match=f"--side: expected a range from a smaller to a larger .* got '{text}'"):
        parse_range(text, "--side")
