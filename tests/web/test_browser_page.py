"""The page of `ultra-face web` in a real browser: it finds what Python finds, says what is wrong, and sends nothing."""

from __future__ import annotations

import base64
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from opened_pages import in_state, opened, serving
from ultralytics.utils import ASSETS

from ultra_face import FaceDetector
from ultra_face.detection.letterbox import Letterbox
from ultra_face.detection.predictions import clipped, moved, read_predictions
from ultra_face.detection.suppression import suppress
from ultra_face.pictures.boxes import grow
from ultra_face.web.page_model import PageModel, open_page_model
from ultra_face.web.site import Site

pytestmark = pytest.mark.slow

PHOTOGRAPHS = [ASSETS / "zidane.jpg", ASSETS / "bus.jpg"]
FLOOR, IOU = 0.05, 0.5

# The input that the page makes of the picture it shows, as bytes: red, green and blue planes.
INPUT = """async () => {
    const { fill, letterbox } = await import("./detect.js");
    const { size, stride } = await (await fetch("model.json")).json();
    const canvas = document.querySelector("#picture");
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const planes = fill(pixels, letterbox(pixels, size, stride));
    const bytes = Uint8Array.from(planes, (value) => Math.round(255 * value));
    let text = "";
    for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
    return btoa(text);
}"""
# What the picture's canvas shows.
SHOWN = """() => {
    const canvas = document.querySelector("#picture");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let text = "";
    for (let i = 0; i < data.length; i += 8192) text += String.fromCharCode(...data.subarray(i, i + 8192));
    return [canvas.height, canvas.width, btoa(text)];
}"""
# The pixels of the canvas of boxes and landmarks.
MARKS = """() => {
    const marks = document.querySelector("#marks");
    const context = new OffscreenCanvas(marks.width, marks.height).getContext("2d");
    context.drawImage(marks, 0, 0);
    return context.getImageData(0, 0, marks.width, marks.height).data;
}"""
# Hands a file to the page as a drop or a paste does.
HAND_OVER = """([event, name, type, text]) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], name, { type }));
    const given = event === "drop"
        ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
        : new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
    document.body.dispatchEvent(given);
}"""


def choose(page: Any, photograph: Path) -> None:
    page.set_input_files("#file", photograph)
    in_state(page, "found")


def faces_of(page: Any, floor: float = FLOOR) -> dict[str, Any]:
    """What "Save faces" gives, with the slider at `floor`."""
    page.get_by_label("Confidence").fill(str(floor))
    with page.expect_download() as download:
        page.get_by_role("button", name="Save faces").click()
    return json.loads(download.value.path().read_text())


