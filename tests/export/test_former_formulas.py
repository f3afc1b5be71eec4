"""Graphs for every run time compute what the models computed before: predictions, loss and gradients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from awake_model import awake_model
from detecting_model import memorised_batch
from former_formulas import use_former_formulas
from torch import Tensor
from ultralytics.cfg import get_cfg

CFG = Path(__file__).resolve().parents[2] / "cfg" / "models"
CHANGED = ("AESVC", "MSPAM", "CBAM", "AnchorPose", "SRPose")
MODELS = sorted(
    file.name.replace("yolov5-", "yolov5n-")
    for file in CFG.glob("*.yaml")
    if any(layer in file.read_text(encoding="utf-8") for layer in CHANGED)
)


@pytest.fixture(params=MODELS)
def network(request: pytest.FixtureRequest) -> Any:
    """A model of each YAML that has a layer or head with other formulas."""
    network = awake_model(request.param)
    network.args = get_cfg()
    return network


def loss_and_gradients(network: Any) -> tuple[Tensor, dict[str, Tensor]]:
    network.zero_grad()
    batch = memorised_batch()
    loss = network.train().loss({**batch, "img": batch["img"][..., :128, :128]})[0].sum()
    loss.backward()
    return loss.detach(), {name: p.grad for name, p in network.named_parameters() if p.grad is not None}


def test_models_predict_and_learn_as_before(network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    x = memorised_batch()["img"][:2, :, :96, :128]
    statistics = {name: buffer.clone() for name, buffer in network.named_buffers()}
    with torch.no_grad():
        predictions = network(x)[0]
    loss, gradients = loss_and_gradients(network)

    use_former_formulas(monkeypatch)
    network.load_state_dict(statistics, strict=False)
    with torch.no_grad():
        former = network.eval()(x)[0]
    former_loss, former_gradients = loss_and_gradients(network)

    torch.testing.assert_close(predictions, former, rtol=1e-6, atol=1e-4)
    torch.testing.assert_close(loss, former_loss, rtol=1e-5, atol=0)
    assert gradients.keys() == former_gradients.keys()
    for name, gradient in gradients.items():
        # Sums of thousands of float32 in another order, against the largest of the tensor.
        tolerance = 1e-3 * float(former_gradients[name].abs().max()) + 1e-6
        torch.testing.assert_close(gradient, former_gradients[name], rtol=0, atol=tolerance, msg=name)
