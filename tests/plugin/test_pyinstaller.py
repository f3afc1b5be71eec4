"""PyInstaller finds our hook, and the hook packs what is found by name only."""

from __future__ import annotations

import importlib.util
import runpy
import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import ultra_face
from ultra_face.plugin import files
from ultra_face.plugin.checkpoints import STORED_CLASSES
from ultra_face.web.site import PAGE, page_folder


@pytest.fixture
def hook() -> dict[str, Any]:
    """The names that the hook sets, found as PyInstaller finds them."""
    (point,) = (
        point for point in metadata.entry_points(group="pyinstaller40") if point.value.startswith("ultra_face.")
    )
    assert point.name == "hook-dirs"
    (folder,) = point.load()()
    return runpy.run_path(str(Path(folder, "hook-ultra_face.py")))


def test_the_frozen_package_finds_every_yaml_file_checkpoint_and_the_page(hook, tmp_path, monkeypatch):
    packaged = sorted([*files.root().glob("cfg/*/*.yaml"), *files.root().glob("weights/*.pt")])
    names = [file.relative_to(files.root()) for file in packaged]
    for pattern, folder in hook["datas"]:
        (tmp_path / folder).mkdir(parents=True)
        for file in Path(pattern).parent.glob(Path(pattern).name):
            shutil.copy(file, tmp_path / folder)
    monkeypatch.setattr(files, "PACKAGE", tmp_path / "ultra_face")
    found = [files.find_weights(name) if name.suffix == ".pt" else files.find(name) for name in names]
    assert found == [tmp_path / "ultra_face" / name for name in names]
    assert page_folder() == tmp_path / "ultra_face" / "examples" / "browser"
    assert [name for name in PAGE if not (page_folder() / name).is_file()] == []


def test_modules_that_are_named_in_text_only_are_packed(hook):
    assert {*STORED_CLASSES, *ultra_face._HOMES.values(), "ultra_face.plugin.host"} <= {*hook["hiddenimports"]}
    assert all(importlib.util.find_spec(module) for module in hook["hiddenimports"])
    assert not any("pyinstaller" in module for module in hook["hiddenimports"])
