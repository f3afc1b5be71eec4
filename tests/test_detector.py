"""FaceDetector on photographs: every input, every runtime, every view."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from interpreters import last_line, run_python
from numpy.typing import NDArray
from PIL import Image
from ultralytics import YOLO
from ultralytics.utils import ASSETS

from ultra_face import FaceDetector, Faces
from ultra_face.plugin.files import root
from ultra_face.refinement.checkpoint import refine_model

PHOTOGRAPHS = [ASSETS / "zidane.jpg", ASSETS / "bus.jpg"]  # of two faces each
EMPTY = np.full((300, 200, 3), 90, np.uint8)


def pixels(file: Path = PHOTOGRAPHS[0]) -> NDArray[np.uint8]:
    return cv2.imread(str(file))


@pytest.fixture(scope="session")
def detector(shipped_onnx: Path) -> FaceDetector:
    return FaceDetector(shipped_onnx, device="cpu")


@pytest.fixture(scope="session")
def detector_of(shipped_onnx: Path) -> Callable[..., FaceDetector]:
    return lambda **options: FaceDetector(shipped_onnx, device="cpu", **options)


def assert_equal(found: Faces, expected: Faces, *, atol: float = 0.0, score: float = 1e-4) -> None:
    """The same faces in the same order."""
    assert len(found) == len(expected) > 0
    np.testing.assert_allclose(found.boxes_xyxy, expected.boxes_xyxy, rtol=0, atol=atol)
    np.testing.assert_allclose(found.landmarks, expected.landmarks, rtol=0, atol=atol)
    np.testing.assert_allclose(found.scores, expected.scores, rtol=0, atol=score)


def stock(file: Any, model: str | Path = "yolov5n-aesvc-face.pt", **arguments: Any) -> Faces:
    """What Ultralytics' own `predict` finds."""
    path = root() / "weights" / model
    (result,) = YOLO(path, task="pose").predict(file, verbose=False, **{"conf": 0.5, "max_det": 1000} | arguments)
    return Faces.from_result(result)


# Runtimes


@pytest.mark.parametrize("file", PHOTOGRAPHS, ids=lambda file: file.stem)
def test_pt_onnx_and_ultralytics_agree(detector: FaceDetector, shipped_onnx: Path, file: Path) -> None:
    expected = stock(file)
    by_pt = FaceDetector(device="cpu")  # the shipped weights, by default
    assert by_pt.providers == ("Ultralytics pt on cpu",)
    assert repr(by_pt).endswith(".pt', providers=('Ultralytics pt on cpu',))")
    assert_equal(by_pt(file), expected, atol=0.01)
    assert detector.providers == ("CPUExecutionProvider",)
    assert_equal(detector(file), expected, atol=0.05)
    assert_equal(detector(file), stock(file, shipped_onnx), atol=0.05)


@pytest.mark.parametrize("size", [320, 960, (384, 640)])
def test_input_sizes(detector_of: Callable[..., FaceDetector], size: int | tuple[int, int]) -> None:
    assert_equal(detector_of(imgsz=size)(PHOTOGRAPHS[0]), stock(PHOTOGRAPHS[0], imgsz=size), atol=0.05)


@pytest.mark.data
def test_photographs_of_crowds_agree_with_ultralytics(shared_data: Path, detector: FaceDetector) -> None:
    files = sorted((shared_data / "wider-test-183" / "images").glob("*.jpg"))[::12]
    by_pt = FaceDetector(device="cpu")(files)
    by_onnx = detector(files)
    model = YOLO(root() / "weights" / "yolov5n-aesvc-face.pt")
    found = 0
    for file, *faces in zip(files, by_pt, by_onnx, strict=True):
        expected = Faces.from_result(model.predict(file, conf=0.5, max_det=1000, verbose=False)[0])
        for each in faces:
            np.testing.assert_allclose(each.boxes_xyxy, expected.boxes_xyxy, atol=0.05)
            np.testing.assert_allclose(each.landmarks, expected.landmarks, atol=0.05)
        found += len(expected)
    assert found > 50


