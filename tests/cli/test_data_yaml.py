"""What a data YAML says to fetch runs where it is that of a packaged one, or where the file is trusted."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from ultra_face.cli.data_yaml import data_folders
from ultra_face.files.trust import files_trusted
from ultra_face.plugin.files import packaged_data


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What appears when the program of `data.yaml`, in the working folder, has run."""
    monkeypatch.chdir(tmp_path)
    mark = tmp_path / "ran"
    Path("data.yaml").write_text(
        f"path: {tmp_path}\ntrain: nowhere\nval: nowhere\nnames: [face]\ndownload: \"open('{mark}', 'w').close()\"\n"
    )
    return mark


def test_a_program_of_others_does_not_run(mark: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"data\.yaml.*; what would fetch them runs only with --trust$"):
        data_folders("data.yaml", "train")
    assert not mark.exists()
    with files_trusted(True):
        data_folders("data.yaml", "train")
    assert mark.exists()


@pytest.mark.parametrize("name", ["data", "."])
def test_names_that_lead_to_the_same_file(mark: Path, name: str) -> None:
    with pytest.raises((FileNotFoundError, ValueError)):
        data_folders(name, "train")
    assert not mark.exists()


def test_a_copy_of_a_packaged_one_fetches(mark: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (demo,) = (file for file in packaged_data() if file.stem == "faces-demo")
    Path("data.yaml").write_text(demo.read_text().replace("path: ", f"path: {tmp_path}/demo # "))
    monkeypatch.setattr(
        "ultra_face.demo.dataset.generate_demo", lambda path, progress: Path(path, "images/val").mkdir(parents=True)
    )
    data_folders("data.yaml", "train", "val")
    assert Path("demo/images/val").is_dir()


@pytest.mark.parametrize("name", ["data.zip", "https://example.com/data.yaml"])
def test_archives_and_addresses_are_no_data_yaml(mark: Path, name: str) -> None:
    with zipfile.ZipFile("data.zip", "w") as archive:
        archive.write("data.yaml")
    with pytest.raises(ValueError, match=r"expected a data YAML as for yolo train, got a file of another kind; cfg/"):
        data_folders(name, "train")
    assert not mark.exists()


def test_a_split_without_images_is_named(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "data.yaml").write_text(f"path: {tmp_path}\ntrain:\nval: images\nnames: [face]\n")
    with pytest.raises(ValueError, match=r"data\.yaml: expected images of train, got none"):
        data_folders(str(tmp_path / "data.yaml"), "train")
