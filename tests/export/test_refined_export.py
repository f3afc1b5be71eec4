"""An exported model with refinement: both stages in one file, and the faces of its checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import pytest
import torch
from detecting_model import NO_ONE, PHOTOGRAPHS, SIZE, SMALL, WINDOW
from same_faces import RUN_TIMES, THRESHOLDS, Export, assert_same_faces, need, predict, scale
from small_models import photograph, small_model
from ultralytics import YOLO
from ultralytics.data.augment import LetterBox

from ultra_face.nn.srgan import Generator
from ultra_face.refinement.checkpoint import refine_model
from ultra_face.refinement.integration import BEST_OF_TILE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of the exporter, see test_exported_models.py
]

# All that the detector knows is doubtful; of its faces, two in one photograph are this small, and one in the other.
SETTINGS = {"windows": 1, "window": WINDOW, "doubt": [0.25, 0.999], "max_face": float(SMALL)}
IMAGES = [NO_ONE, *(cv2.imread(str(file)) for file in PHOTOGRAPHS)]
SCALES = [1.0, *map(scale, PHOTOGRAPHS)]
NUM_ANCHORS = 3 * sum((SIZE // stride) ** 2 for stride in (8, 16, 32))

EXPORTS = {
    "onnx-nms": Export({"format": "onnx", "nms": True, **THRESHOLDS}),
    "onnx-opset-16": Export({"format": "onnx", "opset": 16}),  # the first with an operator that cuts windows
    **{name: RUN_TIMES[name] for name in ("torchscript", "openvino", "opencv", "mnn", "litert", "executorch")},
}


def light_generator() -> Generator:
    """A small generator whose last layer adds something."""
    torch.manual_seed(0)
    generator = Generator(scale=2, blocks=1, width=8, light=True)
    torch.nn.init.normal_(generator.exit[0].weight, std=0.02)
    return generator.eval()


@pytest.fixture(scope="module")
def save_refined(
    detecting_model: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """Saves the detecting model with refinement and these settings, in a folder of its own."""

    def save(**changes: Any) -> Path:
        model = YOLO(detecting_model("yolov5n-aesvc"))
        model.model = refine_model(model.model, generator=light_generator(), settings=SETTINGS | changes)
        file = tmp_path_factory.mktemp("refined") / "best.pt"
        model.save(file)
        return file

    return save


@pytest.fixture(scope="module")
def checkpoint(save_refined: Callable[..., Path]) -> Path:
    return save_refined()


@pytest.fixture(scope="module")
def dynamic_onnx(checkpoint: Path) -> str:
    # As it was traced; the simplified graph is the one of "onnx-nms" below.
    return str(YOLO(checkpoint).export(format="onnx", imgsz=SIZE, dynamic=True, simplify=False))


def inputs() -> torch.Tensor:
    letterbox = LetterBox((SIZE, SIZE))
    images = [np.ascontiguousarray(letterbox(image=image)[..., ::-1]) for image in IMAGES]
    return torch.stack([torch.from_numpy(image).permute(2, 0, 1) / 255 for image in images])


def test_the_images_have_no_one_and_more_small_doubtful_faces_than_windows(save_refined: Callable[..., Path]) -> None:
    model = YOLO(save_refined(windows=8, first_look=1.0)).model.eval()
    with torch.no_grad():
        first = model(inputs())[0][..., :NUM_ANCHORS]
    assert model.model[-1].find_windows(first, (SIZE, SIZE)).used.sum(1).tolist() == [0, 2, 1]


def test_refinement_changes_what_the_checkpoint_finds(detecting_model: Callable[[str], Path], checkpoint: Path) -> None:
    # Else the comparisons below would compare the first stage alone.
    plain, refined = (predict(YOLO(file), IMAGES) for file in (detecting_model("yolov5n-aesvc"), checkpoint))
    same = [
        len(a) == len(b) and np.allclose(a.boxes_xyxy, b.boxes_xyxy, atol=0.1)
        for a, b in zip(plain, refined, strict=True)
    ]
    assert same == [True, False, False]


@pytest.mark.parametrize("batch", [[0], [1], [2], [0, 1, 2], [2, 1]], ids=str)
def test_one_onnx_file_for_batches_of_any_size(checkpoint: Path, dynamic_onnx: str, batch: list[int]) -> None:
    images = [IMAGES[index] for index in batch]
    expected, got = predict(YOLO(checkpoint), images), predict(YOLO(dynamic_onnx, task="pose"), images)
    for index, found, wanted in zip(batch, got, expected, strict=True):
        assert_same_faces(found, wanted, pixels=0.02 * SCALES[index], score=2e-4, none=index == 0)


def test_the_columns_of_both_stages(dynamic_onnx: str) -> None:
    session = onnxruntime.InferenceSession(dynamic_onnx)
    for count in (1, 3):
        (output,) = session.run(None, {"images": inputs()[:count].numpy()})
        assert output.shape == (count, 20, NUM_ANCHORS + SETTINGS["windows"] * BEST_OF_TILE)
        # Nothing doubtful in the first image: its window says nothing.
        assert not output[0, 4, NUM_ANCHORS:].any()
        assert all(image[4, NUM_ANCHORS:].max() > THRESHOLDS["conf"] for image in output[1:])


def test_windows_reach_all_of_an_image_of_another_size(checkpoint: Path, dynamic_onnx: str) -> None:
    # The photograph in the right lower corner of a larger input, where no window of the traced size would get.
    wide = torch.full((1, 3, 256, 320), 114 / 255)
    wide[..., 96:, 160:] = inputs()[1]
    (got,) = onnxruntime.InferenceSession(dynamic_onnx).run(None, {"images": wide.numpy()})
    with torch.no_grad():
        expected = YOLO(checkpoint).model.eval()(wide)[0].numpy()
    num_anchors = NUM_ANCHORS * 256 * 320 // SIZE**2
    best = [columns[0, :, num_anchors:].T[columns[0, 4, num_anchors:].argmax()] for columns in (got, expected)]
    np.testing.assert_allclose(*best, rtol=1e-3, atol=2e-3)
    assert best[0][4] > 0.1
    assert best[0][0] > 160


@pytest.mark.parametrize("export", EXPORTS.values(), ids=EXPORTS)
def test_other_formats(checkpoint: Path, export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need(export, tmp_path, monkeypatch)
    if export.prediction.get("dnn") and cv2.__version__ < "5":
        pytest.skip("OpenCV 4.12 does not read the file, see docs/formats.md")
    exported = YOLO(YOLO(checkpoint).export(imgsz=SIZE, **export.arguments), task="pose")
    for index in range(3):
        (expected,), (got,) = (
            predict(YOLO(checkpoint), [IMAGES[index]]),
            predict(exported, [IMAGES[index]], **export.prediction),
        )
        tolerance = {"pixels": 2 * export.pixels * SCALES[index], "score": 2 * export.score}
        assert_same_faces(got, expected, **tolerance, none=index == 0)


def test_suppression_by_ciou_and_the_head_without_anchors(tmp_path: Path) -> None:
    model = YOLO("yolov8n-pose.yaml")
    sr = {"windows": 2, "window": 32, "scale": 2, "blocks": 1, "width": 4, "light": True, "ciou_nms": 0.4}
    model.model = small_model("SRFacePose", sr)
    model.save(tmp_path / "best.pt")
    x = photograph(1, 64, 96)
    with torch.no_grad():
        expected = YOLO(tmp_path / "best.pt").model.eval()(x)[0][0]
    file = YOLO(tmp_path / "best.pt").export(format="onnx", imgsz=(64, 96), simplify=False)
    got = torch.from_numpy(onnxruntime.InferenceSession(file).run(None, {"images": x.numpy()})[0][0])
    found, wanted = (columns[:, columns[4] > 0.001] for columns in (got, expected))
    assert 10 < wanted.shape[1] < expected.shape[1]  # some were suppressed
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-2)
