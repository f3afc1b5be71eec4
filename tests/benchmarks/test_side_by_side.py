"""Detectors side by side: what is measured, on which photographs, and what the record says."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from onnx_files import constant_file
from small_models import small_yaml

from benchmarks.side_by_side.contestant import ONNX_RUNTIME, PYTORCH, Settings, Stages
from benchmarks.side_by_side.host import host_models
from benchmarks.side_by_side.peer import Peer
from benchmarks.side_by_side.photographs import Photographs, find_photographs, from_data_yaml, from_folder
from benchmarks.side_by_side.timing import medians
from ultra_face.evaluation.accuracy import accuracy, best_threshold
from ultra_face.evaluation.ground_truth import GroundTruth
from ultra_face.evaluation.photographs import read_labelled
from ultra_face.faces import Faces

WIDTH, HEIGHT = 64, 48
BOX = (16, 12, 32, 36)  # xyxy of the one face [px]
POINTS = np.array([[20, 18], [28, 18], [24, 24], [20, 30], [28, 30]], np.float32)


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """Leave the threads of the process as they were: sums, and so what other tests train, depend on them."""
    before = torch.get_num_threads(), cv2.getNumThreads()
    yield
    torch.set_num_threads(before[0])
    cv2.setNumThreads(before[1])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """One photograph with one face, in a set named `crowd`."""
    for part in ("images", "labels"):
        (tmp_path / "crowd" / part / "val").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "crowd" / "images" / "val" / "a.jpg"), np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
    points = " ".join(f"{x / WIDTH} {y / HEIGHT} 2" for x, y in POINTS)
    (tmp_path / "crowd" / "labels" / "val" / "a.txt").write_text(f"0 0.375 0.5 0.25 0.5 {points}\n")
    content = {"path": str(tmp_path), "train": "crowd/images/val", "val": ["crowd/images/val"], "names": {0: "face"}}
    (tmp_path / "data.yaml").write_text(yaml.safe_dump(content | {"kpt_shape": [5, 3]}))
    return tmp_path / "data.yaml"


@pytest.fixture
def rfb_file(tmp_path: Path) -> Path:
    """RFB that always finds the face of `data`."""
    corners = np.array([[[16 / WIDTH, 12 / HEIGHT, 32 / WIDTH, 36 / HEIGHT]]])
    outputs = {"scores": np.array([[[0.1, 0.9]]]), "boxes": corners}
    return constant_file(tmp_path / "version-RFB-tiny.onnx", outputs, (1, 3, HEIGHT, WIDTH))


def faces(*, shift: float = 0.0, landmarks: bool = True) -> Faces:
    points = POINTS + shift if landmarks else np.full_like(POINTS, np.nan)
    return Faces(np.array([BOX], np.float32), points[None], np.array([0.9], np.float32))


def test_the_labels_of_a_data_yaml_in_pixels(data: Path) -> None:
    photographs = from_data_yaml(data)
    assert list(photographs.files) == ["crowd/a"]
    assert photographs.truth is not None
    np.testing.assert_allclose(photographs.truth.boxes_xywh, [[16, 12, 16, 24]])
    # 24 px high: counted from 10 px on, not from 30.
    assert photographs.truth.counts() == {"all": 1, "from 50 px": 0, "from 30 px": 0, "from 10 px": 1}
    np.testing.assert_allclose(photographs.landmarks["crowd/a"].landmarks[0, :, :2], POINTS)


def test_a_face_found_and_one_missed(data: Path) -> None:
    photographs = from_data_yaml(data)
    found = accuracy(photographs, {"crowd/a": faces(shift=2.0)})
    assert found["ap50"] == {"all": 1.0, "from 50 px": None, "from 30 px": None, "from 10 px": 1.0}
    assert found["by_height"] == {"0-20 px": None, "20-50 px": 1.0, "50-inf px": None}
    assert found["by_set"] == {"crowd": 1.0}
    # 2 px in x and y over the geometric mean of 16 and 24 px.
    assert found["landmarks"]["nme_box"] == pytest.approx(8**0.5 / 384**0.5, abs=1e-5)
    nothing = Faces(np.zeros((0, 4), np.float32), np.zeros((0, 5, 2), np.float32), np.zeros(0, np.float32))
    assert accuracy(photographs, {"crowd/a": nothing})["ap50"]["all"] == 0.0


def test_the_threshold_weighs_sets_alike() -> None:
    """One false alarm of score 0.4 beside one face of 0.9, and a hundred faces of 0.3: sets count, not faces."""
    box, elsewhere = [0.0, 0.0, 20.0, 20.0], [100.0, 0.0, 20.0, 20.0]
    crowd = np.array([[40.0 * column, 40.0 * row, 20.0, 20.0] for row in range(10) for column in range(10)])
    boxes = {"portraits/a": np.array([box]), "crowd/a": crowd}
    truth = GroundTruth.from_arrays(
        boxes, {"all": {name: np.ones(len(rows), np.bool_) for name, rows in boxes.items()}}
    )
    rows = {
        "portraits/a": np.array([[*box, 0.9], [*elsewhere, 0.4]]),
        "crowd/a": np.array([[*face, 0.3 if index < 20 else 0.5] for index, face in enumerate(crowd)]),
    }
    best = best_threshold(truth, rows, "all")
    # Over 0.4 portraits have F1 1 and crowds 2 x 80 / (80 + 100); at 0.3 and below 2/3 and 1.
    assert 0.4 < best["confidence"] <= 0.5
    assert best["f1"] == pytest.approx((1 + 160 / 180) / 2, abs=1e-4)
    assert best["sets"]["portraits"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert best["sets"]["crowd"] == {"precision": 1.0, "recall": 0.8, "f1": round(160 / 180, 4)}


def test_landmarks_that_a_detector_does_not_have_are_no_figure(data: Path) -> None:
    found = accuracy(from_data_yaml(data), {"crowd/a": faces(landmarks=False)})
    assert (found["ap50"]["all"], found["landmarks"]) == (1.0, None)


def test_medians_are_of_each_step_and_of_the_sum() -> None:
    slow, fast, middle = (0.001, 0.002, 0.030, 0.004), (0.003, 0.002, 0.010, 0.004), (0.002, 0.002, 0.020, 0.005)
    stages = [Stages(*seconds) for seconds in (slow, fast, middle)]
    # Sums 37, 19 and 29 ms: their median is not the sum of the medians, 28.
    assert medians(stages) == {"read": 2.0, "preprocess": 2.0, "model": 20.0, "postprocess": 4.0, "end_to_end": 29.0}


def test_a_sample_is_spread_over_the_photographs() -> None:
    photographs = Photographs({str(index): Path(str(index)) for index in range(10)})
    assert photographs.sample(5) == [Path(str(index)) for index in (0, 2, 4, 6, 8)]
    assert len(photographs.sample(99)) == 10
    assert list(photographs.thinned(2).files) == ["0", "5"]


def test_fewer_photographs_keep_their_labels(data: Path) -> None:
    whole = from_data_yaml(data)
    thinned = whole.thinned(1)
    assert thinned.truth is not None
    assert thinned.truth.counts() == whole.truth.counts()
    assert list(thinned.landmarks) == ["crowd/a"]


def test_a_list_of_images_is_a_set_of_its_own(data: Path) -> None:
    (data.parent / "val.txt").write_text(f"{data.parent / 'crowd' / 'images' / 'val' / 'a.jpg'}\n")
    photographs = read_labelled([data.parent / "val.txt"])
    assert list(photographs.files) == ["val/000000"]
    np.testing.assert_allclose(photographs.truth.boxes_xywh, [[16, 12, 16, 24]])


@pytest.mark.parametrize("both", [False, True])
def test_photographs_come_from_one_place(both: bool, data: Path) -> None:
    with pytest.raises(ValueError, match="give one of --data and --images"):
        find_photographs(data if both else None, data.parent if both else None, None)


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="expected images, found none; give their folder"):
        from_folder(tmp_path)


def test_an_image_that_does_not_decode_is_named(data: Path) -> None:
    photograph = data.parent / "crowd" / "images" / "val" / "a.jpg"
    photograph.write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"a\.jpg: does not decode as an image"):
        from_data_yaml(data)


def test_a_peer_finds_its_face_and_takes_its_time(rfb_file: Path, data: Path) -> None:
    (photograph,) = from_data_yaml(data).files.values()
    found, stages = Peer(rfb_file).open(Settings())(photograph)
    np.testing.assert_allclose(found.boxes_xyxy, [BOX], atol=1e-4)
    assert all(seconds > 0 for seconds in stages)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the exporter, see test_exported_models.py
def test_both_runtimes_of_a_model_find_the_same(data: Path, tmp_path: Path) -> None:
    wider = small_yaml("AnchorPose") | {"backbone": [[-1, 1, "Conv", [48, 3, 2]] for _ in range(5)]}
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(wider))  # Ultralytics takes a smaller export for a broken one
    (tmp_path / "made").mkdir()
    models = host_models(str(tmp_path / "small.yaml"), tmp_path / "made", size=64, runtimes=(PYTORCH, ONNX_RUNTIME))
    assert [model.runtime for model in models] == [PYTORCH, ONNX_RUNTIME]
    assert not any(model.is_trained for model in models)
    (photograph,) = from_data_yaml(data).files.values()
    results = [model.open(Settings(size=64, confidence=0.0, max_det=1))(photograph) for model in models]
    assert len(results[0][0]) == 1
    assert np.isfinite(results[0][0].landmarks).all()
    np.testing.assert_allclose(results[0][0].scores, results[1][0].scores, rtol=1e-3)
    np.testing.assert_allclose(results[0][0].boxes_xyxy, results[1][0].boxes_xyxy, atol=0.05)
    assert all(stages.model > 0 for _, stages in results)


@pytest.mark.slow
def test_the_command_writes_a_record(repository: Path, rfb_file: Path, data: Path, tmp_path: Path) -> None:
    tool = [sys.executable, repository / "tools" / "benchmark.py", rfb_file, "--data", data]
    options = ["--data-name", "one grey photograph", "--name", "tiny", "--output", tmp_path / "out", "--threads", "1"]
    subprocess.run([*tool, *options], check=True, capture_output=True)
    record = json.loads((tmp_path / "out" / "benchmark-tiny.json").read_text())
    (row,) = record["rows"]
    assert (row["model"], row["runtime"], row["ap50"]["all"]) == ("Ultra-Light RFB", "ONNX Runtime", 1.0)
    assert record["provenance"]["data"] == "one grey photograph"
    assert row["ms"]["1"]["end_to_end"] > 0


@pytest.mark.slow
def test_an_unknown_detector_is_one_sentence(repository: Path, rfb_file: Path, data: Path) -> None:
    other = shutil.copy(rfb_file, rfb_file.with_name("other.onnx"))
    tool = [sys.executable, repository / "tools" / "benchmark.py", other, "--data", data]
    done = subprocess.run([*tool, "--data-name", "x", "--name", "x"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "expected a file named like one of" in done.stderr.splitlines()[-1]
