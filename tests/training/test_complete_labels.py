"""Labels are completed where teachers agree, and only there; what one of them sees is neither face nor background."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from training import complete_labels
from training.complete_labels import Terms, complete, hide
from ultra_face.faces import Faces
from ultra_face.formats.annotation import FaceAnnotations
from ultra_face.formats.yolo_pose import read_faces

POINTS = np.array([[3, 4], [7, 4], [5, 6], [3, 8], [7, 8]], np.float32)
TERMS = Terms(votes=2, score=0.3, landmark_score=0.4, doubt=0.13)


def labels(*boxes_xywh: tuple[float, ...], described: bool = False) -> FaceAnnotations:
    n = len(boxes_xywh)
    landmarks = np.zeros((n, 5, 3))
    if described:
        landmarks[..., 2] = 2
    return FaceAnnotations("a.jpg", "a.txt", np.reshape(boxes_xywh, (n, 4)).astype(float), landmarks, np.zeros(n, bool))


def found(*faces: tuple[float, float, float], votes: int = 2, side: float = 10) -> Faces:
    """Square faces of left, top and score that so many teachers see."""
    left_top = np.reshape([face[:2] for face in faces], (-1, 2)).astype(np.float32)
    scores = np.array([face[2] for face in faces], np.float32)
    boxes = np.concatenate([left_top, left_top + side], axis=1)
    data = {"votes": np.full(len(faces), votes)}
    return Faces(boxes, POINTS * side / 10 + left_top[:, None], scores, data=data)


def test_a_face_that_teachers_agree_on_is_added() -> None:
    completed, ignored, added = complete(labels((50, 50, 10, 10)), found((0, 0, 0.5)), TERMS)
    assert completed.boxes_xywh.tolist() == [[50, 50, 10, 10], [0, 0, 10, 10]]
    np.testing.assert_allclose(completed.landmarks[1, :, :2], POINTS)
    assert completed.landmarks[1, :, 2].tolist() == [2] * 5
    assert (ignored.tolist(), dict(added)) == ([], {"faces": 1, "landmarks": 0, "ignored": 0})


def test_labels_keep_their_classes() -> None:
    completed, _, _ = complete(replace(labels((50, 50, 10, 10)), classes=np.array([2])), found((0, 0, 0.5)), TERMS)
    assert completed.class_numbers.tolist() == [2, 0]


@pytest.mark.parametrize(
    ("voted", "ignored"),
    [
        (found((0, 0, 0.9), votes=1), [[0, 0, 10, 10]]),
        (found((0, 0, 0.2)), [[0, 0, 10, 10]]),
        (found((0, 0, 0.1), votes=1), []),
        (found(), []),
    ],
    ids=["one vote", "a low score", "hardly anything", "nothing"],
)
def test_what_teachers_do_not_agree_on_is_ignored(voted: Faces, ignored: list[list[float]]) -> None:
    completed, places, added = complete(labels(), voted, TERMS)
    assert (len(completed), places.tolist(), added["ignored"]) == (0, ignored, len(ignored))


def test_a_face_between_both_scores_has_no_landmarks() -> None:
    completed, _, added = complete(labels(), found((0, 0, 0.35)), TERMS)
    assert (added["faces"], completed.landmarks.tolist()) == (1, np.zeros((1, 5, 3)).tolist())


def test_a_tiny_face_has_no_landmarks() -> None:
    completed, _, _ = complete(labels((50, 50, 6, 6)), found((0, 0, 0.9), (50, 50, 0.9), side=6), TERMS)
    assert (len(completed), completed.landmarks.any()) == (2, False)


@pytest.mark.parametrize("votes", [1, 2])
def test_a_face_near_a_label_is_that_label(votes: int) -> None:
    # Overlap of 5 of 15 columns: 6 of 16 inclusively, more than NEAR_A_LABEL and less than SAME_FACE.
    completed, ignored, added = complete(labels((0, 0, 10, 10)), found((5, 0, 0.9), votes=votes), TERMS)
    assert (len(completed), len(ignored), added["landmarks"]) == (1, 0, 0)


def test_a_label_without_landmarks_gets_those_of_the_teachers() -> None:
    completed, _, added = complete(labels((1, 1, 10, 10)), found((0, 0, 0.9)), TERMS)
    np.testing.assert_allclose(completed.landmarks[0, :, :2], POINTS)
    assert (completed.boxes_xywh.tolist(), added["landmarks"]) == ([[1, 1, 10, 10]], 1)


def test_one_vote_gives_no_landmarks() -> None:
    completed, ignored, added = complete(labels((1, 1, 10, 10)), found((0, 0, 0.9), votes=1), TERMS)
    assert (completed.landmarks.any(), len(ignored), added["landmarks"]) == (False, 0, 0)


def test_landmarks_that_are_labelled_stay() -> None:
    completed, _, added = complete(labels((0, 0, 10, 10), described=True), found((0, 0, 0.9)), TERMS)
    assert completed.landmarks[0, :, :2].tolist() == [[0, 0]] * 5
    assert added["landmarks"] == 0


def test_ignored_places_are_blurred_and_labelled_faces_in_them_stay_sharp() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    before = image.copy()
    hidden = hide(image, np.array([[10.0, 10, 30, 30]]), labels((24, 24, 10, 10)))
    np.testing.assert_array_equal(image, before)
    changed = (hidden != image).any(axis=2)
    place = np.zeros((40, 40), bool)
    place[10:30, 10:30] = True
    place[24:34, 24:34] = False
    assert changed[place].mean() > 0.9
    assert not changed[~place].any()
    np.testing.assert_array_equal(hide(image, np.zeros((0, 4)), labels()), image)


class Bright:
    """A teacher that sees a face of 10 px at the first pixel as bright as it needs."""

    def __init__(self, least: int) -> None:
        self.least = least

    def __call__(self, image: np.ndarray) -> Faces:
        rows, columns = np.nonzero(image[..., 0] >= self.least)
        found_here = [(columns[0], rows[0], 0.9)] if len(rows) else []
        faces = found(*found_here)
        return Faces(faces.boxes_xyxy, faces.landmarks, faces.scores)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Two photographs without labelled faces, each with a spot on black; half of it is black, half bright or dim."""
    for name, value in (("bright", 250), ("dim", 150)):
        image = np.zeros((64, 64, 3), np.uint8)
        image[20:30, 20:25], image[20:30, 25:30] = value, 0
        for kind in ("images", "labels"):
            (tmp_path / "set" / kind / "train").mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "set" / "images" / "train" / f"{name}.png"), image)
        (tmp_path / "set" / "labels" / "train" / f"{name}.txt").write_text("")
    return tmp_path / "set"


