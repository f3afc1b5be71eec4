"""The doctor tells all of it in one screen, and never fails itself."""

from __future__ import annotations

import os
import sys
import types
from importlib import metadata
from pathlib import Path

import pytest
from interpreters import run_python

import ultra_face
from ultra_face import __main__
from ultra_face.cli import doctor
from ultra_face.plugin.registration import Seam


def rows(text: str) -> dict[str, str]:
    """Each row of the report by its name."""
    pairs = [line.strip().split(maxsplit=1) for line in text.splitlines() if line.startswith("  ")]
    return dict(pairs)


@pytest.fixture
def report() -> str:
    healthy, text = doctor.examine()
    assert healthy
    return text


def test_reports_versions_seams_files_and_devices(report):
    import torch
    import ultralytics

    found = rows(report)
    assert report.splitlines()[0] == f"ultra-face {ultra_face.__version__}"
    assert found["Ultralytics"].startswith(
        f"{ultralytics.__version__}, {Path(ultralytics.__file__).parent}; supported "
    )
    assert found["torch"].startswith(torch.__version__)
    assert found["devices"].startswith("cpu (")
    assert {found[seam.name.split()[0]] for seam in ultra_face.register() if " " not in seam.name} == {"holds"}
    assert found["datasets"] == ultralytics.settings["datasets_dir"]
    folder, files = found["cfg"].split(", ")
    assert files == f"{len(list(Path(folder).rglob('*.yaml')))} .yaml files"
    assert found["onnx"] == metadata.version("onnx")


def test_fits_one_screen(report):
    assert len(report.splitlines()) <= 30
    assert report.isascii()


@pytest.mark.parametrize(
    ("environment", "module", "expected"),
    [
        (
            "1",
            types.SimpleNamespace(__file__="/site/_ultra_face_autoload.py"),
            "on, by ultra_face.pth in /site",
        ),
        ("1", None, "off, ultra_face.pth did not run at start-up"),
        (
            "0",
            types.SimpleNamespace(__file__="/site/_ultra_face_autoload.py"),
            "off, by ULTRA_FACE_AUTOLOAD=0",
        ),
    ],
    ids=["on", "no start file", "switched off"],
)
def test_says_how_the_plugin_becomes_active(monkeypatch, environment, module, expected):
    monkeypatch.setenv("ULTRA_FACE_AUTOLOAD", environment)
    monkeypatch.delitem(sys.modules, doctor.AUTOLOAD, raising=False)
    if module is not None:
        monkeypatch.setitem(sys.modules, doctor.AUTOLOAD, module)
    assert rows(doctor.examine()[1])["autoload"].startswith(expected)


def test_tells_a_yolo_of_another_environment(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor.sysconfig, "get_path", lambda name: str(tmp_path))
    other = tmp_path / "elsewhere" / "yolo"
    for found, expected in (
        (None, f"not on the PATH; expected in {tmp_path}"),
        (str(tmp_path / "yolo"), str(tmp_path / "yolo")),
        (str(other), f"{other}, of another environment than this Python"),
    ):
        monkeypatch.setattr(doctor.shutil, "which", lambda name, found=found: found)
        assert rows(doctor.examine()[1])["yolo"] == expected


def test_a_missing_extra_comes_with_its_remedy(monkeypatch):
    monkeypatch.setattr(doctor, "EXTRAS", ("no-such-package",))
    assert "no-such-package not installed; `pip install ultra-face[export]` brings it" in doctor.examine()[1]


def test_a_seam_that_does_not_hold_is_shown_and_ends_with_status_1(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "register", lambda: (Seam("parser", False, "it changed"), Seam("files", True)))
    monkeypatch.setattr(sys, "argv", ["ultra-face", "doctor"])
    with pytest.raises(SystemExit) as stopped:
        __main__.main()
    assert stopped.value.code == 1
    found = rows(capsys.readouterr().out)
    assert (found["parser"], found["files"]) == ("DOES NOT HOLD: it changed", "holds")


@pytest.mark.parametrize(("arguments", "status", "expected"), [
    (["--help"], 0, "doctor"), (["doctor", "--help"], 0, "Exit status"), ([], 2, "command"),
    (["cure"], 2, "invalid choice: 'cure'"),
])  # fmt: skip
def test_usage(monkeypatch, capsys, arguments, status, expected):
    monkeypatch.setattr(sys, "argv", ["ultra-face", *arguments])
    with pytest.raises(SystemExit) as stopped:
        __main__.main()
    assert stopped.value.code == status
    assert expected in "".join(capsys.readouterr())


def test_runs_as_a_module(tmp_path):
    assert rows(run_python("-m", "ultra_face", "doctor", folder=tmp_path).stdout)["parser"] == "holds"


@pytest.mark.parametrize("broken", ["ultralytics", "torch"])
def test_survives_a_broken_environment(tmp_path, broken):
    code = (
        f"import sys, runpy; sys.modules[{broken!r}] = None; sys.argv = ['ultra-face', 'doctor']\n"
        "runpy.run_module('ultra_face', run_name='__main__')"
    )
    done = run_python("-c", code, folder=tmp_path, status=1)
    found = rows(done.stdout)
    assert "DOES NOT HOLD: Ultralytics cannot be imported" in done.stdout
    assert found["torch" if broken == "torch" else "Ultralytics"].startswith("BROKEN (ModuleNotFoundError")
    assert done.stderr.count("RuntimeWarning") == 1


class Runs:
    """Makes a folder when it is loaded."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return os.mkdir, (self.mark,)


def status(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["ultra-face", "doctor", *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        __main__.main()
    return stopped.value.code


def test_says_of_a_checkpoint_that_it_loads_and_what_it_is(monkeypatch, capsys):
    assert status(monkeypatch, "yolov5n-aesvc-face.pt") == 0
    found = rows(capsys.readouterr().out)
    assert found["loads"] == "with weights_only=True: it runs no code of its own"
    assert found["model"].startswith("PoseModel that ends in AnchorPose, 3,")
    assert (found["classes"], found["landmarks"]) == ("face", "5, each of 3 values")
    assert found["written"].startswith("by Ultralytics 8.4.")


def test_says_of_a_hostile_checkpoint_what_it_names_and_runs_nothing(monkeypatch, capsys, tmp_path):
    import torch

    torch.save({"model": Runs(tmp_path / "ran")}, tmp_path / "evil.pt")
    assert status(monkeypatch, "yolov5n-aesvc-face.pt", tmp_path / "evil.pt", tmp_path / "none.pt") == 1
    text = capsys.readouterr().out
    assert "NO: " in text
    assert "got one that names posix.mkdir, which may run code" in text
    assert "none.pt: expected the checkpoint of a face model, got no file" in text
    assert not (tmp_path / "ran").exists()
