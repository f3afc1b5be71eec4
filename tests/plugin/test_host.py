"""Each seam does what it is for, leaves stock behaviour alone, and says what is wrong on a changed host."""

from __future__ import annotations

import copy
import functools
import io
import sys
from pathlib import Path
from types import FunctionType

import pytest
import torch
from small_models import small_yaml
from tiny_faces import write_tiny_faces
from torch import nn
from ultralytics import YOLO
from ultralytics.engine import predictor, trainer, validator
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.nn import tasks
from ultralytics.utils import YAML, checks, downloads
from ultralytics.utils.callbacks import base

from ultra_face import register
from ultra_face.heads.table import HEADS
from ultra_face.nn.layers import LAYERS
from ultra_face.nn.trunk import CBL, ShuffleStage
from ultra_face.plugin import host
from ultra_face.plugin.callbacks.table import CALLBACKS
from ultra_face.plugin.checkpoints import STORED_CLASSES
from ultra_face.plugin.host import SeamError

OURS = {cls.__name__ for cls in (*LAYERS, *HEADS)}
ANCHORS = [[4, 5, 8, 10], [23, 29, 43, 55]]
KPT_SHAPE = [5, 3]


def tiny(*rows: list, head: list | None = None, **settings: object) -> dict:
    """A model dictionary of two strided convolutions, then `rows`, and a head on the two levels."""
    backbone = [[-1, 1, "Conv", [16, 3, 4]], [-1, 1, "Conv", [32, 3, 2]], *(list(row) for row in rows)]
    head = head or [[0, -1], 1, "AnchorPose", ["nc", "kpt_shape", "anchors"]]
    return {
        "nc": 1,
        "scale": "n",  # which C3k2 asks for
        "kpt_shape": KPT_SHAPE,
        "anchors": ANCHORS,
        "backbone": backbone,
        "head": [head],
        **settings,
    }


def build(model: dict) -> nn.Module:
    return tasks.PoseModel(copy.deepcopy(model), verbose=False)


def stock_function(patched: object) -> object:
    """The function of Ultralytics that a seam has wrapped."""
    return patched.__wrapped__


# -- all seams ---------------------------------------------------------------------------------------------


def test_every_seam_holds():
    assert [seam for seam in register() if not seam.holds] == []
    assert [seam.name for seam in register()] == list(host.SEAMS)


def test_registering_again_changes_nothing():
    before = (
        tasks.parse_model,
        tasks.PoseModel.init_criterion,
        checks.check_file,
        copy.copy(base.default_callbacks),
    )
    assert register() is register()
    assert before == (
        tasks.parse_model,
        tasks.PoseModel.init_criterion,
        checks.check_file,
        base.default_callbacks,
    )


def test_a_seam_that_fails_is_reported_with_its_reason():
    def changed() -> None:
        raise AttributeError("no such thing")

    assert host._apply(changed) == "AttributeError: no such thing"


# -- parser ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row",
    [
        ["C2f", [32, True]], ["C3", [32]], ["C3k2", [32, False]], ["C3x", [32]], ["C3Ghost", [32]],
        ["RepC3", [32]], ["GhostConv", [32, 3, 1]], ["DWConv", [32, 3, 1]], ["SCDown", [32, 3, 1]],
        ["SPPF", [32, 5]], ["Bottleneck", [32]], ["nn.Identity", []], ["nn.BatchNorm2d", []],
        ["torchvision.ops.DropBlock2d", [0.1, 3]],
    ],
    ids=lambda row: row[0],
)  # fmt: skip
def test_our_layers_mix_with_stock_layers(row):
    """The stock layer between two of ours, with two repeats, which the parser counts for some layers only."""
    name, arguments = row
    model = build(tiny([-1, 2, "MC4f", [32]], [-1, 2, name, arguments], [-1, 1, "SimAM", []], [-1, 1, "MSPAM", [32]]))
    decoded = model.eval()(torch.rand(1, 3, 64, 64))[0]
    # 2 anchors on 16 x 16 and 8 x 8 cells; box 4, class 1, landmarks 5 x 3.
    assert decoded.shape == (1, 4 + 1 + 15, 2 * (16 * 16 + 8 * 8))


