"""Prepared data sets become one, each with the labels that it is told to train on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from training import join_datasets
from training.join_datasets import join
from ultra_face.cli.command import data_folders
from ultra_face.data.prepare import prepare_dataset

OTHER = "0 0.25 0.25 0.1 0.1" + " 0 0 0" * 5 + "\n"


@pytest.fixture
def prepared(retinaface_source: Path, voc_source: Path, tmp_path: Path) -> list[Path]:
    """Two data sets: images in a folder of their own and PNG files among them."""
    lists = {name: str(retinaface_source / f"{file}.txt") for name, file in (("train", "train"), ("val", "dev"))}
    prepare_dataset([retinaface_source], first := tmp_path / "first", split_lists=lists)
    prepare_dataset([voc_source], second := tmp_path / "second", hold_out=2)
    return [first, second]


def write_labels(folder: Path, images: Path) -> Path:
    for image in images.rglob("*.*g"):
        file = folder / image.relative_to(images).with_suffix(".txt")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(OTHER)
    return folder


def test_training_images_get_the_other_labels_and_validation_images_keep_theirs(
    prepared: list[Path], tmp_path: Path
) -> None:
    first, second = prepared
    labels = write_labels(tmp_path / "labels", first / "images" / "train")
    output = tmp_path / "both"
    counts = join({first: labels, second: None}, output)
    assert counts == {"train": 2 + 2, "val": 1 + 1}  # of three images each, one is held out
    assert (output / "first" / "labels" / "train" / "one" / "a.txt").read_text() == OTHER
    for kept in ("first/labels/val/b.txt", "second/labels/train/a.txt"):
        name, rest = kept.split("/", 1)
        assert (output / kept).read_text() == (tmp_path / name / rest).read_text()
    train, val = data_folders(str(output / "data.yaml"), "train", "val")
    assert [Path(folder).parents[1].name for folder in train] == ["first", "second"]
    assert (Path(val[0]) / "b.jpg").read_bytes() == (first / "images" / "val" / "b.jpg").read_bytes()
    assert join({first: labels, second: None}, output) == counts  # a second run changes nothing


def test_a_missing_label_is_named(prepared: list[Path], tmp_path: Path) -> None:
    (labels := tmp_path / "labels").mkdir()
    with pytest.raises(FileNotFoundError, match=r"labels/.*\.txt: expected the label of .*, got no such file; add it"):
        join({prepared[0]: labels}, tmp_path / "both")


def test_a_data_set_without_a_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"images/train: expected images, got none; run `ultra-face prepare`"):
        join({tmp_path / "nothing": None}, tmp_path / "both")


def test_data_sets_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected data sets of different names, got a, a; rename one"):
        join({tmp_path / "a": None, tmp_path / "b" / "a": None}, tmp_path / "both")


def test_labels_are_named_for_every_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = ["join_datasets", "a", "b", "--labels", "none", "--output", str(tmp_path / "both")]
    monkeypatch.setattr(sys, "argv", line)
    with pytest.raises(SystemExit, match="--labels: expected 2, one a data set, got 1; add `none`"):
        join_datasets.main()
