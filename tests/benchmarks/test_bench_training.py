"""The speed of a training is that between two batches, and its record comes from a trainer that stops by itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml
from small_models import small_yaml
from tiny_faces import IMAGE_SIZE, write_tiny_faces

import ultra_face
from benchmarks import bench_training
from benchmarks.bench_training import Stopwatch


class Callbacks:
    """What a `YOLO` model does of its callbacks."""

    def __init__(self) -> None:
        self.added: dict[str, Any] = {}
        self.trainer = SimpleNamespace(device=torch.device("cpu"), stop=False)

    def add_callback(self, event: str, call: Any) -> None:
        self.added[event] = call

    def run(self, event: str) -> None:
        self.added[event](self.trainer)


def test_the_clock_runs_between_the_ends_of_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    # Made at 0 s, images read at 3, the first batch done at 10; then starts and ends, and the clock runs from 20.
    times: Iterator[float] = iter([0, 3, 10, 11, 20, 22, 30, 34, 40])
    monkeypatch.setattr(bench_training, "time", SimpleNamespace(perf_counter=lambda: next(times)))
    stopwatch, model = Stopwatch(skipped=2, timed=2), Callbacks()
    stopwatch.attach(model)
    model.run("on_train_start")
    for stopped in (False, False, False, True):
        model.run("on_train_batch_start")
        model.run("on_train_batch_end")
        assert model.trainer.stop is stopped
    # Two batches of 128 in 20 s; between them 2 and 4 s.
    assert stopwatch.figures(128) == {"images_per_second": 12.8, "waiting_share": 0.3, "seconds_before": 3}


@pytest.mark.slow
def test_a_record_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ultra_face.register()
    data, output = write_tiny_faces(tmp_path / "faces"), tmp_path / "speed.json"
    (model := tmp_path / "small.yaml").write_text(yaml.safe_dump(small_yaml("AnchorPose")))
    places = ["--data", str(data), "--model", str(model), "--output", str(output)]
    sizes = ["--workers", "0", "--batch", "2", "--imgsz", str(IMAGE_SIZE), "--skip", "1", "--batches", "3"]
    monkeypatch.setattr(sys, "argv", ["bench_training", "--data-name", "noise", *places, *sizes])
    bench_training.main()
    record = json.loads(output.read_text())
    assert record["images_per_second"] > 0
    assert record["provenance"]["config"]["settings"]["optimizer"] == "AdamW"
    assert record["provenance"]["config"]["settings"]["nbs"] == 2
    assert str(tmp_path) not in output.read_text()


def test_a_missing_recipe_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["--data", "a.yaml", "--data-name", "none", "--recipe", str(tmp_path / "no.yaml")]
    monkeypatch.setattr(sys, "argv", ["bench_training", *words])
    with pytest.raises(SystemExit, match=r"bench_training: .*no\.yaml"):
        bench_training.main()
