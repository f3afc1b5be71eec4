from __future__ import annotations

import errno
from pathlib import Path

import pytest
import yaml

from ultra_face.data.output_folder import OutputError
from ultra_face.data.prepare import prepare_dataset

SPLITS = {"train": "train.txt", "val": "dev.txt"}


def snapshot(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def prepared(retinaface_source, tmp_path):
    output = tmp_path / "prepared"
    prepare_dataset([retinaface_source], output, split_lists=SPLITS)
    return output


def test_layout_and_labels(prepared, retinaface_source):
    files = snapshot(prepared)
    assert set(files) == {
        ".ultra_face.json",
        "data.yaml",
        *(f"images/{name}" for name in ("train/one/a.jpg", "train/c.png", "val/b.jpg")),
        *(f"labels/{name}" for name in ("train/one/a.txt", "train/c.txt", "val/b.txt")),
    }
    assert files["images/val/b.jpg"] == (retinaface_source / "images" / "b.jpg").read_bytes()
    assert files["labels/train/c.txt"] == b""
    # 100 x 80 px: centre (5 + 10) / 100, (5 + 10) / 80, size 20 / 100, 20 / 80, no landmarks
    assert files["labels/val/b.txt"] == b"0 0.150000 0.187500 0.200000 0.250000" + b" 0 0 0" * 5 + b"\n"


def test_data_yaml(prepared):
    assert yaml.safe_load((prepared / "data.yaml").read_text(encoding="utf-8")) == {
        "train": "images/train",
        "val": "images/val",
        "kpt_shape": [5, 3],
        "flip_idx": [1, 0, 2, 4, 3],
        "names": {0: "face"},
    }


def test_report(retinaface_source, tmp_path):
    report = prepare_dataset([retinaface_source], tmp_path / "prepared", split_lists=SPLITS)
    assert str(report) == (
        "train: 2 images (2 written, 0 already complete)\n"
        "  images without faces: 1\n"
        "  faces: 1, of which 1 have landmarks\n"
        "  landmarks: 5 (0 left out: outside the image)\n"
        "  skipped boxes: 1 under 2 px\n"
        "val: 1 images (1 written, 0 already complete)\n"
        "  images without faces: 0\n"
        "  faces: 1, of which 0 have landmarks\n"
        "  landmarks: 0 (0 left out: outside the image)\n"
        "  skipped boxes: 1 outside the image\n"
        f"data set: {tmp_path / 'prepared' / 'data.yaml'}"
    )


def test_the_report_asks_for_a_missing_split(retinaface_source, tmp_path):
    report = prepare_dataset([retinaface_source], tmp_path / "prepared")
    assert "no images for val: Ultralytics needs both splits; add --split NAME=LIST or --hold-out N" in str(report)


def test_pascal_voc_with_images_held_out(voc_source, tmp_path):
    report = prepare_dataset([voc_source], tmp_path / "prepared", hold_out=2)
    assert {name: (split.images, split.faces) for name, split in report.splits.items()} == {
        "train": (2, 2),
        "val": (1, 1),
    }
    assert "no images for" not in str(report)
    # image of 100 x 80 px with a box from (5, 5) to (25, 25)
    label = (tmp_path / "prepared" / "labels" / "val" / "b.txt").read_bytes()
    assert label == b"0 0.150000 0.187500 0.200000 0.250000" + b" 0 0 0" * 5 + b"\n"


def test_images_are_held_out_of_each_source(voc_source, landmark_source, tmp_path):
    report = prepare_dataset([voc_source, landmark_source], tmp_path / "prepared", hold_out=2)
    assert (tmp_path / "prepared" / "images" / "val" / "b.png").is_file()
    assert (tmp_path / "prepared" / "images" / "val" / "lfw" / "a b.jpg").is_file()
    assert [split.images for split in report.splits.values()] == [3, 2]


def test_another_interval_needs_another_folder(voc_source, tmp_path):
    prepare_dataset([voc_source], tmp_path / "prepared", hold_out=2)
    with pytest.raises(FileExistsError, match=r'expected a folder made from .*"splits": \{"hold_out": 3\}.*, got one'):
        prepare_dataset([voc_source], tmp_path / "prepared", hold_out=3)


@pytest.mark.parametrize("fixture", ["official_source", "official_archives"])
def test_the_official_release(fixture, request, tmp_path):
    report = prepare_dataset([request.getfixturevalue(fixture)], tmp_path / "prepared")
    assert {name: (split.images, split.faces) for name, split in report.splits.items()} == {
        "train": (1, 1),
        "val": (1, 1),
    }
    assert report.splits["val"].skipped_boxes == {"marked invalid": 1}
    assert (tmp_path / "prepared" / "images" / "val" / "0--Parade" / "val.jpg").is_file()


def test_several_sources(retinaface_source, official_source, tmp_path):
    report = prepare_dataset([retinaface_source, official_source], tmp_path / "prepared", split_lists={"train": None})
    assert report.splits["train"].images == 4


def test_a_second_run_changes_nothing(prepared, retinaface_source):
    before = {path: path.stat().st_mtime_ns for path in prepared.rglob("*")}
    report = prepare_dataset([retinaface_source], prepared, split_lists=SPLITS)
    assert {path: path.stat().st_mtime_ns for path in prepared.rglob("*")} == before
    assert [split.written_images for split in report.splits.values()] == [0, 0]


def test_an_interrupted_run_shows_no_split_and_is_completed(prepared, retinaface_source, tmp_path):
    def stop_after_two(jobs):
        yield from jobs[:2]
        raise KeyboardInterrupt

    output = tmp_path / "interrupted"
    with pytest.raises(KeyboardInterrupt):
        prepare_dataset([retinaface_source], output, split_lists=SPLITS, progress=stop_after_two)
    assert not (output / "images" / "train").exists()
    assert not (output / "data.yaml").exists()
    prepare_dataset([retinaface_source], output, split_lists=SPLITS)
    assert snapshot(output) == snapshot(prepared)


def test_damaged_files_are_repaired(prepared, retinaface_source):
    before = snapshot(prepared)
    (prepared / "labels" / "val" / "b.txt").write_text("0 0.1", encoding="utf-8")
    (prepared / "images" / "train" / "one" / "a.jpg").write_bytes(b"\xff\xd8")
    (prepared / "data.yaml").unlink()
    report = prepare_dataset([retinaface_source], prepared, split_lists=SPLITS)
    assert snapshot(prepared) == before
    assert [split.written_images for split in report.splits.values()] == [1, 1]


def test_files_of_the_user_stay_and_are_reported(prepared, retinaface_source):
    (prepared / "notes.txt").write_text("mine", encoding="utf-8")
    (prepared / "images" / "train" / "extra.jpg").write_bytes(b"mine")
    report = prepare_dataset([retinaface_source], prepared, split_lists=SPLITS)
    assert (prepared / "images" / "train" / "extra.jpg").read_bytes() == b"mine"
    assert "left alone 1 images that this preparation does not write" in str(report)
    assert str(report).count("images/train/extra.jpg") == 1
    assert (prepared / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_a_folder_of_the_user_is_refused(retinaface_source, tmp_path):
    output = tmp_path / "mine"
    output.mkdir()
    (output / "data.yaml").write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError, match="got one with files of another origin; choose another output folder"):
        prepare_dataset([retinaface_source], output, split_lists=SPLITS)
    assert snapshot(output) == {"data.yaml": b"mine"}


def test_other_splits_need_another_folder(prepared, retinaface_source):
    with pytest.raises(FileExistsError, match="states otherwise"):
        prepare_dataset([retinaface_source], prepared, split_lists={"train": None})


def test_links(retinaface_source, tmp_path):
    output = tmp_path / "linked"
    prepare_dataset([retinaface_source], output, split_lists=SPLITS, link=True)
    image = output / "images" / "val" / "b.jpg"
    assert image.readlink() == retinaface_source / "images" / "b.jpg"
    prepare_dataset([retinaface_source], output, split_lists=SPLITS)
    assert not image.is_symlink()


def test_archives_cannot_be_linked_to(official_archives, tmp_path):
    with pytest.raises(
        ValueError, match=r"train\.jpg is inside an archive, which cannot be linked to; copy, or unpack"
    ):
        prepare_dataset([official_archives], tmp_path / "prepared", link=True)


def test_an_image_in_two_splits(retinaface_source, tmp_path):
    (retinaface_source / "dev.txt").write_text("b.jpg\nc.png\n", encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"label\.txt:7: expected each image once, got c\.png in val and c\.png in train"
    ):
        prepare_dataset([retinaface_source], tmp_path / "prepared", split_lists=SPLITS)
    assert not (tmp_path / "prepared").exists()


def test_a_missing_image(retinaface_source, tmp_path):
    (retinaface_source / "images" / "b.jpg").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"label\.txt:4: image missing: b\.jpg is not in .*images; check the image"
    ):
        prepare_dataset([retinaface_source], tmp_path / "prepared", split_lists=SPLITS)