@pytest.mark.parametrize("photograph", [False, True], ids=["from the input", "from the photograph"])
def test_a_refined_checkpoint_agrees_with_ultralytics(tmp_path: Path, photograph: bool) -> None:
    model = YOLO(root() / "weights" / "yolov5n-aesvc-face.pt")
    settings = {"windows": 4, "blocks": 0, "window": 64, "photograph": photograph, "doubt": [0.01, 0.99]}
    model.model = refine_model(model.model, settings=settings)
    model.save(tmp_path / "refined.pt")
    image = cv2.resize(pixels(PHOTOGRAPHS[1]), None, fx=0.5, fy=0.5)  # faces of 20 px
    options = {"conf": 0.05, "imgsz": 320}
    expected = stock(image, tmp_path / "refined.pt", **options)
    assert_equal(FaceDetector(tmp_path / "refined.pt", device="cpu", **options)(image), expected, atol=0.01)
    plain = stock(image, **options)
    assert len(plain) != len(expected) or not np.allclose(plain.scores, expected.scores, atol=0.01)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the exporter
def test_an_openvino_folder(tmp_path: Path) -> None:
    from shipped_export import SHIPPED, export

    checkpoint = tmp_path / SHIPPED.name
    checkpoint.write_bytes(SHIPPED.read_bytes())
    folder = export(checkpoint, format="openvino", imgsz=320)
    detector = FaceDetector(folder)
    assert detector.providers == ("Ultralytics openvino on cpu",)
    # OpenVINO computes in bfloat16 where the processor can: 8 bits, of 320 px a photograph pixel or ten.
    assert_equal(detector(PHOTOGRAPHS[0]), stock(PHOTOGRAPHS[0], imgsz=320, rect=False), atol=12, score=0.1)
    with pytest.raises(ValueError, match=r"expected inputs of 320 x 320 px, the only size .*, got 640 x 640 px; leave"):
        FaceDetector(folder, imgsz=640)


def test_shipped_weights_from_any_folder_and_ones_own_file_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("yolov5n-aesvc-face.pt", "yolov5n-aesvc-face", "weights/yolov5n-aesvc-face.pt"):
        assert len(FaceDetector(name, device="cpu")(PHOTOGRAPHS[0])) == 2
    assert list(tmp_path.iterdir()) == []  # nothing is copied
    (tmp_path / "yolov5n-aesvc-face.pt").write_text("no model")
    with pytest.raises(ValueError, match=r"expected a face model of Ultralytics, got a file of another kind"):
        FaceDetector()


NEITHER = """
import sys, time
before = time.process_time()
import onnxruntime
runtime = time.process_time() - before
import ultra_face
detector = ultra_face.FaceDetector(sys.argv[1], device="cpu")
seconds = time.process_time() - runtime
faces = detector(sys.argv[2])
assert len(faces.align(__import__("cv2").imread(sys.argv[2]))) == 2
heavy = {"torch", "torchvision", "ultralytics", "scipy", "yaml"} & {name.split(".")[0] for name in sys.modules}
print(len(faces), detector.providers, seconds, sorted(heavy))
"""


def test_a_process_with_onnx_loads_neither_torch_nor_ultralytics_and_starts_at_once(
    shipped_onnx: Path, tmp_path: Path
) -> None:
    done = run_python("-c", NEITHER, str(shipped_onnx), str(PHOTOGRAPHS[0]), folder=tmp_path)
    count, providers, rest = last_line(done).split(" ", 2)
    seconds, loaded = rest.split(" ", 1)
    assert (count, providers, loaded) == ("2", "('CPUExecutionProvider',)", "[]")
    assert float(seconds) < 1


