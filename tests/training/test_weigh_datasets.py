"""Data sets are drawn as often as their weights say, and Ultralytics reads the list that says so."""

from __future__ import annotations

import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from training import weigh_datasets
from training.weigh_datasets import least_number, repeated, shares, weigh
from ultra_face.data.prepare import DATA_KEYS

SIZES = {"large": 5, "small": 2, "held": 1}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data YAML of three data sets for training, one of which is validated on, too."""
    for name, count in SIZES.items():
        for index in range(count):
            for kind in ("images", "labels"):
                (tmp_path / "sets" / name / kind / "train").mkdir(parents=True, exist_ok=True)
            image = tmp_path / "sets" / name / "images" / "train" / f"{index}.png"
            cv2.imwrite(str(image), np.full((32, 32, 3), index, np.uint8))
            label = "0 0.5 0.5 0.5 0.5" + " 0.5 0.5 2" * 5 + "\n"
            (tmp_path / "sets" / name / "labels" / "train" / f"{index}.txt").write_text(label)
    folders = [f"{name}/images/train" for name in SIZES]
    content = {"path": str(tmp_path / "sets"), "train": folders, "val": folders[-1:], **DATA_KEYS}
    content |= {"landmark_errors": True}
    (file := tmp_path / "sets" / "data.yaml").write_text(yaml.safe_dump(content))
    return file


def fractions(**weights: str) -> dict[str, Fraction]:
    return {name: Fraction(weight) for name, weight in weights.items()}


def test_shares_add_up() -> None:
    # 10 x 1/6, 2/6 and 3/6 are 1.67, 3.33 and 5: the one that is left goes to the largest remainder.
    assert shares([Fraction(1), Fraction(2), Fraction(3)], 10) == [2, 3, 5]
    assert shares([Fraction(1, 10)] * 3, 2) == [1, 1, 0]


def test_the_least_number_holds_every_image() -> None:
    # A fifth of the draws must hold 7 images, four fifths 20: 35 draws.
    weights = [Fraction("0.2"), Fraction("0.8")]
    assert least_number(weights, [7, 20]) == 35
    assert shares(weights, 35) == [7, 28]


def test_images_differ_by_one_at_most() -> None:
    images = [Path(str(index)) for index in range(5)]
    generator = np.random.default_rng(0)
    drawn = Counter(repeated(images, 13, generator))
    assert sorted(drawn.values()) == [2, 2, 3, 3, 3]
    assert len(set(repeated(images, 2, generator)) & set(images)) == 2


def test_ultralytics_sees_each_data_set_as_often_as_it_weighs(data: Path, tmp_path: Path) -> None:
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    output = tmp_path / "weighted.yaml"
    counts = weigh(data, fractions(large="0.5", small="0.5", held="0"), output, number=12)
    assert counts == {"large": (5, 6), "small": (2, 6)}
    read = check_det_dataset(str(output))
    assert read["val"] == [str(tmp_path / "sets" / "held" / "images" / "train")]
    assert read["landmark_errors"] is True
    dataset = YOLODataset(img_path=read["train"], data=read, task="pose", imgsz=32, cache="ram", augment=False)
    seen = Counter(Path(label["im_file"]).parts[-4:][0] for label in dataset.labels)
    assert (len(dataset), seen) == (12, {"large": 6, "small": 6})
    assert all(label["keypoints"].shape == (1, 5, 3) for label in dataset.labels)
    assert dataset[0]["img"].shape == (3, 32, 32)


def test_a_seed_repeats_the_list(data: Path, tmp_path: Path) -> None:
    lists = []
    for place, seed in (("a", 0), ("b", 0), ("c", 1), ("d", 2)):
        (tmp_path / place).mkdir()
        weigh(data, fractions(large="1", small="1", held="0"), tmp_path / place / "w.yaml", number=6, seed=seed)
        lists.append((tmp_path / place / "w.txt").read_text())
    assert lists[0] == lists[1]
    assert len(set(lists)) > 1  # three of five, chosen with three seeds


def test_a_second_run_changes_nothing_and_other_content_stays(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "weighted.yaml"
    weights = fractions(large="1", small="1", held="1")
    assert weigh(data, weights, output) == weigh(data, weights, output)
    before = output.with_suffix(".txt").read_text()
    with pytest.raises(FileExistsError, match=r"weighted\.txt: expected a new file, got one with other content"):
        weigh(data, weights, output, number=20)
    with pytest.raises(FileExistsError, match=r"data\.yaml: expected a new file, got one with other content"):
        weigh(data, weights, data)
    assert output.with_suffix(".txt").read_text() == before
    assert not data.with_suffix(".txt").exists()


def test_the_command_tells_what_it_drew(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--weights", "large=0.5", "small=0.4", "held=0.1", "--output", str(tmp_path / "w.yaml")]
    monkeypatch.setattr(sys, "argv", ["weigh_datasets", str(data), *words])
    weigh_datasets.main()
    # The least number is 10: half of it holds the 5 large ones, a tenth the held one.
    assert capsys.readouterr().out.splitlines() == [
        "large: 5 images, 5 draws, 1.00 each",
        "small: 2 images, 4 draws, 2.00 each",
        "held: 1 images, 1 draws, 1.00 each",
        f"data set: {tmp_path / 'w.yaml'}, 10 images an epoch",
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["large=1"], "--weights: expected one for each of large, small, held, got large; name these"),
        (["large=0", "small=0", "held=0"], "--weights: expected one above 0, got none; give"),
        (["large=1", "small=1", "held=1", "held=2"], "expected one for each data set, got two for one; leave one out"),
        (["large=1", "small=1", "held=1", "--output", "w.txt"], r"expected a name that ends in \.yaml, got w\.txt"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    monkeypatch.setattr(
        sys, "argv", ["weigh_datasets", str(data), "--output", str(tmp_path / "w.yaml"), "--weights", *words]
    )
    with pytest.raises(SystemExit, match=f"weigh_datasets: .*{told}"):
        weigh_datasets.main()
    assert not (tmp_path / "w.txt").exists()


@pytest.mark.parametrize("text", ["0.2", "large=", "large=-1", "=1", "large=1/0"])
def test_what_is_no_weight_is_refused(
    text: str, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["weigh_datasets", str(data), "--output", "w.yaml", "--weights", text])
    with pytest.raises(SystemExit):
        weigh_datasets.main()
    assert f"expected NAME=WEIGHT with a weight of 0 or more, got '{text}'" in capsys.readouterr().err


def test_data_sets_that_cannot_be_told_apart_are_refused(data: Path) -> None:
    content = yaml.safe_load(data.read_text())
    data.write_text(yaml.safe_dump(content | {"train": ["small/images/train"] * 2}))
    with pytest.raises(ValueError, match="expected data sets of different names, got small twice; rename one"):
        weigh(data, fractions(small="1"), data.with_name("w.yaml"))
    data.write_text(yaml.safe_dump(content | {"train": "list.txt"}))
    data.with_name("list.txt").write_text("small/images/train/0.png\n")
    with pytest.raises(FileNotFoundError, match=r"list\.txt: expected a folder of images, got none; name one in"):
        weigh(data, fractions(list="1"), data.with_name("w.yaml"))