def boxes_and_landmarks(found: dict[str, Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    faces = found["faces"]
    return np.array([face["box"] for face in faces]), np.array([face["landmarks"] for face in faces])


def shown(page: Any) -> NDArray[np.uint8]:
    height, width, text = page.evaluate(SHOWN)
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)


@pytest.mark.parametrize("photograph", PHOTOGRAPHS, ids=lambda file: file.stem)
def test_faces_are_those_of_python(page: Any, page_model: PageModel, photograph: Path, tmp_path: Path) -> None:
    choose(page, photograph)
    found = faces_of(page)
    boxes, landmarks = boxes_and_landmarks(found)
    image = cv2.imread(str(photograph))
    hw = image.shape[:2]
    assert (found["height"], found["width"]) == hw
    letterbox = Letterbox.fit(hw, (640, 640), stride=None)

    # The same input: the same faces as Python decodes and suppresses.
    planes = np.frombuffer(base64.b64decode(page.evaluate(INPUT)), np.uint8).reshape(1, 3, 640, 640)
    session = onnxruntime.InferenceSession(page_model.content, providers=["CPUExecutionProvider"])
    output = session.run(None, {session.get_inputs()[0].name: planes / np.float32(255)})[0][0]
    raw = read_predictions(output, page_model.signature, confidence=FLOOR)
    kept = raw[suppress(raw.boxes_xyxy, raw.scores, iou=IOU)]
    expected = clipped(moved(kept, letterbox.to_image[:2], mirrored=False), hw)
    assert len(expected) >= 3
    np.testing.assert_allclose([face["score"] for face in found["faces"]], expected.scores, atol=1e-3)
    np.testing.assert_allclose(boxes, expected.boxes_xyxy, atol=0.05)
    np.testing.assert_allclose(landmarks, expected.landmarks, atol=0.05)

    # The same photograph: the same input as OpenCV makes.
    of_opencv = np.empty((3, 640, 640), np.float32)
    letterbox.fill(of_opencv, cv2.resize(image, letterbox.inner_hw[::-1]))
    assert np.abs(planes[0] - 255 * of_opencv).mean() < 1

    # The same photograph: the same faces as the detector finds.
    model = tmp_path / "model.onnx"
    model.write_bytes(page_model.content)
    of_detector = FaceDetector(model, conf=0.5)(photograph)
    sure = np.array([face["score"] for face in found["faces"]]) > 0.5
    assert sure.sum() == len(of_detector) >= 2
    np.testing.assert_allclose(boxes[sure], of_detector.boxes_xyxy, atol=2)


def test_the_slider_the_switches_and_the_time(page: Any) -> None:
    choose(page, PHOTOGRAPHS[0])
    assert re.fullmatch(r"2 faces · \d+ ms a frame · WebAssembly", page.inner_text("#status"))
    assert page.get_by_role("img", name="Your picture with 2 faces").is_visible()
    few, many = (len(faces_of(page, floor)["faces"]) for floor in (0.93, FLOOR))
    assert (few, page.get_attribute("main", "data-faces")) == (1, str(many))
    assert many > 2
    drawn = f"() => ({MARKS})().some(Boolean)"
    assert page.evaluate(drawn)
    page.get_by_role("switch", name="Boxes and landmarks").uncheck()
    assert not page.evaluate(drawn)


def test_blur_changes_the_faces_and_nothing_else(page: Any) -> None:
    choose(page, PHOTOGRAPHS[0])
    boxes, _ = boxes_and_landmarks(faces_of(page, 0.5))
    before = shown(page)
    page.get_by_role("switch", name="Blur faces").focus()
    page.keyboard.press("Space")
    blurred = shown(page)
    inside = np.zeros(before.shape[:2], bool)
    for left, top, right, bottom in grow(boxes, 1.3):  # as `Faces.blur`
        region = np.s_[max(int(top), 0) : int(np.ceil(bottom)), max(int(left), 0) : int(np.ceil(right))]
        inside[region] = True
        middle = np.s_[
            int(top + 0.3 * (bottom - top)) : int(top + 0.7 * (bottom - top)),
            int(left + 0.3 * (right - left)) : int(left + 0.7 * (right - left)),
        ]
        edges = [cv2.Laplacian(image[middle][..., :3], cv2.CV_64F).var() for image in (before, blurred)]
        assert edges[1] < edges[0] / 20
    changed = (before != blurred).any(axis=-1)
    assert changed[inside].mean() > 0.7  # an ellipse has 79 % of its rectangle
    assert not changed[~inside].any()

    # So does the picture that is saved, but for what JPEG changes.
    page.get_by_role("switch", name="Boxes and landmarks").uncheck()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save picture").click()
    assert download.value.suggested_filename == "zidane-faces.jpg"
    saved = cv2.imdecode(np.frombuffer(download.value.path().read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(saved[..., ::-1].astype(int) - blurred[..., :3]).mean() < 3

    page.get_by_role("switch", name="Blur faces").uncheck()
    assert np.array_equal(shown(page), before)


def test_pictures_are_dropped_and_pasted(page: Any) -> None:
    for event, photograph in zip(("drop", "paste"), PHOTOGRAPHS, strict=True):
        content = base64.b64encode(photograph.read_bytes()).decode()
        page.evaluate(HAND_OVER, [event, photograph.name, "image/jpeg", content])
        height, width = cv2.imread(str(photograph)).shape[:2]
        page.wait_for_selector(f"main[data-state=found] #picture[width='{width}'][height='{height}']")
        assert int(page.get_attribute("main", "data-faces")) >= 2


def test_what_is_no_picture_is_told(page: Any) -> None:
    page.set_input_files("#file", {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"})
    told = page.get_by_role("alert")
    told.get_by_text("notes.txt is not a picture that this browser reads. Choose a JPEG, PNG or WebP file.").wait_for()
    choose(page, PHOTOGRAPHS[0])
    assert told.text_content() == ""


def test_that_there_is_no_camera_is_told(page: Any) -> None:
    page.context.grant_permissions(["camera"])
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_text("No camera was found. Connect one, or choose a picture.").wait_for()
    assert page.get_attribute("main", "data-state") == "ready"


def test_the_webcam_runs_and_stops(browser_with_camera: Any, served: str) -> None:
    with opened(browser_with_camera, served) as seen:
        page = seen.page
        page.get_by_role("button", name="Use the camera").click()
        in_state(page, "live")
        page.wait_for_selector("main[data-state=live]:not([data-frames='0']):not([data-faces='0'])")
        for _ in range(2):  # it goes on, by however many frames between two looks
            reached = page.get_attribute("main", "data-frames")
            page.wait_for_selector(f"main:not([data-frames='{reached}'])")
        assert re.fullmatch(r"\d+ faces? · \d+ ms a frame · WebAssembly · frame \d+", page.inner_text("#status"))
        page.get_by_role("button", name="Stop the camera").click()
        in_state(page, "found")
        stopped = page.get_attribute("main", "data-frames")
        page.wait_for_timeout(1500)  # several frames long
        assert page.get_attribute("main", "data-frames") == stopped
        # The last frame stays, with its faces: what the film shows, twice as large in the photograph.
        boxes, _ = boxes_and_landmarks(faces_of(page, 0.5))
        centre = (boxes[0, :2] + boxes[0, 2:]) / 2
        assert 466 <= centre[0] <= 502  # 982 / 2, moved by up to 24 px
        assert abs(centre[1] - 96) < 6
        assert seen.console == []


def test_a_missing_model_or_runtime_is_told(browser: Any, site: Site) -> None:
    lacking = {
        "model.onnx": "The model is missing: expected model.onnx beside the page, the server answered 404.",
        "runtime/ort.wasm.min.mjs": "expected runtime/ort.wasm.min.mjs beside the page, served as JavaScript",
        "worker.js": "The page is not whole: worker.js or a file that it imports is missing",
    }
    for name, sentence in lacking.items():
        without = Site({path: file for path, file in site.files.items() if path != name})
        with serving(without) as url, opened(browser, url, "failed") as seen:
            assert sentence in seen.page.get_by_role("alert").inner_text()
            assert seen.page.get_by_role("button", name="Use the camera").is_disabled()


def test_nothing_can_leave_the_page(browser: Any, served: str) -> None:
    """Even a program in the page that wants to: the policy stops it before anything is sent."""
    asked = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server, opened(browser, served) as seen:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        assert seen.page.evaluate("url => fetch(url).then(() => 'sent', (error) => error.name)", url) == "TypeError"
        picture = "url => new Promise((end) => Object.assign(new Image(), { src: url, onerror: () => end('refused') }))"
        assert seen.page.evaluate(picture, url) == "refused"
        later = "() => new Promise((end) => setTimeout(() => { try { end(eval('1')); } catch (e) { end(e.name); } }))"
        assert seen.page.evaluate(later) == "EvalError"
        server.shutdown()
    assert asked == []


def test_a_phone_shows_it_without_scrolling_sideways(browser: Any, served: str) -> None:
    with opened(browser, served, viewport={"width": 360, "height": 740}, device_scale_factor=3, has_touch=True) as seen:
        page = seen.page
        choose(page, PHOTOGRAPHS[1])
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        for name in ("Choose a picture", "Use the camera", "Save picture", "Save faces"):
            assert page.locator(".button", has_text=name).bounding_box()["height"] >= 44
        assert page.locator("#picture").bounding_box()["width"] > 200


def test_everything_is_reached_with_the_keyboard(page: Any) -> None:
    choose(page, PHOTOGRAPHS[0])
    page.locator("body").click(position={"x": 2, "y": 2})
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
    assert reached == ["file", "camera", "save-picture", "save-faces", "confidence", "show-marks", "blur"]
    assert "Everything stays on this device" in page.inner_text("header")


def test_a_browser_without_webgpu_takes_webassembly(browser: Any, served: str) -> None:
    with opened(browser, f"{served}?backend=WebGPU") as seen:
        assert seen.page.inner_text("#status") == "Ready, on WebAssembly."
        assert f"{served}runtime/ort.webgpu.min.mjs" in seen.requests


def test_several_threads(browser: Any, page_model: PageModel, runtime: Path) -> None:
    site = Site.of(page_model, runtime, confidence=0.5, threads=2)
    with serving(site, isolated=True) as url, opened(browser, url) as seen:
        assert seen.page.evaluate("crossOriginIsolated")
        choose(seen.page, PHOTOGRAPHS[0])
        assert seen.page.get_attribute("main", "data-faces") == "2"
        assert seen.console == []


def test_inputs_of_any_size(browser: Any, runtime: Path, shipped_onnx: Path) -> None:
    """A dynamic file gets the least rectangle of whole strides, as the detector gives it."""
    site = Site.of(open_page_model(str(shipped_onnx), 320), runtime, confidence=0.5, threads=1)
    with serving(site) as url, opened(browser, url) as seen:
        choose(seen.page, PHOTOGRAPHS[0])
        boxes, _ = boxes_and_landmarks(faces_of(seen.page, 0.5))
        assert seen.console == []
    expected = FaceDetector(shipped_onnx, conf=0.5, imgsz=320)(PHOTOGRAPHS[0])
    assert len(expected) >= 2
    np.testing.assert_allclose(boxes, expected.boxes_xyxy, atol=2)
