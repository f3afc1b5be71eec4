"""Who is who in a video: ids of Ultralytics' trackers for faces that any detector has found.

Ultralytics' own `track` gives the faces that a tracker has matched and drops the others. Here every face stays, those
without a match with -1. Trackers go by place, size and score alone; they do not recognise a person who comes back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ultra_face.faces import Faces
from ultra_face.video.film import Pixels

UNMATCHED = -1
TRACKERS = ("bytetrack", "botsort", "ocsort")
"""Those of Ultralytics that need nothing but the boxes and the picture."""


class Tracker:
    """Gives the faces of one picture after the other their ids; for one video."""

    def __init__(self, name: str = "bytetrack") -> None:
        """Load a tracker with Ultralytics' settings for it.

        Args:
            name: one of `TRACKERS`.

        Raises:
            ModuleNotFoundError: Ultralytics, or lap, with which its trackers match, is not installed.
            ValueError: an unknown name.
        """
        if name not in TRACKERS:
            raise ValueError(f"tracker: expected one of {', '.join(TRACKERS)}, got {name!r}")
        try:
            import lap  # noqa: F401  (else Ultralytics would install it unasked)
            from ultralytics.trackers.track import TRACKER_MAP
            from ultralytics.utils import ROOT, YAML, IterableSimpleNamespace
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"expected the package {error.name}, without which nobody is tracked, got none; "
                "install it with pip install 'ultra-face[video]'",
                name=error.name,
            ) from error
        settings = IterableSimpleNamespace(**YAML.load(ROOT / "cfg" / "trackers" / f"{name}.yaml"))
        settings.device = "cpu"
        self._tracker: Any = TRACKER_MAP[settings.tracker_type](args=settings)

    def __call__(self, picture: Pixels, faces: Faces) -> NDArray[np.int64]:
        """Match the faces of the next picture (H, W, 3), BGR, with those before: ids (N,), -1 without a match."""
        from ultralytics.engine.results import Boxes

        ids = np.full(len(faces), UNMATCHED, np.int64)
        rows = np.column_stack([faces.boxes_xyxy, faces.scores, np.zeros(len(faces))]).astype(np.float32)
        tracks = self._tracker.update(Boxes(rows, picture.shape[:2]), picture)
        if len(tracks):
            ids[tracks[:, -1].astype(int)] = tracks[:, 4].astype(int)
        return ids
