"""Calibrating networks whose boxes are right by a known law: heads with anchors and without, plain and refining."""

from __future__ import annotations

import copy
import json
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import pytest
import torch
from law import SIZE, Law, certain_model
from small_models import photograph, small_yaml
from ultralytics import YOLO
from ultralytics.nn.tasks import PoseModel

from ultra_face import FaceDetector, __main__
from ultra_face.calibration import calibrate as calibrating
from ultra_face.calibration.calibrate import Calibration, calibrate
from ultra_face.calibration.found import Cells, gather, look, places
from ultra_face.calibration.weights import AnchorSides, LevelSides, Term, sides_of, true_doublings
from ultra_face.evaluation.photographs import Photographs

SLOPE = 1.0


def run(model: Any, photographs: Photographs, **settings: Any) -> tuple[Any, Calibration]:
    return calibrate(model, photographs, size=SIZE, data="noise", **settings)


@pytest.fixture(scope="module", params=["AnchorPose", "FacePose"])
def drawn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Photographs, Any]:
    """A model, photographs labelled by the law, and what calibration makes of them."""
    model = certain_model(request.param)
    photographs = Law(SLOPE).photographs(model, tmp_path_factory.mktemp("noise") / "images")
    return model, photographs, run(model, photographs)


def test_the_law_comes_back_and_the_order_with_it(drawn: tuple[Any, Photographs, Any]) -> None:
    model, _, (changed, found) = drawn
    assert found.fit.order_slope == pytest.approx(SLOPE, abs=3 * found.fit.order_slope_error)
    assert found.fit.gain == pytest.approx(1, abs=0.1)
    assert found.gains
    # A slope of 1 over sides of 4 to 100 px: AP of all rises by five points and more; it fell before the labels had it.
    assert found.after.ap["all"] > found.before.ap["all"] + 0.05
    assert model.model[-1] is not changed.model[-1]


def test_a_model_calibrated_twice_is_as_calibrated_once(drawn: tuple[Any, Photographs, Any]) -> None:
    _, photographs, (changed, _) = drawn
    _, again = run(changed, photographs)
    assert again.fit.order_slope == pytest.approx(0, abs=2 * again.fit.order_slope_error)
    assert not again.gains


def test_scores_of_32_px_stay_in_the_mean(drawn: tuple[Any, Photographs, Any]) -> None:
    model, photographs, (_, found) = drawn
    cells = gather(look(model, photographs, SIZE)).cells
    sides = sides_of(model.model[-1], cells)
    near = np.abs(true_doublings(cells)) < calibrating.NEAR
    change = found.term.slope * sides.doublings(cells)[near] + found.term.offset
    assert change.mean() == pytest.approx(0, abs=0.02)
    assert found.term.score(0.3) == pytest.approx(0.3, abs=0.06)


def test_scores_become_chances(drawn: tuple[Any, Photographs, Any]) -> None:
    model, photographs, _ = drawn
    _, found = run(model, photographs, probability=True)
    before, after = found.before.calibration_errors["all"], found.after.calibration_errors["all"]
    assert before > 0.2
    assert after < 0.02
    assert found.gains
    assert found.probability


def test_of_a_refining_model_the_first_look_is_fitted(tmp_path: Path) -> None:
    plain, refining = certain_model("AnchorPose"), certain_model("SRPose", sr={"windows": 2})
    photographs = Law(SLOPE).photographs(plain, tmp_path / "images", number=30)
    (_, one), (changed, other) = run(plain, photographs), run(refining, photographs)
    assert other.fit == one.fit
    assert changed.model[-1].sr.windows == 2  # it looks twice, as before


