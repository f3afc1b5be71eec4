"""Broken result files, landmark files and ground truth of WIDER FACE, through the evaluations that read them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import scipy.io

from benchmarks.fuzzing.case import Case, written
from benchmarks.fuzzing.mutations import BYTES, TEXT, TEXT_FILES
from benchmarks.fuzzing.sandbox import Sandbox
from ultra_face.evaluation.landmarks import report_landmarks
from ultra_face.evaluation.report import report_folders

IMAGES = {"0--Parade": ("0_Parade_a", "0_Parade_b"), "1--Handshaking": ("1_Handshaking_c",)}
BOXES = [[[10, 20, 30, 40], [100, 20, 8, 9]], [[5, 5, 50, 60]], [[1, 2, 3, 4]]]
COUNTED = {"easy": [[1], [], []], "medium": [[1], [1], []], "hard": [[1, 2], [1], [1]]}
RESULT = "0_Parade_a\n3\n10 20 30 40 0.9\n100.5 20.25 8 9 0.5\n1 1 1 1 0.001\n"
SETS = ("no predictions for", "predictions for")
"""How sentences begin that compare two sets of images, and name those that differ."""
LIST = "0--Parade/0_Parade_a.jpg\n1--Handshaking/1_Handshaking_c.jpg\n"
ANNOTATIONS = "".join(
    f"{event}/{name}.jpg\n1\n10 20 30 40 0 0 0 0 0 0\n" for event, names in IMAGES.items() for name in names
)
LANDMARKS = """# 0--Parade/a.jpg
10 20 30 40 15 30 0 30 30 0 22 40 0 16 50 0 29 50 1 0.9
# c.jpg
5 5 20 20 8 9 0 15 9 0 11 12 0 9 18 0 14 18 -1 0.5
"""


class Results:
    """A folder of result files and ground truth, one file of which is broken."""

    def __init__(self) -> None:
        self.mats = {"wider_face_val": mat({"face_bbx_list": BOXES})}
        self.mats |= {f"wider_{name}_val": mat({"gt_list": indices}) for name, indices in COUNTED.items()}

    def case(self, number: int, rng: Random, sandbox: Sandbox) -> Case:
        """As `Family.case`; the kinds of files take turns, and mutations in each of them."""
        kind = list(KINDS)[number % len(KINDS)]
        good, place = KINDS[kind]
        source = sandbox.input / "source"
        self._write(source)
        text = good(self) if callable(good) else good
        is_text = isinstance(text, str)
        names = ["none", *BYTES, *(TEXT if is_text else MATS), "a name that leaves the folder"]
        mutation = names[number // len(KINDS) % len(names)]
        content: bytes = text.encode() if isinstance(text, str) else text
        if mutation in TEXT_FILES:
            content = TEXT_FILES[mutation](content, rng)
        elif mutation in MATS:
            content = MATS[mutation](rng)
        else:
            content = content.replace(b"0_Parade_a", b"../../outside/canary")
        written(source / place, content)
        return Case(f"{kind}, {mutation}", lambda: _evaluated(source, kind, sandbox), (str(source), *SETS))

    def _write(self, source: Path) -> None:
        for event, names in IMAGES.items():
            for name in names:
                written(source / "results" / event / f"{name}.txt", RESULT.replace("0_Parade_a", name))
        for name, content in self.mats.items():
            written(source / "truth" / f"{name}.mat", content)
        written(source / "annotations.txt", ANNOTATIONS)
        written(source / "label.txt", LANDMARKS)
        written(source / "found.txt", LANDMARKS)


def _evaluated(source: Path, kind: str, sandbox: Sandbox) -> Any:
    if kind in ("landmarks", "found landmarks"):
        return report_landmarks(source / "found.txt", source / "label.txt", json_file=str(sandbox.output / "a.json"))
    truth = "annotations.txt" if kind == "annotations" else "truth"
    subset = source / "list.txt" if kind == "list" else None
    return report_folders(
        source / "results",
        source / truth,
        subset_list=subset,
        allow_extra=subset is not None,
        json_file=str(sandbox.output / "a.json"),
    )


def cells(items: list[Any]) -> Any:
    """(n, 1) cell array."""
    array = np.empty((len(items), 1), object)
    for index, item in enumerate(items):
        array[index, 0] = item
    return array


def mat(values: Mapping[str, list[list[Any]]], **more: Any) -> bytes:
    """A file of MATLAB in the layout of WIDER FACE, with a list an image."""
    field, rows = next(iter(values.items()))
    rows = [np.array(row, np.int32).reshape(-1, 4 if field == "face_bbx_list" else 1) for row in rows]
    by_event = [cells(rows[:2]), cells(rows[2:])]
    content = BytesIO()
    names = {"event_list": cells(list(IMAGES)), "file_list": cells([cells(list(names)) for names in IMAGES.values()])}
    scipy.io.savemat(content, {**names, field: cells(by_event), **more}, do_compression=bool(more))
    return content.getvalue()


def _odd_mat(rng: Random) -> bytes:
    """A readable file whose cells hold something else."""
    odd = rng.choice(
        (np.nan, np.inf, 1e300, -1, 0, 10**9, "text", np.zeros((2, 3)), np.zeros((0, 4)), np.array([[1 + 2j]]),
         {"a": 1},
         np.array(["a", "b"]), np.array([[2, 2]]), np.array([[255]], np.uint8), cells([1]))
    )  # fmt: skip
    field = rng.choice(("face_bbx_list", "gt_list", "event_list", "file_list"))
    inner = (
        cells([cells([odd, odd]), cells([odd])]) if rng.random() < 0.7 else rng.choice((odd, cells([odd]), cells([])))
    )
    content = BytesIO()
    names = {"event_list": cells(list(IMAGES)), "file_list": cells([cells(list(names)) for names in IMAGES.values()])}
    lists = {
        "face_bbx_list": cells([cells(BOXES[:2]), cells(BOXES[2:])]),
        "gt_list": cells([cells([1, 1]), cells([1])]),
    }
    scipy.io.savemat(content, {**names, **lists, field: inner})
    return content.getvalue()


def _other_version(rng: Random) -> bytes:
    content = BytesIO()
    scipy.io.savemat(content, {"a": np.zeros((3, 3))}, format=rng.choice(("4", "5")))
    return rng.choice((content.getvalue(), b"\x89HDF\r\n\x1a\n" + bytes(600), b"MATLAB 7.3 MAT-file" + bytes(600)))


@functools.cache
def _large() -> bytes:
    return mat({"face_bbx_list": BOXES}, more=np.zeros((6000, 6000), np.uint64))


def _large_mat(rng: Random) -> bytes:
    """Kilobytes that become hundreds of megabytes."""
    return _large()


MATS: Mapping[str, Callable[[Random], bytes]] = {
    "odd cells": _odd_mat,
    "odd cells, again": _odd_mat,
    "another version": _other_version,
    "larger than it seems": _large_mat,
}
KINDS: Mapping[str, tuple[str | Callable[[Results], bytes], str]] = {
    "result file": (RESULT, "results/0--Parade/0_Parade_a.txt"),
    "faces in MATLAB": (lambda family: family.mats["wider_face_val"], "truth/wider_face_val.mat"),
    "subset in MATLAB": (lambda family: family.mats["wider_easy_val"], "truth/wider_easy_val.mat"),
    "annotations": (ANNOTATIONS, "annotations.txt"),
    "list": (LIST, "list.txt"),
    "landmarks": (LANDMARKS, "label.txt"),
    "found landmarks": (LANDMARKS, "found.txt"),
    "how they were made": ('{"model": "best.pt", "scale": "640 px"}', "results/detector.json"),
}
