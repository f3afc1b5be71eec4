"""An oracle of alignment: Umeyama's method, by the singular value decomposition of its paper."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def umeyama(source: NDArray[Any], target: NDArray[Any]) -> NDArray[np.float64]:
    """Matrix (2, 3) of the least-squares similarity from points (K, 2) to points (K, 2), equations 34 to 43."""
    x, y = source.astype(np.float64), target.astype(np.float64)
    about_x, about_y = x - x.mean(axis=0), y - y.mean(axis=0)
    u, d, vt = np.linalg.svd(about_y.T @ about_x / len(x))
    s = np.diag([1, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u @ s @ vt
    scale = (d * np.diag(s)).sum() / (about_x**2).sum(axis=1).mean()
    return np.column_stack([scale * rotation, y.mean(axis=0) - scale * rotation @ x.mean(axis=0)])
