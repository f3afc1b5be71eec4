"""SRPose and SRFacePose in whole models: the plain head, and what refinement adds to it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from small_models import PLAIN, photograph, small_model, small_yaml
from torch import Tensor
from ultralytics.nn.tasks import PoseModel
from ultralytics.utils.metrics import bbox_iou

from ultra_face.heads.anchor_pose import AnchorPose
from ultra_face.heads.face_head import STOCK_DECODING
from ultra_face.heads.face_pose import FacePose
from ultra_face.heads.sr_pose import SRFacePose, SRPose
from ultra_face.plugin.checkpoints import stored_classes
from ultra_face.refinement.refined import CANNOT_CHOOSE

SR = {"windows": 3, "window": 32, "scale": 2, "blocks": 1, "width": 4, "light": True, "max_face": 24, "first_look": 1.0}
HEADS = pytest.mark.parametrize("head", PLAIN)


def predict(model: Any, x: Tensor, **arguments: Any) -> Tensor:
    with torch.no_grad():
        predictions: Tensor = model.predict(x, **arguments)[0]
    return predictions


def refined_and_plain(head: str, x: Tensor, **changes: Any) -> tuple[Tensor, Tensor]:
    """Predictions of the same weights with and without refinement."""
    return predict(small_model(head, SR | changes), x), predict(small_model(PLAIN[head]), x)


def found(predictions: Tensor) -> Tensor:
    """The columns of one image that say something, best first."""
    said = predictions[:, predictions[4] > 0]
    return said[:, said[4].argsort(descending=True)]


# -- the plain head ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kpt_shape", [(5, 3), (5, 2)])
@pytest.mark.parametrize("sr", [False, SR | {"windows": 0}], ids=["off", "no windows"])
@HEADS
def test_without_windows_it_is_the_plain_head(head: str, sr: Any, kpt_shape: tuple[int, int]) -> None:
    x = photograph(2)
    ours, plain = small_model(head, sr, kpt_shape=kpt_shape), small_model(PLAIN[head], kpt_shape=kpt_shape)
    assert torch.equal(predict(ours, x), predict(plain, x))
    own = {key: value for key, value in ours.state_dict().items() if ".generator." not in key}
    assert list(own) == list(plain.state_dict())
    torch.testing.assert_close(own, dict(plain.state_dict()), rtol=0, atol=0)
    assert (len(own) == len(ours.state_dict())) is (sr is False)  # off has no generator at all


@HEADS
def test_training_knows_no_refinement(head: str) -> None:
    x, ours, plain = photograph(2), small_model(head, SR).train(), small_model(PLAIN[head]).train()
    first, second = ours(x), plain(x)
    assert list(first) == list(second)
    torch.testing.assert_close(first, second, rtol=0, atol=0)


@HEADS
def test_training_outputs_of_an_evaluation_are_those_of_the_plain_head(head: str) -> None:
    # From these the validator takes the loss.
    x = photograph(2)
    with torch.no_grad():
        first, second = small_model(head, SR)(x)[1], small_model(PLAIN[head])(x)[1]
    torch.testing.assert_close(first, second, rtol=0, atol=0)


@pytest.mark.parametrize(("ours", "plain"), [(SRPose, AnchorPose), (SRFacePose, FacePose)])
def test_everything_else_is_inherited(ours: type, plain: type) -> None:
    assert issubclass(ours, plain)
    assert ours.criterion is plain.criterion
    assert ours.supports_tta


# -- with refinement ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "width"), [(96, 128), (32, 32), (32, 160), (64, 32)])
@HEADS
def test_stage_one_passes_through_and_stage_two_adds(head: str, height: int, width: int) -> None:
    refined, plain = refined_and_plain(head, photograph(2, height, width))
    assert torch.equal(refined[..., : plain.shape[2]], plain)
    second = refined[..., plain.shape[2] :]
    assert (second[:, 4] > 0).any()
    assert second.isfinite().all()


@HEADS
def test_only_confident_and_large_faces_keep_the_score_of_the_first_look(head: str) -> None:
    x = photograph(2)
    refined, plain = refined_and_plain(head, x, first_look=0.5)
    factor = refined[:, 4, : plain.shape[2]] / plain[:, 4]
    assert set(factor.unique().tolist()) == {0.5, 1.0}
    large, confident = plain[:, 2:4].amax(1) > 24, plain[:, 4] >= 0.6
    assert (factor[large | confident] == 1).all()
    others = [row for row in range(20) if row != 4]
    assert torch.equal(refined[:, others, : plain.shape[2]], plain[:, others])


@HEADS
def test_what_stage_two_adds_lies_in_the_image(head: str) -> None:
    refined, plain = refined_and_plain(head, photograph(2, 96, 128))
    for image in refined[..., plain.shape[2] :]:
        x, y, w, h = found(image)[:4]
        # Only the sides of the image, not those of a window, may be crossed, and not by more than half a box.
        assert ((x > -w / 2) & (x < 128 + w / 2) & (y > -h / 2) & (y < 96 + h / 2)).all()
        assert (w <= 32 + 32).all()


@HEADS
def test_images_of_a_batch_do_not_meet(head: str) -> None:
    x = photograph(3)
    plain = predict(small_model(PLAIN[head]), x)
    # A band of a few faces, so that the images have unlike numbers of windows.
    model = small_model(head, SR | {"windows": 12, "doubt": [float(plain[:, 4].quantile(0.99)), 1.0]})
    used = model.model[-1].find_windows(plain, (96, 128)).used.sum(1)
    assert len(set(used.tolist())) > 1
    together = predict(model, x)
    for image in range(3):
        alone = predict(model, x[image][None])
        torch.testing.assert_close(found(together[image]), found(alone[0]), rtol=1e-4, atol=1e-3)


@HEADS
def test_an_exported_graph_gives_the_same_and_empty_columns(head: str) -> None:
    x, model = photograph(2), small_model(head, SR | {"windows": 12, "doubt": [0.44, 0.6]})
    eager = predict(model, x)
    model.model[-1].export = True
    with torch.no_grad():
        exported = model(x)
    assert exported.shape == eager.shape
    torch.testing.assert_close(exported[:, 4], eager[:, 4], rtol=1e-4, atol=1e-5)
    said = eager[:, 4] > 0
    torch.testing.assert_close(exported.mT[said], eager.mT[said], rtol=1e-4, atol=1e-3)


@HEADS
def test_corners_for_the_nms_of_the_exporter(head: str) -> None:
    x, model = photograph(2), small_model(head, SR)
    centred = predict(model, x)
    model.model[-1].xyxy = True
    if head == "SRFacePose":  # the stock head gives corners in an exported graph only
        model.model[-1].export = True
    with torch.no_grad():
        corners = model(x)
    corners = corners if isinstance(corners, Tensor) else corners[0]
    said = centred[:, 4] > 0
    half = centred[:, 2:4] / 2
    expected = torch.cat([centred[:, :2] - half, centred[:, :2] + half, centred[:, 4:]], dim=1)
    torch.testing.assert_close(corners.mT[said], expected.mT[said], rtol=1e-4, atol=1e-3)


@HEADS
def test_half_precision(head: str) -> None:
    x, model = photograph(2), small_model(head, SR)
    single = predict(model, x)
    half = predict(model.half(), x.half())
    assert (half.dtype, half.shape) == (torch.float16, single.shape)
    assert half.isfinite().all()
    assert (half[:, 4, -900:] > 0).any()
    # 11 bits of a score, through a few layers.
    torch.testing.assert_close(half[:, 4, :252].float(), single[:, 4, :252], rtol=0, atol=0.02)


@HEADS
def test_augmented_prediction(head: str) -> None:
    x, model = photograph(1), small_model(head, SR)
    once, augmented = predict(model, x), predict(model, x, augment=True)
    assert torch.equal(augmented[..., : once.shape[2]], once)
    assert augmented.shape[2] > 2 * once.shape[2]
    assert augmented.isfinite().all()


@HEADS
def test_suppression_by_ciou_against_a_greedy_loop(head: str) -> None:
    x = photograph(1, 32, 64)
    refined, _ = refined_and_plain(head, x)
    suppressed = predict(small_model(head, SR | {"ciou_nms": 0.1}), x)
    given = found(refined[0])
    count = given.shape[1]
    boxes = given[:4].T
    pairs = boxes.repeat_interleave(count, 0), boxes.repeat(count, 1)
    overlap = bbox_iou(*pairs, xywh=True, CIoU=True).view(count, count)
    kept: list[int] = []
    for box in range(count):
        if all(overlap[better, box] <= 0.1 for better in kept):
            kept.append(box)
    assert 5 < len(kept) < count - 5
    torch.testing.assert_close(found(suppressed[0]), given[:, kept])


# -- models ------------------------------------------------------------------------------------------------


@HEADS
def test_an_untrained_generator_is_the_interpolation(head: str) -> None:
    x = photograph(1)
    network, cubic = (predict(small_model(head, SR | {"blocks": blocks}), x) for blocks in (1, 0))
    torch.testing.assert_close(network, cubic)


@HEADS
def test_a_generator_keeps_its_numbers_in_a_model(head: str) -> None:
    # Ultralytics changes the norms of the models that it builds, whose epsilon is a number of the generator.
    model = small_model(head, SR)
    alone = type(model.model[-1].generator)(scale=2, blocks=1, width=4, light=True).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in alone.state_dict().values():
            if value.is_floating_point():
                value.copy_(torch.rand(value.shape, generator=generator) * 0.1)
    model.model[-1].generator.load_state_dict(alone.state_dict())
    windows = photograph(2, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(model.model[-1].enlarge(windows), alone(windows))


@HEADS
def test_copies_and_files_keep_settings_and_generator(head: str, tmp_path: Path) -> None:
    x, model = photograph(1), small_model(head, SR)
    torch.save(model, tmp_path / "model.pt")
    for other in (copy.deepcopy(model), torch.load(tmp_path / "model.pt", weights_only=False)):
        assert other.model[-1].sr == model.model[-1].sr
        assert torch.equal(predict(other, x), predict(model, x))


@HEADS
def test_safe_loading(head: str, tmp_path: Path) -> None:
    model = small_model(head, SR)
    torch.save(model.model[-1].sr, tmp_path / "sr.pt")
    with torch.serialization.safe_globals(stored_classes()):
        assert torch.load(tmp_path / "sr.pt", weights_only=True) == model.model[-1].sr


@pytest.mark.parametrize(
    ("sr", "message"),
    [
        ({"window": 60}, "sr: window: expected a side whose 2-fold is a multiple of the stride 32, got 60"),
        ({"window": 40, "scale": 2}, "sr: window: expected a side whose 2-fold is a multiple of the stride 32, got 40"),
        ({"Windows": 3}, "sr: unknown key 'Windows'; known are"),
        (16, "sr: expected a mapping of settings, or off, got 16"),
    ],
)
@HEADS
def test_bad_settings(head: str, sr: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^model YAML: {message}"):
        PoseModel(small_yaml(head, sr), verbose=False)


@pytest.mark.parametrize(
    ("head", "arguments", "message"),
    [
        (SRPose, (1, (5, 3), [[8, 10]], SR), "AnchorPose: end2end: expected false, got true"),
        (SRFacePose, (1, (5, 3), SR), "SRFacePose: end2end: expected false, got true; .* use FacePose instead"),
    ],
)
def test_end_to_end_is_refused(head: type, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        head(*arguments, end2end=True, ch=(8,))


@pytest.mark.parametrize("format_name", sorted(STOCK_DECODING))
@HEADS
def test_formats_that_replace_the_decoding_are_refused(head: str, format_name: str) -> None:
    model = small_model(head, SR)
    model.model[-1].export, model.model[-1].format = True, format_name
    with pytest.raises(
        NotImplementedError, match=f"{head}: Ultralytics' {format_name} export decodes as its own heads"
    ):
        model.predict(photograph(1))


@pytest.mark.parametrize("format_name", sorted(CANNOT_CHOOSE))
@HEADS
def test_formats_that_cannot_choose_windows_are_refused(head: str, format_name: str) -> None:
    model = small_model(head, SR)
    model.model[-1].export, model.model[-1].format = True, format_name
    message = f"{head}: refinement: expected a format that can choose windows in its graph, got {format_name}; export"
    with pytest.raises(NotImplementedError, match=message):
        model.predict(photograph(1))


@pytest.mark.parametrize("format_name", ["edgetpu", "ncnn"])
def test_without_refinement_it_is_exported_as_the_plain_head(format_name: str) -> None:
    x, model = photograph(1), small_model("SRFacePose", SR | {"windows": 0})
    expected = predict(model, x)
    model.model[-1].export, model.model[-1].format = True, format_name
    with torch.no_grad():
        torch.testing.assert_close(model.predict(x), expected)


def test_anchors_are_checked_as_in_the_plain_head() -> None:
    with pytest.raises(ValueError, match="AnchorPose: anchors: expected 2 rows, one a level, got 1"):
        SRPose(1, (5, 3), [[8, 10]], SR, ch=(8, 8))


def test_many_tiles_are_detected_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    x, model = photograph(2), small_model("SRPose", SR)
    together = predict(model, x)
    monkeypatch.setattr("ultra_face.refinement.refined.TILES_AT_ONCE", 1)
    torch.testing.assert_close(predict(model, x), together)


def test_folding_the_norms_of_a_model_folds_the_generator_s() -> None:
    model = small_model("SRPose", SR)
    windows = photograph(2, 32, 32)
    with torch.no_grad():
        before = model.model[-1].enlarge(windows)
        model.model[-1].fuse()
        torch.testing.assert_close(model.model[-1].enlarge(windows), before)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in model.model[-1].generator.modules())
