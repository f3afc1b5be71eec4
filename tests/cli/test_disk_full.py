"""Commands without room for what they write: one sentence, exit status 1, no half file, nothing of the user lost.

The system refuses files beyond a size here, which is how a full disk looks to a program and needs no file system of its
own. `python -m benchmarks.full_disks` fills real ones.
"""

from __future__ import annotations

import io
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from annotated_sources import write_image
from squares import TWO, squares, write_film
from squares import write_image as write_picture

from ultra_face import __main__
from ultra_face.data.prepare import prepare_dataset
from ultra_face.files.whole import PARTIAL

LARGEST = 200
MINE = b"mine"

# Words of a command, what it cannot write, and files of the user that it would replace.
FULL = {
    "detect": ("photos --output rows.csv --overwrite", "rows.csv", ["rows.csv"]),
    "align": ("photos --output faces --overwrite", "faces/", ["faces/a-000.png"]),
    "crop": ("photos --output faces --overwrite", "faces/", ["faces/a-000.png"]),
    "blur": ("photos --output blurred --overwrite", "blurred/a.png", ["blurred/a.png"]),
    "track": ("film.mp4 --output tracked --overwrite", "tracked/film/", ["tracked/film.jsonl"]),
    "prepare": ("source --output new --hold-out 2", "new/images/train.part/", []),
    "tiles": ("set --output new --min-faces 0 --side 40-60", "new/images/train.part/", []),
    "collages": ("set --output new --side 64 --cells 1", "new/images/train.part/", []),
    "anchors": ("--data set/data.yaml --levels 1 --anchors-per-level 1 --plot plot.png", "plot.png", ["plot.png"]),
    "evaluate": ("--predictions found --ground-truth truth.txt --json a.json", "a.json", ["a.json"]),
    "evaluate-landmarks": ("--predictions label.txt --annotations label.txt --json a.json", "a.json", ["a.json"]),
}
NOT_HERE = {
    "doctor": "writes nothing",
    "demo": "what it writes is the training of Ultralytics",
    "refine": "a test of its own below",
    "bulk": "it writes as refine does; Ray beside it has files of its own, larger than the limit",
    **dict.fromkeys(
        ("show", "calibrate", "fold-norms", "quantize", "web", "train-generator"), "they write as refine does"
    ),
}


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with something for every command."""
    monkeypatch.chdir(tmp_path)
    write_picture("photos/a.png", squares(*TWO))
    write_film("film.mp4", *[squares(*TWO)] * 3)
    label = "# {}\n10 20 30 40 15 30 0 30 30 0 22 40 0 16 50 0 29 50 0 0.9\n"
    for seed, name in enumerate(("a.png", "b.png")):
        write_image(tmp_path / "source/images" / name, seed=seed)
    (tmp_path / "source/label.txt").write_text(label.format("a.png") + label.format("b.png"))
    (tmp_path / "label.txt").write_text(label.format("a.png"))
    prepare_dataset([tmp_path / "source"], tmp_path / "set", hold_out=2)
    (tmp_path / "truth.txt").write_text("0--P/0_a.jpg\n1\n16 16 32 32 0 0 0 0 0 0\n")
    (tmp_path / "found/0--P").mkdir(parents=True)
    (tmp_path / "found/0--P/0_a.txt").write_text("0_a\n1\n16 16 32 32 0.5\n")
    return tmp_path


@pytest.fixture
def no_room(places: Path) -> Iterator[None]:
    """No file of more than a few bytes can be written."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_the_table_holds_every_command() -> None:
    assert set(FULL) | set(NOT_HERE) == set(__main__.COMMANDS)
    assert not set(FULL) & set(NOT_HERE)


@pytest.mark.parametrize("name", FULL)
def test_without_room_a_command_ends_in_one_sentence(
    name: str, places: Path, run_command, request: pytest.FixtureRequest, capfd: pytest.CaptureFixture[str]
) -> None:
    words, target, of_the_user = FULL[name]
    for file in of_the_user:
        Path(file).parent.mkdir(exist_ok=True)
        Path(file).write_bytes(MINE)
    before = {path: path.read_bytes() for path in places.rglob("*") if path.is_file()}
    request.getfixturevalue("no_room")
    with capfd.disabled(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as said:
        text = run_command("|".join([name, *words.split()]), quiet=name in {"detect", "align", "crop", "blur", "track"})
    resource.setrlimit(resource.RLIMIT_FSIZE, resource.getrlimit(resource.RLIMIT_FSIZE)[1:] * 2)
    assert isinstance(text, str)
    assert "ultra-face" not in said.getvalue()  # no input is blamed
    assert re.match(rf"ultra-face {name}: {re.escape(target)}\S* is larger than the system takes; choose another", text)
    assert "\n" not in text
    assert {path: path.read_bytes() for path in before} == before
    new = [path for path in places.rglob("*") if path.is_file() and path not in before]
    assert not [path for path in new if PARTIAL in path.name]
    assert not any((places / "new/images" / split).exists() for split in ("train", "val"))


def test_a_checkpoint_without_room(places: Path, no_room: None) -> None:
    """Torch says of a full disk what it says of a broken file."""
    torch = pytest.importorskip("torch")
    from ultra_face.nn.srgan import Generator
    from ultra_face.super_resolution.checkpoint import save_generator

    Path("best.pt").write_bytes(MINE)
    with pytest.raises(OSError, match=r"^best\.pt is larger than the system takes"):
        save_generator("best.pt", Generator(2, 1, 4, light=True), torch=torch.__version__)
    assert Path("best.pt").read_bytes() == MINE
    assert not Path(f"best.pt{PARTIAL}").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_standard_output_without_room(places: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ultra_face", "evaluate", "--predictions", "found", "--ground-truth", "truth.txt"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "ultra-face evaluate: the disk is full while writing the output; free some and run again\n"
