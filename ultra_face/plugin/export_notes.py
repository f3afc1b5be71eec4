"""What an export carries of its checkpoint, besides what Ultralytics notes: the table of scores by precision."""

from __future__ import annotations

from typing import Any

from ultra_face.runtimes.score_table import KEY


def note_scores(exporter: Any) -> None:
    """Add the table to the notes that every format stores; on `on_export_start`, when Ultralytics has made them."""
    table = getattr(exporter.model, KEY, None)
    if table is not None:
        exporter.metadata[KEY] = table
