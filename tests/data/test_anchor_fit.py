from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from ultra_face.data.anchor_fit import anchors_block, describe_coverage, fit_anchors, read_box_sizes, read_model_anchors
from ultra_face.data.anchors import scale_to_training
from ultra_face.data.prepare import prepare_dataset
from ultra_face.formats.image_files import list_images
from ultra_face.formats.yolo_pose import label_file


@pytest.mark.parametrize(
    ("width", "height", "scaled"),
    [
        (1000, 500, [64.0, 64.0]),  # 0.1 x 1000 and 0.2 x 500 px, both times 640 / 1000
        (500, 1000, [32.0, 128.0]),  # 0.1 x 500 and 0.2 x 1000 px, times 640 / 1000
    ],
)
def test_the_long_side_gets_the_training_size(width, height, scaled):
    wh = np.array([[0.1, 0.2]])
    np.testing.assert_allclose(scale_to_training(wh, width=width, height=height, training_size=640), [scaled])


def test_sizes_of_a_data_set(retinaface_source, tmp_path):
    prepare_dataset([retinaface_source], tmp_path / "data")
    sizes = read_box_sizes(list_images([tmp_path / "data" / "images"]), training_size=100)
    # images of 100 x 80 px at their own size: the two boxes that were kept, b.jpg before one/a.jpg
    np.testing.assert_allclose(sizes, [[20, 20], [30, 40]], atol=1e-3)


def test_images_without_labels_or_that_do_not_decode_have_no_boxes(retinaface_source, tmp_path):
    prepare_dataset([retinaface_source], tmp_path / "data")
    (tmp_path / "data" / "images" / "train" / "b.jpg").write_bytes(b"no image")
    (tmp_path / "data" / "labels" / "train" / "one" / "a.txt").unlink()
    assert read_box_sizes(list_images([tmp_path / "data" / "images"]), training_size=100).shape == (0, 2)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("/d/images/train/a.jpg", "/d/labels/train/a.txt"),
        ("/images/d/images/a.b.png", "/images/d/labels/a.b.txt"),
        ("/d/photos/a.jpg", "/d/photos/a.txt"),
        ("/d/train/images", "/d/train/images.txt"),
    ],
)
def test_label_files_are_where_ultralytics_looks(image, expected):
    assert label_file(Path(image)) == Path(expected)


def test_images_of_folders_and_lists(retinaface_source, monkeypatch):
    """As in training: `./` is the folder of the list, other relative paths start from the working folder."""
    monkeypatch.chdir(retinaface_source.parent)
    listed = retinaface_source / "images.txt"
    listed.write_text("./images/b.jpg\n\nsource/images/c.png\nnotes.txt\n", encoding="utf-8")
    images = list_images([str(retinaface_source / "images" / "one"), listed])
    expected = [retinaface_source / "images" / name for name in ("one/a.jpg", "b.jpg", "c.png")]
    assert [image.absolute() for image in images] == expected


