from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from ultra_face.evaluation.curve import PrecisionRecall
from ultra_face.evaluation.outcome import cumulative_steps, draw_cumulative_errors, draw_precision_recall

THRESHOLDS = np.array([0.75, 0.5, 0.25, 0])


def curve(proposals, found, num_faces=4):
    return PrecisionRecall(num_faces, THRESHOLDS, np.array(proposals), np.array(found))


def test_one_panel_a_subset_with_methods_ranked_by_average_precision():
    methods = {
        "weak": {"easy": curve([0, 2, 2, 2], [0, 1, 1, 1]), "hard": curve([1, 2, 3, 4], [1, 2, 3, 4])},
        "strong": {"easy": curve([1, 2, 3, 4], [1, 2, 3, 4]), "hard": curve([1, 2, 2, 2], [1, 2, 2, 2])},
    }
    easy, hard = draw_precision_recall(methods).axes
    assert [easy.get_title(), hard.get_title()] == ["Easy", "Hard"]
    # weak on easy: P 1/2 at R 1/4
    assert [text.get_text() for text in easy.get_legend().get_texts()] == ["strong-1.000", "weak-0.125"]
    assert [text.get_text() for text in hard.get_legend().get_texts()] == ["weak-1.000", "strong-0.500"]
    assert easy.get_lines()[0].get_color() == hard.get_lines()[1].get_color()  # strong keeps its colour


def test_a_curve_starts_at_its_first_proposal():
    figure = draw_precision_recall({"one": {"hard": curve([0, 2, 2, 4], [0, 1, 1, 4])}})
    (line,) = figure.axes[0].get_lines()
    assert_allclose(line.get_xdata(), [0.25, 0.25, 1])
    assert_allclose(line.get_ydata(), [0.5, 0.5, 1])


def test_a_subset_without_faces_is_drawn_empty():
    figure = draw_precision_recall({"one": {"easy": curve([0, 1, 1, 1], [0, 0, 0, 0], num_faces=0)}})
    assert figure.axes[0].get_legend().get_texts()[0].get_text() == "one-nan"


def test_cumulative_steps():
    x, share = cumulative_steps(np.array([0.2, 0.02, 0.05, 0.1]), 0.1)
    assert_array_equal(x, [0, 0.02, 0.05, 0.1, 0.1])
    assert_array_equal(share, [0, 0.25, 0.5, 0.75, 0.75])


def test_cumulative_errors_are_drawn_and_saved(tmp_path):
    figure = draw_cumulative_errors({"a": np.array([0.01, 0.3]), "b": np.array([0.02])})
    assert [line.get_label() for line in figure.axes[0].get_lines()] == ["a", "b"]
    figure.savefig(tmp_path / "errors.png")
    assert (tmp_path / "errors.png").read_bytes().startswith(b"\x89PNG")


def test_nothing_to_draw():
    with pytest.raises(ValueError, match="expected the landmark error of at least one face, got none"):
        draw_cumulative_errors({"a": np.zeros(0)})
