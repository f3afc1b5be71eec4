from __future__ import annotations

import json
import runpy
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ultra_face.evaluation.landmarks import (
    box_sizes,
    eye_distances,
    landmark_accuracy,
    normalised_errors,
    report_landmarks,
    select_images,
)
from ultra_face.formats.widerface import ImageSetError

FACE = np.array([[10.0, 10], [20, 10], [15, 15], [11, 20], [19, 20]])
ALL = np.ones((1, 5), bool)


def test_box_size_is_the_geometric_mean_of_the_sides():
    assert_allclose(box_sizes(np.array([[0.0, 0, 4, 9], [5, 5, 0, 3]])), [6, 0])


def test_eye_distance_needs_both_eyes():
    without = np.array([[True, False, True, True, True]])
    assert_allclose(eye_distances(FACE[None], ALL), [10])
    assert_array_equal(eye_distances(FACE[None], without), [np.nan])


def test_errors_are_distances_over_size():
    # the nose is 3 right and 4 below its place: 5 px of 20 px
    predicted = FACE.copy()
    predicted[2] += [3, 4]
    errors = normalised_errors(predicted[None], FACE[None], ALL, np.array([20.0]))
    assert_allclose(errors, [[0, 0, 0.25, 0, 0]])


def test_errors_are_undefined_where_landmark_or_size_is():
    visible = np.array([[True, True, False, True, True]] * 3)
    errors = normalised_errors(np.stack([FACE] * 3), np.stack([FACE] * 3), visible, np.array([20.0, 0.0, np.nan]))
    assert_array_equal(errors, [[0, 0, np.nan, 0, 0], [np.nan] * 5, [np.nan] * 5])


def test_accuracy():
    # face errors: (0.02 + 0.04) / 2 = 0.03; 0.2; none defined
    errors = np.array([[0.02, 0.04], [np.nan, 0.2], [np.nan, np.nan]])
    accuracy = landmark_accuracy(errors)
    assert_allclose(accuracy.face_errors, [0.03, 0.2])
    assert_allclose(accuracy.nme, 0.115)
    assert_allclose(accuracy.failure_rate, 1 / 2)
    assert_allclose(accuracy.per_landmark, [0.02, 0.12])


def test_area_under_the_cumulative_error_curve():
    # at 0.1 the curve is 0 up to 0.03, then 1/2 of the faces: 0.5 * 0.07 of 0.1
    errors = np.array([[0.03], [0.2]])
    assert_allclose(landmark_accuracy(errors).auc, 0.5 * 0.7)
    assert_allclose(landmark_accuracy(np.zeros((3, 5))).auc, 1)
    # a fine sum over the curve gives the same
    many = np.random.default_rng(0).gamma(2, 0.03, (500, 1))
    x = (np.arange(20_000) + 0.5) / 20_000 * 0.1
    area = (many[:, 0][None] <= x[:, None]).mean()
    assert_allclose(landmark_accuracy(many).auc, area, atol=1e-4)


def test_an_error_of_exactly_the_threshold_is_no_failure():
    assert landmark_accuracy(np.array([[0.1], [0.11]])).failure_rate == 0.5
    assert landmark_accuracy(np.array([[0.1], [0.11]]), failure_threshold=0.2).failure_rate == 0


def test_accuracy_without_faces_is_undefined():
    accuracy = landmark_accuracy(np.zeros((0, 5)))
    assert np.isnan([accuracy.nme, accuracy.failure_rate, accuracy.auc, *accuracy.per_landmark]).all()
    assert accuracy.face_errors.shape == (0,)


# eyes 10 px apart in a box of 20 x 20 px; the second face shows no landmark
ANNOTATED = "# e/a.jpg\n0 0 20 20 5 5 0 15 5 0 10 10 0 6 15 0 14 15 0 0.9\n50 0 20 20\n# e/b.jpg\n0 0 20 20"
ANNOTATED += " 5 5 0 15 5 0 10 10 0 6 15 0 14 15 0\n"
# the nose is 1 px off in the first image; nothing is found in the second
PREDICTED = "# e/a.jpg\n0 0 20 20 5 5 0 15 5 0 10 11 0 6 15 0 14 15 0 0.9\n# e/b.jpg\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "annotated.txt").write_text(ANNOTATED)
    (tmp_path / "predicted.txt").write_text(PREDICTED)
    return tmp_path / "predicted.txt", tmp_path / "annotated.txt"