def test_width_and_repeats_scale_our_layers_as_stock_layers():
    """MC4f follows C3's rules: half of 64 channels, a third of 6 repeats, which go to the constructor."""
    model = build(tiny([-1, 6, "MC4f", [64]], scales={"n": [0.33, 0.5, 1024]}))
    layer = model.model[2]
    assert type(layer).__name__ == "MC4f"  # not a Sequential of repeated layers
    assert layer(torch.rand(1, 16, 8, 8)).shape[1] == 64 * 0.5
    assert len(layer.bottlenecks) == round(6 * 0.33)


@pytest.mark.parametrize("with_ours", [True, False], ids=["ours", "stock only"])
def test_an_unknown_layer_gets_an_error_that_lists_ours(with_ours):
    model = tiny([-1, 1, "MC4F", [32]]) if with_ours else tiny([-1, 1, "MC4F", [32]], head=[[0], 1, "Detect", ["nc"]])
    with pytest.raises(KeyError, match=r"layer 2: unknown layer 'MC4F'.*correct the name") as caught:
        build(model)
    assert all(name in str(caught.value) for name in OURS)


@pytest.mark.parametrize("name", ["MC4f", "Conv", "C2f"])
@pytest.mark.parametrize("channels", [-64, 0])
def test_channels_below_one_are_rejected(name, channels):
    with pytest.raises(
        ValueError, match=rf"layer 2 \({name}\): expected output channels of at least 1, got {channels}"
    ):
        build(tiny([-1, 1, name, [channels]]))


def test_a_wrong_number_of_anchors_is_rejected():
    with pytest.raises(ValueError, match=r"anchors: expected 2 rows, one a level, got 3.*`ultra-face anchors`"):
        build(tiny(anchors=[*ANCHORS, [146, 217]]))


def test_an_unknown_face_loss_key_is_rejected_before_training():
    with pytest.raises(ValueError, match=r"face_loss: unknown key 'aplha'; known are alpha, "):
        build(tiny(face_loss={"aplha": 1.0}))


def test_settings_of_anchors_are_refused_for_a_head_without():
    settings = {"simota": 10, "ratio_limit": 3}
    assert build(tiny(face_loss=settings)).model[-1].face_loss.simota == 10
    with pytest.raises(ValueError, match=r"face_loss: ratio_limit, simota: expected a head with anchors, got FacePose"):
        build(tiny(head=[[0, -1], 1, "FacePose", ["nc", "kpt_shape"]], face_loss=settings))


def test_the_yaml_of_the_model_keeps_the_names_of_its_arguments():
    """The checkpoint carries the YAML; adaptive anchors then change one place."""
    model = build(tiny())
    assert model.yaml["head"][0][3] == ["nc", "kpt_shape", "anchors"]


def test_parser_refuses_a_host_with_layers_of_our_names(monkeypatch):
    monkeypatch.setattr(tasks, "MC4f", nn.Identity, raising=False)
    with pytest.raises(SeamError, match="has layers of our names: MC4f"):
        host._parser()


def test_parser_refuses_a_parser_without_the_sets_it_extends(monkeypatch):
    def parse_model(d, ch, verbose=True):
        return nn.Sequential(), frozenset({C3, Conv})  # noqa: F821

    parse_model = FunctionType(parse_model.__code__, vars(tasks))  # with the names of Ultralytics' module
    monkeypatch.setattr(tasks, "parse_model", parse_model)
    with pytest.raises(SeamError, match=r"of its sets of modules only \['scaled'\] were found"):
        host._parser()
    assert tasks.parse_model is parse_model


@pytest.mark.parametrize("changed", [lambda d, ch, verbose, more: None, print, None], ids=["arguments", "C", "gone"])
def test_parser_leaves_a_changed_parser_alone(monkeypatch, changed):
    monkeypatch.setattr(tasks, "parse_model", changed)
    assert host._apply(host._parser)
    assert tasks.parse_model is changed


def test_parsing_draws_no_random_number(monkeypatch):
    """Seeded stock models stay what they are, since the trial run of the seam builds nothing random."""
    monkeypatch.setattr(tasks, "parse_model", stock_function(tasks.parse_model))
    before = torch.get_rng_state()
    host._parser()
    assert torch.equal(before, torch.get_rng_state())


def closure(stock, calls):
    def wrapper(d, ch, verbose=True):
        calls.append(ch)
        return stock(d, ch, verbose)

    return wrapper


def wraps(stock, calls):
    return functools.wraps(stock)(closure(stock, calls))


