"""A trained detector gets refinement, a generator, other settings; what it was stays in its own file."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from interpreters import run_python
from small_models import ANCHORS, PLAIN, photograph, small_model, small_yaml
from tiny_faces import IMAGE_SIZE, write_tiny_faces
from torch import Tensor
from ultralytics import YOLO

from ultra_face import __main__
from ultra_face.cli import refine
from ultra_face.cli.refine import setting
from ultra_face.heads.sr_pose import SRFacePose, SRPose
from ultra_face.nn.srgan import CubicEnlargement, Generator
from ultra_face.refinement.checkpoint import refine_model
from ultra_face.refinement.refined import Refined
from ultra_face.refinement.settings import RefinementSettings
from ultra_face.super_resolution.checkpoint import save_generator

HEADS = pytest.mark.parametrize("head", PLAIN.values())
SETTINGS = {"windows": 3, "window": 32, "max_face": 24, "first_look": 1.0}


def write_refined(
    detector: Path, output: Path, *, generator: Path | None = None, settings: dict[str, Any] | None = None
) -> None:
    """`ultra-face refine` with these words."""
    changes = [f"{key}={value}" for key, value in (settings or {}).items()]
    refine.run(Namespace(detector=detector, output=output, generator=generator, changes=changes))


def trained_generator(**architecture: Any) -> Generator:
    """A generator that adds something, its running means and variances included."""
    torch.manual_seed(1)
    generator = Generator(**{"scale": 2, "blocks": 1, "width": 4, "light": True} | architecture).eval()
    with torch.no_grad():
        for value in generator.state_dict().values():
            if value.is_floating_point():
                value.copy_(torch.rand(value.shape) * 0.1)
    return generator


def save_detector(folder: Path, head: str = "AnchorPose", sr: Any = None) -> Path:
    """A small model in Ultralytics' own file, and its YAML beside it."""
    (folder / "small.yaml").write_text(yaml.safe_dump(small_yaml(head, sr)))
    model = YOLO(folder / "small.yaml", task="pose")
    model.model = small_model(head, sr)
    model.model.args = {"imgsz": 64}
    model.save(folder / "detector.pt")
    return folder / "detector.pt"


@pytest.fixture
def detector(tmp_path: Path) -> Path:
    return save_detector(tmp_path)


@pytest.fixture
def generator(tmp_path: Path) -> Path:
    save_generator(tmp_path / "generator.pt", trained_generator())
    return tmp_path / "generator.pt"


def predict(model: Any, x: Tensor) -> Tensor:
    with torch.no_grad():
        predictions: Tensor = model.eval()(x)[0]
    return predictions


def refined_head(file: Path) -> Refined:
    head = YOLO(file).model.model[-1]
    assert isinstance(head, Refined)
    return head


# -- what is written ---------------------------------------------------------------------------------------


@HEADS
def test_the_first_stage_is_the_detector(tmp_path: Path, head: str, generator: Path) -> None:
    file = save_detector(tmp_path, head)
    write_refined(file, tmp_path / "refined.pt", generator=generator, settings=SETTINGS)
    plain, refined = YOLO(file), YOLO(tmp_path / "refined.pt")
    assert type(refined.model.model[-1]) is {"AnchorPose": SRPose, "FacePose": SRFacePose}[head]
    assert refined.names == plain.names == {0: "face"}
    assert refined.model.kpt_shape == plain.model.kpt_shape == [5, 3]
    assert refined.task == "pose"
    x = photograph(2)
    first, both = predict(plain.model, x), predict(refined.model, x)
    assert torch.equal(both[..., : first.shape[2]], first)
    assert both.shape[2] > first.shape[2]


def test_the_generator_is_put_in_and_sets_its_own_numbers(tmp_path: Path, detector: Path, generator: Path) -> None:
    write_refined(detector, tmp_path / "refined.pt", generator=generator, settings=SETTINGS)
    head = refined_head(tmp_path / "refined.pt")
    assert (head.sr.scale, head.sr.blocks, head.sr.width, head.sr.light) == (2, 1, 4, True)
    assert {key: getattr(head.sr, key) for key in SETTINGS} == SETTINGS
    expected = {key: value.half().float() for key, value in trained_generator().state_dict().items()}
    torch.testing.assert_close(dict(head.generator.state_dict()), expected, check_dtype=False)


