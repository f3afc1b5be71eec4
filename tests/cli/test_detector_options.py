from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

import pytest

from ultra_face.cli.detector import add_options, input_side, parse_scales, take_run
from ultra_face.evaluation.detect_images import Run, Settings, describe


@pytest.mark.parametrize(
    ("text", "scales"),
    [("vga", (640,)), ("original", (None,)), ("640,1280", (640, 1280)), ("vga, original, 96", (640, None, 96))],
)
def test_scales(text, scales):
    assert parse_scales(text) == scales


@pytest.mark.parametrize("text", ["", "hd", "0", "-32", "650", "640,"])
def test_scales_that_are_none(text):
    with pytest.raises(ArgumentTypeError, match=r"expected vga, original or a multiple of 32 px, such as 640,1280"):
        parse_scales(text)


@pytest.mark.parametrize("text", ["", "x", "0", "-32", "650"])
def test_sides_of_inputs_that_are_none(text):
    with pytest.raises(ArgumentTypeError, match=f"^expected a multiple of 32 px, such as 640, got {text!r}$"):
        input_side(text)


def test_sides_of_inputs():
    assert input_side("96") == 96


@pytest.fixture
def take():
    """Parse a command line of a tool that reads predictions or runs a model."""

    def parse(line):
        parser = ArgumentParser()
        parser.add_argument("--predictions")
        options = add_options(parser, output="runs/x").parse_args(line.split())
        return take_run(options), options

    return parse


def test_options_of_a_run(take):
    run, rest = take("--model m.pt --images i")
    assert run == Run("m.pt", Path("i"), Path("runs/x"), Settings(scales=(640,)))
    assert vars(rest) == {"predictions": None}
    words = "--scale original,640 --flip --conf 0.02 --iou 0.3 --max-det 750 --device cpu"
    run, _ = take(f"--model m.pt --images i --output o {words}")
    assert run == Run("m.pt", Path("i"), Path("o"), Settings((None, 640), True, 0.02, 0.3, 750, "cpu"))


def test_predictions_need_no_run(take):
    run, rest = take("--predictions p")
    assert run is None
    assert vars(rest) == {"predictions": "p"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "give one of --predictions and --model"),
        ("--model m.pt --predictions p", "give one of --predictions and --model"),
        ("--model m.pt", "--model needs --images"),
        ("--model m.pt --images i --scale 641", "scale '641': expected vga, original or a multiple of 32 px"),
    ],
)
def test_options_that_do_not_fit(take, line, message, capsys):
    with pytest.raises(SystemExit):
        take(line)
    assert message in capsys.readouterr().err


def test_settings_in_words():
    settings = Settings(scales=(640, None), flip=True, confidence=0.01, nms_iou=0.4, max_det=500)
    record = describe(settings)
    assert record.pop("ultralytics")
    assert record == {
        "scale": "640 px, original",
        "flip": True,
        "confidence": 0.01,
        "NMS IoU": 0.4,
        "limit on detections": 500,
    }