class CallableObject:
    def __init__(self, stock, calls):
        self.stock, self.calls = stock, calls

    def __call__(self, *args, **kwargs):
        self.calls.append(args[1])
        return self.stock(*args, **kwargs)


@pytest.mark.parametrize("wrap", [closure, wraps, CallableObject])
def test_what_another_plugin_has_wrapped_around_the_parser_is_called(monkeypatch, wrap):
    calls = []
    wrapper = wrap(stock_function(tasks.parse_model), calls)
    monkeypatch.setattr(tasks, "parse_model", wrapper)
    host._parser()
    assert tasks.parse_model is not wrapper
    calls.clear()
    assert type(build(tiny([-1, 1, "MC4f", [32]])).model[2]).__name__ == "MC4f"
    assert calls == [3]


def test_names_of_ours_are_in_the_parsers_module_only_while_it_runs():
    before = dict(vars(tasks))
    build(tiny())
    with pytest.raises(KeyError):
        build(tiny([-1, 1, "MC4F", [32]]))
    assert dict(vars(tasks)) == before
    assert "frozenset" not in before


# -- criterion, refinement ---------------------------------------------------------------------------------


class Head(nn.Module):
    """Stands for the last layer of a model."""

    def __init__(self, **methods: object) -> None:
        super().__init__()
        self.__dict__.update(methods)


