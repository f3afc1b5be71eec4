"""Training with two processes: equal anchors, alpha and weights, one set of results, and a rank that dies.

A run of three epochs loses rank 1 in its second epoch and is resumed from `last.pt`, again with two processes.
"""

from __future__ import annotations

import csv
import json
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
import yaml
from small_models import small_yaml
from tiny_faces import IMAGE_SIZE, write_tiny_faces
from two_ranks import CALLBACKS, DIED, DIES, NOTES, RANKS, TwoRanks
from ultralytics import YOLO

import ultra_face
from ultra_face.data.anchors import kmeans_anchors
from ultra_face.plugin.callbacks.landmarks import WORST

pytestmark = pytest.mark.slow

EPOCHS, KILLED = 3, 1
ALPHA = {0: 1.0, 1: 2.0, 2: 3.0}  # from alpha_start to alpha in equal steps
SIDES = [8, 10, 13, 17, 22, 29, 38, 50]  # of the faces, one an image [px]
Notes = list[dict[str, Any]]


class Outcome(NamedTuple):
    """What a run left behind: its error and when it ended, the notes of each rank, the epoch of `last.pt`."""

    error: Exception | None
    ended: float
    notes: list[Notes]
    last_epoch: int


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ranks")


@pytest.fixture(scope="module")
def model(folder: Path) -> Path:
    """A tiny model whose anchors suit no face of the data."""
    settings = small_yaml("AnchorPose") | {
        "anchors": [[300, 300, 310, 310], [320, 320, 330, 330], [340, 340, 350, 350]]
    }
    settings["face_loss"] = {"alpha": ALPHA[2], "alpha_start": ALPHA[0]}
    file = folder / "small-pose.yaml"
    file.write_text(yaml.safe_dump(settings))
    return file


@pytest.fixture(scope="module")
def data(folder: Path) -> Path:
    """Faces of eight sizes, of which either rank trains on four."""
    file = write_tiny_faces(folder / "data", num_images=len(SIDES))
    for index, side in enumerate(SIDES):
        label = folder / "data" / "labels" / f"{index}.txt"
        share = side / IMAGE_SIZE
        label.write_text(label.read_text().replace("0.5 0.5 0.5 0.5", f"0.5 0.5 {share} {share}", 1))
    return file


@pytest.fixture(scope="module")
def killed(folder: Path, model: Path, data: Path) -> Outcome:
    """The run that loses rank 1."""
    settings = {"imgsz": IMAGE_SIZE, "epochs": EPOCHS, "batch": 4, "plots": False, "amp": False, "mosaic": 0.0}
    where = {"data": data, "project": folder, "name": "run", "device": "cpu"}
    return train(folder, model, notes="killed", dies=KILLED, **settings, **where)


@pytest.fixture(scope="module")
def resumed(folder: Path, killed: Outcome) -> Outcome:
    """The same run, resumed."""
    return train(folder, folder / "run" / "weights" / "last.pt", notes="resumed", resume=True, device="cpu")


def train(folder: Path, model: Path, *, notes: str, dies: int | None = None, **settings: Any) -> Outcome:
    """Train through Ultralytics' own command for several devices."""
    ultra_face.register()
    (folder / notes).mkdir()
    variables = {NOTES: str(folder / notes), DIES: str(dies)}
    yolo, error = YOLO(model), None
    for event, callback in CALLBACKS.items():
        yolo.add_callback(event, callback)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        try:
            yolo.train(trainer=TwoRanks, **settings)
        except subprocess.CalledProcessError as broken:
            error = broken
    ended = time.time()
    texts = [(folder / notes / f"rank{rank}.jsonl").read_text() for rank in range(RANKS)]
    found = [list(map(json.loads, text.splitlines())) for text in texts]
    last = torch.load(folder / "run" / "weights" / "last.pt", weights_only=False)
    return Outcome(error, ended, found, last["epoch"])


def test_a_rank_that_dies_ends_the_run_with_an_error(folder: Path, killed: Outcome) -> None:
    assert isinstance(killed.error, subprocess.CalledProcessError)
    assert "torch.distributed.run" in killed.error.cmd
    died = (folder / "killed" / DIED).stat().st_mtime
    assert killed.ended - died < 90  # rank 0 waits for no one; gloo would give up after 180 s
    assert killed.last_epoch == KILLED - 1  # the last epoch that both have ended


def test_both_ranks_fit_the_same_anchors_to_all_faces(killed: Outcome) -> None:
    faces = np.repeat(np.array(SIDES, float)[:, None], 2, axis=1)
    expected = np.round(kmeans_anchors(faces, 6, seed=0), 1).reshape(3, -1)
    for notes in killed.notes:
        assert notes[0]["event"] == "before training"
        assert (notes[0]["images"], notes[0]["a rank"]) == (len(SIDES), len(SIDES) // RANKS)
        for anchors in notes[0]["anchors"].values():
            np.testing.assert_allclose(anchors, expected, atol=0.11)  # labels have six digits


@pytest.mark.parametrize("run", ["killed", "resumed"])
def test_both_ranks_have_the_same_anchors_alpha_and_weights(run: str, request: pytest.FixtureRequest) -> None:
    zero, one = request.getfixturevalue(run).notes
    together = min(len(zero), len(one))  # one of them may have come further when the other died
    assert together >= (4 if run == "killed" else 5)
    assert zero[:together] == one[:together]


def test_alpha_goes_its_way_through_both_runs(killed: Outcome, resumed: Outcome) -> None:
    starts = [note for run in (killed, resumed) for note in run.notes[0] if note["event"] == "epoch start"]
    assert [note["epoch"] for note in starts] == [0, 1, 1, 2]  # the epoch of the kill is done again
    for note in starts:
        assert note["alpha"] == {"model": ALPHA[note["epoch"]], "ema": ALPHA[note["epoch"]]}


def test_a_resumed_run_keeps_the_anchors(killed: Outcome, resumed: Outcome) -> None:
    assert resumed.error is None
    for before, after in zip(
        killed.notes[1][0]["anchors"].values(), resumed.notes[1][0]["anchors"].values(), strict=True
    ):
        np.testing.assert_allclose(after, before, atol=2**-5)  # checkpoints are of float16: 11 bits of up to 64 px


def test_two_processes_leave_one_set_of_results(folder: Path, resumed: Outcome) -> None:
    assert [run.name for run in folder.glob("run*")] == ["run"]
    with (folder / "run" / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3]
    assert rows[0].keys() & WORST.keys() == set()  # no process sees all images
    assert {file.name for file in (folder / "run" / "weights").iterdir()} == {"best.pt", "last.pt"}
    assert resumed.last_epoch == -1  # stripped, as after any training that has come to its end
    network = YOLO(folder / "run" / "weights" / "best.pt").model
    trained = torch.tensor(resumed.notes[0][-1]["anchors"]["ema"])
    torch.testing.assert_close(network.model[-1].anchor_wh.flatten(1).float(), trained, atol=2**-5, rtol=0)
