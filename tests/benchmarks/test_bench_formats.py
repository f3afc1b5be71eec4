"""What is measured of formats: which faces are the same, where a run time is looked for, and how failures are told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from some_faces import empty, faces_at, some_faces

from benchmarks.bench_formats import interpreter, run
from benchmarks.formats.measure import megabytes, shifts
from benchmarks.formats.run_times import NOT_TRIED, RUN_TIMES


def test_faces_in_another_order_are_the_same() -> None:
    faces = some_faces()
    assert shifts(faces, faces[[2, 0, 1]]).tolist() == [0, 0, 0]


def test_the_largest_shift_counts() -> None:
    faces = some_faces()
    landmarks = faces.landmarks.copy()
    landmarks[1, 3, 0] += 2
    moved = faces_at(*(faces.boxes_xyxy + [0, 0, 0, 0.5]).tolist())
    moved = type(faces)(moved.boxes_xyxy, landmarks, faces.scores)
    np.testing.assert_allclose(shifts(faces, moved), [0.5, 2, 0.5])


def test_a_face_that_only_one_has_is_none_of_them() -> None:
    here, there = (0, 0, 20, 20), (100, 0, 120, 20)
    assert len(shifts(faces_at(here, there), faces_at(there))) == 1
    assert len(shifts(faces_at(here), faces_at(there))) == 0  # each other's nearest, but 100 px apart
    assert len(shifts(faces_at(here), faces_at(here, here))) == 1  # one of the two
    assert len(shifts(empty(), faces_at(here))) == len(shifts(faces_at(here), empty())) == 0


def test_the_size_of_a_folder_is_that_of_its_files_but_for_another_format(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    for name in ("a", "inner/b", "c.tflite"):
        (tmp_path / name).write_bytes(bytes(500_000))
    assert megabytes(tmp_path) == 1
    assert megabytes(tmp_path / "a") == megabytes(tmp_path / "c.tflite") == 0.5


def test_where_a_run_time_is_looked_for(tmp_path: Path) -> None:
    assert interpreter("OpenVINO as it is", None) == (Path(sys.executable), "ultra-face[export]")
    for environments in (None, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"no environment; run tools/check_formats --environments DIR ncnn"):
            interpreter("NCNN", environments)
    (tmp_path / "ncnn").mkdir()
    (tmp_path / "ncnn" / "made-of").write_text("/beneath\nncnn pnnx\n")
    assert interpreter("NCNN", tmp_path) == (tmp_path / "ncnn" / "bin" / "python", "ncnn pnnx")


def test_a_failure_says_its_last_line(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho began >&2; echo $2: no such operator: $3 >&2; exit 3\n")
    python.chmod(0o755)
    with pytest.raises(ValueError, match=r"failed with status 3: benchmarks.formats.measure: no such operator: NCNN"):
        run("NCNN", python, tmp_path)


def test_the_tool_has_an_environment_for_each_run_time_that_needs_one(repository: Path) -> None:
    tool = repository / "tools" / "check_formats"
    done = subprocess.run([tool, "ncny"], capture_output=True, text=True)
    expected = "tools/check_formats: expected ncnn mnn litert paddle executorch saved_model opencv coreml, got ncny\n"
    assert (done.returncode, done.stderr) == (1, expected)
    named = {run_time.environment for run_time in RUN_TIMES.values()} - {None}
    assert named | {"coreml"} == set(expected.split("expected ")[1].split(",")[0].split())
    assert not RUN_TIMES.keys() & NOT_TRIED.keys()
