"""Commands that run no network start without torch and Ultralytics, where these do not import at all."""

from __future__ import annotations

import shutil

import pytest
from interpreters import run_python
from ultralytics.utils import ASSETS

from ultra_face.__main__ import COMMANDS

WITHOUT_TORCH = """
import sys
from importlib.abc import MetaPathFinder

class Refuse(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchvision", "ultralytics"):
            raise ImportError(f"{name} is not to be imported")

sys.meta_path.insert(0, Refuse())
from ultra_face.__main__ import main
main()
"""


@pytest.mark.parametrize(
    "command",
    [
        *("detect", "align", "crop", "blur", "track"),
        *("prepare", "tiles", "collages", "anchors", "evaluate", "evaluate-landmarks", "web"),
    ],
)
def test_help(tmp_path, command):
    printed = run_python("-c", WITHOUT_TORCH, command, "--help", folder=tmp_path).stdout
    assert printed.startswith(f"usage: ultra-face {command} ")
    assert f"\n  ultra-face {command} " in printed  # its example


def test_the_list_of_commands(tmp_path):
    printed = run_python("-c", WITHOUT_TORCH, "--help", folder=tmp_path).stdout
    assert all(f"\n  {command} " in printed for command in COMMANDS)


def test_commands_for_faces_with_an_onnx_file(tmp_path, shipped_onnx):
    """Two people look out of this photograph."""
    shutil.copy(ASSETS / "zidane.jpg", tmp_path / "photo.jpg")

    def run(line):
        return run_python("-c", WITHOUT_TORCH, *line.split(), "--model", str(shipped_onnx), "--quiet", folder=tmp_path)

    assert len(run("detect photo.jpg --output -").stdout.splitlines()) == 2
    for command in ("align", "crop"):
        run(f"{command} photo.jpg --output {command}")
        assert len(list((tmp_path / command).glob("photo-*.png"))) == 2
    run("blur photo.jpg --output blurred.jpg")
    assert (tmp_path / "blurred.jpg").is_file()


def test_data_and_files_alone(retinaface_source, tmp_path):
    """From annotations to training images, and result files to a table."""

    def run(line):
        return run_python("-c", WITHOUT_TORCH, *line.split(), folder=tmp_path).stdout

    assert "train: 3 images" in run(f"prepare {retinaface_source} --output set --split train --preview sheet.png")
    assert "3 images" in run("tiles set --output tiles --side 40-50 --tiles 1 --min-faces 0")
    assert "1 images" in run("collages set --output collages --side 96 --cells 2")
    (tmp_path / "gt.txt").write_text("e/a.jpg\n1\n0 0 9 9 0 0 0 0 0 0\n")
    (tmp_path / "found" / "e").mkdir(parents=True)
    (tmp_path / "found" / "e" / "a.txt").write_text("a\n1\n0 0 9 9 0.5\n")
    assert "100.00" in run("evaluate --predictions found --ground-truth gt.txt")
    rows = "# a.jpg\n0 0 20 20 5 5 0 15 5 0 10 10 0 6 15 0 14 15 0 0.9\n"
    (tmp_path / "label.txt").write_text(rows)
    assert "1 of 1 faces" in run("evaluate-landmarks --predictions label.txt --annotations label.txt")
