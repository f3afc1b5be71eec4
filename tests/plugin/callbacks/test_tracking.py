"""A tracker that asks for features gets those of the cell of each face, from the first pass over the picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from small_models import photograph, small_model
from torch import Tensor
from ultralytics import YOLO
from ultralytics.utils import ASSETS, YAML

from ultra_face.refinement.checkpoint import write_refined

SR = {"windows": 3, "window": 32, "scale": 2, "blocks": 0, "max_face": 24}
HEADS = {"AnchorPose": None, "FacePose": None, "SRPose": SR, "SRFacePose": SR, "SRPose, sorted": SR | {"ciou_nms": 0.5}}


def ask_for_features(predictor: Any) -> None:
    """As Ultralytics' trackers ask: what goes into the head is left on the predictor, by its last call."""

    def leave(module: Any, inputs: Any) -> None:
        predictor._feats = list(inputs[0])

    predictor.model.model.model[-1].register_forward_pre_hook(leave)


def pixels(height: int, width: int) -> NDArray[np.uint8]:
    """BGR of a size that the letterbox leaves alone."""
    return (photograph(1, height, width)[0].permute(1, 2, 0).numpy()[..., ::-1] * 255).round().astype(np.uint8)


def cell_of(column: int, center: Tensor, maps: list[Tensor], anchors: int) -> tuple[int, int, int]:
    """Level, row and column of the cell of a prediction: level by level, anchor by anchor, row by row."""
    for level, features in enumerate(maps):
        height, width = features.shape[2:]
        if column < anchors * height * width:
            return level, column % (height * width) // width, column % width
        column -= anchors * height * width
    height, width = maps[0].shape[2:]
    return 0, min(max(int(center[1] // 8), 0), height - 1), min(max(int(center[0] // 8), 0), width - 1)


@pytest.mark.parametrize(
    ("name", "size", "augment"),
    [
        *((name, (96, 128), False) for name in HEADS),
        ("SRPose", (128, 64), False),
        ("AnchorPose", (96, 128), True),
        ("SRFacePose", (96, 128), True),
    ],
)
def test_features_of_every_face_that_is_found(name: str, size: tuple[int, int], augment: bool) -> None:
    model, sr = YOLO("yolov8n-pose.yaml"), HEADS[name]
    model.model = small_model(name.partition(",")[0], sr)
    model.add_callback("on_predict_start", ask_for_features)
    (result,) = model.predict(
        pixels(*size), imgsz=max(size), conf=0.3, iou=0.95, max_det=2000, augment=augment, verbose=False
    )
    assert len(result.feats) == len(result) > 20

    network = model.predictor.model.model
    x = model.predictor.preprocess([pixels(*size)])
    with torch.no_grad():
        decoded, outputs = network(x, augment=augment)
    maps, known = outputs["feats"], "sorted" not in name
    beyond = sum(features[0, 0].numel() for features in maps) * (2 if "FacePose" not in name else 1)
    origins = set()
    height, width = size
    for score, (left, top, right, bottom), got in zip(result.boxes.conf, result.boxes.xyxy, result.feats, strict=True):
        if left <= 0 or top <= 0 or right >= width or bottom >= height:
            continue  # its box was clipped, so that it cannot be told which prediction it was
        center = torch.stack([left + right, top + bottom]) / 2
        same = ((decoded[0, 4] - score).abs() < 1e-6).nonzero()[:, 0]
        column = int(same[(decoded[0, :2, same] - center[:, None]).abs().sum(0).argmin()])
        origin = column if known else beyond
        level, row, place = cell_of(origin, decoded[0, :2, column], maps, 1 if "FacePose" in name else 2)
        torch.testing.assert_close(got, maps[level][0, :, row, place], rtol=1e-3, atol=1e-3)
        origins.add(origin < beyond)
    assert known in origins


def test_without_a_tracker_nothing_is_added() -> None:
    model = YOLO("yolov8n-pose.yaml")
    model.model = small_model("AnchorPose")
    (result,) = model.predict(pixels(96, 128), imgsz=128, conf=0.3, verbose=False)
    assert not hasattr(result, "feats")


def test_stock_models_are_left_alone() -> None:
    model = YOLO("yolov8n.yaml")
    model.predict(pixels(96, 128), imgsz=128, verbose=False)
    assert not {"postprocess", "inference"} & set(vars(model.predictor))


@pytest.mark.slow
@pytest.mark.parametrize("refined", [False, True], ids=["plain", "refined"])
def test_tracks_of_a_moving_photograph_keep_their_faces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refined: bool
) -> None:
    """The two faces of a photograph that slides through the picture stay tracks 1 and 2."""
    pytest.importorskip("lap", reason="Ultralytics' trackers need it")
    monkeypatch.chdir(tmp_path)  # the weights are copied there
    tracker = tmp_path / "reid.yaml"
    YAML.save(tracker, YAML.load(find("botsort.yaml")) | {"with_reid": True, "model": "auto"})
    weights = "yolov5n-aesvc-face.pt"
    if refined:
        write_refined(YOLO(weights), tmp_path / "refined.pt", settings={"scale": 2})
        weights = str(tmp_path / "refined.pt")
    image = cv2.imread(str(ASSETS / "zidane.jpg"))
    video = cv2.VideoWriter(str(tmp_path / "video.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (1280, 720))
    for step in range(8):
        video.write(np.roll(image, 12 * step, axis=1))
    video.release()
    frames = YOLO(weights).track(tmp_path / "video.avi", tracker=str(tracker), conf=0.5, verbose=False)
    tracks = [dict(zip(frame.boxes.id.int().tolist(), frame.boxes.xywh[:, 0], strict=True)) for frame in frames[1:]]
    assert all(set(track) == {1, 2} for track in tracks)
    for number in (1, 2):
        moved = torch.diff(torch.stack([track[number] for track in tracks]))
        torch.testing.assert_close(moved, torch.full_like(moved, 12.0), rtol=0, atol=6.0)


def find(name: str) -> str:
    from ultralytics.utils.checks import check_yaml

    return str(check_yaml(name))
