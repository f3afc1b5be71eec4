"""A trunk takes another detector's convolutions layer by layer, and the report tells how near it comes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import yaml
from drawn_layers import drawn, leaving_mc4f, noise
from small_models import ANCHORS
from torch import nn
from ultralytics import YOLO
from ultralytics.nn.modules.block import C3, SPPF, C2f
from ultralytics.nn.modules.conv import Conv
from ultralytics.nn.tasks import PoseModel

import ultra_face
from training import start_from
from training.start_from import pour_trunk
from ultra_face.deploy.photographs import Inputs, choose_evenly
from ultra_face.nn.mc4f import MC4f
from ultra_face.nn.trunk import SPP357


class Trunk(nn.Module):
    """Layers that take what the one before gives, as Ultralytics numbers them."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.model = nn.Sequential(*layers)
        for layer in layers:
            layer.f = -1


def test_the_report_is_the_correlation_of_each_layer() -> None:
    donor = drawn(Trunk(Conv(3, 8, 3, 2), C2f(8, 8, n=1, shortcut=True), SPPF(8, 8)))
    ours = Trunk(Conv(3, 8, 6, 2, 2), MC4f(8, 8, norm="batch"), SPPF(8, 8)).eval()
    x = noise(2, 3)
    first, second, _ = report = pour_trunk(donor, ours, x)
    assert [(layer.name, layer.stride) for layer in report] == [("0 Conv", 2), ("1 MC4f", 2), ("2 SPPF", 2)]
    z = donor.model[:2](x)
    a, b = (np.asarray((v - v.mean((0, 2, 3), keepdim=True)).detach()).ravel() for v in (z, leaving_mc4f(z)))
    assert first.correlation == pytest.approx(1, abs=1e-5)
    assert second.correlation == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-4)
    assert 0.9 < second.correlation < 0.9999  # the last layer of MC4f bends


@pytest.mark.parametrize(
    ("donor", "ours", "told"),
    [
        (
            Conv(3, 8, 3, 1),
            Conv(3, 8, 3, 2),
            r"layer 0: expected a convolution of stride \(2, 2\) and 1 groups, got \(1",
        ),
        (
            Conv(3, 8, 3, act=False),
            Conv(3, 8, 3),
            "expected SiLU after a convolution, got Identity; name another donor",
        ),
        (C3(3, 8), MC4f(3, 16), "expected a convolution 16 x 3 x 1 x 1, got 8 x 3 x 1 x 1; name a donor"),
        (Conv(3, 8, 3), Conv(3, 16, 3), "layer 0: expected a convolution 16 x 3 x 3 x 3, got 8 x 3 x 3 x 3; name"),
        (C2f(3, 8, n=1, shortcut=True), MC4f(3, 16), "expected a convolution 16 x 3 x 1 x 1, got 8 x 3 x 1 x 1"),
        (C2f(3, 8, n=2, shortcut=True), MC4f(3, 8), "expected 1 bottlenecks or fewer, all with shortcut, got 2; name"),
        (C2f(3, 8, n=1), MC4f(3, 8), "expected 1 bottlenecks or fewer, all with shortcut, got 1; name a smaller"),
        (C3(3, 8), C3(3, 8, shortcut=False), "expected 1 bottlenecks or fewer, all with shortcut"),
        (C2f(3, 8), C3(3, 8), "layer 0: expected Conv into Conv, .*, got C2f into C3; choose another model"),
    ],
)
def test_layers_that_do_not_fit_are_refused(donor: nn.Module, ours: nn.Module, told: str) -> None:
    trunks = (drawn(Trunk(layer, SPPF(8, 8))) for layer in (donor, ours))
    with pytest.raises(ValueError, match=told):
        pour_trunk(*trunks, noise(1, 3))


def test_trunks_that_do_not_fit_are_refused() -> None:
    plain, longer = Trunk(SPPF(3, 8)), Trunk(Conv(3, 3), SPPF(3, 8))
    with pytest.raises(ValueError, match="expected a donor with 2 layers up to SPPF, as the model has, got 1; name"):
        pour_trunk(plain, longer, noise(1, 3))
    with pytest.raises(
        ValueError, match="expected pooling of 5 px, 3 times, with shortcut False, got 3, 3, False; name"
    ):
        pour_trunk(Trunk(SPPF(3, 8, k=3)), plain, noise(1, 3))
    with pytest.raises(ValueError, match="expected the model to have a trunk without branches that ends in SPPF"):
        pour_trunk(plain, Trunk(SPP357(3, 8)), noise(1, 3))
    longer.model[1].f = [-1, 0]
    with pytest.raises(ValueError, match="expected the donor to have a trunk without branches that ends in SPPF"):
        pour_trunk(longer, plain, noise(1, 3))


