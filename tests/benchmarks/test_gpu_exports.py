"""The benchmark of a GPU's exports runs on the processor too, and knows what a machine lacks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import onnxruntime
import pytest
import torch
from some_faces import empty, faces_at
from ultralytics.utils import ASSETS

from benchmarks import gpu_exports
from benchmarks.gpu_exports import RUNS, Run, chosen_device, compare, lacks, measure, open_run, times

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the exporter, see tests/export/test_exported_models.py
def test_record_of_the_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "record.json"
    words = ["--data", str(ASSETS), "--data-name", "two photographs", "--device", "cpu", "--imgsz", "320"]
    monkeypatch.setattr(sys, "argv", ["gpu_exports.py", *words, "--rounds", "1", "--output", str(output)])
    monkeypatch.setattr(gpu_exports, "WARM_UP", 0)
    assert gpu_exports.main() == 0
    record = json.loads(output.read_text())
    assert record["provenance"]["gpu"] is None
    assert record["provenance"]["config"]["model"] == "yolov5n-aesvc-face.pt"
    rows, not_run = record["rows"], record["not run"]
    assert [*rows, *not_run] == [
        *("PyTorch, float", "ONNX Runtime, float", "ONNX Runtime, half"),
        *("PyTorch, half", "TensorRT, float", "TensorRT, half"),
    ]
    assert not_run["TensorRT, half"] == "TensorRT needs an NVIDIA GPU"
    count = rows["PyTorch, float"]["faces"]["pytorch"]
    assert count > 2
    assert all(set(row["faces"].values()) == {count} and row["ms"] > 0 for row in rows.values())
    assert {row["runs_on"] for row in rows.values()} == {"cpu", "CPUExecutionProvider"}
    shifts = [row["largest_px"] for row in rows.values()]
    # The same network; another order of float32; coordinates of 320 px that are rounded to 11 bits in each step.
    assert shifts[0] == 0 < shifts[1] < 0.01 < shifts[2] < 0.5
    sizes = [row["megabytes"] for row in rows.values()]
    assert sizes[2] < 0.6 * sizes[1]


def test_what_a_machine_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr(gpu_exports, "find_spec", lambda name: None)
    on_gpu = {name: lacks(run, GPU) for name, run in RUNS.items()}
    assert on_gpu["PyTorch, float"] is on_gpu["PyTorch, half"] is None
    without_cuda = "this ONNX Runtime has no CUDAExecutionProvider; install onnxruntime-gpu instead"
    assert on_gpu["ONNX Runtime, float"] == on_gpu["ONNX Runtime, half"] == without_cuda
    assert on_gpu["TensorRT, float"] == on_gpu["TensorRT, half"] == "the package tensorrt is not installed"


def test_a_machine_that_has_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(gpu_exports, "find_spec", lambda name: object())
    assert [lacks(run, GPU) for run in RUNS.values()] == [None] * 6


def test_a_provider_whose_libraries_do_not_load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(gpu_exports, "YOLO", MagicMock())
    monkeypatch.setattr(gpu_exports, "find_faces", MagicMock())
    monkeypatch.setattr(gpu_exports, "runs_on", lambda model: "CPUExecutionProvider")
    with pytest.raises(ValueError, match="ONNX Runtime fell back to CPUExecutionProvider"):
        open_run(RUNS["ONNX Runtime, float"], tmp_path / "best.pt", GPU, 640)


@pytest.mark.slow
def test_a_run_that_fails_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    real = gpu_exports.open_run

    def without_onnx(run: Run, *arguments: Any) -> Any:
        if run.format == "onnx":
            raise RuntimeError(f"no half {run.half}")
        return real(run, *arguments)

    monkeypatch.setattr(gpu_exports, "open_run", without_onnx)
    monkeypatch.setattr(gpu_exports, "WARM_UP", 0)
    black = np.zeros((64, 64, 3), np.uint8)
    rows, lacking, failed = measure(gpu_exports.CHECKPOINT, [black], CPU, 64, 1)
    assert rows.keys() == {"PyTorch, float"}
    assert rows["PyTorch, float"]["faces"] == {"pytorch": 0, "here": 0, "both": 0}
    assert lacking.keys() == {"PyTorch, half", "TensorRT, float", "TensorRT, half"}
    assert failed["ONNX Runtime, half"] == "RuntimeError: no half True"


def test_without_a_gpu_it_is_one_sentence(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert chosen_device("0") == GPU
    for name in ("1", "cuda", "-1"):
        with pytest.raises(ValueError, match=f"--device {name}: expected the number of an NVIDIA GPU .+ none of 1;"):
            chosen_device(name)
    # On every machine, with or without.
    words = ["--data", tmp_path, "--data-name", "none", "--device", "1000000"]
    done = subprocess.run(
        [sys.executable, repository / "benchmarks" / "gpu_exports.py", *words], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("gpu_exports: --device 1000000: expected the number of an NVIDIA GPU")
    assert done.stderr.count("\n") == 1


def test_other_words_that_are_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*words: str) -> None:
        common = ["gpu_exports.py", "--data", str(tmp_path), "--data-name", "none", "--device", "cpu"]
        monkeypatch.setattr(sys, "argv", [*common, *words])
        gpu_exports.main()

    with pytest.raises(ValueError, match=r"--device cpu: expected --output, .+; name another file"):
        run()
    with pytest.raises(ValueError, match="expected a folder of photographs, got none; check the path"):
        run("--output", str(tmp_path / "record.json"))


def test_comparison_in_pixels_of_the_input() -> None:
    """The first photograph is 640 px long and its input 320: 3 px become 1.5. One face of the second is not found."""
    photographs = [np.zeros((400, 640, 3), np.uint8), np.zeros((320, 100, 3), np.uint8), np.zeros((9, 9, 3), np.uint8)]
    expected = [faces_at((10, 10, 50, 50)), faces_at((0, 0, 40, 40), (50, 50, 90, 90)), empty()]
    found = [faces_at((10, 13, 50, 50)), faces_at((0, 0, 41, 40)), faces_at((0, 0, 5, 5))]
    compared = compare(found, expected, photographs, 320)
    assert compared == {"faces": {"pytorch": 3, "here": 3, "both": 2}, "largest_px": 1.5}


def test_passes_take_turns_and_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_exports, "WARM_UP", 2)
    order: list[str] = []
    medians = times({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, CPU, rounds=3)
    assert order == ["a", "b"] * 5
    assert medians.keys() == {"a", "b"}
