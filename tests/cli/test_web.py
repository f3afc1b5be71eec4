"""`ultra-face web`: serves a page until it is stopped, or writes it; what is wrong is told in a sentence."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from noted_onnx import write_noted_onnx

from ultra_face.__main__ import main
from ultra_face.web.site import PAGE

# The command with a file instead of ONNX Runtime Web, which it takes for whole.
SMALL = """
import sys
from ultra_face.web import runtime, site
for module in (runtime, site):
    module.SUMS = {"a.mjs": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}
from ultra_face.__main__ import main
main()
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_noted_onnx(tmp_path / "best.onnx", 1, 3, 96, 128)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of the file instead, whose sum is that of nothing."""
    folder = tmp_path / "runtime"
    folder.mkdir()
    (folder / "a.mjs").touch()
    return folder


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", SMALL, "web", *map(str, words)], capture_output=True, text=True)


def test_a_page_is_written(model: Path, folder: Path, tmp_path: Path) -> None:
    done = run(model, "--runtime", folder, "--output", tmp_path / "site", "--conf", "0.4")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"wrote {len(PAGE) + 3} files, ")
    described = json.loads((tmp_path / "site" / "model.json").read_text())
    assert (described["name"], described["confidence"]) == ("best", 0.4)
    assert (tmp_path / "site" / "model.onnx").read_bytes() == model.read_bytes()
    again = run(model, "--runtime", folder, "--output", tmp_path / "site")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.startswith(f"ultra-face web: {tmp_path / 'site'}: expected a new or empty folder")


@pytest.mark.skipif(sys.platform == "win32", reason="no signal to end it with there")
def test_a_page_is_served_until_it_is_stopped(model: Path, folder: Path) -> None:
    words = [model, "--runtime", folder, "--port", "0", "--no-open"]
    command = [sys.executable, "-c", SMALL, "web", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            line = server.stdout.readline()
            assert line.endswith(" (Ctrl-C stops)\n")
            with urllib.request.urlopen(f"{line.split()[0]}model.json") as answer:
                assert json.load(answer)["name"] == "best"
            os.kill(server.pid, signal.SIGINT)
            assert server.wait(timeout=60) == 0
            assert server.stderr.read() == ""
        finally:
            server.kill()  # where it did not stop, or this would wait for it


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["no.onnx"], "no.onnx: expected an ONNX file, got no file; check the path"),
        (["--port", "70000"], "expected a port from 0 to 65535, got '70000'"),
        (["--conf", "2"], "expected a number from 0 to 1, got '2'"),
    ],
)
def test_what_is_wrong_is_told(folder: Path, words: list[str], told: str) -> None:
    done = run(*words, "--runtime", folder)
    assert done.returncode != 0
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_runtime_that_cannot_be_fetched_is_told(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["ultra-face", "web", str(model), "--runtime", str(tmp_path / "runtime")])
    with pytest.raises(SystemExit, match=r"ultra-face web: npm: expected this program of Node.js"):
        main()
    assert f"fetching onnxruntime-web@1.30.0 with npm, once, into {tmp_path / 'runtime'}" in capsys.readouterr().err
