"""The published figures are as the papers' own sentences compare them, and every table names its source."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from benchmarks.peers.table import ADAPTERS

SUBSETS = ("easy", "medium", "hard")
FIGURES = {"model", *SUBSETS, "parameters", "gflops", "ms"}


def published(repository: Path) -> dict:
    return yaml.safe_load((repository / "results" / "published.yaml").read_text(encoding="utf-8"))


def row(repository: Path, table: str, model: str) -> dict:
    (found,) = (item for item in published(repository)[table]["rows"] if item["model"] == model)
    return found


def test_every_table_names_its_source_and_protocol(repository: Path) -> None:
    for name, table in published(repository).items():
        assert table.keys() <= {"source", "protocol", "notes", "rows"}, name
        assert table["source"], name
        assert table["protocol"], name
        models = [item["model"] for item in table["rows"]]
        assert len(models) == len(set(models)) > 0, name


def test_every_row_has_known_figures_in_their_range(repository: Path) -> None:
    for name, table in published(repository).items():
        for item in table["rows"]:
            where = f"{name}: {item['model']}"
            assert item.keys() <= FIGURES, where
            assert len(item) > 1, where
            accuracy = [item[subset] for subset in SUBSETS if subset in item]
            assert len(accuracy) in {0, 3}, where
            assert accuracy == sorted(accuracy, reverse=True), where
            assert all(0 < value < 100 for value in accuracy), where


def test_the_detectors_that_run_here_are_published_under_their_names(repository: Path) -> None:
    models = {item["model"] for table in published(repository).values() for item in table["rows"]}
    assert set(ADAPTERS) - models == {"FaceBoxes v2"}


# Differences in AP [points] that the text beside each table states, by subset; None where it is silent.
@pytest.mark.parametrize(
    ("table", "better", "worse", "stated"),
    [
        ("aesvc-2", "YOLOv5n + MC4f", "YOLOv5n", (1.64, 1.89, 3.30)),
        ("aesvc-2", "YOLOv5n + AESVC", "YOLOv5n", (0.89, 1.30, 2.34)),
        ("aesvc-2", "YOLOv5n + MSPAM", "YOLOv5n", (0.96, 1.16, 2.13)),
        ("aesvc-2", "YOLOv5n + MSPAM", "YOLOv5n + CBAM", (0.86, 0.79, 1.10)),
        ("aesvc-2", "YOLOv5n + AESVC + MC4f + MSPAM", "YOLOv5n", (1.75, 2.01, 3.06)),
        ("aesvc-3", "YOLOv5n-AESVC", "DSFD (ResNet152)", (None, 0.59, 12.16)),
        ("aesvc-3", "YOLOv5n-AESVC", "YOLO5Face (YOLOv5s)", (None, None, 0.40)),
        ("aesvc-3", "YOLOv5n-AESVC", "YOLOv7-tiny", (None, None, 1.45)),
        ("aesvc-3", "YOLOv5n-AESVC", "YOLOv8n-face", (None, None, 4.55)),
        ("aesvc-3", "YOLOv5n-AESVC", "YOLOv8s-face", (None, None, 0.45)),
        ("aesvc-3", "YOLOv5n-AESVC", "YOLO5Face (YOLOv5n)", (0.23, 0.52, 3.02)),
        ("sr-yolov5-5", "SR-YOLOv5", "TinaFace", (0.7, 0.6, 2.9)),
    ],
)
def test_differences_are_those_of_the_text(
    repository: Path, table: str, better: str, worse: str, stated: tuple[float | None, ...]
) -> None:
    first, second = row(repository, table, better), row(repository, table, worse)
    for subset, difference in zip(SUBSETS, stated, strict=True):
        if difference is not None:
            assert first[subset] - second[subset] == pytest.approx(difference, abs=1e-6), subset


@pytest.mark.parametrize(("slower", "stated"), [("YOLO5Face (YOLOv5s)", 5.12), ("YOLOv7-tiny", 0.16)])
def test_times_differ_as_the_text_says(repository: Path, slower: str, stated: float) -> None:
    ours = row(repository, "aesvc-4", "YOLOv5n-AESVC")["ms"]
    assert row(repository, "aesvc-4", slower)["ms"] - ours == pytest.approx(stated, abs=1e-6)
