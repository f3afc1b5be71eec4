"""Checkpoints and exports on Ultralytics' own backends, and the second look into the photographs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from small_exports import INPUT_HW, inputs, save_small
from ultralytics import YOLO

from ultra_face.refinement.tiles import photographs_shown
from ultra_face.runtimes.network import Signature
from ultra_face.runtimes.ultralytics_network import UltralyticsNetwork

Small = Callable[[str], Path]


def test_a_checkpoint_gives_what_its_network_gives(small: Small) -> None:
    network = UltralyticsNetwork(small("pt"), "cpu")
    assert network.signature == Signature(1, 3, 32, None)
    assert network.providers == ("Ultralytics pt on cpu",)
    with torch.no_grad():
        expected = YOLO(small("pt")).model.eval()(torch.from_numpy(inputs(2)))[0].numpy()
    np.testing.assert_allclose(network(inputs(2)), expected, rtol=1e-4, atol=1e-3)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the formats' libraries
@pytest.mark.parametrize(("name", "pixels"), [("openvino", 2.0), ("torchscript", 0.01)])
def test_other_formats(small: Small, name: str, pixels: float) -> None:
    file = small(name)
    network = UltralyticsNetwork(file)
    assert network.signature == Signature(1, 3, 32, INPUT_HW)
    assert network.providers == (f"Ultralytics {name} on cpu",)
    expected = UltralyticsNetwork(small("pt"), "cpu")(inputs(3))
    # OpenVINO computes in bfloat16 where the processor can.
    np.testing.assert_allclose(network(inputs(3))[:, :4], expected[:, :4], atol=pixels)


@pytest.mark.parametrize("photograph", [False, True])
def test_a_second_look_is_shown_the_photographs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photograph: bool
) -> None:
    sr = {"windows": 1, "window": 32, "scale": 2, "blocks": 0, "max_face": 32, "photograph": photograph}
    network = UltralyticsNetwork(save_small(tmp_path / "refined.pt", "SRPose", sr), "cpu")
    assert network.sees_photographs is photograph
    seen = []
    monkeypatch.setattr(
        network._backend, "forward", lambda x: seen.append(photographs_shown()) or torch.zeros(1, 20, 1)
    )
    images = [np.zeros((4, 4, 3), np.uint8)]
    network(inputs(1), images)
    assert seen == [images]
    assert photographs_shown() == ()


def test_a_second_look_into_the_photograph_finds_other_faces_than_into_the_input(tmp_path: Path) -> None:
    sr = {"windows": 4, "window": 32, "scale": 2, "blocks": 0, "max_face": 32, "photograph": True}
    network = UltralyticsNetwork(save_small(tmp_path / "refined.pt", "SRPose", sr), "cpu")
    photograph = np.random.default_rng(0).integers(0, 256, (2 * INPUT_HW[0], 2 * INPUT_HW[1], 3), np.uint8)
    first, second = network(inputs(1), [photograph]), network(inputs(1))
    assert first.shape == second.shape
    assert not np.allclose(first, second)


def test_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.pt").write_text("no model")
    with pytest.raises(
        ValueError, match=r"^text\.pt: expected a face model of Ultralytics, got a file of another kind"
    ):
        UltralyticsNetwork("text.pt")
    with pytest.raises(FileNotFoundError, match=r"^no\.pt: expected a face model of Ultralytics, got no file; check"):
        UltralyticsNetwork("no.pt")
    with pytest.raises(
        ValueError, match=r"^yolov5n-face\.yaml: expected a face model .* with weights, got a model YAML"
    ):
        UltralyticsNetwork("yolov5n-face.yaml")
    YOLO("yolov8n-pose.yaml").save("seventeen.pt")
    with pytest.raises(
        ValueError, match=r"^seventeen\.pt: expected a face model .* got one with kpt_shape \[17, 3\]; na"
    ):
        UltralyticsNetwork("seventeen.pt")


@pytest.mark.parametrize("device", [99, "cuda:99", "nonsense"])
def test_a_device_that_is_not_there(small: Small, device: str | int) -> None:
    message = rf"^device={device!r}: expected a device that PyTorch has, got none of cpu and \d+ NVIDIA GPUs; choose"
    with pytest.raises(ValueError, match=message) as caught:
        UltralyticsNetwork(small("pt"), device)
    assert "\n" not in str(caught.value)
