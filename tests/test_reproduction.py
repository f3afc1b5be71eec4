"""Every command of docs/reproduction.md runs: training for a few steps on real photographs, then the evaluation."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from interpreters import run_python
from ultralytics.cfg import entrypoint

from ultra_face.data.prepare import prepare_dataset
from ultra_face.formats.retinaface import parse_retinaface

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "reproduction.md").read_text(encoding="utf-8")
TRAINING = re.findall(r"^yolo train .*$", PAGE, re.MULTILINE)
(EVALUATION,) = re.findall(r"^python tools/eval_widerface.py .*$", PAGE, re.MULTILINE)
(PEERS,) = re.findall(r"^python tools/benchmark.py .*\.onnx .*$", PAGE, re.MULTILINE)
FEW_STEPS = "epochs=1 imgsz=64 batch=4 workers=0 device=cpu plots=False val=False optimizer=SGD"
NUM_PHOTOGRAPHS = 8

pytestmark = [pytest.mark.slow, pytest.mark.data]


@pytest.fixture(scope="module")
def photographs(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of few real photographs, its validation images also with WIDER FACE's own ground truth."""
    source, folder = shared_data / "wider-train-649", tmp_path_factory.mktemp("faces")
    splits: dict[str, str | None] = {}
    for split, listed in (("train", "train.txt"), ("val", "dev.txt")):
        names = (source / listed).read_text(encoding="utf-8").split()[:NUM_PHOTOGRAPHS]
        (folder / f"{split}.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
        splits[split] = str(folder / f"{split}.txt")
    prepare_dataset([source], folder / "set", split_lists=splits)
    label = source / "label.txt"
    held_out = (folder / "val.txt").read_text(encoding="utf-8").split()
    with (folder / "wider_face_val_bbx_gt.txt").open("w", encoding="utf-8") as file:
        for item in parse_retinaface(label.read_text(encoding="utf-8"), str(label)):
            if item.image in held_out:
                rows = "".join(f"{' '.join(f'{side:.0f}' for side in box)} 0 0 0 0 0 0\n" for box in item.boxes_xywh)
                file.write(f"{item.image}\n{len(item)}\n{rows}")
    return folder


def test_the_page_names_every_row_of_the_tables() -> None:
    models = [re.search(r"model=(\S+)\.yaml", line)[1].split("/")[-1] for line in TRAINING]
    ablation = ["face", "mc4f", "aesvc-only", "mspam", "cbam", "aesvc-mc4f", "aesvc"]
    yolo5face = ["yolov5n-yolo5face-shuffle-half", "yolov5n-yolo5face-shuffle", "yolov5s-yolo5face"]
    stock = ["yolov7-tiny-pose", "yolov8n-pose", "yolov8s-pose"]
    assert models == [*(f"yolov5n-{row}" for row in ablation), *yolo5face, *stock]


@pytest.mark.parametrize("line", TRAINING, ids=lambda line: re.search(r"name=(\S+)", line)[1])
def test_a_row_trains(line: str, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    entrypoint(f"{line} {FEW_STEPS} data={photographs / 'set' / 'data.yaml'} project={tmp_path} exist_ok=True")
    (best,) = tmp_path.glob("*/weights/last.pt")
    assert best.parent.parent.name == re.search(r"name=(\S+)", line)[1]


def test_the_evaluation_runs(photographs: Path, tmp_path: Path) -> None:
    line = EVALUATION.replace("runs/pose/yolov5n-aesvc/weights/best.pt", "yolov5n-aesvc-face.pt")
    printed = run_python(*_arguments(line, photographs), "--output", str(tmp_path / "results"), folder=tmp_path).stdout
    assert re.search(r"^AP, % +\d", printed, re.MULTILINE)


def test_a_detector_of_others_runs(photographs: Path, shared_data: Path, tmp_path: Path) -> None:
    line = PEERS.replace("scrfd_500m_kps.onnx", str(shared_data.parent / "peers" / "scrfd_500m_kps.onnx"))
    arguments = [*_arguments(line, photographs), "--timed", "1", "--threads", "1", "--output", str(tmp_path)]
    printed = run_python(*arguments, folder=tmp_path).stdout
    assert re.search(r"^SCRFD-0.5GF +ONNX Runtime", printed, re.MULTILINE)
    assert (tmp_path / "benchmark-widerface.json").is_file()


def _arguments(line: str, photographs: Path) -> list[str]:
    line = line.replace("datasets/widerface/images/val", str(photographs / "set" / "images" / "val"))
    line = line.replace("GROUND_TRUTH", str(photographs / "wider_face_val_bbx_gt.txt"))
    command, tool, *arguments = shlex.split(line)
    assert command == "python"
    return [str(ROOT / tool), *arguments]
