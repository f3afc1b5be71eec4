"""One detector for many threads, processes and sizes of images: the answers of one thread, to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from small_models import photograph

from benchmarks.long_runs.together import in_processes, in_threads, same
from ultra_face import FaceDetector

NUM_SIZES = 30
Images = list[NDArray[np.uint8]]


@pytest.fixture(scope="module")
def images() -> Images:
    """Two images of each size."""
    noise = (255 * photograph(60).permute(0, 2, 3, 1).numpy()).astype(np.uint8)
    sides = np.random.default_rng(0).integers(32, 300, (NUM_SIZES, 2))
    return [cv2.resize(image, sides[index % NUM_SIZES].tolist()) for index, image in enumerate(noise)]


@pytest.mark.parametrize("name", ["dynamic", "pt"])
def test_threads_that_share_a_detector(name: str, small: Callable[[str], Path], images: Images) -> None:
    outcome = in_threads(small(name), images[:6], threads=8, rounds=1)
    assert outcome["answers"] == outcome["equal"] == 8 * 6


@pytest.mark.slow
def test_spawned_processes(small: Callable[[str], Path], images: Images) -> None:
    outcome = in_processes(small("dynamic"), images[:6], processes=2)
    assert outcome["answers"] == outcome["equal"] == 2 * 6


def test_the_sizes_of_earlier_images_change_nothing(small: Callable[[str], Path], images: Images) -> None:
    detector, other = (FaceDetector(small("dynamic"), imgsz=96) for _ in range(2))
    there = [detector(image) for image in images]
    back = [other(image) for image in images[::-1]]
    assert sum(map(len, there)) > len(images)
    assert all(map(same, there, back[::-1]))
    assert not same(there[0], there[1])
