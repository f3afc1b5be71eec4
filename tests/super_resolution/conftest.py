from __future__ import annotations

import pytest
import torch
from face_files import write_faces

from ultra_face.nn.srgan import Discriminator, Generator
from ultra_face.super_resolution.crops import CropSettings
from ultra_face.super_resolution.face_images import FaceImage, find_images


@pytest.fixture
def crops() -> CropSettings:
    return CropSettings(tile=32, min_face=16)


@pytest.fixture
def images(tmp_path, crops) -> list[FaceImage]:
    return find_images(write_faces(tmp_path / "faces"), tile=crops.tile, min_face=crops.min_face)


@pytest.fixture
def generator() -> Generator:
    torch.manual_seed(0)
    return Generator(4, blocks=1, width=8, light=True)


@pytest.fixture
def discriminator() -> Discriminator:
    torch.manual_seed(1)
    return Discriminator(4)
