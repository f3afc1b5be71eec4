"""The commands that are killed: their words, what they may leave, and what a second run makes of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults import checks
from benchmarks.faults.checks import Check
from benchmarks.faults.inputs import MODEL

EPOCHS = 3
MODEL_COPY = "model.pt"

Words = list[str]


def nothing(inputs: Path, output: Path) -> None:
    """Leave a folder as it is."""


def nothing_refused(output: Path) -> list[str]:
    """No file is refused."""
    return []


@dataclass(frozen=True)
class Killed:
    """A command that is killed.

    Attributes:
        kills: how often.
        words: of inputs and output; the command runs in the output folder.
        after_kill: what has to hold of what it leaves.
        after_all: what has to hold when it has run again.
        again: the words of that second run, which are the same by default; None where nothing is left to do.
        before: puts into the output folder what must lie there.
        refused: which half-written files it leaves under their names, each refused by what reads it.
    """

    kills: int
    words: Callable[[Path, Path], Words]
    after_kill: Check
    after_all: Check
    again: Callable[[Path, Path], Words | None] | None = None
    before: Callable[[Path, Path], None] = nothing
    refused: Callable[[Path], list[str]] = nothing_refused


def _prepare(inputs: Path, output: Path) -> Words:
    return ["ultra-face", "prepare", str(inputs / "faces"), "--output", "set", "--hold-out", "7"]


def _tiles(inputs: Path, output: Path) -> Words:
    return ["ultra-face", "tiles", str(inputs / "dataset"), "--output", "set", "--tiles", "20", "--min-faces", "1"]


def _evaluate(inputs: Path, output: Path) -> Words:
    wider, model = inputs / "wider", str(inputs / MODEL)
    return [
        *("ultra-face", "evaluate", "--model", model, "--images", str(wider / "images"), "--scale", "320"),
        *("--ground-truth", str(wider / "wider_face_val_bbx_gt.txt"), "--output", "results", "--device", "cpu"),
        *("--json", "record.json", "--plot", "curves.png"),
    ]


def _train(inputs: Path, output: Path) -> Words:
    model, data, where = "model=yolov5n-face.yaml", f"data={inputs}/dataset/data.yaml", f"project={output}"
    settings = f"epochs={EPOCHS}", "imgsz=64", "batch=4", "workers=0", "device=cpu", "plots=False"
    return ["yolo", "train", model, data, where, "name=run", *settings]


def _train_again(inputs: Path, output: Path) -> Words | None:
    """Go on from the last checkpoint where there is one, unless that says that all is done."""
    import torch

    last = output / "run" / "weights" / "last.pt"
    if not last.is_file() or last.relative_to(output).as_posix() in checks.closed_checkpoints(output):
        return [*_train(inputs, output), "exist_ok=True"]
    epoch = torch.load(last, map_location="cpu", weights_only=False)["epoch"]
    return None if epoch in (-1, EPOCHS - 1) else ["yolo", "train", "resume", f"model={last}"]


def _generator(inputs: Path, output: Path) -> Words:
    size = "--light --blocks 1 --width 8 --discriminator-width 4 --tile 32 --min-face 16 --batch 2 --scale 2"
    steps = "--pixel-steps 40 --adversarial-steps 20 --evaluate-every 10 --num-held-out 4 --preview-every 20"
    where = "--data", f"{inputs}/dataset/data.yaml", "--output", str(output / "run")
    return ["ultra-face", "train-generator", *where, *f"{size} {steps}".split()]


def _generator_again(inputs: Path, output: Path) -> Words:
    words = _generator(inputs, output)
    return [*words, "--resume"] if (output / "run" / "last.pt").is_file() else words


def _export(inputs: Path, output: Path) -> Words:
    return ["yolo", "export", f"model={output / MODEL_COPY}", "format=onnx", "imgsz=64", "device=cpu"]


def _bulk(inputs: Path, output: Path) -> Words:
    shares = "--concurrency", "1", "--num-cpus", "0.25", "--memory", "0.5", "--batch-size", "2", "--rows-per-file", "4"
    look = "--model", str(inputs / MODEL), "--imgsz", "160"
    return ["ultra-face", "bulk", str(inputs / "few" / "images"), "--output", "faces", *look, *shares]


def _copy_model(inputs: Path, output: Path) -> None:
    shutil.copy(inputs / MODEL, output / MODEL_COPY)


KILLED = {
    "prepare": Killed(
        20,
        _prepare,
        checks.folder_is_all_or_absent("set/images/train", "set/images/val"),
        checks.everything_is_the_same,
    ),
    "tiles": Killed(15, _tiles, checks.folder_is_all_or_absent("set/images/train"), checks.everything_is_the_same),
    "evaluate": Killed(
        15,
        _evaluate,
        checks.folder_is_all_or_absent("results/0--Event0", "results/1--Event1"),
        checks.everything_is_the_same,
    ),
    "train": Killed(
        15,
        _train,
        checks.readable_or_refused,
        checks.training_is_complete(EPOCHS),
        again=_train_again,
        refused=checks.closed_checkpoints,
    ),
    "train-generator": Killed(
        15, _generator, checks.checkpoints_open, checks.generators_are_the_same, again=_generator_again
    ),
    "export": Killed(
        10,
        _export,
        checks.export_is_whole_or_refused,
        checks.export_is_the_same,
        before=_copy_model,
        refused=checks.refused_exports,
    ),
    "bulk": Killed(10, _bulk, checks.every_row_file_opens, checks.rows_are_the_same),
}