def test_without_a_generator_windows_are_interpolated(tmp_path: Path, detector: Path) -> None:
    write_refined(detector, tmp_path / "refined.pt")
    head = refined_head(tmp_path / "refined.pt")
    assert isinstance(head.generator, CubicEnlargement)
    assert head.sr == RefinementSettings(blocks=0)


@pytest.fixture
def refined(tmp_path: Path, detector: Path, generator: Path) -> Path:
    write_refined(detector, tmp_path / "refined.pt", generator=generator, settings=SETTINGS)
    return tmp_path / "refined.pt"


def test_settings_change_and_the_generator_stays(tmp_path: Path, refined: Path) -> None:
    write_refined(refined, tmp_path / "changed.pt", settings={"windows": 5, "ciou_nms": 0.4})
    before, after = refined_head(refined), refined_head(tmp_path / "changed.pt")
    assert after.sr == before.sr.changed(windows=5, ciou_nms=0.4)
    torch.testing.assert_close(after.generator.state_dict(), before.generator.state_dict(), rtol=0, atol=0)


def test_another_generator_replaces_the_first(tmp_path: Path, refined: Path) -> None:
    other = trained_generator(scale=4, blocks=2, width=3, light=False)
    save_generator(tmp_path / "other.pt", other)
    write_refined(refined, tmp_path / "changed.pt", generator=tmp_path / "other.pt")
    head = refined_head(tmp_path / "changed.pt")
    assert head.sr == refined_head(refined).sr.changed(scale=4, blocks=2, width=3, light=False)
    assert len(head.generator.state_dict()) == len(other.state_dict())


def test_blocks_of_0_go_back_to_interpolation(tmp_path: Path, refined: Path) -> None:
    write_refined(refined, tmp_path / "cubic.pt", settings={"blocks": 0, "scale": 4})
    head = refined_head(tmp_path / "cubic.pt")
    assert isinstance(head.generator, CubicEnlargement)
    assert head.sr.scale == 4


def test_the_yaml_tells_the_anchors_of_the_head(tmp_path: Path, detector: Path) -> None:
    content = torch.load(detector, weights_only=False)
    content["model"].model[-1].anchor_wh.mul_(1.5)  # as fitted, or loaded, before the YAML followed
    torch.save(content, tmp_path / "learned.pt")
    write_refined(tmp_path / "learned.pt", tmp_path / "refined.pt")
    written = YOLO(tmp_path / "refined.pt").model
    assert written.yaml["anchors"] == [[1.5 * side for side in row] for row in ANCHORS]
    assert written.model[-1].anchor_wh.flatten(1).tolist() == written.yaml["anchors"]
    assert written.model[-1].trained


def test_what_was_there_is_not_touched(tmp_path: Path, detector: Path, generator: Path) -> None:
    before = [file.read_bytes() for file in (detector, generator)]
    write_refined(detector, tmp_path / "refined.pt", generator=generator)
    assert [file.read_bytes() for file in (detector, generator)] == before
    model = YOLO(detector).model
    weights = {key: value.clone() for key, value in model.state_dict().items()}
    refine_model(model, generator=trained_generator())
    assert type(model.model[-1]).__name__ == "AnchorPose"
    torch.testing.assert_close(dict(model.state_dict()), weights, rtol=0, atol=0)


def test_an_unfinished_run_is_not_resumed_from_the_result(tmp_path: Path, detector: Path) -> None:
    content = torch.load(detector, weights_only=False)
    # As in the last.pt of a run that was stopped, whose averaged weights are what counts.
    content |= {"ema": content["model"], "model": None, "optimizer": {"state": {}}, "epoch": 7, "updates": 99}
    torch.save(content, tmp_path / "last.pt")
    write_refined(tmp_path / "last.pt", tmp_path / "refined.pt")
    written = torch.load(tmp_path / "refined.pt", weights_only=False)
    assert [written[key] for key in ("ema", "optimizer", "updates", "epoch")] == [None, None, None, -1]
    x = photograph()
    first = predict(YOLO(detector).model, x)
    assert torch.equal(predict(YOLO(tmp_path / "refined.pt").model, x)[:, :4, : first.shape[2]], first[:, :4])


