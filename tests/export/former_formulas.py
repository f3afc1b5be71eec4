"""The formulas of layers and decoding as they read before their graphs were made for every run time, word for word."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ultra_face.heads.anchor_pose import AnchorPose
from ultra_face.nn import aesvc
from ultra_face.nn.cbam import ChannelAttention
from ultra_face.nn.mspam import MSPAM


def use_former_formulas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every model compute as it did."""
    monkeypatch.setattr(aesvc, "simam", simam)
    monkeypatch.setattr(aesvc.LearnableVisualCenter, "forward", visual_center)
    monkeypatch.setattr(ChannelAttention, "forward", channel_attention)
    monkeypatch.setattr(MSPAM, "forward", mspam)
    monkeypatch.setattr(AnchorPose, "_decode", decode)


def simam(x: Tensor, *, regularisation: float = 1e-4) -> Tensor:
    features = x.float()
    neighbours = max(x.shape[-2] * x.shape[-1] - 1, 1)
    squared = (features - features.mean(dim=(2, 3), keepdim=True)).square()
    variance = squared.sum(dim=(2, 3), keepdim=True) / neighbours
    inverse_energy = squared / (4 * (variance + regularisation)) + 0.5
    return x * inverse_energy.sigmoid().to(x.dtype)


def residual_encoding(x: Tensor, codewords: Tensor, scales: Tensor) -> Tensor:
    squared = x.square().sum(2, keepdim=True) - 2 * x @ codewords.t() + codewords.square().sum(1)
    assignment = (scales * squared).softmax(dim=2)
    return assignment.transpose(1, 2) @ x - codewords * assignment.sum(1).unsqueeze(2)


def visual_center(layer: aesvc.LearnableVisualCenter, x: Tensor) -> Tensor:
    features = layer.cbs(x).flatten(2).transpose(1, 2)
    words = layer.act(layer.norm(residual_encoding(features, layer.codewords, layer.scales))).mean(dim=1)
    return layer.act(x + x * layer.fc(words).sigmoid()[..., None, None])


def channel_attention(layer: ChannelAttention, x: Tensor) -> Tensor:
    return (layer.mlp(x.mean((2, 3), keepdim=True)) + layer.mlp(x.amax((2, 3), keepdim=True))).sigmoid()


def mspam(layer: MSPAM, x: Tensor) -> Tensor:
    x = layer.cbs(x)
    return x * layer.channel(x) + x * layer.spatial(x)


def decode(head: AnchorPose, maps: list[Tensor]) -> Tensor:
    return torch.cat([decode_level(head, level, values) for level, values in enumerate(maps)], dim=2)


def decode_level(head: AnchorPose, level: int, maps: Tensor) -> Tensor:
    height, width = maps.shape[-2:]
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    cells, stride = torch.stack([columns.flatten(), rows.flatten()]), head.stride[level]
    anchors = head.anchor_wh[level].view(1, head.na, 2, 1)
    values = maps.view(len(maps), head.na, head.no, -1)
    box, objectness, cls, points = torch.split(values, [4, 1, head.nc, head.nk], dim=2)
    gate = 2 * box.sigmoid()
    center, size = (gate[:, :, :2] - 0.5 + cells) * stride, gate[:, :, 2:].square() * anchors
    num_landmarks, coordinates = head.kpt_shape
    points = torch.unflatten(points, 2, (num_landmarks, coordinates))
    located = points[:, :, :, :2] * anchors.unsqueeze(2) + (cells + 0.5) * stride
    landmarks = torch.cat([located, points[:, :, :, 2:].sigmoid()], dim=3).flatten(2, 3)
    score = objectness.sigmoid() * cls.sigmoid()
    return torch.cat([center, size, score, landmarks], dim=2).transpose(1, 2).flatten(2)
