from __future__ import annotations

import errno
from pathlib import Path

import pytest
import yaml
from ultralytics.data.utils import img2label_paths

from ultra_face.data.prepare import prepare_dataset
from ultra_face.files.whole import OutputError

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


def state_size(voc_source, name, width, height):
    file = voc_source / "annotations" / f"{name}.xml"
    size = f"<annotation><size><width>{width}</width><height>{height}</height></size>"
    file.write_text(file.read_text(encoding="utf-8").replace("<annotation>", size), encoding="utf-8")


def test_labels_of_photographs_reduced_after_labelling_are_scaled(voc_source, tmp_path):
    prepare_dataset([voc_source], tmp_path / "as they are")
    state_size(voc_source, "a", 200, 160)  # a.jpg and b.png measure 100 x 80 px
    state_size(voc_source, "b", 100, 80)
    state_size(voc_source, "c", 0, 0)
    report = prepare_dataset([voc_source], tmp_path / "scaled")
    assert (report.splits["train"].scaled_images, report.splits["train"].faces) == (1, 3)
    assert "  images whose labels were scaled from the size stated there: 1\n" in str(report)
    labels = tmp_path / "scaled" / "labels" / "train"
    # in the stated image of 200 x 160 px from (10, 20) to (40, 60), and from (50, 20) to (70, 50)
    assert [line.split()[1:5] for line in (labels / "a.txt").read_text(encoding="utf-8").splitlines()] == [
        ["0.125000", "0.250000", "0.150000", "0.250000"],
        ["0.300000", "0.218750", "0.100000", "0.187500"],
    ]
    for name in ("b.txt", "c.txt"):
        assert (labels / name).read_bytes() == (tmp_path / "as they are" / "labels" / "train" / name).read_bytes()


def test_images_of_another_shape_than_stated_are_left_out_and_named(voc_source, tmp_path):
    state_size(voc_source, "a", 80, 100)
    state_size(voc_source, "b", 100, 60)
    report = prepare_dataset([voc_source], tmp_path / "prepared")
    assert report.splits["train"].images == 1
    assert "  left out 2 images: " in str(report)
    assert "a.xml: expected a.jpg to measure 80 x 100 px as stated, got 100 x 80 px, width and height swapped" in str(
        report
    )
    assert "b.xml: expected b.png to measure 100 x 60 px as stated, got 100 x 80 px, another shape" in str(report)
    assert not (tmp_path / "prepared" / "labels" / "train" / "a.txt").exists()


def test_a_header_with_a_size_states_corners_and_their_frame(retinaface_source, tmp_path):
    (retinaface_source / "label.txt").write_text("# b.jpg 200 160\n20 40 60 80\n", encoding="utf-8")
    report = prepare_dataset([retinaface_source], tmp_path / "prepared")
    assert report.splits["train"].scaled_images == 1
    # 100 x 80 px, half of what is stated: from (10, 20) to (30, 40)
    label = (tmp_path / "prepared" / "labels" / "train" / "b.txt").read_text(encoding="utf-8")
    assert label.split()[1:5] == ["0.200000", "0.375000", "0.200000", "0.250000"]


def test_boxes_beyond_the_image_are_counted(retinaface_source, tmp_path):
    (retinaface_source / "label.txt").write_text("# b.jpg\n90 10 20 20\n10 10 20 20\n9 9 9 9\n", encoding="utf-8")
    report = prepare_dataset([retinaface_source], tmp_path / "prepared")
    assert report.splits["train"].cut_boxes == 1
    assert "  boxes cut at the border of their image: 1\n" in str(report)


@pytest.mark.parametrize("layout", ["label.txt", "wider_face_split/wider_face_train_bbx_gt.txt"])
def test_corners_taken_for_sizes_are_refused_before_training_sees_them(layout, official_source, tmp_path):
    """Corners (60, 10), (80, 30) and (10, 50), (30, 70) in an image of 100 x 80 px."""
    source, tail = official_source, " 0 0 0 0 0 0"
    rows = f"60 10 80 30{tail}\n10 50 30 70{tail}\n"
    if layout == "label.txt":
        source = official_source / "WIDER_train"
        (source / layout).write_text(f"# 0--Parade/train.jpg\n{rows}", encoding="utf-8")
    else:
        (source / layout).write_text(f"0--Parade/train.jpg\n2\n{rows}", encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"expected rows to start with x y w h, got 2 of 2 .* as corners x1 y1 x2 y2; rew"
    ):
        prepare_dataset([source], tmp_path / "prepared", split_lists={"train": None})
    assert not (tmp_path / "prepared" / "images" / "train").exists()


def test_labels_lie_where_training_looks_for_them(retinaface_source, tmp_path):
    """Training replaces the last `images` of a path, also below the folder of the split."""
    (retinaface_source / "images" / "images").mkdir()
    (retinaface_source / "images" / "b.jpg").rename(retinaface_source / "images" / "images" / "b.jpg")
    (retinaface_source / "label.txt").write_text("# images/b.jpg\n5 5 20 20\n", encoding="utf-8")
    prepare_dataset([retinaface_source], tmp_path / "prepared")
    (image,) = (tmp_path / "prepared" / "images").rglob("*.jpg")
    assert Path(img2label_paths([str(image)])[0]).read_text(encoding="utf-8").startswith("0 0.15")


def test_linked_images_that_training_will_read_are_reported(prepared, retinaface_source, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "extra.tif").write_bytes(b"mine")
    (prepared / "images" / "train" / "mine").symlink_to(tmp_path / "mine")
    report = prepare_dataset([retinaface_source], prepared, split_lists=SPLITS)
    assert report.foreign_images == ["images/train/mine/extra.tif"]


@pytest.mark.parametrize("suffix", [".tif", ".TIFF", ".jp2"])
def test_all_image_formats_of_training_are_prepared(retinaface_source, tmp_path, suffix):
    (retinaface_source / "images" / "b.jpg").rename(retinaface_source / "images" / f"b{suffix}")
    (retinaface_source / "label.txt").write_text(f"# b{suffix}\n5 5 20 20\n", encoding="utf-8")
    report = prepare_dataset([retinaface_source], tmp_path / "prepared")
    assert (report.splits["train"].images, report.splits["train"].faces) == (1, 1)


@pytest.mark.data
def test_real_photographs(shared_data, tmp_path):
    report = prepare_dataset([shared_data / "wider-train-649"], tmp_path / "wider", split_lists=SPLITS, link=True)
    assert {name: split.images for name, split in report.splits.items()} == {"train": 549, "val": 100}
    faces = sum(split.faces + sum(split.skipped_boxes.values()) for split in report.splits.values())
    assert faces == 2480  # stated by the README of the data
