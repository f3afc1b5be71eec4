"""The picture of a second look: its steps are those of the network, and the tool writes it."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from small_models import photograph, small_model
from ultralytics.utils.nms import non_max_suppression

from ultra_face.refinement.second_look import draw_second_look, look_again

SR = {"windows": 3, "window": 32, "scale": 2, "blocks": 0, "max_face": 24}
SETTINGS = {"imgsz": 128, "confidence": 0.2, "nms_iou": 0.5}


def image() -> np.ndarray:
    """96 x 128 px BGR: a multiple of the stride, which the letterbox leaves alone."""
    return (photograph()[0].permute(1, 2, 0).numpy()[..., ::-1] * 255).round().astype(np.uint8)


def boxes(model: Any, pixels: np.ndarray) -> np.ndarray:
    x = torch.from_numpy(np.ascontiguousarray(pixels[..., ::-1].transpose(2, 0, 1))).float()[None] / 255
    with torch.no_grad():
        kept = non_max_suppression(model(x)[0], SETTINGS["confidence"], SETTINGS["nms_iou"], nc=1, max_det=1000)
    return kept[0][:, :4].numpy()


@pytest.mark.parametrize("head", ["SRPose", "SRFacePose"])
def test_first_and_final_faces_are_those_of_the_models_without_and_with_refinement(head: str) -> None:
    look = look_again(small_model(head, SR), image(), **SETTINGS)
    np.testing.assert_allclose(look.final.boxes_xyxy, boxes(small_model(head, SR), image()), atol=1e-4)
    np.testing.assert_allclose(look.first.boxes_xyxy, boxes(small_model(head, SR | {"windows": 0}), image()), atol=1e-4)


def test_cuts_are_the_windows_of_the_image() -> None:
    look = look_again(small_model("SRPose", SR), image(), **SETTINGS)
    assert 0 < len(look.windows) <= 3
    for (left, top), cut in zip(look.windows.astype(int), look.cuts, strict=True):
        np.testing.assert_array_equal(cut, image()[top : top + 32, left : left + 32])
    assert look.tiles.shape == (len(look.windows), 64, 64, 3)
    assert len(look.found) == len(look.windows)


def test_the_settings_of_the_model_stay() -> None:
    model = small_model("SRPose", SR)
    before = model.model[-1].sr
    look_again(model, image(), **SETTINGS)
    assert model.model[-1].sr is before


def test_nothing_doubtful_gives_a_picture_without_tiles() -> None:
    model = small_model("SRPose", SR | {"doubt": [0.99998, 0.99999]})
    look = look_again(model, image(), **SETTINGS)
    assert len(look.windows) == len(look.found) == 0
    # Twice the image, beside itself with a gap of 8 px; a title of 22 px above, the gap below.
    assert draw_second_look(look).shape == (22 + 2 * 96 + 8, 2 * 2 * 128 + 8, 3)


def test_three_rows_of_tiles_below_the_image() -> None:
    look = look_again(small_model("SRPose", SR), image(), **SETTINGS)
    # Each row: a title of 22 px, windows of 32 px three times as large, the gap of 8 px.
    assert draw_second_look(look).shape[0] == 22 + 2 * 96 + 8 + 3 * (22 + 3 * 32 + 8)


@pytest.mark.parametrize(
    ("head", "sr", "state"),
    [("AnchorPose", None, "that ends in AnchorPose"), ("SRPose", SR | {"windows": 0}, "with no windows")],
)
def test_a_model_without_refinement(head: str, sr: Any, state: str) -> None:
    with pytest.raises(ValueError, match=f"^expected a model with refinement, got one {state}; make one with"):
        look_again(small_model(head, sr), image(), **SETTINGS)


@pytest.fixture
def show(repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    torch.save({"model": small_model("SRPose", SR).half(), "train_args": {"task": "pose"}}, tmp_path / "model.pt")

    def run(source: Path, output: Path) -> None:
        arguments = [tmp_path / "model.pt", source, "--output", output, "--imgsz", 128]
        monkeypatch.setattr(sys, "argv", ["show_refinement.py", *map(str, arguments)])
        runpy.run_path(str(repository / "tools" / "show_refinement.py"), run_name="__main__")

    return run


def test_the_tool_writes_a_picture(show: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cv2.imwrite(str(tmp_path / "photo.png"), image())
    show(tmp_path / "photo.png", tmp_path / "look.png")
    assert cv2.imread(str(tmp_path / "look.png")).shape[1] == 2 * 2 * 128 + 8
    assert capsys.readouterr().out.rstrip().endswith(f"wrote {tmp_path / 'look.png'}")


def test_errors_of_the_tool(show: Any, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_text("no picture")
    with pytest.raises(SystemExit, match=r"photo\.png: expected an image that decodes, got none; check the path"):
        show(tmp_path / "photo.png", tmp_path / "look.png")
    cv2.imwrite(str(tmp_path / "photo.png"), image())
    with pytest.raises(SystemExit, match=r"^ultra-face show: .*look\.odd: expected the name of a picture"):
        show(tmp_path / "photo.png", tmp_path / "look.odd")


def test_whoever_runs_the_model_meanwhile_sees_its_own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    model, met = small_model("SRPose", SR), []
    convolve = type(model.model[0]).forward
    monkeypatch.setattr(
        type(model.model[0]), "forward", lambda *args: met.append(model.model[-1].sr.windows) or convolve(*args)
    )
    look_again(model, image(), **SETTINGS)
    assert set(met) == {SR["windows"]}


def test_a_step_that_fails_leaves_the_model_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_model("SRPose", SR)
    before, layers = model.model[-1].sr, model.model

    def fail(*arguments: Any, **settings: Any) -> None:
        raise MemoryError("no room for tiles")

    monkeypatch.setattr("ultra_face.refinement.second_look.cut_windows", fail)
    with pytest.raises(MemoryError, match="no room for tiles"):
        look_again(model, image(), **SETTINGS)
    assert model.model[-1].sr is before
    assert model.model is layers
