from __future__ import annotations

import cv2
import numpy as np
import pytest

from ultra_face.data.image_store import ImageArchive, ImageFolder, image_size


def test_folder_and_archive_give_the_same_bytes(official_source, official_archives):
    folder = ImageFolder(official_source / "WIDER_train" / "images")
    archive = ImageArchive(official_archives / "WIDER_train.zip", prefix="WIDER_train/images/")
    assert folder.read("0--Parade/train.jpg") == archive.read("0--Parade/train.jpg")
    assert folder.file("0--Parade/train.jpg").is_absolute()
    assert archive.file("0--Parade/train.jpg") is None


def test_missing_images(official_source, official_archives):
    with pytest.raises(FileNotFoundError, match=r"x\.jpg is not in .*images"):
        ImageFolder(official_source / "WIDER_train" / "images").read("x.jpg")
    with pytest.raises(FileNotFoundError, match=r"WIDER_train/images/x\.jpg is not in .*WIDER_train\.zip"):
        ImageArchive(official_archives / "WIDER_train.zip", prefix="WIDER_train/images/").read("x.jpg")


def test_a_truncated_archive(official_archives):
    path = official_archives / "WIDER_train.zip"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match=r"WIDER_train\.zip: expected a complete zip archive, got a damaged one"):
        ImageArchive(path, prefix="WIDER_train/images/")


def test_an_archive_with_a_damaged_image(official_archives):
    path = official_archives / "WIDER_train.zip"
    content = bytearray(path.read_bytes())
    content[200] ^= 0xFF
    path.write_bytes(content)
    archive = ImageArchive(path, prefix="WIDER_train/images/")
    with pytest.raises(ValueError, match=r"0--Parade/train\.jpg is damaged .*; fetch the archive again"):
        archive.read("0--Parade/train.jpg")


def test_image_size():
    png = cv2.imencode(".png", np.zeros((30, 40, 3), np.uint8))[1].tobytes()
    assert image_size(png) == (40, 30)
    assert image_size(b"") is None
    assert image_size(b"no image") is None
