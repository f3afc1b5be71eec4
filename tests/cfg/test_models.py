"""Every model YAML at every scale: it builds, has its strides, and the parameters that DESIGN counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from ultralytics.cfg import get_cfg
from ultralytics.nn import tasks

import ultra_face
from training.ablation.rows import ROWS
from ultra_face.losses.settings import FaceLossSettings

ultra_face.register()

MODELS = Path(__file__).resolve().parents[2] / "cfg" / "models"
NAMES = sorted(path.stem.removeprefix("yolov5-") for path in MODELS.glob("yolov5-*.yaml"))
WITHOUT_ANCHORS = {"aesvc-free", "face-free", "pose"}

# The papers count with the untouched 80 classes and two values a landmark; so do all numbers here.
PAPER = {"nc": 80, "kpt_shape": [5, 2]}

# Parameters at the scales of the YAML: n, s, m, l, x. The first rows at n are derived below, the others are recorded.
GOLDEN = {
    "face": (1_885_687, 7_262_359, 21_230_967, 46_617_559, 86_816_695),
    "mc4f": (2_371_447, 9_201_559, 28_379_127, 64_278_999, 122_154_295),
    "aesvc-only": (2_864_183, 11_152_471, 29_966_007, 62_130_839, 111_041_527),
    "mspam": (1_774_453, 6_818_325, 19_494_133, 42_218_837, 77_895_477),
    "cbam": (1_774_267, 6_818_139, 19_493_947, 42_218_651, 77_895_291),
    "aesvc-mc4f": (3_349_943, 13_091_671, 37_114_167, 79_792_279, 146_379_127),
    "aesvc": (3_238_709, 12_647_637, 35_377_333, 75_393_557, 137_457_909),
    "aesvc-fast": (2_583_349, 10_026_197, 29_479_093, 64_907_797, 121_073_909),
    "aesvc-p2": (3_284_146, 12_808_882, 35_840_818, 76_409_522, 139_353_394),
    "aesvc-free": (4_079_964, 14_825_500, 39_902_684, 83_146_524, 149_706_652),
    "face-free": (2_726_942, 9_440_222, 25_756_318, 54_370_526, 99_065_438),
    "yolo5face": (1_891_447, 7_287_703, 21_382_263, 47_052_247, 87_753_655),
    "yolo5face-shuffle": (1_817_463,),
    "yolo5face-shuffle-half": (493_671,),
    "pose": (2_726_942, 9_440_222, 25_756_318, 54_370_526, 99_065_438),
    "sr": (1_914_664, 7_310_920, 21_405_480, 47_075_464, 87_776_872),
}


def model_yaml(name: str, scale: str, **changes: Any) -> dict[str, Any]:
    return tasks.yaml_model_load(MODELS / f"yolov5{scale}-{name}.yaml") | changes


def scales(name: str) -> list[str]:
    return list(model_yaml(name, "")["scales"])


def count(name: str, scale: str = "n") -> int:
    """Parameters, counted without allocating them."""
    with torch.device("meta"):
        layers, _ = tasks.parse_model(model_yaml(name, scale, **PAPER), ch=3, verbose=False)
    return sum(parameter.numel() for parameter in layers.parameters())


@pytest.mark.parametrize("name", ["face", "mc4f", "aesvc-only", "mspam", "cbam", "aesvc-mc4f", "aesvc", "aesvc-p2"])
def test_rows_of_the_paper_keep_alpha_constant(name: str) -> None:
    settings = FaceLossSettings.from_yaml(model_yaml(name, "n")["face_loss"])
    assert [settings.alpha_at(progress) for progress in (0.0, 0.5, 1.0)] == [3.0, 3.0, 3.0]


def test_the_faster_model_has_the_loss_that_won() -> None:
    fast, paper = (model_yaml(name, "n")["face_loss"] for name in ("aesvc-fast", "aesvc"))
    assert FaceLossSettings.from_yaml(fast) == FaceLossSettings(**ROWS["together-gain-4"].face_loss)
    # The row that compares its layers alone trains it like the paper's.
    assert FaceLossSettings.from_yaml(fast | ROWS["aesvc-fast"].face_loss) == FaceLossSettings.from_yaml(paper)


def test_the_table_names_every_yaml() -> None:
    assert set(GOLDEN) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_golden_parameters(name: str) -> None:
    assert tuple(count(name, scale) for scale in scales(name)) == GOLDEN[name]


def test_the_rows_of_the_ablation_are_derived() -> None:
    trunk = 1_757_152  # YOLOv5n v6.0 without its head
    # 3 anchors x (5 + 80 classes + 10 values) outputs, weights from 64, 128 and 256 channels, and biases.
    face = trunk + (64 + 128 + 256) * 285 + 3 * 285
    mc4f = 973_120 - 487_360  # in place of C3, tests/nn/test_mc4f.py
    aesvc = 978_496  # added, tests/nn/test_aesvc.py
    # C3 from 256 and from 128 to 128 channels, half of them inside: two entries, the exit, one bottleneck.
    bottleneck = (64 * 64 + 2 * 64) + (9 * 64 * 64 + 2 * 64)
    c3 = sum(2 * (c1 * 64 + 2 * 64) + (128 * 128 + 2 * 128) + bottleneck for c1 in (256, 128))
    # CBS and channel attention with reduction 16; the spatial ones as in test_mspam.py and test_cbam.py.
    attention = sum((c1 * 128 + 2 * 128) + 2 * 128 * 8 for c1 in (256, 128))
    assert {
        "face": face,
        "mc4f": face + mc4f,
        "aesvc-only": face + aesvc,
        "aesvc-mc4f": face + aesvc + mc4f,
        "mspam": face - c3 + attention + 2 * 191,
        "cbam": face - c3 + attention + 2 * 98,
        "aesvc": face + aesvc + mc4f - c3 + attention + 2 * 191,
        # A batch norm has as many parameters as a group norm; the stem's kernels are 3 x 3 instead of 7 x 7.
        "aesvc-fast": face + aesvc + mc4f - c3 + attention + 2 * 191 - (49 - 9) * 128 * 128,
    } == {
        name: count(name)
        for name in ("face", "mc4f", "aesvc-only", "aesvc-mc4f", "mspam", "cbam", "aesvc", "aesvc-fast")
    }


def test_sr_yolov5_is_its_detector_and_a_generator() -> None:
    sr = model_yaml("sr", "n")["sr"]
    blocks, c, pixels = sr["blocks"], sr["width"], sr["scale"] ** 2
    # Kernels of 3: entry, residual blocks of two convolutions with norms, their exit, pixels of RGB; a PReLU is one.
    block = 2 * (9 * c * c + 2 * c) + 1
    generator = (9 * 3 * c + c + 1) + blocks * block + (9 * c * c + 2 * c) + (9 * c + 1) * 3 * pixels
    assert GOLDEN["sr"] == tuple(count("yolo5face", scale) + generator for scale in scales("sr"))


def test_the_detector_of_sr_yolov5_has_the_published_parameters() -> None:
    # YOLO5Face publishes 7.075 M for its s, with one class and landmarks without visibility.
    model = model_yaml("sr", "s", nc=1, kpt_shape=[5, 2], sr=False)
    with torch.device("meta"):
        layers, _ = tasks.parse_model(model, ch=3, verbose=False)
    assert sum(parameter.numel() for parameter in layers.parameters()) == 7_074_640


@pytest.mark.parametrize(("name", "scale"), [(name, scale) for name in NAMES for scale in scales(name)[:2]])
def test_builds_and_predicts(name: str, scale: str) -> None:
    model = tasks.PoseModel(MODELS / f"yolov5{scale}-{name}.yaml", verbose=False).eval()
    strides = [4, 8, 16, 32] if name == "aesvc-p2" else [8, 16, 32]
    assert model.stride.tolist() == strides
    assert model.yaml["scale"] == scale

    height, width = 96, 160
    with torch.no_grad():
        decoded, _ = model(torch.zeros(2, 3, height, width))
    anchors = 1 if name in WITHOUT_ANCHORS else 3
    cells = sum((height // stride) * (width // stride) for stride in strides)
    # Box 4, one class, five landmarks of three values.
    assert decoded.shape == (2, 4 + 1 + 15, anchors * cells)
    assert decoded.isfinite().all()


@pytest.mark.parametrize("name", sorted(set(NAMES) - WITHOUT_ANCHORS))
def test_anchors_are_those_of_the_yaml(name: str) -> None:
    model = tasks.PoseModel(model_yaml(name, "n"), verbose=False)
    rows = torch.tensor(model_yaml(name, "n")["anchors"])
    torch.testing.assert_close(model.model[-1].anchor_wh.flatten(1), rows.float())


def test_four_levels_start_from_the_papers_table() -> None:
    # YOLOv5n-AESVC, Table 1.
    rows = [
        [4, 5, 6, 7, 8, 11],
        [12, 15, 17, 21, 24, 30],
        [33, 42, 48, 67, 67, 87],
        [110, 155, 167, 233, 248, 387],
    ]
    assert model_yaml("aesvc-p2", "n")["anchors"] == rows


@pytest.mark.parametrize("name", ["face", "aesvc-free"])
def test_a_checkpoint_of_the_same_model_transfers_completely(name: str) -> None:
    source, target = (tasks.PoseModel(MODELS / f"yolov5n-{name}.yaml", verbose=False) for _ in range(2))
    target.load(source, verbose=False)
    torch.testing.assert_close(dict(target.state_dict()), dict(source.state_dict()), rtol=0, atol=0)


def test_a_stock_checkpoint_transfers_its_trunk() -> None:
    source, target = (tasks.PoseModel(MODELS / f"yolov5n-{name}.yaml", verbose=False) for name in ("pose", "face"))
    target.load(source, verbose=False)
    trunks = [dict(model.model[:-1].state_dict()) for model in (target, source)]
    torch.testing.assert_close(*trunks, rtol=0, atol=0)


@pytest.mark.parametrize("name", ["face", "aesvc", "aesvc-free", "sr"])
def test_the_head_brings_its_criterion(name: str) -> None:
    model = tasks.PoseModel(MODELS / f"yolov5n-{name}.yaml", verbose=False)
    model.args = get_cfg()
    assert type(model.init_criterion()).__module__.startswith("ultra_face.losses.")
