"""Losses of the SRGAN: values by hand, gradients where they belong, networks from files."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torchvision.models import vgg19
from ultralytics import YOLO
from ultralytics.nn.tasks import PoseModel

from ultra_face.super_resolution.crops import Batch
from ultra_face.super_resolution.losses import (
    DetectionLoss,
    FeatureLoss,
    Standardise,
    adversarial_loss,
    detector_features,
    discriminator_loss,
    load_detector,
    total_variation,
    vgg19_features,
)

LOGITS = torch.tensor([-3.0, 0.0, 2.0])


def images(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def test_adversarial_losses_are_cross_entropies() -> None:
    ones, zeros, photograph = torch.ones(3), torch.zeros(3), LOGITS.flip(0) + 0.5
    torch.testing.assert_close(adversarial_loss(LOGITS), binary_cross_entropy_with_logits(LOGITS, ones))
    both = binary_cross_entropy_with_logits(photograph, ones) + binary_cross_entropy_with_logits(LOGITS, zeros)
    torch.testing.assert_close(discriminator_loss(photograph, LOGITS), both)


def test_a_discriminator_that_knows_nothing_pays_two_bits() -> None:
    nothing = torch.zeros(4)
    assert float(discriminator_loss(nothing, nothing)) == pytest.approx(2 * math.log(2))
    assert float(adversarial_loss(nothing)) == pytest.approx(math.log(2))


def test_adversarial_losses_in_half_precision() -> None:
    # -log sigmoid(-1000) = 1000, which the probability itself cannot express.
    assert float(adversarial_loss(torch.tensor([-1000.0], dtype=torch.float16))) == 1000.0


def test_total_variation() -> None:
    # Rows 0 1 3 and 2 2 2: to the right 1, 2, 0, 0, mean 3/4; downward 2, 1, 1, mean 4/3.
    image = torch.tensor([[[[0.0, 1.0, 3.0], [2.0, 2.0, 2.0]]]])
    assert float(total_variation(image)) == pytest.approx(3 / 4 + 4 / 3)
    assert float(total_variation(torch.full((2, 3, 5, 4), 0.7))) == 0


def test_feature_loss_of_the_identity_is_the_squared_error() -> None:
    enlarged, photograph = images(2, 3, 4, 4), images(2, 3, 4, 4, seed=1)
    expected = (enlarged - photograph).square().mean()
    torch.testing.assert_close(FeatureLoss(nn.Identity())(enlarged, photograph), expected)


def test_feature_loss_trains_the_enlarged_image_alone() -> None:
    loss = FeatureLoss(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).train())
    statistics = loss.features[1].running_mean.clone()
    enlarged, photograph = images(2, 3, 8, 8).requires_grad_(), images(2, 3, 8, 8, seed=1).requires_grad_()
    loss(enlarged, photograph).backward()
    assert enlarged.grad.any()
    assert photograph.grad is None
    assert all(parameter.grad is None for parameter in loss.parameters())
    torch.testing.assert_close(loss.features[1].running_mean, statistics, rtol=0, atol=0)


def test_standardised_mean_colour_is_zero() -> None:
    colour = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    assert not Standardise()(colour).any()
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    torch.testing.assert_close(Standardise()(colour + deviation), torch.ones(1, 3, 1, 1))


@pytest.fixture
def vgg19_file(tmp_path):
    """Weights in torchvision's layout: all zero, one value stored for each tensor, but for the last bias of 3."""
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in vgg19(init_weights=False).state_dict().items()}
    state = {name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}
    state["features.34.bias"] = torch.tensor(3.0).expand(512)
    torch.save(state, tmp_path / "vgg19.pth")
    return tmp_path / "vgg19.pth"


def test_vgg19_up_to_relu5_4(vgg19_file) -> None:
    features = vgg19_features(vgg19_file)
    assert sum(isinstance(layer, nn.Conv2d) for layer in features) == 16
    assert isinstance(features[-1], nn.ReLU)
    # Zero weights leave the bias of the sixteenth convolution, the 34th layer; four poolings came before.
    torch.testing.assert_close(features(images(1, 3, 32, 48)), torch.full((1, 512, 2, 3), 3.0))


def test_weights_of_another_network(tmp_path) -> None:
    torch.save(nn.Conv2d(3, 3, 3).state_dict(), tmp_path / "other.pth")
    (tmp_path / "text.pth").write_text("no weights")
    for name in ("other.pth", "text.pth"):
        with pytest.raises(ValueError, match=rf"{name}: expected weights of VGG19 in torchvision's layout, got others"):
            vgg19_features(tmp_path / name)


