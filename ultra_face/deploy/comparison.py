"""What a quantised model has lost, and what it costs: beside its float file, on the same photographs, in one run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ultra_face.deploy import timing
from ultra_face.deploy.photographs import Progress
from ultra_face.deploy.quantising import IMAGE_SIZE, OPENVINO, FloatModel, write_openvino
from ultra_face.detector import FaceDetector
from ultra_face.evaluation.accuracy import accuracy
from ultra_face.evaluation.photographs import Photographs

LEAST_SCORE, MAX_FACES = 0.01, 3000  # of faces that enter a curve of precision and recall
THREADS = (1, 2)
FLOAT, INT8 = "float", "int8"


def compare(
    model: FloatModel, quantised: Path, photographs: Photographs, *, size: int | None = None, progress: Progress = iter
) -> dict[str, dict[str, Any]]:
    """Measure a quantised file and the float one in the same run time.

    Args:
        model: in float.
        quantised: what was made of it.
        photographs: with labels.
        size: longer side of the input [px] of a model that takes any.
        progress: wraps the photographs, once a file.

    Returns:
        The figures of `measured`, of `float` and `int8`.
    """
    side = size or IMAGE_SIZE
    with tempfile.TemporaryDirectory() as folder:
        files = {FLOAT: model.file, INT8: quantised}
        if quantised.name.endswith(OPENVINO):
            files[FLOAT] = Path(folder, f"float{OPENVINO}")
            files[FLOAT].mkdir()
            write_openvino(model, files[FLOAT], None)
        taken = times({name: opener(file) for name, file in files.items()}, model.size_hw or (side, side))
        return {
            name: measured(file, photographs, size=size, progress=progress) | {"ms": taken[name]}
            for name, file in files.items()
        }


def measured(
    file: Path, photographs: Photographs, *, size: int | None = None, progress: Progress = iter
) -> dict[str, Any]:
    """What a model finds, see `accuracy`, and `megabytes` of its file or folder."""
    detector = FaceDetector(file, conf=LEAST_SCORE, max_faces=MAX_FACES, imgsz=size, device="cpu")
    found = {name: detector(str(image)) for name, image in progress(photographs.files.items())}
    return accuracy(photographs, found) | {"megabytes": round(megabytes(file), 2)}


def megabytes(file: Path) -> float:
    """Of a file, or of all in a folder."""
    parts = file.rglob("*") if file.is_dir() else [file]
    return sum(part.stat().st_size for part in parts if part.is_file()) / 1e6


def opener(file: Path) -> Callable[[int], timing.Network]:
    """Opens an ONNX file or a folder of OpenVINO with a number of threads."""
    return partial(timing.open_openvino if file.is_dir() else timing.open_onnx, file)


def times(
    openers: Mapping[str, Callable[[int], timing.Network]], size_hw: tuple[int, int]
) -> dict[str, dict[str, float]]:
    """Milliseconds of each network by number of threads; those of one number take turns."""
    taken: dict[str, dict[str, float]] = {name: {} for name in openers}
    for threads in THREADS:
        networks = [open_network(threads) for open_network in openers.values()]
        medians = timing.milliseconds(networks, timing.random_inputs(*size_hw))
        for of_file, median in zip(taken.values(), medians, strict=True):
            of_file[str(threads)] = round(median, 2)
    return taken


def format_comparison(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """The figures of `compare` as a table."""
    rows = [("", *figures), *((name, *cells) for name, cells in rows_of(list(figures.values())))]
    return "\n".join(f"  {name:<28}" + "".join(f"{cell:>9}" for cell in cells) for name, *cells in rows)


def rows_of(figures: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """What is compared, with its value for each file; a dash where there is none."""
    rows = [("AP50, %", [_percent(each["ap50"]["all"]) for each in figures])]
    for band in figures[0]["by_height"]:
        rows.append((f"  faces of {_in_words(band)}, %", [_percent(each["by_height"][band]) for each in figures]))
    landmarks = [each.get("landmarks") for each in figures]
    rows.append(("landmark error, % of the box", [_percent(each and each["nme_box"]) for each in landmarks]))
    rows.append(("size, MB", [f"{each['megabytes']:.1f}" for each in figures]))
    for threads in figures[0]["ms"]:
        title = f"{threads} thread{'s' * (threads != '1')}, ms"
        rows.append((title, [f"{each['ms'][threads]:.1f}" for each in figures]))
    return rows


def _in_words(band: str) -> str:
    """`50-inf px` -> `50 px and more`."""
    low, _, high = band.removesuffix(" px").partition("-")
    return f"{low} px and more" if high == "inf" else f"{low} to {high} px"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