def description(block: str, arguments: list[Any]) -> dict[str, Any]:
    """A model with a trunk of five convolutions, a block and SPPF, without a neck."""
    convs: list[Any] = [[-1, 1, "Conv", [8, 3, 2]] for _ in range(5)]
    return {
        "nc": 1,
        "kpt_shape": [5, 3],
        "anchors": ANCHORS,
        "backbone": [*convs[:4], [-1, 1, block, [8, *arguments]], convs[4], [-1, 1, "SPPF", [8, 5]]],
        "head": [[[2, 4, 6], 1, "AnchorPose", ["nc", "kpt_shape", "anchors"]]],
    }


@pytest.fixture
def line(tmp_path: Path) -> list[str]:
    """The command line for a drawn donor, a model whose block has other norms, and two photographs."""
    torch.manual_seed(0)
    donor = drawn(PoseModel(description("C2f", [True]), verbose=False))
    torch.save({"model": donor, "train_args": {"task": "pose"}}, tmp_path / "donor.pt")
    (tmp_path / "model.yaml").write_text(yaml.safe_dump(description("MC4f", ["batch"])))
    (tmp_path / "photographs").mkdir()
    for name in "ab":
        pixels = np.random.default_rng(ord(name)).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / "photographs" / f"{name}.png"), pixels)
    places = {"--images": "photographs", "--output": "start.pt"}
    named = [word for option, place in places.items() for word in (option, str(tmp_path / place))]
    return ["start_from", str(tmp_path / "donor.pt"), str(tmp_path / "model.yaml"), *named, "--imgsz", "64"]


def test_the_file_starts_with_the_donors_features(
    line: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", line)
    start_from.main()
    first, *layers, last = capsys.readouterr().out.splitlines()
    assert first == "correlation with the donor on 2 photographs"
    assert (layers[2].split(), last) == (["2", "Conv", "P3", "1.000"], f"wrote {tmp_path / 'start.pt'}")
    assert 0.9 < float(layers[4].split()[-1]) < 1
    donor, start = (YOLO(tmp_path / name).model.float().eval() for name in ("donor.pt", "start.pt"))
    assert not start.model[-1].trained
    x = noise(1, 3, side=64)
    torch.testing.assert_close(start.model[:4](x), donor.model[:4](x), rtol=0.02, atol=0.02)  # stored in half precision
    through_block = leaving_mc4f(donor.model[:5](x))
    torch.testing.assert_close(start.model[:5](x), through_block, rtol=0.05, atol=0.05)


def test_neck_and_head_come_from_other_weights(
    line: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(1)
    other = PoseModel(description("MC4f", ["batch"]), verbose=False)
    other.model[-1].trained = True
    torch.save({"model": other, "train_args": {"task": "pose"}}, tmp_path / "other.pt")
    monkeypatch.setattr(sys, "argv", [*line, "--weights", str(tmp_path / "other.pt")])
    start_from.main()
    start = YOLO(tmp_path / "start.pt").model
    assert start.model[-1].trained
    for name, value in start.model[-1].state_dict().items():
        torch.testing.assert_close(value.float(), other.model[-1].state_dict()[name].half().float(), msg=name)
    assert not torch.equal(start.model[0].conv.weight.float(), other.model[0].conv.weight.half().float())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({1: "no.pt"}, r"no\.pt: expected a trained model of Ultralytics, got no file; check the path"),
        ({1: "model.yaml"}, r"model\.yaml: expected a trained model of Ultralytics with weights, got a model YAML"),
        ({4: "nothing"}, "nothing: expected a folder of images or a list of images, got nothing there"),
        ({6: "start.onnx"}, r"--output: expected a name that ends in \.pt, got .*start\.onnx; choose one"),
    ],
)
def test_what_is_not_there_is_named(
    line: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[int, str], told: str
) -> None:
    for position, name in change.items():
        line[position] = str(tmp_path / name)
    monkeypatch.setattr(sys, "argv", line)
    with pytest.raises(SystemExit, match=f"start_from: .*{told}"):
        start_from.main()
    assert not (tmp_path / "start.pt").exists()


@pytest.mark.data
def test_a_real_donor_comes_through(shared_data: Path) -> None:
    file = shared_data.parent / "peers" / "yolov8n-face.pt"
    if not file.is_file():
        pytest.skip("needs the file of another detector beside the real photographs")
    ultra_face.register()
    torch.manual_seed(0)
    donor = YOLO(file).model.float().eval()
    ours = YOLO(Path(__file__).resolve().parents[2] / "cfg" / "models" / "yolov5n-aesvc.yaml").model.eval()
    photographs = Inputs(choose_evenly([shared_data / "wider-train-649" / "images"], 2), (320, 320))
    report = pour_trunk(donor, ours, torch.cat(list(photographs)))
    # Two convolutions with BatchNorm are the donor's; a random trunk's features have nothing to do with them.
    assert [layer.correlation for layer in report[:2]] == pytest.approx([1, 1], abs=1e-4)
    assert min(layer.correlation for layer in report) > 0.8