def test_no_weights(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r"vgg19\.pth: expected weights of VGG19 .*, got no file"):
        vgg19_features(tmp_path / "vgg19.pth")


@pytest.fixture(scope="module")
def detector() -> PoseModel:
    torch.manual_seed(0)
    return PoseModel("yolov8n-pose.yaml", verbose=False).eval()


def test_trunk_of_a_detector_up_to_stride_8(detector: PoseModel) -> None:
    features, x = detector_features(detector), images(1, 3, 64, 96)
    expected = x
    for layer in detector.model[:5]:  # Conv, Conv, C2f, Conv, C2f: strides 2, 4, 4, 8, 8
        expected = layer(expected)
    assert expected.shape[-2:] == (8, 12)
    torch.testing.assert_close(features(x), expected)


def test_the_trunk_is_a_copy(detector: PoseModel) -> None:
    FeatureLoss(detector_features(detector, 2))
    assert all(parameter.requires_grad for parameter in detector.model[:2].parameters())


@pytest.mark.parametrize("depth", [0, 12])
def test_depth_ends_before_the_first_branch(detector: PoseModel, depth: int) -> None:
    # Layer 11 is the first to take two inputs: 0 to 10 follow one another.
    with pytest.raises(ValueError, match=f"depth: expected 1 to 11, the layers before the first branch, got {depth}"):
        detector_features(detector, depth)


MODELS = ["yolov5n-aesvc.yaml", "yolov5n-face-free.yaml"]


@pytest.fixture(scope="module", params=MODELS)
def detector_file(request, tmp_path_factory):
    """An untrained face detector in a checkpoint."""
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("detector") / "best.pt"
    YOLO(request.param, task="pose").save(file)
    return file


@pytest.fixture
def batch():
    faces = {
        "batch_idx": torch.tensor([0.0, 1.0]),
        "cls": torch.zeros(2, 1),
        "bboxes": torch.tensor([[0.5, 0.5, 0.6, 0.7], [0.4, 0.6, 0.3, 0.3]]),
        "keypoints": torch.full((2, 5, 3), 0.5),
    }
    return Batch(torch.empty(0), torch.empty(0), faces)


def test_the_loss_teaches_the_image_and_leaves_the_detector(detector_file, batch):
    detector = load_detector(detector_file)
    state = {name: value.clone() for name, value in detector.state_dict().items()}
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    loss = DetectionLoss(detector, tile=64)(images, batch)
    loss.backward()
    assert loss.shape == ()
    assert loss > 0
    assert images.grad[0].any()
    assert images.grad[1].any()
    assert all(parameter.grad is None for parameter in detector.parameters())
    for name, value in detector.state_dict().items():
        torch.testing.assert_close(value, state[name], rtol=0, atol=0)


def test_a_batch_without_faces(detector_file):
    faces = {"batch_idx": torch.zeros(0), "cls": torch.zeros(0, 1), "bboxes": torch.zeros(0, 4)}
    batch = Batch(torch.empty(0), torch.empty(0), faces | {"keypoints": torch.zeros(0, 5, 3)})
    loss = DetectionLoss(load_detector(detector_file), tile=64)(torch.rand(2, 3, 64, 64), batch)
    assert loss.isfinite()


def test_in_full_precision_within_autocast(detector_file, batch):
    detection = DetectionLoss(load_detector(detector_file), tile=64)
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    expected = detection(images, batch)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(detection(images, batch), expected)


def test_tile_that_does_not_fit_the_stride(detector_file):
    with pytest.raises(ValueError, match="tile: expected a multiple of the detector's stride of 32 px, got 48"):
        DetectionLoss(load_detector(detector_file), tile=48)


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"best\.pt: expected a trained detector, got no file"):
        load_detector(tmp_path / "best.pt")


def test_file_of_another_kind(tmp_path):
    (tmp_path / "best.pt").write_text("no checkpoint")
    with pytest.raises(ValueError, match=r"best\.pt: expected a trained detector, got"):
        load_detector(tmp_path / "best.pt")


def test_detector_without_landmarks(tmp_path):
    YOLO("yolov8n.yaml").save(tmp_path / "boxes.pt")
    with pytest.raises(ValueError, match=r"boxes\.pt: expected a detector with five landmarks, got another model"):
        load_detector(tmp_path / "boxes.pt")