def test_no_images(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no: expected a folder of images or a list of images, got nothing"):
        list_images([tmp_path / "no"])
    with pytest.raises(FileNotFoundError, match=r"expected images in .*, got none"):
        list_images([tmp_path])


def test_the_block_is_what_a_model_yaml_holds(tmp_path):
    anchors = np.array([[4.04, 5], [6, 7.26], [12, 15], [17, 21]])
    block = anchors_block(anchors, 2)
    assert block == "anchors:\n  - [4, 5, 6, 7.3]\n  - [12, 15, 17, 21]"
    (tmp_path / "model.yaml").write_text(f"nc: 1\n{block}\n", encoding="utf-8")
    np.testing.assert_allclose(read_model_anchors(tmp_path / "model.yaml"), np.round(anchors, 1))


def test_every_packaged_model_with_anchors_can_be_compared_with(repository):
    compared = 0
    for path in sorted((repository / "cfg" / "models").glob("*.yaml")):
        rows = yaml.safe_load(path.read_text(encoding="utf-8")).get("anchors")
        if rows is not None:
            assert read_model_anchors(path).size == sum(map(len, rows))
            compared += 1
    assert compared > 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "nc: 1\n",
            r"model\.yaml: expected `anchors:` with a row of widths and heights .*, got \(\); name a model",
        ),
        ("anchors: [3, 4]\n", r"got \[3, 4\]"),
        ("anchors: [[3, 4, 5]]\n", r"got \[\[3, 4, 5\]\]"),
        ("anchors: 3\n", "got 3; name a model with an anchor head"),
        ("- 3\n", r"got \(\)"),
    ],
)
def test_models_without_anchors(tmp_path, text, message):
    (tmp_path / "model.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_model_anchors(tmp_path / "model.yaml")


def test_coverage_table():
    wh = np.array([[10.0, 10.0], [50.0, 50.0]])
    # [10, 10] fits the first box exactly; the second is 5 times as large (no match), IoU 100 / 2500
    assert describe_coverage(wh, {"one": wh[:1], "both boxes": wh}) == (
        "anchors     best possible recall  mean best IoU\n"
        "one                       0.5000         0.5200\n"
        "both boxes                1.0000         1.0000"
    )


def test_fit_from_images_to_the_block(retinaface_source, tmp_path):
    prepare_dataset([retinaface_source], tmp_path / "data")
    text = fit_anchors(
        [tmp_path / "data" / "images" / "train"],
        training_size=200,
        num_levels=2,
        anchors_per_level=1,
        plot=tmp_path / "clusters.png",
    )
    # two faces of 30 x 40 and 20 x 20 px in images of 100 x 80 px, so twice as large at 200 px
    assert text.startswith("2 boxes at 200 px\n")
    assert text.endswith("anchors:\n  - [40, 40]\n  - [60, 80]")
    assert "YOLOv5n-AESVC, Table 1                1.0000" in text
    assert (tmp_path / "clusters.png").read_bytes().startswith(b"\x89PNG")


def test_fit_compares_with_a_given_model(retinaface_source, tmp_path):
    prepare_dataset([retinaface_source], tmp_path / "data")
    (tmp_path / "huge.yaml").write_text("anchors: [[500, 500]]\n", encoding="utf-8")
    text = fit_anchors(
        [tmp_path / "data" / "images"],
        training_size=200,
        num_levels=1,
        anchors_per_level=2,
        model_yaml=tmp_path / "huge.yaml",
    )
    assert "huge.yaml                0.0000" in text


def test_boxes_that_training_cannot_learn_are_left_out_and_counted(retinaface_source, tmp_path):
    prepare_dataset([retinaface_source], tmp_path / "data")
    for file in (tmp_path / "data" / "labels").rglob("*.txt"):
        lines = file.read_text().splitlines()
        # Beside each face two slips of the mouse: 1e-5 of the image, and nothing.
        rows = [line.split() for line in lines for _ in range(2)]
        slips = [
            " ".join([*row[:3], *[share] * 2, *row[5:]])
            for row, share in zip(rows, ["1e-5", "0"] * len(lines), strict=True)
        ]
        file.write_text("\n".join([*lines, *slips]))
    arguments = {"training_size": 200, "num_levels": 2, "anchors_per_level": 1}
    text = fit_anchors([tmp_path / "data" / "images" / "train"], **arguments)
    assert text.startswith("2 boxes at 200 px; left out 4 boxes with a side under 2 px at 200 px\n")
    assert text.endswith("anchors:\n  - [40, 40]\n  - [60, 80]")


def test_too_few_boxes(retinaface_source, tmp_path):
    prepare_dataset([retinaface_source], tmp_path / "data")
    message = r"images: expected at least as many boxes as anchors, got 9 anchors and 2 boxes that can be learned"
    with pytest.raises(ValueError, match=message):
        fit_anchors([tmp_path / "data" / "images"], training_size=640, num_levels=3, anchors_per_level=3)
    for label in (tmp_path / "data" / "labels").rglob("*.txt"):
        label.write_text("")
    message = r"images: expected at least as many boxes as anchors, got 1 anchors and 0 boxes that can be learned"
    with pytest.raises(ValueError, match=message):
        fit_anchors([tmp_path / "data" / "images"], training_size=640, num_levels=1, anchors_per_level=1)
