"""The right bottom corner of the input, in eager code and in a graph."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ultra_face.refinement.frame import edge_xy


def test_width_comes_first() -> None:
    edge = edge_xy((480, 640), torch.zeros(1, dtype=torch.float64))
    assert edge.tolist() == [640, 480]
    assert edge.dtype == torch.float64


@pytest.mark.filterwarnings("ignore:.*torch.jit.trace")  # the exporters of Ultralytics trace
def test_a_traced_graph_follows_the_size_of_its_input() -> None:
    def edge(image: Tensor) -> Tensor:
        return edge_xy((image.shape[-2], image.shape[-1]), image)

    traced = torch.jit.trace(edge, torch.zeros(1, 3, 480, 640))
    assert traced(torch.zeros(1, 3, 100, 200)).tolist() == [200, 100]
