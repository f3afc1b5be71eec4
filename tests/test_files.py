"""Names find the packaged YAML files and weights, and only those."""

from __future__ import annotations

from pathlib import Path

import pytest

from ultra_face import files


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
