"""Names find the packaged YAML files and weights, and only those."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from ultra_face.plugin import files


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A packaged tree with one file of each kind."""
    for name in ("cfg/models/a.yaml", "cfg/datasets/b.yaml", "cfg/train/c.yml", "weights/d.pt"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    monkeypatch.setattr(files, "root", lambda: tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("a.yaml", "cfg/models/a.yaml"),
        (Path("cfg/models/a.yaml"), "cfg/models/a.yaml"),
        (" b.yaml ", "cfg/datasets/b.yaml"),
        ("cfg/train/c.yml", "cfg/train/c.yml"),
        ("cfg/train/a.yaml", None),
        ("elsewhere/a.yaml", None),
        ("/cfg/models/a.yaml", None),
        ("a", None),
        ("d.pt", None),
        ("", None),
    ],
)
def test_yaml_files(packaged, asked, found):
    assert files.find(asked) == (found and packaged / found)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("d.pt", "weights/d.pt"),
        ("weights/d.pt", "weights/d.pt"),
        ("runs/d.pt", None),
        ("e.pt", None),
        ("", None),
    ],
)
def test_weights(packaged, asked, found):
    assert files.find_weights(asked) == (found and packaged / found)


def test_exists_looks_at_the_files_of_the_user(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("own.pt").touch()
    assert files.exists(" own.pt ")
    assert not files.exists("weights/own.pt")


@pytest.mark.parametrize("installed", [True, False], ids=["installed", "editable"])
def test_root_is_the_package_when_installed_and_the_checkout_when_editable(tmp_path, monkeypatch, installed):
    package = tmp_path / "ultra_face"
    ((package if installed else tmp_path) / "cfg").mkdir(parents=True)
    monkeypatch.setattr(files, "PACKAGE", package)
    assert files.root() == (package if installed else tmp_path)


def test_every_packaged_yaml_is_found_by_its_path():
    every = sorted((files.root() / "cfg").glob("*/*.yaml"))
    assert every
    assert [files.find(file.relative_to(files.root())) for file in every] == every


def test_weights_are_copied_to_where_they_are_asked_for(packaged, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = packaged / "weights" / "d.pt"
    source.write_bytes(b"weights")
    source.chmod(0o644)
    assert files.fetch_weights(source, "runs/d.pt") == Path("runs/d.pt")
    copy = tmp_path / "runs" / "d.pt"
    assert (copy.read_bytes(), copy.stat().st_mode & 0o777) == (b"weights", 0o644)
    assert [file.name for file in copy.parent.iterdir()] == ["d.pt"]


def test_a_file_that_came_meanwhile_stays(packaged, tmp_path):
    (tmp_path / "d.pt").write_bytes(b"the user's")
    assert files.fetch_weights(packaged / "weights" / "d.pt", tmp_path / "d.pt") == tmp_path / "d.pt"
    assert (tmp_path / "d.pt").read_bytes() == b"the user's"


@pytest.fixture
def no_hard_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without them, such as FAT or many network folders."""

    def refuse(source: object, target: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(files.os, "link", refuse)


@pytest.mark.usefixtures("no_hard_links")
def test_weights_are_copied_without_hard_links(packaged, tmp_path):
    source = packaged / "weights" / "d.pt"
    source.write_bytes(b"weights")
    assert files.fetch_weights(source, tmp_path / "runs" / "d.pt") == tmp_path / "runs" / "d.pt"
    assert [(file.name, file.read_bytes()) for file in (tmp_path / "runs").iterdir()] == [("d.pt", b"weights")]


@pytest.mark.usefixtures("no_hard_links")
def test_a_file_that_came_meanwhile_stays_without_hard_links(packaged, tmp_path):
    (tmp_path / "d.pt").write_bytes(b"the user's")
    assert files.fetch_weights(packaged / "weights" / "d.pt", tmp_path / "d.pt") == tmp_path / "d.pt"
    assert (tmp_path / "d.pt").read_bytes() == b"the user's"


@pytest.mark.usefixtures("no_hard_links")
def test_a_copy_that_fails_leaves_nothing(packaged, tmp_path, monkeypatch):
    def fail(self: Path, target: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "replace", fail)
    source = packaged / "weights" / "d.pt"
    assert files.fetch_weights(source, tmp_path / "runs" / "d.pt") == source
    assert list((tmp_path / "runs").iterdir()) == []


def test_another_file_of_the_same_name(packaged, tmp_path):
    source = packaged / "weights" / "d.pt"
    (tmp_path / "link").symlink_to(source.parent)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "d.pt").touch()
    folders = {"own": True, "weights": False, "link": False, "none": False}
    assert {folder: files.has_other(tmp_path / folder, "d.pt", source) for folder in folders} == folders


def test_only_weights_and_their_card_are_packaged(repository, tmp_path):
    """Exports that land beside the tracked weights stay out of git and of the wheel, which follows git's list."""
    for name in (".gitignore", "pyproject.toml", "README.md", "LICENSE", "ultra_face/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(repository / name, tmp_path / name)
    for name in ("README.md", "a.pt", "a.onnx", "a_openvino_model/a.xml"):
        (tmp_path / "weights" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "weights" / name).touch()
    included = {file.distribution_path for file in WheelBuilder(str(tmp_path)).recurse_selected_project_files()}
    assert {name for name in included if "weights" in name} == {
        f"ultra_face/weights/{name}" for name in ("README.md", "a.pt")
    }


def test_where_nothing_can_be_written_the_packaged_file_is_used(packaged, tmp_path):
    (tmp_path / "file").touch()
    assert (
        files.fetch_weights(packaged / "weights" / "d.pt", tmp_path / "file" / "d.pt") == packaged / "weights" / "d.pt"
    )
