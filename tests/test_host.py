"""Each seam does what it is for, leaves stock behaviour alone, and says what is wrong on a changed host."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import nn
from ultralytics.nn import tasks
from ultralytics.utils import checks, downloads
from ultralytics.utils.callbacks import base

from ultra_face import host, register
from ultra_face.callbacks.table import CALLBACKS
from ultra_face.heads.table import HEADS
from ultra_face.nn.layers import LAYERS
from ultra_face.seam import SeamError

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

    assert host._apply("parser", changed) == host.Seam("parser", False, "AttributeError: no such thing")


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
    with pytest.raises(ValueError, match=r"anchors: expected 2 rows, one a level, got 3.*tools/kmeans_anchors.py"):
        build(tiny(anchors=[*ANCHORS, [146, 217]]))


def test_an_unknown_face_loss_key_is_rejected_before_training():
    with pytest.raises(ValueError, match=r"face_loss: unknown key 'aplha'; known are alpha, "):
        build(tiny(face_loss={"aplha": 1.0}))


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
        return nn.Sequential(), frozenset({C3, Conv})  # noqa: F821  (the names of Ultralytics' module)

    monkeypatch.setattr(tasks, "parse_model", parse_model)
    with pytest.raises(SeamError, match=r"of its sets of modules only \['scaled'\] were found"):
        host._parser()
    assert tasks.parse_model is parse_model


@pytest.mark.parametrize("changed", [lambda d, ch, verbose, more: None, print, None], ids=["arguments", "C", "gone"])
def test_parser_leaves_a_changed_parser_alone(monkeypatch, changed):
    monkeypatch.setattr(tasks, "parse_model", changed)
    assert not host._apply("parser", host._parser).holds
    assert tasks.parse_model is changed


def test_parsing_draws_no_random_number(monkeypatch):
    """Seeded stock models stay what they are, since the trial run of the seam builds nothing random."""
    monkeypatch.setattr(tasks, "parse_model", stock_function(tasks.parse_model))
    before = torch.get_rng_state()
    host._parser()
    assert torch.equal(before, torch.get_rng_state())


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


def test_a_stock_pass_with_further_arguments_keeps_them(monkeypatch):
    # Ultralytics 8.4.110 and older pass `visualize` between `profile` and `embed`.
    stock_pass = lambda self, x, profile=False, visualize=False, embed=None: ("stock", x, visualize, embed)  # noqa: E731
    monkeypatch.setattr(tasks.PoseModel, "_predict_once", stock_pass)
    host._refinement()
    model = Model(Head(refine=lambda y, *, image, detect: "refined")).eval()
    assert tasks.PoseModel._predict_once(model, "image", False, "pictures", [1]) == ("stock", "image", "pictures", [1])
    assert tasks.PoseModel._predict_once(model, "image", False, "pictures", None) == "refined"


@pytest.mark.parametrize(
    ("seam", "method"),
    [("criterion", "init_criterion"), ("refinement", "_predict_once"), ("augmentation", "_predict_augment")],
)
def test_a_missing_method_is_named(monkeypatch, seam, method):
    monkeypatch.setattr(tasks, "PoseModel", type("PoseModel", (), {}))
    with pytest.raises(SeamError, match=f"PoseModel has no {method}"):
        host.SEAMS[seam]()
    assert not hasattr(tasks.PoseModel, method)


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


# -- safe loading, callbacks -------------------------------------------------------------------------------


def test_every_layer_and_head_may_be_loaded_safely():
    assert set(torch.serialization.get_safe_globals()) >= {*LAYERS, *HEADS}


def test_every_trainer_gets_our_callbacks_once():
    for event, callback in CALLBACKS:
        assert base.get_default_callbacks()[event].count(callback) == 1


def test_an_unknown_event_is_named_and_nothing_is_added(monkeypatch):
    monkeypatch.setattr(base, "default_callbacks", {"on_train_end": []})
    with pytest.raises(SeamError, match=r"has no events .*on_pretrain_routine_end, on_train_epoch_start, on_val_start"):
        host._callbacks()
    assert base.default_callbacks == {"on_train_end": []}


# -- suppression -------------------------------------------------------------------------------------------


def test_suppression_names_the_methods_that_are_missing(monkeypatch):
    methods = dict.fromkeys(("predict", "val", "train"), lambda self, **arguments: arguments)
    monkeypatch.setattr(host, "Model", type("Model", (), methods))
    with pytest.raises(SeamError, match="YOLO has no export, tune"):
        host._suppression()
    assert vars(host.Model)["predict"] is methods["predict"]
