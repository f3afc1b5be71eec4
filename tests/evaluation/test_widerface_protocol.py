"""Hand-drawn cases of the WIDER FACE protocol; the arithmetic stands beside each expected value.

Faces A and B are 10 x 10 pixels each (`x y w h` with w = h = 9, since corners are inclusive) and far apart.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from ultra_face.evaluation.ground_truth import GroundTruth
from ultra_face.evaluation.protocol import evaluate
from ultra_face.formats.result_files import ResultFileError
from ultra_face.formats.widerface import ImageSetError

A, B = [0, 0, 9, 9], [100, 0, 9, 9]
NOWHERE = [500, 500, 9, 9]
IMAGE = "0--Parade/a"


def truth(*faces, image=IMAGE):
    """Ground truth of one image from (box, counts) pairs."""
    boxes = np.array([box for box, _ in faces], float).reshape(-1, 4)
    counts = np.array([counts for _, counts in faces], bool)
    return GroundTruth.from_arrays({image: boxes}, {"hard": {image: counts}})


def found(*detections):
    """Predictions of that image from (box, score) pairs."""
    return {IMAGE: np.array([[*box, score] for box, score in detections], float).reshape(-1, 5)}


def hard(ground_truth, predictions, **settings):
    return evaluate(ground_truth, predictions, **settings).subsets()["hard"]


def test_both_faces_found_and_nothing_else_is_perfect():
    assert hard(truth((A, True), (B, True)), found((A, 0.9), (B, 0.8))).ap == 1.0


def test_an_image_without_faces_takes_no_part():
    curve = hard(truth(), found((A, 0.9)))
    assert curve.num_faces == 0
    assert np.isnan(curve.ap)
    assert np.isnan(curve.recall).all()
    assert curve.proposals[-1] == 0  # the tools skip the image, so its detection is no false alarm


def test_where_all_faces_are_ignored_there_is_no_average_precision():
    curve = hard(truth((A, False), (B, False)), found((A, 0.9), (NOWHERE, 0.8)))
    assert np.isnan(curve.ap)
    assert curve.proposals[-1] == 1  # the one in A is left out, the one nowhere is a false alarm


def test_no_detections_give_zero():
    curve = hard(truth((A, True)), found())
    assert curve.ap == 0.0
    assert_allclose(curve.recall, np.zeros(1000))
    assert_allclose(curve.precision, np.zeros(1000))


def test_a_second_detection_of_a_face_is_wrong():
    # after 0.9: P 1/1, R 1/2; after 0.8 (A again): P 1/2, R 1/2; after 0.7: P 2/3, R 2/2
    # AP = 1/2 * 1 + 1/2 * 2/3 = 5/6
    curve = hard(truth((A, True), (B, True)), found((A, 0.9), (A, 0.8), (B, 0.7)))
    assert_allclose(curve.ap, 5 / 6)
    assert curve.proposals[-1] == 3
    assert curve.found[-1] == 2


def test_detections_need_not_be_sorted():
    # the same three detections, worst first; the common script would count all three at the first threshold,
    # since the last of them passes it: P 2/3 at R 1, AP 2/3
    curve = hard(truth((A, True), (B, True)), found((B, 0.7), (A, 0.8), (A, 0.9)))
    assert_allclose(curve.ap, 5 / 6)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0)])
def test_equal_scores_enter_together_whatever_their_order(order):
    # at 0.9: one hit, one false alarm: P 1/2, R 1/2; at 0.8: P 2/3, R 1
    # the best precision at R >= 1/2 is 2/3, so AP = 1/2 * 2/3 + 1/2 * 2/3 = 2/3
    rows = [(A, 0.9), (NOWHERE, 0.9), (B, 0.8)]
    curve = hard(truth((A, True), (B, True)), found(*[rows[i] for i in order]))
    assert_allclose(curve.ap, 2 / 3)


def test_all_scores_equal_give_one_operating_point():
    # P 1/2 at R 1/2, reached at every threshold: AP = 1/2 * 1/2
    curve = hard(truth((A, True), (B, True)), found((A, 0.3), (NOWHERE, 0.3)))
    assert_allclose(curve.ap, 1 / 4)
    assert_allclose(curve.precision, np.full(1000, 0.5))


def test_a_detection_on_an_ignored_face_is_left_out():
    # the highest score lies on the ignored B; what counts is one hit out of one proposal
    curve = hard(truth((A, True), (B, False)), found((B, 0.9), (A, 0.8)))
    assert curve.ap == 1.0
    assert curve.proposals[-1] == 1


def test_a_second_detection_on_an_ignored_face_is_left_out_too():
    assert hard(truth((A, True), (B, False)), found((B, 0.9), (B, 0.85), (A, 0.8))).ap == 1.0


def test_the_face_of_largest_overlap_is_claimed_even_if_it_is_ignored():
    # detection: rows 0..9; counted face: rows 0..7, IoU 80/100; ignored face: rows 1..9, IoU 90/100
    curve = hard(truth(([0, 0, 9, 7], True), ([0, 1, 9, 8], False)), found((A, 0.9)))
    assert curve.found[-1] == 0
    assert curve.proposals[-1] == 0


def test_of_equal_overlaps_the_first_face_is_claimed():
    assert hard(truth((A, True), (A, False)), found((A, 0.9))).found[-1] == 1
    assert hard(truth((A, False), (A, True)), found((A, 0.9))).found[-1] == 0


@pytest.mark.parametrize(
    ("height", "is_found"),
    [
        (4, True),  # 10 x 5 of 10 x 10 pixels: IoU 50/100; with exclusive corners 9 * 4 / 81 = 0.44
        (3, False),  # 10 x 4 of 10 x 10 pixels: IoU 40/100
    ],
)
def test_an_overlap_of_one_half_in_inclusive_pixels_finds_the_face(height, is_found):
    assert hard(truth((A, True)), found(([0, 0, 9, height], 0.9))).found[-1] == is_found


def test_a_face_of_negative_size_is_never_found_but_counts():
    # one of the official boxes has width -2; on it no detection can lie
    curve = hard(truth((A, True), ([200, 0, -2, 9], True)), found((A, 0.9), ([200, 0, 9, 9], 0.8)))
    assert curve.num_faces == 2
    assert curve.found[-1] == 1


def test_scores_are_cut_at_thousandths_of_their_range():
    # 0.9995 normalises to 0.9995 (the lowest score is 0, the highest 1): it reaches 0.999 together with 1,
    # so the false alarm of score 1 and the hit are one step: P 1/2 at R 1. Ten thousand steps part them.
    predictions = found((NOWHERE, 1.0), (A, 0.9995), (NOWHERE, 0.0))
    curve = hard(truth((A, True)), predictions)
    assert_allclose(curve.precision[0], 1 / 2)
    assert_allclose(hard(truth((A, True)), predictions, num_thresholds=10_000).precision[0], 0)


def test_scores_are_normalised_over_all_images():
    images = {"e/a": np.array([A]), "e/b": np.array([A])}
    counts = {"hard": {name: np.array([True]) for name in images}}
    predictions = {"e/a": np.array([[*A, 1.0]]), "e/b": np.array([[*A, 0.5], [*NOWHERE, 0.0]])}
    curve = evaluate(GroundTruth.from_arrays(images, counts), predictions).subsets()["hard"]
    # the second image's 0.5 is reached at threshold 0.5, number 500 of 1000, not at the first
    assert curve.found[498] == 1
    assert curve.found[499] == 2
    assert curve.proposals[998] == 2
    assert curve.proposals[999] == 3


def test_events_share_the_normalised_scores():
    images = {"0--Parade/a": np.array([A]), "1--Riot/b": np.array([A])}
    counts = {"hard": {name: np.array([True]) for name in images}}
    predictions = {"0--Parade/a": np.array([[*A, 1.0]]), "1--Riot/b": np.array([[*NOWHERE, 0.5], [*A, 0.0]])}
    events = evaluate(GroundTruth.from_arrays(images, counts), predictions).by_event("hard")
    assert list(events) == ["0--Parade", "1--Riot"]
    assert events["0--Parade"].ap == 1.0
    assert_allclose(events["1--Riot"].ap, 1 / 2)  # the false alarm comes first: P 1/2 at R 1
    assert events["1--Riot"].found[998] == 0  # its best score is not stretched to 1
    assert sum(curve.num_faces for curve in events.values()) == 2


def test_a_size_band_ignores_faces_and_false_alarms_outside_it():
    small, large = [0, 0, 9, 9], [100, 0, 50, 50]
    predictions = found((large, 0.9), ([500, 500, 60, 60], 0.8), (small, 0.7), ([300, 0, 9, 9], 0.6))
    bands = evaluate(truth((small, True), (large, True)), predictions).by_size("hard", ((0, 16), (16, np.inf)))
    # small band: the hit on the large face and the large false alarm are left out: P 1/1, then 1/2 at R 1
    assert bands[0, 16].ap == 1.0
    assert bands[0, 16].proposals[-1] == 2
    # large band: one hit, one false alarm of 60 px; the small hit and the small false alarm are left out
    assert bands[16, np.inf].ap == 1.0
    assert bands[16, np.inf].proposals[-1] == 2


def test_size_bands_part_the_faces():
    faces = [([0, 100 * k, 9, height], True) for k, height in enumerate((3, 16, 31, 32, 300))]
    bands = evaluate(truth(*faces), found()).by_size("hard")
    assert [curve.num_faces for curve in bands.values()] == [1, 2, 1, 0, 0, 1]


def test_missing_images_are_listed_unless_allowed():
    ground_truth = truth((A, True))
    with pytest.raises(ImageSetError, match=r"no predictions for 1 of 1 images: 0--Parade/a; write a result file"):
        evaluate(ground_truth, {})
    assert hard(ground_truth, {}, allow_missing=True).ap == 0.0


def test_extra_images_are_listed_unless_allowed():
    predictions = {**found((A, 0.9)), "9--Nowhere/x": np.array([[*A, 1.0]])}
    with pytest.raises(ImageSetError, match=r"1 images that exist in no event of the ground truth: 9--Nowhere/x"):
        evaluate(truth((A, True)), predictions)
    assert hard(truth((A, True)), predictions, allow_extra=True).ap == 1.0


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[0, 0, 9, 9]], r"0--Parade/a: expected an array \(n, 5\) of x y w h score, got shape \(1, 4\)"),
        (
            [[0, 0, 9, 9, np.nan]],
            r"0--Parade/a: expected finite numbers in row 0, got \[0.0, 0.0, 9.0, 9.0, nan\]",
        ),
        ([[0, 0, 9, 9, 1], [0, 0, -1, 9, 1]], r"expected width and height of 0 or more in row 1"),
    ],
)
def test_broken_arrays_are_rejected(rows, message):
    with pytest.raises(ResultFileError, match=message):
        evaluate(truth((A, True)), {IMAGE: np.array(rows)})
