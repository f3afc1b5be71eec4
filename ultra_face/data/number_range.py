"""Ranges of numbers as a command line states them: `260-520`, or one number for both ends."""

from __future__ import annotations

import re

_RANGE = re.compile(r"(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?")


def parse_range(text: str, option: str) -> tuple[float, float]:
    """The ends of a range of positive numbers; `option` names it in errors.

    Raises:
        ValueError: The text is no range, or its ends are in the wrong order or zero.
    """
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{option}: expected a number or a range such as 260-520, got {text!r}; write it so")
    lowest, highest = float(match[1]), float(match[2] or match[1])
    if not 0 < lowest <= highest:
        raise ValueError(f"{option}: expected a range from a smaller to a larger number above 0, got {text!r}")
    return lowest, highest
