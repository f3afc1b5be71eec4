"""Detection at several scales and mirrored: boxes land in the original image, whatever the pass."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from ultralytics import YOLO

from ultra_face.evaluation.detect_images import Settings, detect, run_pass


class BrightBox:
    """Stands for `YOLO`: finds the one bright rectangle of an image and calls its corners landmarks.

    `predict` answers in pixels of the image it is given, as Ultralytics does.
    """

    def __init__(self, fixed_size=None, landmarks=True):
        self.model_name = "bright.onnx"
        self.model = SimpleNamespace(stride=torch.tensor([8, 32]))
        self.predictor = SimpleNamespace(imgsz=None)
        self.fixed_size, self.landmarks, self.shapes = fixed_size, landmarks, []

    def predict(self, image, *, imgsz, conf, iou, max_det, device, agnostic_nms, verbose):
        self.shapes.append(image.shape[:2])
        asked = [imgsz, imgsz] if isinstance(imgsz, int) else imgsz
        self.predictor.imgsz = self.fixed_size or asked
        rows, columns = np.nonzero(image[..., 0] == 255)
        left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1.0, rows.max() + 1.0
        points = [[left, top], [right, top], [(left + right) / 2, (top + bottom) / 2], [left, bottom], [right, bottom]]
        boxes = SimpleNamespace(
            xyxy=torch.tensor([[left, top, right, bottom]], dtype=torch.float32),
            conf=torch.tensor([0.5 + 0.1 * len(self.shapes)]),
        )
        keypoints = SimpleNamespace(data=torch.tensor([points], dtype=torch.float32)) if self.landmarks else None
        return [SimpleNamespace(boxes=boxes, keypoints=keypoints)]


@pytest.fixture
def image():
    picture = np.zeros((50, 70, 3), np.uint8)
    picture[10:30, 5:25] = 255
    return picture


BOX = [5, 10, 25, 30]
LANDMARKS = [[5, 10], [25, 10], [15, 20], [5, 30], [25, 30]]


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("scale", [None, 640])
def test_every_pass_answers_in_pixels_of_the_image(image, scale, mirrored):
    found = run_pass(BrightBox(), image, scale, mirrored, Settings())
    assert_allclose(found.boxes_xyxy, [BOX])
    assert_allclose(found.landmarks, [LANDMARKS])


def test_passes_are_merged_and_the_best_score_stays(image):
    model = BrightBox()
    found = detect(model, image, Settings(scales=(640, None), flip=True))
    assert model.shapes == [(50, 70), (50, 70), (64, 96), (64, 96)]  # the original is padded to the stride
    assert_allclose(found.boxes_xyxy, [BOX])
    assert_allclose(found.scores, [0.9], atol=1e-6)  # of the fourth pass


def test_a_model_without_landmarks(image):
    found = detect(BrightBox(landmarks=False), image, Settings(flip=True))
    assert found.landmarks.shape == (1, 5, 2)
    assert np.isnan(found.landmarks).all()


def test_boxes_that_stay_apart_are_sorted_and_limited(image):
    class TwoSizes(BrightBox):
        def predict(self, image, **settings):
            (result,) = super().predict(image, **settings)
            result.boxes.xyxy += 100 * (len(self.shapes) - 1)  # each pass elsewhere
            return [result]

    wide = np.zeros((50, 400, 3), np.uint8)
    wide[10:30, 5:25] = 255
    found = detect(TwoSizes(), wide, Settings(scales=(32, 64, 96)))
    assert_array_equal(found.boxes_xyxy[:, 0], [205, 105, 5])
    assert (np.diff(found.scores) < 0).all()
    assert len(detect(TwoSizes(), wide, Settings(scales=(32, 64, 96), max_det=2)).scores) == 2


def test_boxes_end_at_the_image(image):
    image[:] = 0
    image[40:, 60:] = 255
    found = run_pass(
        BrightBox(), np.pad(image, ((0, 9), (0, 9), (0, 0)), mode="edge")[:50, :70], None, False, Settings()
    )
    assert_allclose(found.boxes_xyxy, [[60, 40, 70, 50]])


def test_an_export_of_one_size_says_so(image):
    model = BrightBox(fixed_size=[640, 640])
    detect(model, image, Settings(scales=(640,)))
    with pytest.raises(ValueError, match=r"bright\.onnx: asked for 96 x 64 px, but it runs at 640 x 640 px; choose"):
        detect(model, image, Settings(scales=(None,)))


def test_a_real_model_at_its_original_size_is_not_resized(image):
    model = YOLO("yolov5n-face.yaml")
    found = detect(model, image, Settings(scales=(None, 64), flip=True, max_det=7))
    assert model.predictor.imgsz == [64, 64]  # of the last pass
    assert 0 < len(found.scores) <= 7
    assert found.landmarks.shape == (len(found.scores), 5, 2)
    assert (found.boxes_xyxy >= 0).all()
    assert (found.boxes_xyxy <= [70, 50, 70, 50]).all()
