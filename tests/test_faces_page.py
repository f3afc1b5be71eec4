"""The code of docs/faces.md runs as printed, from its top to its end, and does what the page says."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars
import pytest
from ultralytics.utils import ASSETS

from ultra_face import Face, Faces


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    shutil.copy(ASSETS / "zidane.jpg", folder / "photo.jpg")
    return folder


@pytest.fixture(scope="module")
def names(repository: Path, folder: Path) -> dict[str, Any]:
    """What the code of the page leaves."""
    page = (repository / "docs" / "faces.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 8
    left: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for block in blocks:
            exec(compile(block, "docs/faces.md", "exec"), left)
    return left


def test_faces_are_found_and_chosen(names: dict[str, Any]) -> None:
    assert len(names["faces"]) == 2
    assert isinstance(names["first"], Face)
    assert len(names["sure"]) == len(names["without_doubles"]) == 2
    assert names["in_reading_order"].data["name"].tolist() == ["Zinedine", "Carlo"]
    assert names["in_the_left_half"].data["name"].tolist() == ["Zinedine"]
    assert names["all_of_them"].data["name"].tolist() == ["Carlo", "Zinedine"]


def test_measures_are_of_these_people(names: dict[str, Any]) -> None:
    """Ancelotti looks almost into the camera, Zidane is seen from the side and looks to the right."""
    (ancelotti, zidane) = names["yaw"]
    assert abs(ancelotti) < 30
    assert zidane > 45
    assert np.abs(names["roll"]).max() < 30


def test_images_are_cut_out_pasted_and_hidden(names: dict[str, Any]) -> None:
    image = names["image"]
    assert names["crops"].shape == (2, 112, 112, 3)
    assert names["portraits"].shape == (2, 448, 384, 3)
    assert 0 < (names["together"] != image).any(axis=2).mean() < 0.1
    assert len(names["boxes"]) == 2
    for hidden in ("blurred", "in_blocks", "black", "covered", "without_points"):
        assert 0 < (names[hidden] != image).any(axis=2).mean() < 0.2


def test_files_hold_what_was_found(names: dict[str, Any], folder: Path) -> None:
    assert polars.read_csv(folder / "faces.csv")["name"].to_list() == ["Carlo", "Zinedine"]
    assert polars.read_parquet(folder / "faces.parquet")["source"].to_list() == ["photo.jpg"] * 2
    assert cv2.imread(str(folder / "faces.jpg")).shape == names["image"].shape
    assert isinstance(names["same"], Faces)
