from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

LABELS = """# one/a.jpg
10 20 30 40 15 30 0 30 30 0 22 40 0 16 50 0 29 50 1 0.9
50 10 1 1
# b.jpg
-1 -1 -1 -1
5 5 20 20 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 0.5
# c.png
"""
"""Three images of 100 x 80 px: a face with landmarks and a box of 1 px; a box outside the image and a face
without landmarks; no face."""


def write_image(path: Path, width: int = 100, height: int = 80, seed: int = 0) -> None:
    """Save a smooth picture of random colours."""
    colours = np.random.default_rng(seed).integers(0, 256, (4, 4, 3)).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), cv2.resize(colours, (width, height)))


@pytest.fixture
def retinaface_source(tmp_path):
    """Folder with `label.txt`, `images/`, and lists of two splits."""
    source = tmp_path / "source"
    for seed, name in enumerate(["one/a.jpg", "b.jpg", "c.png"]):
        write_image(source / "images" / name, seed=seed)
    (source / "label.txt").write_text(LABELS, encoding="utf-8")
    (source / "train.txt").write_text("one/a.jpg\nc.png\n\n", encoding="utf-8")
    (source / "dev.txt").write_text("b.jpg\n", encoding="utf-8")
    return source


@pytest.fixture
def official_source(tmp_path):
    """Folder with the unpacked official release: one image with a valid and an invalid face a split."""
    source = tmp_path / "official"
    for seed, split in enumerate(["train", "val"]):
        write_image(source / f"WIDER_{split}" / "images" / "0--Parade" / f"{split}.jpg", seed=seed)
        box_list = source / "wider_face_split" / f"wider_face_{split}_bbx_gt.txt"
        box_list.parent.mkdir(exist_ok=True)
        box_list.write_text(
            f"0--Parade/{split}.jpg\n2\n10 20 30 40 0 0 0 0 0 0 \n50 20 30 40 0 0 0 1 0 0 \n",
            encoding="utf-8",
        )
    return source


@pytest.fixture
def official_archives(official_source, tmp_path):
    """Folder with the same release as the three zip archives."""
    folder = tmp_path / "archives"
    folder.mkdir()
    for name in ("WIDER_train", "WIDER_val", "wider_face_split"):
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            for path in sorted((official_source / name).rglob("*.*")):
                archive.write(path, path.relative_to(official_source).as_posix())
    return folder
