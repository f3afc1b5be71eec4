from __future__ import annotations

import runpy
import sys

import cv2
import pytest


@pytest.fixture
def run_tool(repository, monkeypatch):
    def run(name, *arguments):
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, arguments)])
        runpy.run_path(str(repository / "tools" / f"{name}.py"), run_name="__main__")

    return run


def test_prepare_then_fit_anchors(run_tool, retinaface_source, tmp_path, capsys):
    output, sheet, plot = tmp_path / "data", tmp_path / "sheet.png", tmp_path / "clusters.png"
    splits = ("--split", "train", "--preview", sheet)
    run_tool("prepare_widerface", retinaface_source, "--output", output, *splits)
    printed = capsys.readouterr().out
    assert "train: 3 images (3 written, 0 already complete)" in printed
    assert "no images for val" in printed
    assert sheet.is_file()

    (output / "images" / "val").mkdir()
    text = (output / "data.yaml").read_text(encoding="utf-8")
    (output / "data.yaml").write_text(f"val: images/val\n{text}", encoding="utf-8")
    levels = ("--levels", "2", "--anchors-per-level", "1")
    run_tool("kmeans_anchors", "--data", output / "data.yaml", "--imgsz", "200", *levels, "--plot", plot)
    printed = capsys.readouterr().out
    # the two boxes of 20 x 20 and 30 x 40 px in images of 100 px, at 200 px
    assert printed.endswith("anchors:\n  - [40, 40]\n  - [60, 80]\n")
    assert plot.is_file()


def test_splits_and_links(run_tool, retinaface_source, tmp_path, capsys):
    images = tmp_path / "elsewhere"
    (retinaface_source / "images").rename(images)
    lists = ("--split", "train=train.txt", "--split", "val=dev.txt")
    label_file = retinaface_source / "label.txt"
    run_tool("prepare_widerface", label_file, "--images", images, "--output", tmp_path / "data", *lists, "--link")
    assert (tmp_path / "data" / "images" / "val" / "b.jpg").readlink() == images / "b.jpg"
    assert "no images for" not in capsys.readouterr().out


def test_hold_out_and_cut_tiles(run_tool, voc_source, tmp_path, capsys):
    data, tiles, sheet = tmp_path / "data", tmp_path / "tiles", tmp_path / "sheet.png"
    run_tool("prepare_widerface", voc_source, "--output", data, "--hold-out", 3)
    assert "val: 1 images (1 written, 0 already complete)" in capsys.readouterr().out
    choices = ("--side", "60-70", "--tiles", 2, "--min-faces", 0, "--seed", 3, "--preview", sheet)
    run_tool("cut_tiles", data, "--output", tiles, *choices)
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith("tiles of 2 photographs: 4 images (4 written), ")
    assert sheet.is_file()
    sizes = [cv2.imread(str(tile)).shape for tile in sorted((tiles / "images" / "train").iterdir())]
    assert all(60 <= height == width <= 70 for height, width, _ in sizes)


def test_make_collages(run_tool, landmark_source, tmp_path, capsys):
    data, collages, sheet = tmp_path / "data", tmp_path / "collages", tmp_path / "sheet.png"
    run_tool("prepare_widerface", landmark_source, "--output", data)
    choices = ("--side", 128, "--cells", 2, "--fill", "0.8", "--preview", sheet)
    run_tool("make_collages", data, "--output", collages, *choices)
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith("collages of 2 photographs: 1 images (1 written), 2 faces, of which 2 have landmarks; ")
    assert sheet.is_file()
    assert cv2.imread(str(collages / "images" / "train" / "00000.jpg")).shape == (128, 128, 3)


def test_errors_are_one_sentence_on_the_error_stream(run_tool, tmp_path):
    with pytest.raises(SystemExit, match=r"^ultra-face prepare: .*expected WIDER_train\.zip or .*, got neither; put"):
        run_tool("prepare_widerface", tmp_path, "--output", tmp_path / "data")
    with pytest.raises(SystemExit, match=r"^ultra-face anchors: .*no\.yaml"):
        run_tool("kmeans_anchors", "--data", tmp_path / "no.yaml")
    with pytest.raises(
        SystemExit, match=r"^ultra-face tiles: .*train: expected images, got none; run `ultra-face prepare`"
    ):
        run_tool("cut_tiles", tmp_path, "--output", tmp_path / "tiles")
    with pytest.raises(SystemExit, match=r"^ultra-face tiles: --side: expected a number or a range"):
        run_tool("cut_tiles", tmp_path, "--output", tmp_path / "tiles", "--side", "260:520")
    with pytest.raises(SystemExit, match=r"^ultra-face collages: expected 1 to 416 cells along 416 px, got 0"):
        run_tool("make_collages", tmp_path, "--output", tmp_path / "collages", "--cells", 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "train: [1",
            r"^ultra-face anchors: .*data\.yaml: expected a data YAML .*, got broken YAML \(while .*; correct",
        ),
        (
            "train: images\n",
            r"^ultra-face anchors: .*data\.yaml: expected a data YAML .* 'val:' key missing .*; cfg/.*$",
        ),
        (
            "train: 3\nval: images\n",
            r"^ultra-face anchors: .*data\.yaml: .*'train' must be str or list, not int\); cfg/",
        ),
    ],
)
def test_a_broken_data_yaml_is_one_sentence(run_tool, tmp_path, text, message):
    (tmp_path / "data.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit, match=message):
        run_tool("kmeans_anchors", "--data", tmp_path / "data.yaml")
