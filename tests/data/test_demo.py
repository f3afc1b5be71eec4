from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from ultra_face.data import demo
from ultra_face.data.demo import generate_demo
from ultra_face.data.image_store import image_size
from ultra_face.data.yolo_pose import read_labels


def snapshot(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def few_pictures(monkeypatch):
    monkeypatch.setattr(demo, "SPLIT_SIZES", {"train": 3, "val": 2})


@pytest.mark.usefixtures("few_pictures")
def test_layout(tmp_path):
    generate_demo(tmp_path / "demo")
    assert set(snapshot(tmp_path / "demo")) == {
        ".ultra_face.json",
        *(f"{kind}/train/{index:04d}{suffix}" for kind, suffix in KINDS for index in range(3)),
        *(f"{kind}/val/{index:04d}{suffix}" for kind, suffix in KINDS for index in range(2)),
    }


KINDS = (("images", ".jpg"), ("labels", ".txt"))


@pytest.mark.usefixtures("few_pictures")
def test_the_seed_decides(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        generate_demo(tmp_path / name, seed=seed)
    first, same, other = (snapshot(tmp_path / name) for name in "abc")
    assert first == same
    pictures = [name for name in first if name.endswith(".jpg")]
    assert all(first[name] != other[name] for name in pictures)
    assert len({first[name] for name in pictures}) == len(pictures)


@pytest.mark.usefixtures("few_pictures")
def test_an_interrupted_run_shows_no_split_and_is_completed(tmp_path):
    def stop_after_four(jobs):
        yield from jobs[:4]
        raise KeyboardInterrupt

    generate_demo(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        generate_demo(tmp_path / "demo", progress=stop_after_four)
    assert not (tmp_path / "demo" / "images" / "train").exists()
    assert not (tmp_path / "demo" / "images" / "val").exists()
    generate_demo(tmp_path / "demo")
    assert snapshot(tmp_path / "demo") == snapshot(tmp_path / "whole")


@pytest.mark.usefixtures("few_pictures")
def test_damaged_files_are_drawn_again_and_others_left(tmp_path):
    generate_demo(tmp_path)
    before = snapshot(tmp_path)
    (tmp_path / "images" / "val" / "0000.jpg").write_bytes(b"\xff")
    (tmp_path / "labels" / "train" / "0001.txt").unlink()
    (tmp_path / "mine.txt").write_bytes(b"mine")
    generate_demo(tmp_path)
    assert snapshot(tmp_path) == {**before, "mine.txt": b"mine"}


def test_a_folder_of_the_user_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="expected a new or empty folder"):
        generate_demo(tmp_path)


def test_a_full_disk(tmp_path, monkeypatch):
    def refuse(self, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(OSError, match="the disk is full while writing"):
        generate_demo(tmp_path / "demo")


@pytest.mark.slow
def test_the_whole_set(tmp_path):
    generate_demo(tmp_path)
    sizes = dict.fromkeys(demo.SPLIT_SIZES, 0)
    heights = []
    for image in sorted((tmp_path / "images").rglob("*.jpg")):
        split = image.parent.name
        sizes[split] += 1
        _, height = image_size(image.read_bytes())
        boxes_cxcywh, landmarks = read_labels(tmp_path / "labels" / split / f"{image.stem}.txt")
        heights.extend(boxes_cxcywh[:, 3] * height)
        assert ((landmarks[..., 2] > 0) | (landmarks[..., :2].sum(axis=-1) == 0)).all()
    assert sizes == {"train": 128, "val": 32}
    assert len(heights) > 1000
    assert np.percentile(heights, 5) < 12
    assert np.percentile(heights, 95) > 60
