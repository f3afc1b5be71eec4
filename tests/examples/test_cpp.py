"""The C++ example compiles without a warning and finds what `FaceDetector` finds with the same ONNX file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx_files import constant_file
from onnxruntime.tools.onnx_model_utils import make_input_shape_fixed
from outfits import lacks
from ultralytics.utils import ASSETS

from ultra_face import FaceDetector, Faces

pytestmark = pytest.mark.slow

PHOTOGRAPHS = sorted(ASSETS.glob("*.jpg"))
# Rows have two digits behind the point, and four of the score; the run times and the input are the same.
PIXELS, SCORE = 0.01, 1e-4


@pytest.fixture(scope="session")
def program(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, built once as its page says, in seconds; ONNX Runtime where `ONNXRUNTIME_DIR` says."""
    if shutil.which("cmake") is None:
        lacks("needs cmake and a C++ compiler")
    build = tmp_path_factory.mktemp("cpp")
    settings = {
        "ONNXRUNTIME_DIR": os.environ.get("ONNXRUNTIME_DIR", ""),
        "CMAKE_CXX_FLAGS": "-Wall -Wextra -Wpedantic -Werror",
    }
    configured = run(
        "cmake", "-S", repository / "examples" / "cpp", "-B", build, *(f"-D{key}={settings[key]}" for key in settings)
    )
    if "was not found" in configured.stderr or "No CMAKE_CXX_COMPILER" in configured.stderr:
        said = " ".join(configured.stderr.split())
        lacks(f"needs a C++ compiler, and OpenCV and ONNX Runtime with their headers; {said}")
    assert configured.returncode == 0, configured.stderr
    built = run("cmake", "--build", build)
    assert built.returncode == 0, built.stdout + built.stderr
    return build / "detect_faces"


