from __future__ import annotations

import numpy as np
import pytest
import yaml

from ultra_face.data.anchor_fit import fit_anchors
from ultra_face.data.anchor_report import anchors_block, describe_coverage, read_model_anchors
from ultra_face.data.prepare import prepare_dataset


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
    with pytest.raises(ValueError, match="got 9 anchors and 2 boxes"):
        fit_anchors([tmp_path / "data" / "images"], training_size=640, num_levels=3, anchors_per_level=3)
