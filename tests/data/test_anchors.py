from __future__ import annotations

import numpy as np
import pytest

from ultra_face.data.anchors import (
    WIDER_FACE_ANCHORS,
    best_possible_recall,
    corner_iou,
    kmeans_anchors,
    learnable,
    mean_best_iou,
)


def recall_by_loops(wh, anchors, ratio_limit):
    """The definition, box by box."""
    found = 0
    for w, h in wh:
        worst = [max(w / aw, aw / w, h / ah, ah / h) for aw, ah in anchors]
        found += min(worst) < ratio_limit
    return found / len(wh)


def test_recall_by_hand():
    anchors = np.array([[10.0, 10.0], [100.0, 100.0]])
    wh = np.array([[10, 39], [10, 41], [2.6, 10], [2.4, 10], [300, 30]], dtype=np.float64)
    # ratios to the best anchor: 3.9, 4.1, 3.85, 4.17, 3.33 (300 / 100 and 100 / 30)
    assert best_possible_recall(wh, anchors) == pytest.approx(3 / 5)
    assert best_possible_recall(wh, anchors, ratio_limit=4.15) == pytest.approx(4 / 5)


@pytest.mark.parametrize("ratio_limit", [1.5, 3.0, 4.0])
def test_recall_equals_the_definition(ratio_limit):
    rng = np.random.default_rng(1)
    wh, anchors = np.exp(rng.uniform(0, 6, (300, 2))), np.exp(rng.uniform(0, 6, (7, 2)))
    expected = recall_by_loops(wh, anchors, ratio_limit)
    assert best_possible_recall(wh, anchors, ratio_limit=ratio_limit) == pytest.approx(expected)


def test_iou_of_boxes_that_share_a_corner():
    wh, anchors = np.array([[4.0, 2.0]]), np.array([[2.0, 4.0], [8.0, 4.0], [4.0, 2.0]])
    # intersections 2 x 2, 4 x 2, 4 x 2; unions 8 + 8 - 4, 8 + 32 - 8, 8
    np.testing.assert_allclose(corner_iou(wh, anchors), [[4 / 12, 8 / 32, 1.0]])
    assert mean_best_iou(np.array([[4.0, 2.0], [2.0, 2.0]]), anchors[:2]) == pytest.approx((4 / 12 + 4 / 8) / 2)


def test_clusters_are_found():
    centres = np.array([[6.0, 8.0], [40.0, 50.0], [200.0, 260.0]])
    rng = np.random.default_rng(2)
    wh = np.concatenate([centre * rng.uniform(0.95, 1.05, (100, 2)) for centre in centres])
    np.testing.assert_allclose(kmeans_anchors(rng.permutation(wh), 3), centres, rtol=0.05)


def test_as_many_anchors_as_boxes_are_the_boxes():
    wh = np.array([[50.0, 60.0], [3.0, 4.0], [10.0, 10.0]])
    np.testing.assert_allclose(kmeans_anchors(wh, 3), wh[[1, 2, 0]])


def test_identical_boxes():
    np.testing.assert_allclose(kmeans_anchors(np.full((20, 2), 7.0), 4), np.full((4, 2), 7.0))


def faces(count, seed=3):
    """Sizes spread like those of crowds and portraits, a little higher than wide."""
    rng = np.random.default_rng(seed)
    height = np.exp(rng.uniform(np.log(5), np.log(400), count))
    return np.stack([height * rng.normal(0.78, 0.06, count), height], axis=1)


def test_more_anchors_fit_better_and_beat_quantiles():
    wh = faces(2000)
    fits = [mean_best_iou(wh, kmeans_anchors(wh, count)) for count in (3, 6, 9, 12)]
    assert fits == sorted(fits)
    quantiles = np.quantile(wh, (np.arange(9) + 0.5) / 9, axis=0)
    assert fits[2] > mean_best_iou(wh, quantiles)


def coverage_by_loops(wh, anchors, ratio_limit):
    """Mean over boxes of the best anchor's smallest ratio, 0 without a match: what the refinement climbs."""
    total = 0.0
    for w, h in wh:
        best = max(min(w / aw, aw / w, h / ah, ah / h) for aw, ah in anchors)
        total += best if best > 1 / ratio_limit else 0.0
    return total / len(wh)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_refinement_raises_the_coverage(count):
    wh = faces(300)
    clusters, refined = kmeans_anchors(wh, count, refinements=0), kmeans_anchors(wh, count)
    assert coverage_by_loops(wh, refined, 4.0) > coverage_by_loops(wh, clusters, 4.0)


def test_the_seed_decides():
    wh = faces(500)
    np.testing.assert_array_equal(kmeans_anchors(wh, 6, seed=1), kmeans_anchors(wh, 6, seed=1))
    assert (kmeans_anchors(wh, 6, seed=1) != kmeans_anchors(wh, 6, seed=2)).any()


def test_anchors_are_sorted_by_area_and_boxes_untouched():
    wh = faces(500)
    before = wh.copy()
    areas = kmeans_anchors(wh, 9).prod(axis=1)
    assert (np.diff(areas) >= 0).all()
    np.testing.assert_array_equal(wh, before)


def test_the_papers_anchors_are_four_levels_in_order():
    anchors = np.array(WIDER_FACE_ANCHORS)
    assert anchors.shape == (4, 3, 2)
    assert (np.diff(anchors.reshape(-1, 2).prod(axis=1)) > 0).all()


def test_boxes_of_2_px_can_be_learned():
    wh = np.array([[2.0, 2.0], [1.99, 50.0], [50.0, 1.99], [0.0064, 0.0064], [0.0, 0.0], [3.0, 4.0]])
    np.testing.assert_array_equal(learnable(wh), [[2, 2], [3, 4]])
    assert learnable(np.zeros((0, 2))).shape == (0, 2)


@pytest.mark.parametrize(
    ("wh", "message"),
    [
        (np.zeros((0, 2)), r"expected boxes of shape \(N, 2\) with N > 0, got \(0, 2\)"),
        (np.ones((3, 4)), r"expected boxes of shape \(N, 2\) with N > 0, got \(3, 4\)"),
        (np.array([[5.0, 5.0], [5.0, 0.0]]), "expected boxes of positive finite size, got 5 x 0 in row 1"),
        (np.array([[5.0, np.nan]]), "expected boxes of positive finite size, got 5 x nan in row 0"),
    ],
)
@pytest.mark.parametrize("function", [best_possible_recall, mean_best_iou, kmeans_anchors])
def test_bad_boxes(function, wh, message):
    second = 1 if function is kmeans_anchors else np.ones((1, 2))
    with pytest.raises(ValueError, match=message):
        function(wh, second)


@pytest.mark.parametrize("count", [0, 4])
def test_fewer_boxes_than_anchors(count):
    with pytest.raises(ValueError, match=f"as many boxes as anchors, got {count} anchors and 3 boxes; ask for fewer"):
        kmeans_anchors(np.full((3, 2), 5.0), count)


@pytest.mark.data
def test_real_faces_are_covered_better_than_by_the_papers_anchors(shared_data):
    lines = (shared_data / "crowd-479" / "label.txt").read_text(encoding="utf-8").splitlines()
    wh = np.array([line.split()[2:4] for line in lines if not line.startswith("#")], dtype=np.float64)[::10]
    papers = np.array(WIDER_FACE_ANCHORS, dtype=np.float64).reshape(-1, 2)
    assert mean_best_iou(wh, kmeans_anchors(wh, 12)) > mean_best_iou(wh, papers)