class Model(nn.Module):
    """Stands for a PoseModel: the seams look at the last layer and at `training`."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Identity(), head)


@pytest.fixture
def stock_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    """A PoseModel without our seams, whose methods tell that they are stock."""
    monkeypatch.setattr(tasks.PoseModel, "init_criterion", lambda self: "stock criterion")
    stock_pass = lambda self, x, profile=False, embed=None: ("stock", x, embed)  # noqa: E731
    monkeypatch.setattr(tasks.PoseModel, "_predict_once", stock_pass)
    monkeypatch.setattr(tasks.PoseModel, "_predict_augment", lambda self, x: "stock augmentation")
    stock_load = lambda self, weights, verbose=True: self.loaded.append((weights, verbose))  # noqa: E731
    monkeypatch.setattr(tasks.PoseModel, "load", stock_load)


@pytest.mark.usefixtures("stock_methods")
def test_a_head_brings_its_own_criterion():
    host._criterion()
    own = Model(Head(criterion=lambda model: ("ours", model)))
    assert tasks.PoseModel.init_criterion(own) == ("ours", own)
    assert tasks.PoseModel.init_criterion(Model(Head())) == "stock criterion"


@pytest.mark.usefixtures("stock_methods")
def test_a_head_refines_inference_only():
    host._refinement()
    model = Model(Head(refine=lambda y, *, image, detect: (y, image, detect("crops")))).eval()
    stock = ("stock", "image", None)
    assert tasks.PoseModel._predict_once(model, "image") == (stock, "image", ("stock", "crops", None))
    assert tasks.PoseModel._predict_once(model, "image", embed=[1]) == ("stock", "image", [1])  # no predictions
    assert tasks.PoseModel._predict_once(model.train(), "image") == stock
    assert tasks.PoseModel._predict_once(Model(Head()).eval(), "image") == stock


@pytest.mark.usefixtures("stock_methods")
def test_a_head_that_supports_it_is_augmented(monkeypatch):
    monkeypatch.setattr(host, "predict_augmented", lambda model, x: ("ours", model, x))
    host._augmentation()
    own = Model(Head(supports_tta=True))
    assert tasks.PoseModel._predict_augment(own, "image") == ("ours", own, "image")
    assert tasks.PoseModel._predict_augment(Model(Head()), "image") == "stock augmentation"


@pytest.mark.usefixtures("stock_methods")
def test_a_head_loads_weights_for_itself():
    host._weights()
    own = Model(Head(load_weights=lambda model, weights, *, load: load(f"{weights} that suit")))
    own.loaded = []
    tasks.PoseModel.load(own, "weights", verbose=False)
    assert own.loaded == [("weights that suit", False)]


@pytest.mark.usefixtures("stock_methods")
def test_other_heads_load_weights_as_ever():
    host._weights()
    stock = Model(Head())
    stock.loaded = []
    tasks.PoseModel.load(stock, "weights")
    assert stock.loaded == [("weights", True)]


def test_a_loading_without_weights_is_left_alone(monkeypatch):
    changed = lambda self, file: None  # noqa: E731
    monkeypatch.setattr(tasks.PoseModel, "load", changed)
    with pytest.raises(SeamError, match=r"PoseModel\.load has changed: it takes no weights"):
        host._weights()
    assert tasks.PoseModel.load is changed


def test_a_stock_pass_with_further_arguments_keeps_them(monkeypatch):
    # Ultralytics 8.4.110 and older pass `visualize` between `profile` and `embed`.
    stock_pass = lambda self, x, profile=False, visualize=False, embed=None: ("stock", x, visualize, embed)  # noqa: E731
    monkeypatch.setattr(tasks.PoseModel, "_predict_once", stock_pass)
    host._refinement()
    model = Model(Head(refine=lambda y, *, image, detect: "refined")).eval()
    assert tasks.PoseModel._predict_once(model, "image", False, "pictures", [1]) == ("stock", "image", "pictures", [1])
    assert tasks.PoseModel._predict_once(model, "image", False, "pictures", None) == "refined"


@pytest.mark.parametrize("name", ["_predict_once", "_predict_augment"])
def test_a_later_patch_of_the_base_class_counts(monkeypatch, name):
    """For stock pose models and for ours."""
    owner = next(each for each in tasks.PoseModel.__mro__[1:] if name in vars(each))
    stock, seen = getattr(owner, name), []

    def patched(self, *args, **kwargs):
        seen.append(type(self.model[-1]).__name__)
        return stock(self, *args, **kwargs)

    monkeypatch.setattr(owner, name, patched)
    models = [build(tiny(head=[[0, -1], 1, head, ["nc", "kpt_shape"]])).eval() for head in ("Pose", "FacePose")]
    for model in models:
        monkeypatch.setattr(type(model.model[-1]), "supports_tta", False, raising=False)
        getattr(model, name)(torch.rand(1, 3, 64, 64))
    assert [head for head in seen if head == "Pose"]
    assert [head for head in seen if head == "FacePose"]


@pytest.mark.parametrize(
    ("seam", "method"),
    [
        ("criterion", "init_criterion"),
        ("refinement", "_predict_once"),
        ("augmentation", "_predict_augment"),
        ("row transfer", "load"),
    ],
)
def test_a_missing_method_is_named(monkeypatch, seam, method):
    monkeypatch.setattr(tasks, "PoseModel", type("PoseModel", (), {}))
    with pytest.raises(SeamError, match=f"PoseModel has no {method}"):
        host.SEAMS[seam]()
    assert not hasattr(tasks.PoseModel, method)


# -- task --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("head", [head.__name__ for head in HEADS])
@pytest.mark.parametrize(
    ("task", "model"),
    [
        ("detect", "DetectionModel"),
        ("segment", "SegmentationModel"),
        ("obb", "OBBModel"),
        ("classify", "ClassificationModel"),
        ("semantic", "SemanticSegmentationModel"),
    ],
)
def test_our_heads_are_refused_in_models_of_another_task(tmp_path, task, model, head):
    yaml = tmp_path / "face.yaml"
    YAML.save(yaml, small_yaml(head))
    message = rf"face\.yaml: task: expected pose, for which the head {head} is made, got {model}; leave task out"
    with pytest.raises(ValueError, match=message):
        YOLO(yaml, task=task)


def test_a_trainer_of_another_task_refuses_our_heads(tmp_path):
    yaml = tmp_path / "face.yaml"
    YAML.save(yaml, small_yaml("FacePose"))
    data = write_tiny_faces(tmp_path / "tiny")
    trainer = DetectionTrainer(overrides={"model": yaml, "data": data, "project": tmp_path, "device": "cpu"})
    with pytest.raises(ValueError, match=r"face\.yaml: task: expected pose"):
        trainer.train()


def test_models_of_another_task_keep_stock_heads():
    assert isinstance(YOLO("yolo11n-pose.yaml", task="detect").model, tasks.DetectionModel)


def test_a_missing_model_of_another_task_leaves_the_others_alone(monkeypatch):
    stock = tasks.DetectionModel.__init__
    monkeypatch.delattr(tasks, "SemanticSegmentationModel")
    with pytest.raises(AttributeError, match="SemanticSegmentationModel"):
        host._task()
    assert tasks.DetectionModel.__init__ is stock


# -- files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["yolov5-aesvc.yaml", "cfg/models/yolov5-aesvc.yaml"])
def test_packaged_yaml_is_found_from_an_empty_folder(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    found = Path(checks.check_yaml(name))
    assert found.is_absolute()
    assert found.parts[-3:] == ("cfg", "models", "yolov5-aesvc.yaml")
    assert checks.check_file(name, hard=False) == str(found)


def test_the_file_of_the_user_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("yolov5-aesvc.yaml").write_text("nc: 3\n")
    assert checks.check_yaml("yolov5-aesvc.yaml") == "yolov5-aesvc.yaml"


def test_names_that_nobody_has_stay_an_error_of_ultralytics(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"'nobody\.yaml' does not exist"):
        checks.check_yaml("nobody.yaml")
    assert checks.check_file("nobody.yaml", hard=False) == []


def test_the_packaged_data_set_is_found_by_name():
    assert Path(checks.check_file("faces-demo.yaml")).parent.name == "datasets"


def test_packaged_weights_come_by_name_as_a_download_would(tmp_path, monkeypatch):
    """With a weights folder of this test, and no look at the network."""
    (tmp_path / "package" / "weights").mkdir(parents=True)
    (tmp_path / "package" / "weights" / "face.pt").write_bytes(b"packaged")
    monkeypatch.setattr(host.files, "root", lambda: tmp_path / "package")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert downloads.attempt_download_asset("face.pt") == "face.pt"
    assert Path("face.pt").read_bytes() == b"packaged"
    Path("face.pt").write_bytes(b"the user's")
    assert downloads.attempt_download_asset("face.pt") == "face.pt"
    assert Path("face.pt").read_bytes() == b"the user's"


def test_every_module_of_the_host_sees_the_new_look_up():
    from ultralytics.data import utils
    from ultralytics.engine import model

    assert model.checks.check_file is checks.check_file
    assert utils.check_file is checks.check_file
    assert tasks.check_yaml.__globals__["check_file"] is checks.check_file


def packaged_weights(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with one checkpoint, and the empty folder where the user is."""
    (folder / "package" / "weights").mkdir(parents=True)
    packaged = folder / "package" / "weights" / "face.pt"
    packaged.write_bytes(b"packaged")
    monkeypatch.setattr(host.files, "root", lambda: folder / "package")
    (folder / "here").mkdir()
    monkeypatch.chdir(folder / "here")
    return packaged


