"""What is counted of boxes by score and side: right ones, bins, errors; and what is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from ultra_face.evaluation.ground_truth import GroundTruth
from ultra_face.evaluation.outcome import draw_reliability, save_plot
from ultra_face.evaluation.protocol import evaluate
from ultra_face.evaluation.reliability import Judged, band_name, describe, first_of_each, join, reliability
from ultra_face.evaluation.report import report_folders
from ultra_face.formats.result_files import ResultFileError, write_predictions


def judged(scores: list[float], right: list[bool], sides: list[float] | None = None) -> Judged:
    number = len(scores)
    return Judged(
        np.array(scores),
        np.array(sides or [20.0] * number),
        np.array(right, np.bool_),
        np.zeros(number, np.int64),
        np.arange(number),
    )


def test_the_best_of_the_boxes_that_claim_a_face_is_right_and_the_first_of_equals() -> None:
    claims, scores = np.array([4, 4, -1, 7, 7]), np.array([0.3, 0.8, 0.9, 0.5, 0.5])
    assert first_of_each(claims, scores).tolist() == [False, True, False, True, False]


def test_boxes_on_ignored_faces_are_left_out_and_those_in_empty_images_are_wrong() -> None:
    faces = {"a/face": np.array([[0, 0, 9, 19], [50, 50, 20, 20]]), "a/empty": np.zeros((0, 4))}
    truth = GroundTruth.from_arrays(faces, {"all": {"a/face": np.array([True, False]), "a/empty": np.zeros(0, bool)}})
    rows = {
        "a/face": np.array([[0, 0, 9, 19, 0.9], [50, 50, 20, 20, 0.8], [0, 0, 9, 19, 0.7]]),
        "a/empty": np.array([[3, 3, 4, 9, 0.6]]),
    }
    found = evaluate(truth, rows).judged("all")
    assert found.boxes.tolist() == [0, 2, 3]
    assert found.right.tolist() == [True, False, False]
    assert found.images.tolist() == [0, 0, 1]
    np.testing.assert_allclose(found.sides, [math.sqrt(9 * 19), math.sqrt(9 * 19), 6])


def test_shares_and_errors_of_bins() -> None:
    # 0.15 and 0.25 are wrong, 0.95 and 1 right; 0.05 lies under the lowest edge.
    bands = reliability(judged([0.05, 0.15, 0.25, 0.95, 1.0], [True, False, False, True, True]))
    counted = bands[0.0, math.inf]
    assert counted.counts.tolist() == [1, 1, 0, 0, 0, 0, 0, 0, 2]
    assert counted.right.tolist() == [0, 0, 0, 0, 0, 0, 0, 0, 2]
    np.testing.assert_allclose(counted.shares[[0, 1, 8]], [0, 0, 1])
    assert np.isnan(counted.shares[2])
    # |0 - 0.15| + |0 - 0.25| + |2 - 1.95| over 4 boxes
    assert counted.calibration_error == pytest.approx(0.45 / 4)


def test_scores_that_are_chances_have_no_error() -> None:
    scores = np.repeat([0.25, 0.75], 400)
    right = np.tile([True, False, False, False], 100).tolist() + np.tile([True, True, True, False], 100).tolist()
    assert reliability(judged(scores.tolist(), right))[0.0, math.inf].calibration_error == pytest.approx(0)


def test_bands_have_their_lower_bound() -> None:
    bands = reliability(judged([0.5, 0.6, 0.7, 0.8], [True] * 4, [15.9, 16.0, 96.0, 5000.0]))
    assert {band_name(band): int(counted.counts.sum()) for band, counted in bands.items()} == {
        "0-16 px": 1,
        "16-32 px": 1,
        "32-96 px": 0,
        "96+ px": 2,
        "all": 4,
    }


def test_the_record_is_json_without_what_is_undefined() -> None:
    record = describe(reliability(judged([0.5, 0.6], [True, False])), frame="test")
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["side"] == "square root of width x height, px of the test"
    assert record["bands"]["0-16 px"]["calibration_error"] is None
    assert record["bands"]["16-32 px"] == {
        "boxes": 2,
        "right": 1,
        "calibration_error": 0.55,
        "bins": {
            "boxes": [0, 0, 0, 0, 1, 1, 0, 0, 0],
            "mean_score": [None] * 4 + [0.5, 0.6] + [None] * 3,
            "share_right": [None] * 4 + [1.0, 0.0] + [None] * 3,
        },
    }


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([], "expected boxes with scores, got none"),
        ([0.5, 3.0], "expected scores from 0 to 1, got 0.5 to 3"),
        ([0.5, -0.1], "expected scores from 0 to 1, got -0.1 to 0.5"),
        ([0.5, math.nan], "expected scores from 0 to 1, got nan to nan"),
        ([0.5, 0.5], "expected scores that tell boxes apart, got 0.5 for all 2"),
    ],
)
def test_scores_that_can_be_no_chance(scores: list[float], expected: str) -> None:
    with pytest.raises(ValueError, match=f"^{expected}"):
        reliability(judged(scores, [True] * len(scores)))


def test_images_in_one() -> None:
    both = join([judged([0.5], [True]), judged([0.6, 0.7], [False, True])])
    assert (both.scores.tolist(), both.right.tolist()) == ([0.5, 0.6, 0.7], [True, False, True])
    assert len(join([])) == 0


def test_picture_of_two_methods(tmp_path: Path) -> None:
    bands = reliability(judged([0.5] * 11 + [0.6], [True] * 12))
    figure = draw_reliability({"ours": bands, "theirs": bands})
    panel = figure.axes[0]
    assert [axis.get_title() for axis in figure.axes[:2]] == ["ours", "theirs"]
    curve = panel.get_lines()[-1]  # of all; the bin of 0.6 has one box only, which is too few to be drawn
    x, y = np.asarray(curve.get_xdata()), np.asarray(curve.get_ydata())
    np.testing.assert_allclose(x[~np.isnan(y)], [0.5])
    save_plot(figure, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def write_results(folder: Path, scores: list[float]) -> None:
    boxes = np.array([[10, 10, 20, 20], [60, 60, 30, 30], [200, 10, 40, 40]], float)
    write_predictions(folder, {"0--P/0_a": np.column_stack([boxes, scores])})


@pytest.fixture
def ground_truth(tmp_path: Path) -> Path:
    file = tmp_path / "gt.txt"
    file.write_text("0--P/0_a.jpg\n2\n10 10 20 20 0 0 0 0 0 0\n60 60 30 30 0 0 0 0 0 0\n")
    return file


def test_evaluation_of_result_files_has_it(tmp_path: Path, ground_truth: Path) -> None:
    for name, scores in (("ours", [0.9, 0.8, 0.3]), ("theirs", [9.0, 8.0, 3.0])):
        write_results(tmp_path / name, scores)
    record = report_folders(
        tmp_path / "ours", ground_truth, compare=[tmp_path / "theirs"], reliability_plot=None, json_file="-"
    )
    bands = record["reliability"]["bands"]
    assert record["reliability"]["faces"] == "all"
    assert (bands["16-32 px"]["boxes"], bands["16-32 px"]["right"], bands["32-96 px"]["right"]) == (2, 2, 0)
    # |1 - 0.9| + |1 - 0.8| + |0 - 0.3| over 3 boxes
    assert bands["all"]["calibration_error"] == pytest.approx(0.2)
    assert record["compared_reliability"] == {"ours": record["reliability"], "theirs": None}  # scores above 1


def test_a_picture_of_scores_that_are_all_equal_is_refused_and_nothing_is_written(
    tmp_path: Path, ground_truth: Path
) -> None:
    write_results(tmp_path / "flat", [0.5, 0.5, 0.5])
    picture, record = tmp_path / "picture.png", tmp_path / "record.json"
    with pytest.raises(ResultFileError, match=r"flat: expected scores that tell boxes apart, got 0\.5 for all 3"):
        report_folders(tmp_path / "flat", ground_truth, reliability_plot=picture, json_file=str(record))
    assert not picture.exists()
    assert not record.exists()
