"""Draw the curves of results/training-*.json side by side into docs/pictures/training.png."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib.pyplot as plt
from compare_training import RESULTS

PICTURE = RESULTS.parent / "docs" / "pictures" / "training.png"
FIGURES = {"box_map50": "box mAP50", "box_map50_95": "box mAP50-95", "pose_map50_95": "pose mAP50-95"}


def main() -> None:
    """Draw one panel a figure, one line a model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", help="names of the runs, as given to compare_training.py")
    parser.add_argument("--output", type=Path, default=PICTURE)
    options = parser.parse_args()
    figure, panels = plt.subplots(1, len(FIGURES), figsize=(12, 3.6), layout="constrained")
    for name in options.names:
        record = json.loads((RESULTS / f"training-{name}.json").read_text())
        label = Path(record["provenance"]["config"]["model"]).stem
        for panel, (key, title) in zip(panels, FIGURES.items(), strict=True):
            panel.plot([row["epoch"] for row in record["curve"]], [row[key] for row in record["curve"]], label=label)
            panel.set(title=title, xlabel="epoch")
            panel.grid(alpha=0.3)
    panels[0].legend()
    figure.savefig(options.output, dpi=110)


if __name__ == "__main__":
    main()
