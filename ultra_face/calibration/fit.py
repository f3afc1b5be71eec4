"""The chance that a box is right, from its score and its side: a logistic fit.

chance = sigmoid(gain x logit(score) + slope x log2(side / 32 px) + offset). What changes the order of boxes is
slope / gain; gain and offset turn scores into chances.

Photographs weigh by their boxes: one with n of them counts for sqrt(n), so that no crowd decides alone. Boxes of one
photograph err together, so the standard errors are those of independent photographs.

Source: Platt, "Probabilistic Outputs for Support Vector Machines", 1999, with the side as a second input; standard
errors by clusters: Liang and Zeger, "Longitudinal Data Analysis Using Generalized Linear Models", Biometrika 1986.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]
from scipy.special import expit, log_expit, logit  # type: ignore[import-untyped]

REFERENCE = 32.0
"""Side [px] whose scores stay where they are."""

FEWEST = 30
"""Right boxes, and wrong ones, without which nothing is fitted."""

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """What was fitted; see the file.

    Attributes:
        gain: of the logit.
        slope: a doubling of the side.
        offset: of all.
        covariance: (3, 3) of these three.
    """

    gain: float
    slope: float
    offset: float
    covariance: tuple[tuple[float, ...], ...]

    @property
    def order_slope(self) -> float:
        """What a doubling of the side is worth in logits of the score as it is."""
        return self.slope / self.gain

    @property
    def order_slope_error(self) -> float:
        """Standard error of `order_slope`, to first order in those of slope and gain."""
        gradient = np.array([-self.slope / self.gain**2, 1 / self.gain, 0.0])
        return math.sqrt(float(gradient @ np.asarray(self.covariance) @ gradient))


def photograph_weights(images: NDArray[np.int64]) -> FloatArray:
    """(n,) weight of each box: 1 / sqrt(boxes of its photograph), over the mean of these."""
    _, inverse, counts = np.unique(images, return_inverse=True, return_counts=True)
    weights = 1 / np.sqrt(counts[inverse])
    return np.asarray(weights / weights.mean() if len(weights) else weights)


def logits(scores: FloatArray) -> FloatArray:
    """log(score / (1 - score)), within what single precision tells apart."""
    return np.asarray(logit(np.clip(scores, 1e-7, 1 - 1e-7)))


def fit(logit: FloatArray, doublings: FloatArray, right: NDArray[np.bool_], images: NDArray[np.int64]) -> Fit:
    """Fit the chance of being right.

    Args:
        logit: (n,) of the scores.
        doublings: (n,) log2(side / 32 px).
        right: (n,).
        images: (n,) index of the photograph of each.

    Raises:
        ValueError: too few right or wrong boxes, values that are not finite, or scores that fall as chances rise.
    """
    num_right, num_wrong = int(right.sum()), int((~right).sum())
    if min(num_right, num_wrong) < FEWEST:
        raise ValueError(
            f"expected at least {FEWEST} right and {FEWEST} wrong boxes, got {num_right:,} and {num_wrong:,}; "
            "add photographs"
        )
    design = np.stack([logit, doublings, np.ones(len(logit))], axis=1)
    if not np.isfinite(design).all():
        raise ValueError("expected scores and sides that are numbers, got NaN or infinity; were the weights trained?")
    weights, sign = photograph_weights(images), np.where(right, 1.0, -1.0)

    def loss(values: FloatArray) -> float:
        return -float(weights @ log_expit(sign * (design @ values)))

    def gradient(values: FloatArray) -> FloatArray:
        return np.asarray(design.T @ (weights * (expit(design @ values) - right)))

    def curvature(values: FloatArray) -> FloatArray:
        chance = expit(design @ values)
        return np.asarray(design.T @ (design * (weights * chance * (1 - chance))[:, None]))

    found = minimize(loss, np.array([1.0, 0.0, 0.0]), jac=gradient, hess=curvature, method="trust-exact").x
    gain, slope, offset = found.tolist()
    if not (math.isfinite(gain) and gain > 0):
        raise ValueError(
            f"expected scores that rise with the chance of being right, got a gain of {gain:.3g}; train the model first"
        )
    covariance = _clustered(design * (weights * (expit(design @ found) - right))[:, None], curvature(found), images)
    return Fit(gain, slope, offset, tuple(map(tuple, covariance.tolist())))


def _clustered(gradients: FloatArray, curvature: FloatArray, images: NDArray[np.int64]) -> FloatArray:
    """Covariance of the values from the gradients (n, 3) of single boxes, summed by photograph."""
    _, inverse = np.unique(images, return_inverse=True)
    sums = np.zeros((int(inverse.max()) + 1, gradients.shape[1]))
    np.add.at(sums, inverse, gradients)
    bread = np.linalg.inv(curvature)
    return np.asarray(bread @ (sums.T @ sums) @ bread)