def test_weights_are_copied_where_the_folder_of_ultralytics_is_the_packaged_one(tmp_path, monkeypatch):
    """As in a clone whose environment lies inside it; exports go beside the checkpoint."""
    packaged = packaged_weights(tmp_path, monkeypatch)
    monkeypatch.setitem(host.SETTINGS, "weights_dir", str(packaged.parent))
    assert downloads.attempt_download_asset("face.pt") == "face.pt"
    assert Path("face.pt").read_bytes() == b"packaged"


def test_weights_of_the_user_in_the_folder_of_ultralytics_come_first(tmp_path, monkeypatch):
    packaged_weights(tmp_path, monkeypatch)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "face.pt").write_bytes(b"the user's")
    monkeypatch.setitem(host.SETTINGS, "weights_dir", str(tmp_path / "own"))
    assert downloads.attempt_download_asset("face.pt") == str(tmp_path / "own" / "face.pt")
    assert not Path("face.pt").exists()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("face", Path("face.pt")),
        (Path("weights/face"), Path("weights/face.pt")),
        ("yolo26n", Path("yolo26n.pt")),  # of Ultralytics
        ("face.pt", "face.pt"),
        ("nobody", "nobody"),
        ("elsewhere/face", "elsewhere/face"),
    ],
)
def test_packaged_weights_need_no_ending(tmp_path, monkeypatch, asked, expected):
    packaged_weights(tmp_path, monkeypatch)
    assert checks.check_model_file_from_stem(asked) == expected


def test_a_file_of_the_user_without_ending_comes_first(tmp_path, monkeypatch):
    packaged_weights(tmp_path, monkeypatch)
    Path("face").write_bytes(b"the user's")
    assert checks.check_model_file_from_stem("face") == "face"


def test_the_trainer_takes_packaged_weights_without_ending():
    from ultralytics.engine import trainer

    assert trainer.check_model_file_from_stem is checks.check_model_file_from_stem


# -- safe loading, callbacks -------------------------------------------------------------------------------