def test_boxes_of_four_levels_are_told_apart() -> None:
    model = PoseModel("yolov5n-aesvc-p2.yaml", verbose=False)
    levels, anchors_wh = places(model.model[-1], (64, 128))
    # Three anchors a cell, and strides of 4, 8, 16 and 32 px.
    assert np.bincount(levels).tolist() == [3 * (64 // stride) * (128 // stride) for stride in (4, 8, 16, 32)]
    with torch.inference_mode():
        assert model.eval()(torch.zeros(1, 3, 64, 128))[0].shape[-1] == len(levels) == len(anchors_wh)
    np.testing.assert_allclose(anchors_wh[:512], model.model[-1].anchor_wh[0, 0].tile(512, 1))  # 16 x 32 cells


def test_anchors_tell_the_side_of_what_they_decode() -> None:
    model = certain_model("AnchorPose")
    head = model.model[-1]
    with torch.inference_mode():
        decoded, outputs = model(photograph(1, SIZE, SIZE))
    raw = torch.cat([level[0].flatten(2).transpose(0, 1).flatten(1) for level in outputs["raw"]], dim=1)
    _, anchors_wh = places(head, (SIZE, SIZE))
    cells = Cells(np.zeros(len(anchors_wh), np.int64), anchors_wh, decoded[0, 2:4].T.double().numpy())
    told = AnchorSides(1.3).doublings(cells)
    values = raw[2:4].mean(dim=0).double().numpy()
    exact = 1.3 * values + np.log2(cells.anchors_wh).mean(axis=1) - 5
    np.testing.assert_allclose(told, exact, atol=1e-4)
    # Least squares through 0 of 2 log2(2 sigmoid(t)) over its argument: less steep than at 0, where it is 1 / ln 2.
    fitted = sides_of(head, cells)
    assert isinstance(fitted, AnchorSides)
    assert 0.8 < fitted.slope < 1 / np.log(2)
    told = fitted.doublings(cells) - true_doublings(cells)
    assert np.sqrt(np.mean(told**2)) < 0.3


def test_the_change_is_that_of_the_term_in_every_cell() -> None:
    model = certain_model("AnchorPose")
    head, changed = model.model[-1], copy.deepcopy(model.model[-1])
    sides, term = AnchorSides(1.3), Term(gain=0.7, slope=0.4, offset=-0.2)
    sides.write(changed, term)
    maps = [torch.randn(1, 8, 4, 4) for _ in range(3)]
    with torch.inference_mode():
        before, after = head(maps)[1]["raw"], changed(maps)[1]["raw"]
    for old, new, anchors in zip(before, after, head.anchor_wh, strict=True):
        sides_told = 1.3 * (old[0, :, 2] + old[0, :, 3]) / 2 + anchors.log2().mean(1)[:, None, None] - 5
        torch.testing.assert_close(new[0, :, 4], 0.7 * old[0, :, 4] + 0.4 * sides_told - 0.2, atol=1e-4, rtol=1e-4)
        kept = [0, 1, 2, 3, *range(5, head.no)]
        assert torch.equal(new[:, :, kept], old[:, :, kept])


def test_heads_without_anchors_change_by_level() -> None:
    model = certain_model("FacePose")
    head, changed = model.model[-1], copy.deepcopy(model.model[-1])
    LevelSides((-2.0, 0.0, 2.0)).write(changed, Term(gain=0.5, slope=0.3, offset=0.1))
    for old, new, side in zip(head.cv3, changed.cv3, (-2.0, 0.0, 2.0), strict=True):
        torch.testing.assert_close(new[-1].weight, 0.5 * old[-1].weight)
        torch.testing.assert_close(new[-1].bias, 0.5 * old[-1].bias + 0.3 * side + 0.1)


def test_too_few_faces(tmp_path: Path) -> None:
    model = certain_model("AnchorPose")
    photographs = Law(SLOPE).photographs(model, tmp_path / "images", number=1)
    with pytest.raises(ValueError, match=r"^expected at least 200 labelled faces, got \d+ in 1 photographs; add some$"):
        run(model, photographs)


def test_weights_that_are_no_numbers(drawn: tuple[Any, Photographs, Any]) -> None:
    model, photographs, _ = drawn
    broken = copy.deepcopy(model)
    next(broken.parameters()).data[0] = float("nan")
    with pytest.raises(ValueError, match=r"000\.png: expected numbers from the model, got NaN or infinity"):
        run(broken, photographs)


def test_a_model_that_suppresses_by_itself(drawn: tuple[Any, Photographs, Any]) -> None:
    _, photographs, _ = drawn
    ending = PoseModel(small_yaml("FacePose") | {"end2end": True}, verbose=False)
    ending.names, ending.model[-1].end2end = {0: "face"}, True
    with pytest.raises(ValueError, match="expected a model that needs NMS, got end2end"):
        run(ending, photographs)


# The command


@pytest.fixture(params=[8])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint, and a data set whose labels are those of the law, cut at the edges of their image."""
    monkeypatch.chdir(tmp_path)
    model = certain_model("AnchorPose", width=request.param)
    photographs = Law(SLOPE).photographs(model, tmp_path / "noise")
    for kind in ("images", "labels"):
        Path(kind, "val").mkdir(parents=True)
    for name, file in photographs.files.items():
        boxes = photographs.landmarks[name].boxes_xywh
        first, last = (corner.clip(0, SIZE) / SIZE for corner in (boxes[:, :2], boxes[:, :2] + boxes[:, 2:]))
        rows = np.column_stack([(first + last) / 2, last - first])
        text = "".join(f"0 {' '.join(f'{value:.6f}' for value in row)}{' 0 0 0' * 5}\n" for row in rows)
        file.rename(Path("images/val", file.name))
        Path("labels/val", f"{file.stem}.txt").write_text(text)
    Path("faces.yaml").write_text(
        f"path: {tmp_path}\ntrain: images/val\nval: images/val\nnames: {{0: face}}\nkpt_shape: [5, 3]\n"
        "flip_idx: [1, 0, 2, 4, 3]\n"
    )
    model.args, model.task = {}, "pose"
    torch.save({"model": model, "train_args": {"task": "pose", "imgsz": SIZE}, "epoch": -1}, "model.pt")
    return tmp_path


def calibrate_by_command(monkeypatch: pytest.MonkeyPatch, words: str) -> Any:
    monkeypatch.setattr("sys.argv", ["ultra-face", *f"calibrate {words} --data faces.yaml --imgsz {SIZE}".split()])
    try:
        __main__.main()
    except SystemExit as end:
        return end.code
    return 0


@pytest.mark.parametrize("folder", [32], indirect=True)  # whose export Ultralytics takes for large enough to be one
@pytest.mark.filterwarnings("ignore")  # the stock exporter traces, which torch announces to retire
def test_the_command_writes_a_checkpoint_that_every_export_follows(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate_by_command(monkeypatch, "model.pt new.pt --json figures.json") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == "wrote new.pt"
    record = json.loads(Path("figures.json").read_text())
    assert record["gains"] is True
    assert record["after"]["ap50"]["all"] > record["before"]["ap50"]["all"]

    with zipfile.ZipFile("new.pt") as archive:  # names no folder
        assert str(folder).encode() not in b"".join(archive.read(name) for name in archive.namelist())
    yolo = YOLO(folder / "new.pt")
    assert yolo.model.calibration["order_slope"] == record["fit"]["order_slope"]
    table = record["after"]["score_table"]
    assert yolo.model.score_table == table
    (precision, score, _) = table["rows"][0]
    assert FaceDetector("new.pt", precision=precision).conf == score

    exported = FaceDetector(YOLO(folder / "new.pt").export(format="onnx", imgsz=SIZE), precision=precision)
    assert exported.conf == score
    image = cv2.imread("images/val/000.png")
    inputs = np.ascontiguousarray(image[..., ::-1].transpose(2, 0, 1)[None], np.float32) / 255
    session = onnxruntime.InferenceSession("new.onnx", providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        expected = yolo.model.float().eval()(torch.from_numpy(inputs))[0].numpy()
        plain = YOLO(folder / "model.pt").model.float().eval()(torch.from_numpy(inputs))[0].numpy()
    (given,) = session.run(None, {"images": inputs})
    np.testing.assert_allclose(given, expected, rtol=1e-3, atol=1e-3)
    assert np.abs(given[:, 4] - plain[:, 4]).max() > 0.1  # and both differ from what they were made of

    monkeypatch.setattr("sys.argv", ["ultra-face", "doctor", "new.pt"])
    with pytest.raises(SystemExit):
        __main__.main()
    told = capsys.readouterr().out
    assert "calibrated: " in told
    assert f"of 60 photographs (val of faces) at {SIZE} px" in told


def test_where_nothing_is_gained_nothing_is_written_unless_forced(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate_by_command(monkeypatch, "model.pt once.pt") == 0
    assert calibrate_by_command(monkeypatch, "once.pt twice.pt") == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("nothing is gained, so nothing is written; --force ")
    assert not Path("twice.pt").exists()
    assert calibrate_by_command(monkeypatch, "once.pt thresholds.pt --only-thresholds") == 0
    once, kept = YOLO(folder / "once.pt").model, YOLO(folder / "thresholds.pt").model
    assert all(torch.equal(one, other) for one, other in zip(once.parameters(), kept.parameters(), strict=True))
    assert kept.score_table["images"] == 60
    assert calibrate_by_command(monkeypatch, "once.pt twice.pt --force") == 0
    assert Path("twice.pt").exists()


def test_photographs_of_the_training_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = torch.load("model.pt", weights_only=False)
    content["train_args"]["data"] = str(folder / "faces.yaml")
    torch.save(content, "trained.pt")
    said = calibrate_by_command(monkeypatch, "trained.pt new.pt")
    assert "trained.pt: expected photographs that it was not trained on, got 60 of 60 in val of faces.yaml that" in said
    assert not Path("new.pt").exists()


def test_an_existing_file_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = calibrate_by_command(monkeypatch, "model.pt model.pt")
    assert "model.pt: expected a new file, got an existing one" in said


@pytest.mark.parametrize("other", ["--probability", "--force"])
def test_thresholds_alone_take_no_other_scores(other: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = "--only-thresholds: expected it without --probability and --force"
    assert told in calibrate_by_command(monkeypatch, f"model.pt new.pt --only-thresholds {other}")
    assert not Path("new.pt").exists()


def test_photographs_without_faces(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in Path("labels/val").iterdir():
        file.write_text("")
    said = calibrate_by_command(monkeypatch, "model.pt new.pt")
    assert "model.pt, val of faces.yaml: expected at least 200 labelled faces, got 0 in 60 photographs; " in said
    assert not Path("new.pt").exists()


def test_a_model_of_another_kind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    YOLO("yolov8n.yaml").save("boxes.pt")
    said = calibrate_by_command(monkeypatch, "boxes.pt new.pt")
    assert "expected a model that ends in AnchorPose, FacePose or Ultralytics' Pose, got Detect" in said