# -- training ----------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of Ultralytics' trainer, on whatever machine this runs
@HEADS
def test_training_goes_on_and_leaves_the_generator_as_it_is(tmp_path: Path, head: str, generator: Path) -> None:
    file = save_detector(tmp_path, head)
    write_refined(file, tmp_path / "refined.pt", generator=generator, settings=SETTINGS)
    model = YOLO(tmp_path / "refined.pt")
    before = {key: value.clone() for key, value in model.model.state_dict().items()}
    model.train(
        data=write_tiny_faces(tmp_path / "faces"),
        epochs=2,
        imgsz=IMAGE_SIZE,
        batch=2,
        nbs=2,  # a step after each batch
        workers=0,
        device="cpu",
        project=tmp_path,
        name="run",
        plots=False,
        optimizer="SGD",
        lr0=0.05,
        warmup_epochs=0,
        weight_decay=0.1,  # which would shrink weights without a gradient, if they were not left alone
    )
    for name in ("last.pt", "best.pt"):
        trained = YOLO(tmp_path / "run" / "weights" / name).model
        assert type(trained.model[-1]) is {"AnchorPose": SRPose, "FacePose": SRFacePose}[head]
        assert trained.model[-1].sr == RefinementSettings.from_yaml(trained.yaml["sr"])
        assert {key: getattr(trained.model[-1].sr, key) for key in SETTINGS} == SETTINGS
        after = trained.state_dict()
        own = {key for key in before if ".generator." in key}
        # Both were rounded to half precision when they were saved, and the average of equal numbers once more.
        torch.testing.assert_close(
            {key: after[key] for key in own}, {key: before[key] for key in own}, rtol=1e-3, atol=1e-6
        )
        convolutions = {key for key in before if key.endswith("conv.weight") and ".dfl." not in key} - own
        assert all((after[key] - before[key]).abs().max() > 1e-4 for key in convolutions)


# -- errors ------------------------------------------------------------------------------------------------


