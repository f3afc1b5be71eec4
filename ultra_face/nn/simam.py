"""SimAM: parameter-free attention from an energy function. Source: Yang et al. 2021, equation 5."""

from __future__ import annotations

from torch import Tensor, nn


def simam(x: Tensor, *, regularisation: float = 1e-4) -> Tensor:
    """Weigh each activation by how far it stands out in its channel: x (B, C, H, W) -> (B, C, H, W).

    The inverse energy is d^2 / (4 (variance + regularisation)) + 1/2 with d the distance to the channel's mean and the
    variance taken over H x W - 1 neighbours; a single position has variance 0 and weight sigmoid(1/2). Computed in
    float32: in half precision the sum of squares of a large map overflows, and with it the attention is lost.
    """
    features = x.float()
    neighbours = max(x.shape[-2] * x.shape[-1] - 1, 1)
    squared = (features - features.mean(dim=(2, 3), keepdim=True)).square()
    variance = squared.sum(dim=(2, 3), keepdim=True) / neighbours
    inverse_energy = squared / (4 * (variance + regularisation)) + 0.5
    return x * inverse_energy.sigmoid().to(x.dtype)


class SimAM(nn.Module):
    """`simam` as a layer: (B, C, H, W) -> (B, C, H, W), no parameters."""

    def __init__(self, regularisation: float = 1e-4) -> None:
        super().__init__()
        self.regularisation = regularisation

    def forward(self, x: Tensor) -> Tensor:
        """Weigh x by its inverse energy."""
        return simam(x, regularisation=self.regularisation)
