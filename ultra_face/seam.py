"""The state of a seam between Ultralytics and this package."""

from __future__ import annotations

from dataclasses import dataclass


class SeamError(RuntimeError):
    """The host does not look as a seam expects; the message says what is missing."""


@dataclass(frozen=True)
class Seam:
    """State of one seam: its name, whether it holds, and why not."""

    name: str
    holds: bool
    reason: str = ""