def test_an_image_that_does_not_decode_is_left_out(retinaface_source, tmp_path):
    (retinaface_source / "images" / "b.jpg").write_bytes(b"no image")
    report = prepare_dataset([retinaface_source], tmp_path / "prepared")
    assert report.splits["train"].images == 2
    assert "left out 1 images: " in str(report)
    assert "label.txt:4: b.jpg does not decode as an image; fetch it again" in str(report)
    assert not (tmp_path / "prepared" / "labels" / "train" / "b.txt").exists()


def test_a_broken_label_stops_before_anything_is_written(retinaface_source, tmp_path):
    with (retinaface_source / "label.txt").open("a", encoding="utf-8") as file:
        file.write("1 2 3 4 5\n")
    with pytest.raises(ValueError, match=r"label\.txt:8: expected 20 or 19 values"):
        prepare_dataset([retinaface_source], tmp_path / "prepared")
    assert not (tmp_path / "prepared").exists()


def test_a_full_disk_loses_nothing(prepared, retinaface_source, tmp_path, monkeypatch):
    output = tmp_path / "full"
    write_bytes = Path.write_bytes

    def full_after_the_labels(self, content):
        if ".jpg" in self.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_bytes(self, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full_after_the_labels)
        with pytest.raises(OSError, match=r"the disk is full while writing .*a\.jpg; free some and run again"):
            prepare_dataset([retinaface_source], output, split_lists=SPLITS)
    prepare_dataset([retinaface_source], output, split_lists=SPLITS)
    assert snapshot(output) == snapshot(prepared)


def test_a_read_only_output_folder(retinaface_source, tmp_path, monkeypatch):
    def refuse(self, content):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(OutputError, match="prepared is not writable; choose another folder"):
        prepare_dataset([retinaface_source], tmp_path / "prepared", split_lists=SPLITS)


@pytest.mark.data
def test_real_photographs(shared_data, tmp_path):
    report = prepare_dataset([shared_data / "wider-train-649"], tmp_path / "wider", split_lists=SPLITS, link=True)
    assert {name: split.images for name, split in report.splits.items()} == {"train": 549, "val": 100}
    faces = sum(split.faces + sum(split.skipped_boxes.values()) for split in report.splits.values())
    assert faces == 2480  # stated by the README of the data