def globals_of(content: object) -> set[str]:
    """Every class that a file with this content names, those that torch was told of too."""
    file = io.BytesIO()
    torch.save(content, file)
    file.seek(0)
    told = torch.serialization.get_safe_globals()
    torch.serialization.clear_safe_globals()
    try:
        return set(torch.serialization.get_unsafe_globals_in_checkpoint(file))
    finally:
        torch.serialization.add_safe_globals(told)


def test_the_table_of_stored_classes_is_what_checkpoints_of_all_model_yamls_name():
    """Those of layers that no packaged YAML names stand alone; a refined model may have any generator."""
    models = [YOLO(file, task="pose").model for file in (host.files.root() / "cfg" / "models").glob("*.yaml")]
    refined = [{"sr": {"blocks": blocks, "width": 8}} for blocks in (0, 1)]
    models += [build(tiny(head=[[0, -1], 1, "SRFacePose", ["nc", "kpt_shape", "sr"]], **sr)) for sr in refined]
    models += [CBL(3, 8), ShuffleStage(8, 16, 2)]
    named = {name for model in models for name in globals_of(model) if name.startswith("ultra_face.")}
    table = {f"{module}.{name}" for module, names in STORED_CLASSES.items() for name in names}
    assert named == table


def test_every_layer_and_head_may_be_loaded_safely(tmp_path):
    torch.save({"model": build(tiny([-1, 1, "MC4f", [32]]))}, tmp_path / "face.pt")
    content, _ = tasks.torch_safe_load(tmp_path / "face.pt", safe_only=True)
    assert type(content["model"].model[2]).__name__ == "MC4f"
    assert set(torch.serialization.get_safe_globals()) >= {*LAYERS, *HEADS}


RUNNERS = [trainer.BaseTrainer, validator.BaseValidator, predictor.BasePredictor]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What has run: a callback of ours by the name of its event, one of the user as `user`."""
    seen: list[str] = []
    ours = {event: [lambda runner, event=event: seen.append(event)] for event in host.EVENTS}
    monkeypatch.setattr(host, "_our_callbacks", lambda: ours)
    return seen


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("event", host.EVENTS)
def test_our_callbacks_run_once_whatever_the_object_has_of_its_own(runs, runner, event):
    """One that was made before the registration, or whose callbacks were reset, has none of ours."""
    made = runner.__new__(runner)
    made.callbacks = base.get_default_callbacks()
    made.callbacks[event].append(lambda runner: runs.append("user"))
    made.run_callbacks(event)
    assert runs == [event, "user"]


def test_the_events_are_those_of_the_table():
    assert set(host.EVENTS) == {event for event, _ in CALLBACKS}
    assert {(event, each) for event, ours in host._our_callbacks().items() for each in ours} == {*CALLBACKS}


@pytest.mark.parametrize("runner", RUNNERS)
def test_no_runner_of_ultralytics_runs_callbacks_in_another_way(runner):
    """Which would pass ours by."""
    below = [each for each in runner.__subclasses__() if each.__module__.startswith("ultralytics.")]
    assert [each for each in below if "run_callbacks" in vars(each)] == []


def test_callbacks_that_a_changed_host_cannot_serve_are_one_warning(monkeypatch):
    monkeypatch.setitem(sys.modules, "ultra_face.plugin.callbacks.table", None)
    with pytest.warns(RuntimeWarning, match=r"ultra-face: callbacks: Ultralytics .* has changed \(ModuleNotFoundError"):
        assert host._our_callbacks.__wrapped__() == {}


def test_an_unknown_event_is_named_and_nothing_is_added(monkeypatch):
    monkeypatch.setattr(base, "default_callbacks", {"on_train_end": []})
    before = [runner.run_callbacks for runner in RUNNERS]
    with pytest.raises(SeamError, match=r"has no events .*on_pretrain_routine_end, on_train_epoch_start, on_val_start"):
        host._callbacks()
    assert base.default_callbacks == {"on_train_end": []}
    assert [runner.run_callbacks for runner in RUNNERS] == before


# -- suppression -------------------------------------------------------------------------------------------


def test_suppression_names_the_methods_that_are_missing(monkeypatch):
    methods = dict.fromkeys(("predict", "val", "train"), lambda self, **arguments: arguments)
    monkeypatch.setattr(host, "Model", type("Model", (), methods))
    with pytest.raises(SeamError, match="YOLO has no export, tune"):
        host._suppression()
    assert vars(host.Model)["predict"] is methods["predict"]