def test_an_existing_file_is_kept(tmp_path: Path, detector: Path) -> None:
    (tmp_path / "refined.pt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"refined\.pt: expected a new file, got an existing one; choose another"):
        write_refined(detector, tmp_path / "refined.pt")
    assert (tmp_path / "refined.pt").read_text() == "mine"


@pytest.mark.parametrize(("name", "got"), [("refined.onnx", r"\.onnx"), ("refined", "no ending")])
def test_only_a_checkpoint_is_written(tmp_path: Path, detector: Path, name: str, got: str) -> None:
    with pytest.raises(
        ValueError, match=rf"{name}: expected a name that ends in \.pt, got {got}; write that, then export"
    ):
        write_refined(detector, tmp_path / name)
    assert not (tmp_path / name).exists()


def test_only_a_checkpoint_is_read(tmp_path: Path) -> None:
    (tmp_path / "exported.onnx").write_bytes(b"a graph")
    message = r"exported\.onnx: expected the checkpoint of a face model, got a model YAML or an export; name a best\.pt"
    with pytest.raises(ValueError, match=message):
        write_refined(tmp_path / "exported.onnx", tmp_path / "refined.pt")
    assert not (tmp_path / "refined.pt").exists()


def test_missing_files(tmp_path: Path, detector: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no\.pt: expected the checkpoint of a face model, got no file; check"):
        write_refined(tmp_path / "no.pt", tmp_path / "refined.pt")
    with pytest.raises(FileNotFoundError, match=r"no\.pt: expected a generator checkpoint, got no file"):
        write_refined(detector, tmp_path / "refined.pt", generator=tmp_path / "no.pt")
    assert not (tmp_path / "refined.pt").exists()


def test_a_generator_in_the_detectors_place(tmp_path: Path, generator: Path) -> None:
    with pytest.raises(ValueError, match=r"generator\.pt: expected the checkpoint of a face model, got a file of anot"):
        write_refined(generator, tmp_path / "refined.pt")


def test_a_detector_in_the_generators_place(tmp_path: Path, detector: Path) -> None:
    with pytest.raises(ValueError, match=r"detector\.pt: expected a generator checkpoint, got a file of another kind"):
        write_refined(detector, tmp_path / "refined.pt", generator=detector)


def test_a_stock_model_is_no_face_model() -> None:
    message = "expected a model that ends in one of AnchorPose, FacePose, SRPose, SRFacePose, got Pose; train one of"
    with pytest.raises(ValueError, match=message):
        refine_model(YOLO("yolov8n-pose.yaml").model)


def test_a_fused_model_cannot_be_changed() -> None:
    model = small_model("AnchorPose")
    del model.model[0].bn  # as Ultralytics does when it folds the norm
    with pytest.raises(ValueError, match="expected weights that fit the model's own YAML, got others; a fused model"):
        refine_model(model)


@pytest.mark.parametrize("changes", [{"scale": 4}, {"width": 4}, {"blocks": 2}, {"light": False}], ids=str)
def test_settings_of_a_generator_are_its_own(tmp_path: Path, refined: Path, generator: Path, changes: Any) -> None:
    (name,) = changes
    message = f"^sr: {name}: expected the generator's own, got a setting; leave it out, or change generators"
    for given in (generator, None):
        with pytest.raises(ValueError, match=message):
            write_refined(refined, tmp_path / "changed.pt", generator=given, settings=changes)


def test_a_scale_that_the_window_does_not_fit(tmp_path: Path, detector: Path, generator: Path) -> None:
    # 24 px are a tile of 96 px with the default scale, and of 48 px with the generator's.
    with pytest.raises(ValueError, match=r"^sr: window: expected a side whose 2-fold is a multiple of the stride 32"):
        write_refined(detector, tmp_path / "refined.pt", generator=generator, settings={"window": 24})


def test_a_scale_that_refinement_does_not_have() -> None:
    with pytest.raises(ValueError, match=r"^sr: scale: expected 2 or 4, got 8"):
        refine_model(small_model("AnchorPose"), generator=trained_generator(scale=8))


# -- the command -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("windows=32", ("windows", 32)),
        ("doubt=[0.1, 0.5]", ("doubt", [0.1, 0.5])),
        ("photograph=true", ("photograph", True)),
        ("context=", ("context", None)),
        ("a=b=c", ("a", "b=c")),
    ],
)
def test_settings_of_the_command_line(text: str, expected: tuple[str, Any]) -> None:
    assert setting(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("windows", "--set: expected KEY=VALUE, got 'windows'; write for example windows=32"),
        ("doubt=[0.1", r"--set: doubt: expected a value as in YAML, got '\[0.1'; quote lists"),
    ],
)
def test_settings_that_are_none(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        setting(text)


def run_command(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["ultra-face", "refine", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        __main__.main()
    code = stopped.value.code
    if isinstance(code, str):  # as the interpreter does
        print(code, file=sys.stderr)
        return 1
    return int(code or 0)


def test_the_command_runs_as_a_module(tmp_path: Path, detector: Path, generator: Path) -> None:
    changes = ["--set", "windows=3", "doubt=[0.1, 0.5]", "--set", "window=32"]
    command = ["refine", str(detector), "new/refined.pt", "--generator", str(generator), *changes]
    done = run_python("-m", "ultra_face", *command, folder=tmp_path)
    assert done.stdout.splitlines()[-1] == f"wrote {Path('new', 'refined.pt')}"
    sr = refined_head(tmp_path / "new" / "refined.pt").sr
    assert (sr.windows, sr.doubt, sr.window, sr.width) == (3, (0.1, 0.5), 32, 4)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["no.pt", "new.pt"], "no.pt: expected the checkpoint of a face model, got no file; check the path"),
        (["detector.pt", "detector.pt"], "detector.pt: expected a new file, got an existing one"),
        (["detector.pt", "new.onnx"], "new.onnx: expected a name that ends in .pt, got .onnx; write that, then export"),
        (["detector.pt", "new.pt", "--set", "windows"], "--set: expected KEY=VALUE, got 'windows'"),
        (["detector.pt", "new.pt", "--set", "side=3"], "sr: unknown key 'side'; known are windows, "),
        (["detector.pt", "new.pt", "--generator", "no.pt"], "no.pt: expected a generator checkpoint, got no file"),
    ],
)
def test_errors_of_the_command_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    detector: Path,
    arguments: list[str],
    expected: str,
) -> None:
    monkeypatch.chdir(detector.parent)
    assert run_command(monkeypatch, *arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"ultra-face refine: {expected}")
    assert error.count("\n") == 1
    assert not Path("new.pt").exists()
