from __future__ import annotations

import pytest
import torch
from ultralytics import YOLO

from ultra_face.super_resolution.batches import Batch
from ultra_face.super_resolution.detector import DetectionLoss, load_detector

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
