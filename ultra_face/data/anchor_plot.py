"""Picture of fitted anchors: every box as a point, coloured by its best anchor."""

from __future__ import annotations

from pathlib import Path

from ultra_face.data.anchors import corner_iou
from ultra_face.formats.annotation import FloatArray


def save_anchor_plot(wh: FloatArray, anchors: FloatArray, path: Path) -> None:
    """Plot boxes (N, 2) and anchors (A, 2) [px] over logarithmic axes of width and height.

    Raises:
        OSError: The picture cannot be written.
        ValueError: The suffix of `path` is not an image format.
    """
    from matplotlib.figure import Figure  # here: every `import ultralytics` would pay for it
    from matplotlib.ticker import ScalarFormatter

    figure = Figure(figsize=(7, 6), layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="width [px]", ylabel="height [px]")
    cluster = corner_iou(wh, anchors).argmax(axis=1)
    axes.scatter(wh[:, 0], wh[:, 1], c=cluster, s=3, alpha=0.4, linewidths=0, cmap="turbo", rasterized=True)
    axes.scatter(anchors[:, 0], anchors[:, 1], marker="x", s=60, color="black", label="anchors")
    for width, height in anchors:
        axes.annotate(
            f"{width:.0f} x {height:.0f}",
            (width, height),
            xytext=(6, -10),
            textcoords="offset points",
            fontsize=8,
        )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(ScalarFormatter())
    axes.set_title(f"{len(wh):,} boxes, {len(anchors)} anchors")
    axes.legend(loc="upper left")
    figure.savefig(path, dpi=150)