BLOCKED = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "torchvision", "ultralytics"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
import ultra_face
print(len(ultra_face.FaceDetector(sys.argv[1])(sys.argv[2])))
"""


def test_without_torch_and_ultralytics_installed(shipped_onnx: Path, tmp_path: Path) -> None:
    options = {"folder": tmp_path, "ULTRA_FACE_AUTOLOAD": "0"}
    done = run_python("-c", BLOCKED, str(shipped_onnx), str(PHOTOGRAPHS[0]), **options)
    assert last_line(done) == "2"
    failed = run_python("-c", BLOCKED, "yolov5n-aesvc-face.pt", str(PHOTOGRAPHS[0]), status=1, **options)
    assert "yolov5n-aesvc-face.pt: expected the package torch, which is not installed and which" in failed.stderr


def test_a_gpu_that_is_not_there(shipped_onnx: Path) -> None:
    with pytest.raises(ValueError, match=r"^device=99: expected a device that PyTorch has, got none of cpu and"):
        FaceDetector(device=99)
    with pytest.raises(ValueError, match=r"^device='tpu': expected a device that this ONNX Runtime has, got none of"):
        FaceDetector(shipped_onnx, device="tpu")


# Inputs


def test_every_way_to_hand_over_a_photograph(detector: FaceDetector, shipped_onnx: Path, tmp_path: Path) -> None:
    bgr = pixels()
    rgb = np.ascontiguousarray(bgr[..., ::-1])
    content = cv2.imencode(".png", bgr)[1].tobytes()
    file = tmp_path / "Bild mit Ä"
    file.write_bytes(content)
    expected = detector(bgr)
    read_only = bgr.copy()
    read_only.flags.writeable = False
    given = [
        file, str(file), content, io.BytesIO(content), Image.open(io.BytesIO(content)), np.asfortranarray(bgr),
        np.ascontiguousarray(bgr[::-1, ::-1])[::-1, ::-1], read_only, np.dstack([bgr, bgr[..., 0]]),
        bgr.astype(np.uint16) << 8 | 17,
    ]  # fmt: skip
    for found in detector(given):
        assert_equal(found, expected, atol=1e-3)
    for image in (rgb, np.dstack([rgb, rgb[..., 0]])):
        assert_equal(FaceDetector(shipped_onnx, color="rgb")(image), expected, atol=1e-3)
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    of_grey = detector(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
    for image in (grey, grey[..., None], np.dstack([grey, grey])):
        assert_equal(detector(image), of_grey, atol=1e-3)


def test_a_jpeg_file_is_what_its_pixels_are(detector: FaceDetector) -> None:
    with Image.open(PHOTOGRAPHS[0]) as image:
        for found in detector([PHOTOGRAPHS[0], PHOTOGRAPHS[0].read_bytes(), image]):
            assert_equal(found, detector(pixels()), atol=1e-3)


def test_exif_orientations(detector: FaceDetector) -> None:
    upright = detector(pixels())
    away = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
            5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
            8: Image.Transpose.ROTATE_270}  # fmt: skip
    for orientation in range(1, 9):
        image = Image.fromarray(pixels()[..., ::-1])
        image = image.transpose(away[orientation]) if orientation in away else image
        exif, content = Image.Exif(), io.BytesIO()
        exif[0x112] = orientation
        image.save(content, "PNG", exif=exif, compress_level=1)
        for found in detector([content.getvalue(), Image.open(content)]):
            assert_equal(found, upright, atol=1e-3)


def test_a_list_keeps_its_order_with_an_empty_image_in_the_middle(detector: FaceDetector) -> None:
    first, empty, last = detector([PHOTOGRAPHS[0], EMPTY, PHOTOGRAPHS[1]])
    assert_equal(first, detector(PHOTOGRAPHS[0]), atol=1e-3)
    assert_equal(last, detector(PHOTOGRAPHS[1]), atol=1e-3)
    shapes = (empty.boxes_xyxy.shape, empty.landmarks.shape, empty.scores.shape)
    assert shapes == ((0, 4), (0, 5, 2), (0,))
    assert detector([]) == []
    assert isinstance(detector((EMPTY,)), list)
    assert isinstance(detector(EMPTY), Faces)


def test_batches_of_one_and_eight_agree(detector_of: Callable[..., FaceDetector]) -> None:
    images = [pixels(), pixels()[:, ::-1], pixels(PHOTOGRAPHS[1]), EMPTY, pixels(), pixels()[100:, 200:]] * 2
    for one, eight in zip(detector_of(batch=1)(images), detector_of(batch=8)(images), strict=True):
        assert len(one) == len(eight)
        np.testing.assert_allclose(one.boxes_xyxy, eight.boxes_xyxy, rtol=0, atol=1e-3)
        np.testing.assert_allclose(one.landmarks, eight.landmarks, rtol=0, atol=1e-3)


def test_floats_are_refused_by_their_range(detector: FaceDetector) -> None:
    message = r"^array: expected uint8, got float32 in 0\.\.1; scale it to 0\.\.255 and convert it with astype"
    with pytest.raises(ValueError, match=message):
        detector(pixels().astype(np.float32) / 255)
    with pytest.raises(ValueError, match=r"^images\[1\]: array: expected uint8, got float32 in 1\.\.1; scale"):
        detector([EMPTY, EMPTY.astype(np.float32) / 90])


@pytest.mark.parametrize(
    ("source", "kind"), [(ASSETS, "a folder"), ("rtsp://host/1", "a URL"), (ASSETS / "*.jpg", "a pattern")]
)
def test_what_holds_several_images_is_for_stream(detector: FaceDetector, source: str | Path, kind: str) -> None:
    with pytest.raises(ValueError, match=rf": expected one image, got {kind}; call detector\.stream\("):
        detector(source)


def test_a_stream_gives_what_calls_give(detector: FaceDetector, tmp_path: Path) -> None:
    expected = detector(sorted(PHOTOGRAPHS))
    for source in (ASSETS, f"{ASSETS}/*.jpg", sorted(PHOTOGRAPHS), [pixels(file) for file in sorted(PHOTOGRAPHS)]):
        for found, wanted in zip(detector.stream(source), expected, strict=True):
            assert_equal(found, wanted, atol=1e-3)
    (tmp_path / "broken.jpg").write_bytes(b"broken")
    told: list[str] = []
    assert list(detector.stream(tmp_path, on_error=lambda name, error: told.append(Path(name).name))) == []
    assert told == ["broken.jpg"]


def test_a_video_is_read_a_batch_at_a_time(detector_of: Callable[..., FaceDetector], tmp_path: Path) -> None:
    shown = cv2.resize(pixels(), (640, 360))
    writer = cv2.VideoWriter(str(tmp_path / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25, (640, 360))
    for frame in (shown, np.full_like(shown, 90), shown) * 2:
        writer.write(frame)
    writer.release()
    faces = detector_of(batch=4).stream(tmp_path / "clip.avi")
    assert [len(each) for each in faces] == [2, 0, 2, 2, 0, 2]


# Views


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_turned_photograph_gives_the_crops_of_the_upright_one(
    detector_of: Callable[..., FaceDetector], turn: int
) -> None:
    upright = np.ascontiguousarray(pixels()[60:320, 860:1110])  # one face
    height, width = upright.shape[:2]
    expected = detector_of()(upright)
    turned = np.ascontiguousarray(np.rot90(upright, -turn // 90))  # clockwise, so that `rotate` turns it back
    clockwise = {0: lambda x, y: (x, y), 90: lambda x, y: (height - y, x),
                 180: lambda x, y: (width - x, height - y), 270: lambda x, y: (y, width - x)}[turn]  # fmt: skip
    for rotate in ((turn,), (0, 90, 180, 270)):
        found = detector_of(rotate=rotate)(turned)
        assert len(found) == len(expected) == 1
        np.testing.assert_allclose(
            found.landmarks[0], np.stack(clockwise(*expected.landmarks[0].T), axis=1), rtol=0, atol=0.5
        )
        difference = found.align(turned).astype(int) - expected.align(upright)
        assert np.abs(difference).mean() < 0.5  # of 255; a shift by half a pixel is more than that


def test_a_mirrored_photograph_swaps_eyes_and_mouth_corners(detector_of: Callable[..., FaceDetector]) -> None:
    image = pixels()
    plain, mirrored = detector_of(flip=True)([image, image[:, ::-1]])
    width = image.shape[1]
    assert len(plain) == 2
    landmarks = plain.landmarks[:, [1, 0, 2, 4, 3]] * [-1, 1] + [width, 0]
    np.testing.assert_allclose(mirrored.landmarks, landmarks, atol=0.5)
    assert (mirrored.landmarks[:, 0, 0] < mirrored.landmarks[:, 1, 0]).all()


def contact_sheet() -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """A photograph of 900 x 3,600 px with the face of one of ours many times, and the middles of these."""
    face = pixels()[60:320, 860:1110]  # 260 x 250 px, the face 180 px high
    small = cv2.resize(face, None, fx=0.15, fy=0.15, interpolation=cv2.INTER_AREA)
    sheet = np.full((900, 3600, 3), 110, np.uint8)
    middles = []
    for row, y in enumerate(range(20, 840, 150)):
        for x in range(20 + 40 * (row % 3), 3500, 155):
            sheet[y : y + small.shape[0], x : x + small.shape[1]] = small
            middles.append((x + small.shape[1] / 2, y + small.shape[0] / 2))
    return sheet, np.array(middles)


def test_tiles_find_each_small_face_once_with_its_landmarks(detector_of: Callable[..., FaceDetector]) -> None:
    sheet, middles = contact_sheet()
    found = detector_of(tile="auto")(sheet)
    assert len(found) == len(middles)
    nearest = np.linalg.norm(found.landmarks[:, None, 2] - middles, axis=2).argmin(1)
    assert sorted(nearest) == list(range(len(middles)))
    # All show the same face, so landmarks lie alike about the middles, on seams or not.
    about = found.landmarks - middles[nearest][:, None]
    np.testing.assert_allclose(about, np.broadcast_to(np.median(about, axis=0), about.shape), atol=4)
    assert len(detector_of()(sheet)) < len(middles)  # whole, the faces are 5 px high


def test_the_order_of_tiles_does_not_matter(
    detector_of: Callable[..., FaceDetector], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ultra_face.detection.views import Plan

    sheet = contact_sheet()[0][:900, :1400]
    expected = detector_of(tile=640)(sheet)
    tiles = Plan._tiles
    monkeypatch.setattr(Plan, "_tiles", lambda *args: tiles(*args)[::-1])
    found = detector_of(tile=640)(sheet)
    # Equal faces have nearly equal scores, so the order of the results is that of noise.
    by_place = [faces[np.lexsort(faces.boxes_xyxy.round().T)] for faces in (found, expected)]
    assert_equal(*by_place, atol=1e-3)


def test_scales_find_what_one_size_misses(detector_of: Callable[..., FaceDetector]) -> None:
    sheet = contact_sheet()[0][:480, :1200]
    small, both = detector_of(imgsz=160)(sheet), detector_of(imgsz=160, scales=[1280])(sheet)
    large = detector_of(imgsz=1280)(sheet)
    assert len(small) < len(both) == len(large)


# Options


def test_thresholds_and_limits(detector_of: Callable[..., FaceDetector]) -> None:
    image = pixels()
    faces = detector_of()(image)
    assert (faces.scores > 0.5).all()
    assert (np.diff(faces.scores) <= 0).all()
    assert len(detector_of(conf=float(faces.scores[0]) - 1e-3)(image)) == 1
    assert_equal(detector_of(max_faces=1)(image), faces[:1])
    sizes = (faces.boxes_xyxy[:, 2:] - faces.boxes_xyxy[:, :2]).max(1)
    assert_equal(detector_of(min_size=sizes.min() + 1)(image), faces[np.array([sizes.argmax()])])
    assert len(detector_of(conf=0.01, iou=0.99)(image)) > len(detector_of(conf=0.01)(image))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"conf": 50}, "expected conf to be a score from 0 to 1, got 50"),
        ({"iou": -1}, "expected iou to be an overlap from 0 to 1, got -1"),
        ({"tile": 16}, "expected tile to be None, 'auto' or 32 px or more, got 16"),
        ({"tile": "yes"}, "expected tile to be None, 'auto' or 32 px or more, got 'yes'"),
        ({"rotate": (45,)}, r"expected rotate to be a sequence of some of \(0, 90, 180, 270\), got \(45,\)"),
        ({"rotate": ()}, r"expected rotate to be a sequence of some of .*, got \(\)"),
        ({"rotate": 90}, "expected rotate to be a sequence of some of .*, got 90"),
        ({"scales": 1280}, "expected scales to be None or a sequence of input sizes, got 1280"),
        ({"max_faces": 0}, "expected max_faces to be 1 or more, got 0"),
        ({"min_size": -1}, "expected min_size to be 0 px or more, got -1"),
        ({"batch": 0}, "expected batch to be 1 or more, got 0"),
        ({"threads": 0}, "expected threads to be None, or 1 or more, got 0"),
        ({"color": "hsv"}, "expected color to be 'bgr' or 'rgb', got 'hsv'"),
        ({"imgsz": 650}, r"expected input sizes that are multiples of 32 px, got 650 x 650; correct imgsz or scales"),
        ({"scales": [0]}, r"expected input sizes that are multiples of 32 px, got 0 x 0; correct imgsz or scales"),
    ],
    ids=str,
)
def test_options_out_of_their_range(shipped_onnx: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^FaceDetector: {message}$"):
        FaceDetector(shipped_onnx, **options)


def test_models_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match=r"no\.onnx: expected an ONNX file, got no file; check the path$"):
        FaceDetector(tmp_path / "no.onnx")
    monkeypatch.setitem(sys.modules, "ultra_face.runtimes.ultralytics_network", None)
    with pytest.raises(
        ModuleNotFoundError, match=r"^best\.pt: expected the package .*, which is not installed and whi"
    ):
        FaceDetector("best.pt")


# Scores by precision


def with_table(shipped_onnx: Path, file: Path, table: str) -> Path:
    """The shipped network with a table of scores among its notes."""
    model = onnx.load(shipped_onnx)
    notes = {entry.key: entry.value for entry in model.metadata_props}
    onnx.helper.set_model_props(model, notes | {"score_table": table})
    onnx.save(model, file)
    return file


def test_a_precision_stands_for_the_score_of_the_models_own_table(shipped_onnx: Path, tmp_path: Path) -> None:
    table = {"rows": [[0.9, 0.4, 0.95], [0.99, 0.7, 0.8]], "images": 7, "faces": 70, "imgsz": 640, "data": "some"}
    file = with_table(shipped_onnx, tmp_path / "noted.onnx", str(table))
    for precision, conf in ((0.9, 0.4), (0.95, 0.7)):
        asked, named = FaceDetector(file, precision=precision), FaceDetector(file, conf=conf)
        assert asked.conf == named.conf == conf
        assert asked(PHOTOGRAPHS[0]).scores.tolist() == named(PHOTOGRAPHS[0]).scores.tolist()
    with pytest.raises(
        ValueError, match=r"noted\.onnx: precision: expected a share that the model reaches, at most 0\.99"
    ):
        FaceDetector(file, precision=0.999)
    with pytest.raises(ValueError, match="expected precision to be left out beside conf, got "):
        FaceDetector(file, precision=0.9, conf=0.4)


def test_a_model_without_a_table(shipped_onnx: Path, tmp_path: Path) -> None:
    model = onnx.load(shipped_onnx)
    notes = {entry.key: entry.value for entry in model.metadata_props if entry.key != "score_table"}
    onnx.helper.set_model_props(model, notes)
    onnx.save(model, tmp_path / "plain.onnx")
    with pytest.raises(ValueError, match=r"plain\.onnx: expected a model that carries a table of scores by precision"):
        FaceDetector(tmp_path / "plain.onnx", precision=0.9)


def test_a_table_that_is_none(shipped_onnx: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"odd\.onnx: expected a table of scores by precision under score_table"):
        FaceDetector(with_table(shipped_onnx, tmp_path / "odd.onnx", "7"))
