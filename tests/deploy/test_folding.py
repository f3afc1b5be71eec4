"""Writing a checkpoint whose norms fold: what it holds and how it trains on, what is refused, what is reported."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from tiny_faces import write_tiny_faces
from torch import nn
from ultralytics import YOLO

from ultra_face import __main__
from ultra_face.deploy.folding import write_folded
from ultra_face.deploy.photographs import Inputs, choose_evenly
from ultra_face.nn.mc4f import CGS
from ultra_face.runtimes.ultralytics_model import open_checkpoint

SHIPPED = "yolov5n-aesvc-face.pt"
SIZE = 96


@pytest.fixture
def photographs(tmp_path: Path) -> list[Path]:
    return choose_evenly([write_tiny_faces(tmp_path / "faces").parent / "images"], 4)


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    YOLO(SHIPPED)
    return tmp_path / SHIPPED


def test_images_are_spread_evenly_over_folders_and_lists(photographs: list[Path], tmp_path: Path) -> None:
    folder = photographs[0].parent
    assert [file.name for file in choose_evenly([folder], 2)] == ["0.png", "2.png"]
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join(map(str, photographs[:3])))
    assert choose_evenly([folder, listed], 100) == [*photographs, *photographs[:3]]


def test_inputs_are_red_first_between_0_and_1_and_a_multiple_of_the_stride(tmp_path: Path) -> None:
    image = np.zeros((50, 100, 3), np.uint8)
    image[..., 2] = 255
    assert cv2.imwrite(str(tmp_path / "red.png"), image)
    (given,) = Inputs([tmp_path / "red.png"], 96)
    assert given.shape == (1, 3, 64, 96)
    torch.testing.assert_close(given[0, :, 32, 48], torch.tensor([1.0, 0.0, 0.0]))


def test_inputs_of_one_size_are_padded_on_both_sides(tmp_path: Path) -> None:
    assert cv2.imwrite(str(tmp_path / "white.png"), np.full((50, 100, 3), 255, np.uint8))
    (given,) = Inputs([tmp_path / "white.png"], (96, 128))
    assert given.shape == (1, 3, 96, 128)
    # 50 x 100 px become 64 x 128, in the middle of 96 rows.
    assert (given[0, 0, :, 64] == 1).nonzero().flatten().tolist() == list(range(16, 80))


def test_an_image_that_does_not_decode_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"a\.png: expected an image, got a file that does not decode"):
        list(Inputs([tmp_path / "a.png"], 96))


def test_the_new_checkpoint_opens_predicts_and_trains_on(checkpoint: Path, photographs: list[Path]) -> None:
    before = hashlib.sha256(checkpoint.read_bytes()).digest()
    folds = write_folded(open_checkpoint(checkpoint), Path("folded.pt"), Inputs(photographs, SIZE), least_correlation=0)
    assert [fold.name for fold in folds] == ["2 MC4f", "4 MC4f", "6 MC4f", "8 MC4f"]
    assert hashlib.sha256(checkpoint.read_bytes()).digest() == before

    folded = YOLO("folded.pt")
    assert folded.ckpt["train_args"] == YOLO(checkpoint).ckpt["train_args"]
    assert {type(layer.norm) for layer in folded.model.modules() if isinstance(layer, CGS)} == {nn.BatchNorm2d}
    assert folded.predict(photographs[0], imgsz=SIZE, verbose=False)[0].keypoints is not None

    trained = folded.train(
        data=photographs[0].parent.parent / "tiny-faces.yaml", epochs=1, imgsz=SIZE, batch=2, plots=False, val=False,
        verbose=False, project="runs", workers=0,
    )  # fmt: skip
    assert trained is None or trained
    again = open_checkpoint(folded.trainer.last).model  # with weights_only: training leaves nothing that needs trust
    assert {type(layer.norm) for layer in again.modules() if isinstance(layer, CGS)} == {nn.BatchNorm2d}
    kept = YOLO("folded.pt").model.model[2].cv1.conv.weight.float()
    torch.testing.assert_close(again.model[2].cv1.conv.weight.float(), kept, atol=0.05, rtol=0)  # started from these


def test_a_block_that_comes_out_otherwise_is_refused(checkpoint: Path, photographs: list[Path]) -> None:
    with pytest.raises(
        ValueError, match=r"folded\.pt: expected every block to correlate by 1 or more .*nothing is wri"
    ):
        write_folded(open_checkpoint(checkpoint), Path("folded.pt"), Inputs(photographs, SIZE), least_correlation=1)
    assert not Path("folded.pt").exists()


def test_files_of_the_user_are_kept(checkpoint: Path, photographs: list[Path]) -> None:
    with pytest.raises(FileExistsError, match="expected a new file, got an existing one"):
        write_folded(open_checkpoint(checkpoint), checkpoint, Inputs(photographs, SIZE))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the stock exporter traces, which torch announces to retire
def test_the_command_reports_what_folding_changes(
    checkpoint: Path, photographs: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = photographs[0].parent.parent / "tiny-faces.yaml"
    words = f"fold-norms {checkpoint} folded.pt --data {data} --photographs 2 --imgsz {SIZE} --least-correlation 0"
    monkeypatch.setattr("sys.argv", ["ultra-face", *words.split()])
    __main__.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "wrote folded.pt, fitted on 2 photographs"
    assert [line.split()[:-1] for line in lines[1:5]] == [["correlation", "of", str(n), "MC4f"] for n in (2, 4, 6, 8)]
    assert lines[5].split() == ["before", "after"]
    assert [line.rsplit(None, 2)[0].strip() for line in lines[6:]] == [
        "box AP50, %", "box AP50-95, %", "ONNX, one thread, ms",
    ]  # fmt: skip
    assert sorted(path.name for path in Path().iterdir()) == ["faces", "folded.pt", SHIPPED]
