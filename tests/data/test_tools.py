from __future__ import annotations

import runpy
import sys

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


def test_errors_are_one_sentence_on_the_error_stream(run_tool, tmp_path):
    with pytest.raises(SystemExit, match=r"^prepare_widerface: .*expected WIDER_train\.zip or .*, got neither; put"):
        run_tool("prepare_widerface", tmp_path, "--output", tmp_path / "data")
    with pytest.raises(SystemExit, match=r"^kmeans_anchors: .*no\.yaml"):
        run_tool("kmeans_anchors", "--data", tmp_path / "no.yaml")