def test_record_and_table(files, capsys):
    record = report_landmarks(*files)
    assert (record["num_annotated"], record["num_matched"]) == (2, 1)
    # one of five landmarks is 1 px off: 1/20 of the box, 1/10 of the eye distance; a fifth of that on average
    assert record["box size"]["per_landmark"]["nose"] == pytest.approx(1 / 20)
    assert record["box size"]["nme"] == pytest.approx(1 / 100)
    assert record["eye distance"]["nme"] == pytest.approx(1 / 50)
    assert record["box size"]["auc"] == pytest.approx(0.9)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Landmarks: 1 of 2 faces with landmarks were found"
    assert " ".join(lines[2].split()) == "box size 1 1.00 0.00 0.900 0.00 0.00 5.00 0.00 0.00"
    assert " ".join(lines[3].split()) == "eye distance 1 2.00 0.00 0.800 0.00 0.00 10.00 0.00 0.00"


def test_tool(files, tmp_path, repository, monkeypatch, capsys):
    predicted, annotated = map(str, files)
    arguments = ["--predictions", predicted, "--annotations", annotated, "--json", "-"]
    monkeypatch.setattr(sys, "argv", ["eval_landmarks.py", *arguments, "--plot", str(tmp_path / "errors.png")])
    runpy.run_path(str(repository / "tools" / "eval_landmarks.py"), run_name="__main__")
    assert json.loads(capsys.readouterr().out)["num_matched"] == 1
    assert (tmp_path / "errors.png").is_file()


def test_json_file_beside_the_table(files, tmp_path, capsys):
    report_landmarks(*files, json_file=str(tmp_path / "out.json"))
    assert json.loads((tmp_path / "out.json").read_text())["box size"]["num_faces"] == 1
    assert capsys.readouterr().out.startswith("Landmarks: 1 of 2")


def test_subset_list(files, tmp_path, capsys):
    (tmp_path / "list.txt").write_text("e/b.jpg\n")
    record = report_landmarks(*files, subset_list=tmp_path / "list.txt")
    assert (record["num_annotated"], record["num_matched"]) == (1, 0)
    assert record["box size"]["nme"] is None
    assert "box size      0       -" in capsys.readouterr().out


def test_images_that_are_not_there(files, tmp_path):
    (tmp_path / "list.txt").write_text("e/c.jpg\n")
    with pytest.raises(ImageSetError, match=r"annotated\.txt: lacks 1 images: e/c\.jpg"):
        report_landmarks(*files, subset_list=tmp_path / "list.txt")
    (tmp_path / "predicted.txt").write_text("# e/a.jpg\n")
    with pytest.raises(ImageSetError, match=r"no predictions for 1 of 2 images: e/b\.jpg"):
        report_landmarks(*files)


def test_images_without_predictions_count_as_not_found(files):
    (files[0].parent / "predicted.txt").write_text(PREDICTED.splitlines(keepends=True)[2])  # of the second image alone
    with pytest.raises(ImageSetError, match=r"no predictions for 1 of 2 images: e/a\.jpg; .* with --allow-missing$"):
        report_landmarks(*files)
    record = report_landmarks(*files, allow_missing=True)
    assert (record["num_annotated"], record["num_matched"]) == (2, 0)


def test_the_table_is_told_where_there_is_nothing_to_draw(files, tmp_path, capsys):
    (tmp_path / "predicted.txt").write_text("# e/a.jpg\n# e/b.jpg\n")
    with pytest.raises(ValueError, match="expected the landmark error of at least one face, got none"):
        report_landmarks(*files, plot=tmp_path / "errors.png")
    assert capsys.readouterr().out.startswith("Landmarks: 0 of 2")


@pytest.mark.data
def test_a_shift_of_known_size_on_real_annotations(shared_data, tmp_path):
    annotated = shared_data / "wider-train-649" / "label.txt"
    shifted = []
    for line in annotated.read_text().splitlines():
        values = line.split()
        if line.startswith("#") or len(values) < 20 or values[4] == "-1":
            shifted.append(line)
            continue
        side = 0.05 * np.sqrt(float(values[2]) * float(values[3]))
        points = [float(value) + side * (at % 3 == 0) for at, value in enumerate(values[4:19])]
        shifted.append(" ".join(map(str, [*values[:4], *points, values[19]])))
    (tmp_path / "shifted.txt").write_text("\n".join(shifted))
    record = report_landmarks(tmp_path / "shifted.txt", annotated)
    # every landmark lies 5 % of the box size to the right of its place
    assert record["num_matched"] == record["num_annotated"] == 2129
    assert record["box size"]["nme"] == pytest.approx(0.05)
    assert record["box size"]["failure_rate"] == 0


def test_selection():
    faces = {"a": 1, "b": 2}
    assert select_images(faces, None, source="x") == faces
    assert select_images(faces, ["b"], source="x") == {"b": 2}
    with pytest.raises(ImageSetError, match="x: lacks 1 images: c"):
        select_images(faces, ["b", "c"], source="x")
