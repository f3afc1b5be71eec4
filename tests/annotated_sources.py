"""Fixtures: small folders of annotated images in every layout that is read."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from ultra_face.data.prepare import prepare_dataset

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
def voc_source(tmp_path):
    """Folder with Pascal VOC annotations of three images: two faces, one of them difficult; one face; no face."""
    source = tmp_path / "voc"
    boxes = {"a.jpg": [(10, 20, 40, 60), (50, 20, 70, 50)], "b.png": [(5, 5, 25, 25)], "c.jpg": []}
    for seed, (image, corners) in enumerate(boxes.items()):
        write_image(source / "images" / image, seed=seed)
        objects = "".join(
            f"<object><name>class {number}</name><difficult>{number}</difficult><bndbox><xmin>{x_min}</xmin>"
            f"<ymin>{y_min}</ymin><xmax>{x_max}</xmax><ymax>{y_max}</ymax></bndbox></object>"
            for number, (x_min, y_min, x_max, y_max) in enumerate(corners)
        )
        file = source / "annotations" / f"{image[0]}.xml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"<annotation><filename>{image[0]}.bmp</filename>{objects}</annotation>", encoding="utf-8")
    return source


@pytest.fixture
def landmark_source(tmp_path):
    """Folder with `landmarks.txt` of two photographs of 100 x 80 px."""
    source = tmp_path / "mtfl"
    for seed, name in enumerate(["AFLW/b.jpg", "lfw/a b.jpg"]):
        write_image(source / name, seed=seed)
    (source / "landmarks.txt").write_text(
        "AFLW/b.jpg 40 60 50 43 57 30 30 38 48 48\nlfw/a b.jpg 32 52 41 35 49 31 30 39 47 48\n", encoding="utf-8"
    )
    return source


@pytest.fixture
def prepared_voc(voc_source, tmp_path):
    """Prepared data set of the three images of `voc_source`, all for training."""
    prepare_dataset([voc_source], tmp_path / "prepared-voc")
    return tmp_path / "prepared-voc"


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
