"""What long runs are judged by: samples of this process, their drift, and the film."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from benchmarks.long_runs.arms import images_of_sizes
from benchmarks.long_runs.film import FRAMES_A_SHOT, HEIGHT, SHOTS, WIDTH, write_film
from benchmarks.long_runs.samples import Sample, memory_mb, num_threads, open_handles, steadiness, watch


def samples(memory: list[float], *, processor: float = 20, **others: Any) -> list[Sample]:
    """One sample each 100 images."""
    first = Sample(0, 0, 0, 500, 7, 2, processor, 30)._replace(**others)
    return [first._replace(images=100 * (i + 1), uss_mb=mb) for i, mb in enumerate(memory)]


def test_drift_is_that_of_medians_of_the_first_and_the_last_quarter() -> None:
    # A warm-up of a fifth of 1,000 images leaves 8 samples, whose quarters are 100, 102 and 104, 106: 101 to 105.
    judged = steadiness(samples([10, 50, 100, 102, 300, 103, 103, 103, 104, 106]), warm_up=0.2)
    assert judged.memory_mb == 101
    assert judged.memory_drift == pytest.approx(4 / 101)
    assert judged.peak_mb == 300
    assert judged.processor_drift == 0


def test_handles_and_threads_are_told_by_their_fewest_and_most() -> None:
    taken = samples([1] * 5)
    taken[3] = taken[3]._replace(handles=9, threads=1)
    assert steadiness(taken, warm_up=0)[3:5] == ((7, 9), (1, 2))


def test_too_few_samples_are_no_run() -> None:
    with pytest.raises(ValueError, match=r"expected 4 samples or more after the warm-up, got 3; sample more often"):
        steadiness(samples([1] * 4), warm_up=0.25)


def test_a_run_is_sampled_on_its_way() -> None:
    taken = watch(iter([2, 0, 1]), seconds=0)
    assert [(sample.images, sample.faces) for sample in taken] == [(1, 2), (2, 0), (3, 1)]


def test_what_this_process_has_is_seen(tmp_path: Path) -> None:
    own, resident = memory_mb()
    assert 0 < own <= resident
    handles, threads = open_handles(), num_threads()
    with (tmp_path / "file").open("w"):
        assert open_handles() == handles + 1
    assert num_threads() == threads >= 1
    block = np.ones(100_000_000, np.uint8)
    assert memory_mb()[0] - own == pytest.approx(100, abs=20)
    del block


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two minutes of drawn photographs."""
    folder = tmp_path_factory.mktemp("film")
    noise = np.random.default_rng(0).integers(0, 255, (SHOTS, 9, 16, 3), dtype=np.uint8)
    photographs = [folder / f"{index}.png" for index in range(SHOTS)]
    for file, image in zip(photographs, noise, strict=True):
        cv2.imwrite(str(file), cv2.resize(image, (320, 180)))
    assert write_film(folder / "film.mp4", photographs, minutes=2) == 2 * SHOTS * FRAMES_A_SHOT
    return folder / "film.mp4"


def test_the_film_repeats_a_minute(film: Path) -> None:
    with av.open(str(film)) as container:
        frames = [(frame.time, frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)]
    half = SHOTS * FRAMES_A_SHOT
    assert [time for time, _ in frames] == pytest.approx(np.arange(2 * half) * 60 / half)
    assert all(np.array_equal(frames[i][1], frames[i + half][1]) for i in range(half))
    assert frames[0][1].shape == (HEIGHT, WIDTH, 3)
    assert np.abs(frames[0][1].astype(int) - frames[4][1]).mean() > 5  # the camera moves


def test_images_come_in_so_many_sizes_beyond_the_end_of_the_film(film: Path) -> None:
    num_frames = 2 * SHOTS * FRAMES_A_SHOT
    shapes = [image.shape for image in images_of_sizes(film, num_images=num_frames + 20, num_sizes=20)]
    assert len(shapes) == num_frames + 20
    assert shapes[:20] == shapes[num_frames:]
    assert len(set(shapes)) == 20
