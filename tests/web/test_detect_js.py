"""The JavaScript of the page: its own tests under Node, and the same numbers as the Python that it follows."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from outfits import lacks

from ultra_face.detection.letterbox import Letterbox
from ultra_face.detection.predictions import clipped, moved, read_predictions
from ultra_face.detection.suppression import suppress
from ultra_face.faces import Faces
from ultra_face.runtimes.network import Signature

SIZES_HW = [(720, 1280), (1080, 810), (200, 199), (199, 200), (5, 1280), (7, 1280), (3, 1000), (640, 640), (33, 47)]
PROGRAM = """
import { decode, fill, letterbox, suppress, toPicture } from "%s";
const asked = JSON.parse(await new Promise((end) => {
    let text = "";
    process.stdin.on("data", (part) => (text += part)).on("end", () => end(text));
}));
const boxes = asked.pictures.map(([height, width]) =>
    asked.strides.map((stride) => letterbox({ width, height }, { width: 640, height: 480 }, stride)));
const planes = asked.images.map(({ size, ...picture }) => Array.from(fill(picture, letterbox(picture, size))));
const found = asked.outputs.map(({ values, shape, kind, floor, box }) => {
    const faces = suppress(decode(Float32Array.from(values), shape, kind, floor));
    return toPicture(faces, letterbox(box.picture, box.size));
});
process.stdout.write(JSON.stringify({ boxes, planes, found }));
"""


@pytest.fixture(scope="module")
def node() -> str:
    return shutil.which("node") or lacks("Node.js, the program `node` on the PATH")


@pytest.fixture(scope="module")
def ask(node: str, repository: Path) -> Callable[[dict[str, Any]], Any]:
    """Gives what the functions of detect.js answer."""

    def run(**asked: Any) -> Any:
        asked = {"pictures": [], "strides": [], "images": [], "outputs": [], **asked}
        program = PROGRAM % (repository / "examples" / "browser" / "detect.js").as_uri()
        done = subprocess.run(
            [node, "--input-type=module", "--eval", program], input=json.dumps(asked), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_its_own_tests_pass(node: str, repository: Path) -> None:
    command = [node, "--test", str(Path(__file__).with_name("detect.test.mjs"))]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fail 0" in done.stdout


def test_letterboxes_are_those_of_python(ask: Callable[..., Any]) -> None:
    strides = [None, 32, 64]
    answered = ask(pictures=SIZES_HW, strides=strides)["boxes"]
    for picture_hw, boxes in zip(SIZES_HW, answered, strict=True):
        for stride, box in zip(strides, boxes, strict=True):
            expected = Letterbox.fit(picture_hw, (480, 640), stride=stride)
            sides = [(box[name]["height"], box[name]["width"]) for name in ("picture", "input", "inner")]
            assert [*sides, (box["left"], box["top"])] == [
                expected.image_hw, expected.input_hw, expected.inner_hw, expected.left_top
            ]  # fmt: skip


def test_inputs_are_those_of_opencv(ask: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (*hw, 3)).astype(np.uint8) for hw in ((40, 60), (31, 17), (20, 200))]
    size_hw = (64, 96)
    given = [
        {
            "width": image.shape[1],
            "height": image.shape[0],
            "data": np.dstack([image, np.full(image.shape[:2], 255, np.uint8)]).ravel().tolist(),
            "size": {"width": size_hw[1], "height": size_hw[0]},
        }
        for image in images
    ]
    for image, answered in zip(images, ask(images=given)["planes"], strict=True):
        letterbox = Letterbox.fit(image.shape[:2], size_hw, stride=None)
        expected = np.empty((3, *size_hw), np.float32)
        letterbox.fill(expected, cv2.resize(image[..., ::-1], letterbox.inner_hw[::-1]))
        # OpenCV rounds its weights too, so that some bytes of this noise come out one higher or lower.
        difference = np.abs(255 * (np.reshape(answered, expected.shape) - expected))
        assert difference.max() < 1.001
        assert difference.mean() < 0.2


@pytest.mark.parametrize("num_classes", [1, 3])
@pytest.mark.parametrize("landmark_values", [2, 3])
@pytest.mark.parametrize("suppressed", [False, True], ids=["columns", "rows"])
def test_faces_are_those_of_python(
    ask: Callable[..., Any], num_classes: int, landmark_values: int, suppressed: bool
) -> None:
    rng = np.random.default_rng(1)
    before_landmarks = 6 if suppressed else 4 + num_classes
    output = rng.uniform(0, 640, (400, before_landmarks + 5 * landmark_values)).astype(np.float32)
    if suppressed:
        output[:, 2:4] = output[:, :2] + output[:, 2:4] / 8
    else:
        output[:, 2:4] /= 8
    output[:, 4:before_landmarks] = rng.integers(0, 50, (400, before_landmarks - 4)) / 50  # with equals among them
    if not suppressed:
        output = np.ascontiguousarray(output.T)
    hw, size_hw, floor = (333, 500), (640, 640), 0.25
    letterbox = Letterbox.fit(hw, size_hw, stride=None)
    raw = read_predictions(output, Signature(num_classes, landmark_values, 32, size_hw), confidence=floor)
    kept: Faces = raw[suppress(raw.boxes_xyxy, raw.scores, iou=0.5)]
    expected = clipped(moved(kept, letterbox.to_image[:2], mirrored=False), hw)
    asked = {
        "values": output.ravel().tolist(),
        "shape": output.shape,
        "kind": {"classes": num_classes, "values": landmark_values},
        "floor": floor,
        "box": {"picture": {"width": hw[1], "height": hw[0]}, "size": {"width": 640, "height": 640}},
    }
    (found,) = ask(outputs=[asked])["found"]
    assert 100 < len(found) == len(expected) < len(raw)
    np.testing.assert_allclose([face["score"] for face in found], expected.scores)
    np.testing.assert_allclose([face["box"] for face in found], expected.boxes_xyxy, atol=1e-9)
    np.testing.assert_allclose([face["landmarks"] for face in found], expected.landmarks, atol=1e-9)
