"""The best of many: all of fixed number in an exported graph, elsewhere no more than matter."""

from __future__ import annotations

from torch import Tensor


def best(values: Tensor, limit: int, *, above: float | None = None) -> tuple[Tensor, Tensor]:
    """Highest values (B, N) in falling order and their places, each (B, M).

    Args:
        values: (B, N).
        limit: M is at most this, and at most N.
        above: if given, M is no larger than the largest number of values above this in any image, but at least 1; it
            then depends on the data, which an exported graph cannot have.
    """
    count = min(limit, values.shape[1])
    if above is not None:
        count = max(1, min(count, int((values > above).sum(dim=1).max())))
    found = values.topk(count, dim=1)
    return found.values, found.indices
