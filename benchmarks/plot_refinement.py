"""Draw results/refinement.json into docs/pictures/refinement.png: accuracy against time, a panel for each reduction."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib.pyplot as plt

ROOT = Path(__file__).resolve().parent.parent
WHOLE = ("plain", "whole image x2", "whole image x4")


def main() -> None:
    """One line for each enlargement, along K; another for the whole image, along its enlargement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=ROOT / "results" / "refinement.json")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "pictures" / "refinement.png")
    options = parser.parse_args()
    reductions = json.loads(options.results.read_text())["reductions"]
    figure, panels = plt.subplots(1, len(reductions), figsize=(4.2 * len(reductions), 3.8), layout="constrained")
    for panel, (reduction, systems) in zip(panels, reductions.items(), strict=True):
        lines = {"plain detector, x1, x2, x4": [systems[name] for name in WHOLE]}
        for name in ("cubic", "generator"):
            points = [figures for system, figures in systems.items() if system.startswith(f"{name}, K")]
            if points:
                lines[f"refined, {name}"] = [systems["plain"], *points]
        for label, points in lines.items():
            panel.plot([point["ms"] for point in points], [100 * point["ap50"] for point in points], "o-", label=label)
        panel.set(title=f"photographs reduced to 1/{reduction}", xlabel="time an image [ms]", ylabel="AP50 [%]")
        panel.grid(alpha=0.3)
    panels[0].legend()
    figure.savefig(options.output, dpi=110)


if __name__ == "__main__":
    main()
