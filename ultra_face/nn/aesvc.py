"""AESVC: adaptive fusion explicit spatial visual centre. Source: YOLOv5n-AESVC, section AESVC, figure 3.

A stem, then a global and a local branch after Quan et al. 2023 (EVC), fused by SimAM (Yang et al. 2021), parameter-free
attention from an energy function.

Deviations from EVC, as the paper says: convolution, BatchNorm and SiLU (CBS) before the codebook, SiLU instead of ReLU.
Further ones: EVC's residual block before the codebook is left out, and so is the point-wise half of the depth-wise
separable convolution in the global branch, whose depth-wise half has 3 x 3 weights a channel and not EVC's one. At 128
channels the two have 34,432 and 16,640 parameters, and the paper's count of AESVC is exceeded without them already. The
branches are added before SimAM, since EVC's 1 x 1 fusion convolution would exceed that count too; with it left out the
row "+ AESVC" has 2,864,183 parameters against the paper's 2.856 M.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from ultralytics.nn.modules.conv import Conv, DWConv

NUM_CODEWORDS = 64


def simam(x: Tensor, *, regularisation: float = 1e-4) -> Tensor:
    """Weigh each activation by how far it stands out in its channel: x (B, C, H, W) -> (B, C, H, W).

    The inverse energy is d^2 / (4 (variance + regularisation)) + 1/2 with d the distance to the channel's mean and the
    variance taken over H x W - 1 neighbours; a single position has variance 0 and weight sigmoid(1/2). Computed in
    float32: in half precision the sum of squares of a large map overflows, and with it the attention is lost.
    """
    features = x.float()
    neighbours = max(x.shape[-2] * x.shape[-1] - 1, 1)
    distance = features - features.mean(dim=(2, 3), keepdim=True)
    squared = distance * distance
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


def residual_encoding(x: Tensor, codewords: Tensor, scales: Tensor) -> Tensor:
    """Sum of soft-assigned residuals to each codeword: x (B, C, N), codewords (K, C), scales (K,) -> (B, K, C).

    e_k = sum_i a_ki (x_i - b_k) with a_i = softmax_k(s_k |x_i - b_k|^2); Zhang et al. 2018 (Deep TEN), equation 2.
    Computed in float32, without ever building the (B, K, C, N) residuals:
    |x - b|^2 = |x|^2 - 2 b.x + |b|^2 and e_k = (A X^T)_k - b_k sum_i a_ki. The assignment A (B, K, N) is never
    transposed, since LiteRT does not load a product with one that was.
    """
    with torch.autocast(x.device.type, enabled=False):
        x, codewords, scales = x.float(), codewords.float(), scales.float()
        lengths, word_lengths = (x * x).sum(1, keepdim=True), (codewords * codewords).sum(1, keepdim=True)
        squared = lengths - 2 * codewords @ x + word_lengths
        assignment = (scales.view(-1, 1) * squared).softmax(dim=1)
        return assignment @ x.transpose(1, 2) - codewords * assignment.sum(2, keepdim=True)


class LearnableVisualCenter(nn.Module):
    """Local branch: a codebook of `codewords` visual words decides a gate for each channel, (B, C, H, W) -> same."""

    def __init__(self, c: int, codewords: int = NUM_CODEWORDS) -> None:
        super().__init__()
        self.cbs = Conv(c, c, 1)
        bound = 1 / (codewords * c) ** 0.5
        self.codewords = nn.Parameter(torch.empty(codewords, c).uniform_(-bound, bound))
        self.scales = nn.Parameter(torch.empty(codewords).uniform_(-1, 0))
        self.norm = nn.BatchNorm1d(codewords)
        self.act = nn.SiLU()
        self.fc = nn.Linear(c, c)

    def forward(self, x: Tensor) -> Tensor:
        """act(x + x * sigmoid(FC(mean over codewords of the encoding)))."""
        encoding = residual_encoding(self.cbs(x).flatten(2), self.codewords, self.scales).to(x.dtype)
        words: Tensor = self.act(self.norm(encoding)).mean(dim=1)
        gate = self.fc(words).sigmoid().view(-1, self.fc.out_features, 1, 1)
        y: Tensor = self.act(x + x * gate)
        return y


class LayerScale(nn.Module):
    """A learned factor for each channel of a residual branch, started near zero: (B, C, H, W) -> same."""

    def __init__(self, c: int, start: float = 1e-5) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((c, 1, 1), start))

    def forward(self, x: Tensor) -> Tensor:
        """Scale every channel."""
        return x * self.gamma


class GlobalMLP(nn.Module):
    """Global branch: depthwise and channel MLP residual blocks, each normalised and scaled, (B, C, H, W) -> same."""

    def __init__(self, c: int, ratio: int = 4) -> None:
        super().__init__()
        self.depthwise = nn.Sequential(nn.GroupNorm(1, c), DWConv(c, c, 3), LayerScale(c))
        self.channel = nn.Sequential(
            nn.GroupNorm(1, c), nn.Conv2d(c, ratio * c, 1), nn.GELU(), nn.Conv2d(ratio * c, c, 1), LayerScale(c)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Add the depthwise, then the channel block."""
        x = x + self.depthwise(x)
        y: Tensor = x + self.channel(x)
        return y


class AESVC(nn.Module):
    """Stem, then global and local branch fused by SimAM: (B, c1, H, W) -> (B, c2, H, W).

    Args:
        c1: input channels.
        c2: output channels.
        k: kernel size of the stem (7 in the paper; 82 % of the layer's parameters).
    """

    def __init__(self, c1: int, c2: int, k: int = 7) -> None:
        super().__init__()
        self.stem = Conv(c1, c2, k)
        self.global_branch = GlobalMLP(c2)
        self.local_branch = LearnableVisualCenter(c2)
        self.fuse = SimAM()

    def forward(self, x: Tensor) -> Tensor:
        """SimAM(global(stem(x)) + local(stem(x)))."""
        x = self.stem(x)
        y: Tensor = self.fuse(self.global_branch(x) + self.local_branch(x))
        return y
