"""A line of words for every command of `ultra-face`, on the drawn inputs and small enough to be repeated often."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults.inputs import MODEL
from benchmarks.faults.process import run

UNTRAINED, REFINED = "untrained.pt", "refined.pt"
_LOOK = f"--model INPUTS/{MODEL} --imgsz 160 --device cpu"
_RUN = f"--model INPUTS/{MODEL} --scale 160 --device cpu"
_DATA = "--data INPUTS/dataset/data.yaml"
_STEPS = "--pixel-steps 20 --adversarial-steps 10 --evaluate-every 10 --num-held-out 4"
_GENERATOR = "--light --blocks 1 --width 8 --discriminator-width 4 --tile 32 --min-face 16 --batch 2 --scale 2"


@dataclass(frozen=True)
class Line:
    """What a command is told.

    Attributes:
        words: that follow its name; `INPUTS` stands for their folder, and it works in the folder of its output.
        mine: a file of the user that it replaces when it succeeds.
        index: a table that it writes of the files beside it, of those that are there.
        again: words that make a second run go on.
        writes: whether it writes what it is asked for, rather than Ultralytics.
        end: its exit status after Ctrl-C.
    """

    words: str
    mine: str | None = None
    index: str | None = None
    again: str = ""
    writes: bool = True
    end: int = 130

    def of(self, name: str, inputs: Path) -> list[str]:
        """The command line."""
        return ["ultra-face", name, *self.words.replace("INPUTS", str(inputs)).split()]


LINES = {
    "doctor": Line("", writes=False),
    "demo": Line("--epochs 1 --imgsz 64", writes=False),
    "detect": Line(f"INPUTS/few/images {_LOOK} --output faces.csv --draw drawn --overwrite", mine="faces.csv"),
    "bulk": Line(f"INPUTS/few/images --model INPUTS/{MODEL} --imgsz 160 --output faces --concurrency 1 --num-cpus 0.5"),
    "align": Line(f"INPUTS/few/images {_LOOK} --output faces --overwrite", index="faces/index.csv"),
    "crop": Line(f"INPUTS/few/images {_LOOK} --output faces --overwrite", index="faces/index.csv"),
    "blur": Line(f"INPUTS/film.mp4 {_LOOK} --output blurred.mp4 --overwrite", mine="blurred.mp4"),
    "track": Line(f"INPUTS/film.mp4 {_LOOK} --output tracked --overwrite", mine="tracked/film.jsonl"),
    "prepare": Line("INPUTS/faces --output set --hold-out 7 --preview sheet.png", mine="sheet.png"),
    "tiles": Line("INPUTS/dataset --output set --tiles 20 --min-faces 1"),
    "collages": Line("INPUTS/dataset --output set --cells 2"),
    "anchors": Line(f"{_DATA} --plot plot.png", mine="plot.png"),
    "evaluate": Line(
        f"{_RUN} --images INPUTS/wider/images --ground-truth INPUTS/wider/wider_face_val_bbx_gt.txt --output results "
        "--json record.json --plot curves.png",
        mine="record.json",
    ),
    "evaluate-landmarks": Line(
        f"{_RUN} --images INPUTS/few/images --annotations INPUTS/few/label.txt --output found.txt --json record.json "
        "--plot errors.png",
        mine="found.txt",
    ),
    "refine": Line(f"INPUTS/{MODEL} refined.pt"),
    "show": Line(f"INPUTS/{REFINED} INPUTS/few/images/00-0000.jpg --output look.png --imgsz 160", mine="look.png"),
    "calibrate": Line(f"INPUTS/{MODEL} calibrated.pt --data INPUTS/many/data.yaml --imgsz 160 --force"),
    "fold-norms": Line(f"INPUTS/{UNTRAINED} folded.pt {_DATA} --photographs 4 --imgsz 64 --least-correlation 0"),
    "quantize": Line(f"INPUTS/{MODEL} int8.onnx {_DATA} --photographs 4 --imgsz 64"),
    "web": Line(f"INPUTS/{MODEL} --imgsz 64 --output site"),
    "train-generator": Line(f"{_DATA} --output run {_GENERATOR} {_STEPS}", again="--resume"),
}


def make_models(inputs: Path, scratch: Path) -> None:
    """Write the models that some lines need, and have Ultralytics and `web` fetch and keep what they want once.

    Raises:
        RuntimeError: that is impossible.
    """
    scratch.mkdir()
    model = str(inputs / MODEL)
    new = f"from ultralytics import YOLO; YOLO('yolov5n-aesvc.yaml').save({str(inputs / UNTRAINED)!r})"
    for words in (
        ["yolo", "settings", f"datasets_dir={inputs.parent / 'datasets'}", f"runs_dir={scratch}"],
        ["python", "-c", new],
        ["ultra-face", "refine", model, str(inputs / REFINED), "--set", "windows=2"],
        ["ultra-face", "web", model, "--imgsz", "64", "--output", "site"],
    ):
        end = run(words, scratch)
        if end.status:
            raise RuntimeError(f"{words}: expected it to succeed, got status {end.status}: {end.said[-500:]}")