@pytest.fixture(scope="session", params=["one size", "any size"])
def model(request: pytest.FixtureRequest, shipped_onnx: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped weights as an ONNX file; once for inputs of 256 x 320 px alone."""
    if request.param == "any size":
        return shipped_onnx
    fixed = onnx.load(shipped_onnx)
    make_input_shape_fixed(fixed.graph, "images", [1, 3, 256, 320])
    onnx.save(fixed, file := tmp_path_factory.mktemp("one-size") / "fixed.onnx")
    return file


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=300)


def rows_of(program: Path, *words: str | Path) -> NDArray[np.float64]:
    """What the program prints (N, 15), of one row a face; it has nothing to say besides."""
    done = run(program, *words)
    assert (done.returncode, done.stderr) == (0, "")
    return np.array([line.split() for line in done.stdout.splitlines()], np.float64).reshape(-1, 15)


def as_rows(faces: Faces) -> NDArray[np.float64]:
    return np.concatenate([faces.boxes_xyxy, faces.scores[:, None], faces.landmarks.reshape(-1, 10)], axis=1)


def assert_same(rows: NDArray[np.float64], faces: Faces) -> None:
    expected = as_rows(faces)
    assert len(rows) == len(expected) > 0
    np.testing.assert_allclose(np.delete(rows, 4, 1), np.delete(expected, 4, 1), rtol=0, atol=PIXELS)
    np.testing.assert_allclose(rows[:, 4], expected[:, 4], rtol=0, atol=SCORE)


@pytest.mark.parametrize("photograph", PHOTOGRAPHS, ids=lambda file: file.stem)
def test_same_faces_as_the_detector(program: Path, model: Path, photograph: Path, tmp_path: Path) -> None:
    """From PNG: two releases of OpenCV need not decode JPEG alike."""
    picture = tmp_path / "photograph.png"
    cv2.imwrite(str(picture), cv2.imread(str(photograph)))
    assert_same(rows_of(program, model, picture), FaceDetector(model, device="cpu")(picture))


@pytest.mark.data
def test_same_faces_in_a_group(program: Path, shipped_onnx: Path, shared_data: Path, tmp_path: Path) -> None:
    """Many faces, and a photograph that is smaller than the input."""
    photograph = cv2.imread(str(sorted((shared_data / "wider-train-649").rglob("12_Group*.jpg"))[0]))
    small = tmp_path / "small.png"
    cv2.imwrite(str(small), cv2.resize(photograph, None, fx=0.7, fy=0.6))
    assert_same(rows_of(program, shipped_onnx, small), FaceDetector(shipped_onnx, device="cpu")(small))


def test_photographs_are_turned_upright(program: Path, shipped_onnx: Path, tmp_path: Path) -> None:
    from PIL import Image

    turned, orientation = tmp_path / "turned.jpg", 0x0112
    exif = Image.Exif()
    exif[orientation] = 6  # a quarter turn clockwise makes it upright
    Image.open(PHOTOGRAPHS[1]).transpose(Image.Transpose.ROTATE_90).save(turned, quality=95, exif=exif)
    rows, faces = rows_of(program, shipped_onnx, turned), FaceDetector(shipped_onnx, device="cpu")(turned)
    assert len(rows) == len(faces) > 0
    # JPEG, so not to the last digit.
    np.testing.assert_allclose(np.delete(rows, 4, 1), np.delete(as_rows(faces), 4, 1), rtol=0, atol=0.5)


# A photograph of 100 x 50 px in an input of 64 px: scaled by 0.64 to 64 x 32, 16 px of grey above and below.
FACE, SHIFTED, OTHER = (16, 32, 16, 16), (18, 32, 16, 16), (60, 40, 16, 8)  # centre and size in the input


@pytest.fixture
def white(tmp_path: Path) -> Path:
    cv2.imwrite(str(file := tmp_path / "white.png"), np.full((50, 100, 3), 255, np.uint8))
    return file


@pytest.mark.parametrize("values", [3, 2], ids=["with visibility", "without"])
def test_decoding_by_hand(program: Path, white: Path, tmp_path: Path, values: int) -> None:
    """The shifted box overlaps the first by 14 / 18 of their union, so it goes; the last scores too low."""
    scored = [(SHIFTED, 0.8), (OTHER, 0.75), (FACE, 0.9), (FACE, 0.5)]
    columns = []
    for (x, y, width, height), score in scored:
        landmarks = [[x + point, y - point, 0.25][:values] for point in range(5)]
        columns.append([x, y, width, height, score, *np.ravel(landmarks)])
    output = np.array(columns).T[None]
    model = constant_file(tmp_path / "constant.onnx", {"output0": output}, (1, 3, 64, 64))
    first, second = rows_of(program, model, white)
    # Left (16 - 8) / 0.64, top (32 - 8 - 16) / 0.64, right 24 / 0.64, bottom (40 - 16) / 0.64; points 1 / 0.64 apart.
    points = [(25 + i / 0.64, 25 - i / 0.64) for i in range(5)]
    np.testing.assert_allclose(first, [12.5, 12.5, 37.5, 37.5, 0.9, *np.ravel(points)], atol=0.006)
    # Right (60 + 8) / 0.64 = 106.25 and the fifth point (64 / 0.64 = 100) end at the edge.
    np.testing.assert_allclose(second[:5], [81.25, 31.25, 100, 43.75, 0.75], atol=0.006)
    assert second[13] == 100


def test_no_face(program: Path, white: Path, tmp_path: Path) -> None:
    model = constant_file(tmp_path / "none.onnx", {"output0": np.zeros((1, 20, 7))}, (1, 3, 64, 64))
    assert rows_of(program, model, white).shape == (0, 15)


def test_the_picture_shows_the_face(program: Path, shipped_onnx: Path, tmp_path: Path) -> None:
    drawn = tmp_path / "drawn.png"
    first, *_ = rows_of(program, shipped_onnx, PHOTOGRAPHS[1], drawn)
    changed = np.argwhere((cv2.imread(str(drawn)) != cv2.imread(str(PHOTOGRAPHS[1]))).any(axis=2))
    lefts, tops = changed[:, 1], changed[:, 0]
    thickness = 3 + 2  # of a photograph of 1280 px, and the smooth edge
    assert np.abs(lefts - first[0]).min() <= thickness
    assert np.abs(tops - first[1]).min() <= thickness
    assert len(changed) < 0.1 * drawn_area(drawn)


def drawn_area(file: Path) -> int:
    height, width = cv2.imread(str(file)).shape[:2]
    return int(height * width)


def test_usage(program: Path) -> None:
    asked, wrong = run(program, "--help"), run(program)
    assert (asked.returncode, wrong.returncode) == (0, 2)
    assert asked.stdout == wrong.stderr == "usage: detect_faces MODEL.onnx PHOTOGRAPH [PICTURE]\n"


def test_what_goes_wrong_is_one_sentence(program: Path, white: Path, tmp_path: Path) -> None:
    noise = tmp_path / "noise.txt"
    noise.write_text("no picture, and no model")
    good = constant_file(tmp_path / "good.onnx", {"output0": np.zeros((1, 20, 7))}, (1, 3, 64, 64))
    nms = constant_file(tmp_path / "nms.onnx", {"output0": np.zeros((1, 300, 21))}, (1, 3, 64, 64))
    batch = constant_file(tmp_path / "batch.onnx", {"output0": np.zeros((3, 20, 7))}, (3, 3, 64, 64))
    absent = tmp_path / "absent"
    expected = {
        (absent, white): "absent: expected an ONNX model, got no file; check the path",
        (noise, white): r"noise\.txt: expected an ONNX model, got another file \(.+\); make one with `yolo export",
        (
            nms,
            white,
        ): r"nms\.onnx: expected a face model with the output .+, got \(1, 300, 21\); export one without",
        (batch, white): r"batch\.onnx: expected a model of one image .+ got the input \(3, 3, 64, 64\); export it with",
        (good, absent): "absent: expected a photograph, got no file; check the path",
        (good, tmp_path): "expected a photograph, got no file; check the path",
        (good, noise): r"noise\.txt: expected a photograph, got a file that OpenCV cannot read; save it as JPEG or PNG",
        (good, white, white): r"white\.png: expected the name of a new picture, got a file that exists; choose another",
        (good, white, absent): "absent: expected the name of a picture that OpenCV writes; end it in .jpg or .png",
        (good, white, absent / "drawn.png"): r"drawn\.png: the picture cannot be written; choose a folder that exists",
    }
    before = white.read_bytes()
    for words, sentence in expected.items():
        done = run(program, *words)
        assert (done.returncode, done.stdout) == (1, "")
        assert re.fullmatch(f"detect_faces: .*{sentence}.*\n", done.stderr), done.stderr
    assert white.read_bytes() == before