def run(monkeypatch: pytest.MonkeyPatch, dataset: Path, *words: str) -> Path:
    output = dataset.parent / "out"
    line = ["complete_labels", str(dataset), "--output", str(output), "--sizes", "640", "--no-mirror", *words]
    monkeypatch.setattr(sys, "argv", line)
    monkeypatch.setattr(complete_labels, "open_teacher", lambda file: Bright(int(file.stem)))
    complete_labels.main()
    return output


def test_the_data_set_and_its_ignored_places_are_written(
    dataset: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = run(monkeypatch, dataset, "--teachers", "200.onnx", "100.onnx", "--blur")
    # 200 sees the bright spot alone, 100 sees both; the score of the dim one is 0.9 / 2.
    faces = read_faces(output / "labels" / "train" / "bright.txt", "bright.jpg", width=64, height=64)
    np.testing.assert_allclose(faces.boxes_xywh, [[20, 20, 10, 10]], atol=0.01)
    assert (output / "labels" / "train" / "dim.txt").read_text() == ""
    assert (output / "ignore.txt").read_text() == "dim.jpg 20.0 20.0 30.0 30.0\n"
    bright, dim = (cv2.imread(str(output / "images" / "train" / f"{name}.jpg")) for name in ("bright", "dim"))
    # Half 250 and half 0, half 150 and half 0: a standard deviation of 125 and 75, had none been blurred.
    assert bright[20:30, 20:30].std() > 110
    assert dim[20:30, 20:30].std() < 60
    assert "added 1 faces, and landmarks to 0 labels\n1 places to ignore:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--teachers", "1.onnx", "./1.onnx"], "--teachers: expected different files, got .*; name each once"),
        (["--teachers", "1.onnx"], "--teachers: expected 2 or more, which must agree, got 1; add one or lower --votes"),
        (["--teachers", "1.onnx", "2.onnx", "--votes", "3"], "expected 3 or more, which must agree, got 2"),
        (
            ["--teachers", "1.onnx", "2.onnx", "--sizes", "64000"],
            "--sizes: expected 10,240 px at most, got 64,000; choose",
        ),
    ],
)
def test_what_no_face_can_come_of_is_refused(
    dataset: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    with pytest.raises(SystemExit, match=f"complete_labels: .*{told}"):
        run(monkeypatch, dataset, *words)
    assert not (dataset.parent / "out").exists()


def test_other_terms_do_not_go_on_with_a_folder(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, dataset, "--teachers", "200.onnx", "100.onnx")
    with pytest.raises(SystemExit, match=r"expected a folder made from .*, got one whose .* states otherwise"):
        run(monkeypatch, dataset, "--teachers", "200.onnx", "100.onnx", "--score", "0.5")
