"""Test-time augmentation: what is found in a scaled or mirrored image lands where it is in the image itself."""

from __future__ import annotations

import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn
from ultralytics import YOLO

from ultra_face.faces import MIRRORED_LANDMARKS
from ultra_face.plugin.tta import PASSES, mirror, predict_augmented, rescale, restore

# centre, size, score, then x y v of eye, eye, nose, mouth, mouth
FACE = [30.0, 20, 12, 16, 0.9, 26, 16, 0.1, 34, 17, 0.2, 31, 20, 0.3, 27, 25, 0.4, 33, 26, 0.5]
MIRRORED = [70.0, 20, 12, 16, 0.9, 66, 17, 0.2, 74, 16, 0.1, 69, 20, 0.3, 67, 26, 0.5, 73, 25, 0.4]  # in 100 px


def column(values):
    return torch.tensor(values).view(1, -1, 1)


def test_mirror():
    points = torch.tensor([[10.0, 20], [5, 6]])  # x of two points, y of two points
    assert_allclose(mirror(points, 100), [[90, 80], [5, 6]])


def test_a_mirrored_face_is_brought_back_with_left_and_right_exchanged():
    restored = restore(column(MIRRORED), (5, 3), ratio=(1.0, 1.0), mirrored_width=100)
    assert_allclose(restored, column(FACE))


def test_a_scaled_face_is_brought_back_by_the_ratio_of_each_side():
    # twice as wide, four times as high; score and visibility are no lengths
    x, y = 2, 4
    scaled = [30 * x, 20 * y, 12 * x, 16 * y, 0.9]
    for place in range(5, 20, 3):
        scaled += [FACE[place] * x, FACE[place + 1] * y, FACE[place + 2]]
    assert_allclose(restore(column(scaled), (5, 3), ratio=(2.0, 4.0), mirrored_width=None), column(FACE))


def test_landmarks_without_visibility_and_more_classes():
    two_classes = [30.0, 20, 12, 16, 0.9, 0.1, *range(10)]
    restored = restore(column(two_classes), (5, 2), ratio=(1.0, 1.0), mirrored_width=100)
    # (0, 1) (2, 3) (4, 5) (6, 7) (8, 9) -> mirrored, pairs exchanged
    expected = [70, 20, 12, 16, 0.9, 0.1, 98, 3, 100, 1, 96, 5, 92, 9, 94, 7]
    assert_allclose(restored, column(expected))


def test_rescaled_images_are_padded_to_the_stride_and_report_their_true_ratio():
    image, (ratio_x, ratio_y) = rescale(torch.ones(1, 3, 96, 160), 0.67, stride=32)
    # 160 * 0.67 = 107.2 -> 107, padded to 128; 96 * 0.67 = 64.32 -> 64
    assert image.shape == (1, 3, 64, 128)
    assert (ratio_x, ratio_y) == (107 / 160, 64 / 96)
    assert_allclose(image[..., :107], 1)
    assert_allclose(image[..., 107:], 114 / 255)
    same, ratio = rescale(image, 1.0, stride=32)
    assert same is image
    assert ratio == (1.0, 1.0)


class BrightSpots(nn.Module):
    """A detector that cannot err: each landmark is the centroid of a bright spot.

    Channels 0, 1, 2 show eyes, nose and mouth corners. Of the two spots of one channel the left one comes first, as
    a trained model would have it.
    """

    def __init__(self, kpt_shape):
        super().__init__()
        head = nn.Identity()
        head.kpt_shape = kpt_shape
        self.model = [head]
        self.stride = torch.tensor([8.0, 32.0])

    def predict(self, image):
        eyes, nose, mouth = image[0]
        points = [*self.left_and_right(eyes), self.centroid(nose), *self.left_and_right(mouth)]
        values = [v for point in points[: self.model[0].kpt_shape[0]] for v in point]
        centre = self.centroid(image[0].amax(dim=0))
        return (
            torch.stack([*centre, torch.tensor(8.0), torch.tensor(8.0), torch.tensor(0.5), *values]).view(1, -1, 1),
        )

    @staticmethod
    def centroid(weights):
        height, width = weights.shape
        x, y = torch.arange(width) + 0.5, torch.arange(height) + 0.5
        weights = (weights - 0.5).clamp(min=0)  # padding is grey, 0.45
        total = weights.sum()
        return (weights.sum(dim=0) * x).sum() / total, (weights.sum(dim=1) * y).sum() / total

    def left_and_right(self, weights):
        middle = int(self.centroid(weights)[0])
        left, right = weights.clone(), weights.clone()
        left[:, middle:], right[:, :middle] = 0, 0
        return self.centroid(left), self.centroid(right)


def spotted_image():
    image = torch.zeros(1, 3, 96, 128)
    x, y = torch.arange(128) + 0.5, (torch.arange(96) + 0.5)[:, None]
    for channel, spot_x, spot_y in ((0, 30, 20), (0, 60, 24), (1, 50, 40), (2, 34, 60), (2, 56, 66)):
        image[0, channel] += torch.exp(-((x - spot_x) ** 2 + (y - spot_y) ** 2) / 50)
    return image


def test_all_passes_agree_about_the_image():
    predictions, training_output = predict_augmented(BrightSpots((5, 2)), spotted_image())
    assert training_output is None
    assert predictions.shape == (1, 4 + 1 + 10, len(PASSES))
    places = [30, 20, 60, 24, 50, 40, 34, 60, 56, 66]
    assert_allclose(predictions[0, 5:, 0], places, atol=1e-2)
    for number in range(1, len(PASSES)):
        assert_allclose(predictions[0, 5:, number], places, atol=0.1)


def test_other_numbers_of_landmarks_are_not_mirrored():
    predictions, _ = predict_augmented(BrightSpots((3, 2)), spotted_image())
    assert predictions.shape[-1] == sum(not mirrored for _, mirrored in PASSES)


def test_pairs_exchange_twice_to_the_same():
    assert [MIRRORED_LANDMARKS[i] for i in MIRRORED_LANDMARKS] == list(range(5))


@pytest.mark.parametrize("name", ["yolov5n-face.yaml", "yolov5n-aesvc-free.yaml"])
def test_augment_argument_of_a_face_model(name, recwarn):
    model = YOLO(name).model.eval()
    image = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        once, augmented = model.predict(image)[0], model.predict(image, augment=True)[0]
    assert augmented.shape[1] == once.shape[1]
    assert augmented.shape[2] > 2 * once.shape[2]
    assert_allclose(augmented[..., : once.shape[2]], once, atol=1e-5)
    assert not [warning for warning in recwarn if "augment" in str(warning.message)]


def test_stock_pose_models_keep_the_stock_answer():
    model = YOLO("yolov8n-pose.yaml").model.eval()
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert_allclose(model.predict(image, augment=True)[0], model.predict(image)[0])
