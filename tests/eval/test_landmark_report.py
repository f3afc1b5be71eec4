from __future__ import annotations

import json
import runpy
import sys

import numpy as np
import pytest

from ultra_face.eval.image_names import ImageSetError
from ultra_face.eval.landmark_report import report_landmarks

# eyes 10 px apart in a box of 20 x 20 px; the second face shows no landmark
ANNOTATED = "# e/a.jpg\n0 0 20 20 5 5 0 15 5 0 10 10 0 6 15 0 14 15 0 0.9\n50 0 20 20\n# e/b.jpg\n0 0 20 20"
ANNOTATED += " 5 5 0 15 5 0 10 10 0 6 15 0 14 15 0\n"
# the nose is 1 px off in the first image; nothing is found in the second
PREDICTED = "# e/a.jpg\n0 0 20 20 5 5 0 15 5 0 10 11 0 6 15 0 14 15 0 0.9\n# e/b.jpg\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "annotated.txt").write_text(ANNOTATED)
    (tmp_path / "predicted.txt").write_text(PREDICTED)
    return tmp_path / "predicted.txt", tmp_path / "annotated.txt"


def test_record_and_table(files, capsys):
    record = report_landmarks(*files)
    assert (record["num_annotated"], record["num_matched"]) == (2, 1)
    # one of five landmarks is 1 px off: 1/20 of the box, 1/10 of the eye distance; a fifth of that on average
    assert record["box size"]["per_landmark"]["nose"] == pytest.approx(1 / 20)
    assert record["box size"]["nme"] == pytest.approx(1 / 100)
    assert record["eye distance"]["nme"] == pytest.approx(1 / 50)
    assert record["box size"]["auc"] == pytest.approx(0.9)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Landmarks: 1 of 2 faces with landmarks were found"
    assert " ".join(lines[2].split()) == "box size 1 1.00 0.00 0.900 0.00 0.00 5.00 0.00 0.00"
    assert " ".join(lines[3].split()) == "eye distance 1 2.00 0.00 0.800 0.00 0.00 10.00 0.00 0.00"


def test_tool(files, tmp_path, repository, monkeypatch, capsys):
    predicted, annotated = map(str, files)
    arguments = ["--predictions", predicted, "--annotations", annotated, "--json", "-"]
    monkeypatch.setattr(sys, "argv", ["eval_landmarks.py", *arguments, "--plot", str(tmp_path / "errors.png")])
    runpy.run_path(str(repository / "tools" / "eval_landmarks.py"), run_name="__main__")
    assert json.loads(capsys.readouterr().out)["num_matched"] == 1
    assert (tmp_path / "errors.png").is_file()


def test_json_file_beside_the_table(files, tmp_path, capsys):
    report_landmarks(*files, json_file=str(tmp_path / "out.json"))
    assert json.loads((tmp_path / "out.json").read_text())["box size"]["num_faces"] == 1
    assert capsys.readouterr().out.startswith("Landmarks: 1 of 2")


def test_subset_list(files, tmp_path, capsys):
    (tmp_path / "list.txt").write_text("e/b.jpg\n")
    record = report_landmarks(*files, subset_list=tmp_path / "list.txt")
    assert (record["num_annotated"], record["num_matched"]) == (1, 0)
    assert record["box size"]["nme"] is None
    assert "box size      0       -" in capsys.readouterr().out


def test_images_that_are_not_there(files, tmp_path):
    (tmp_path / "list.txt").write_text("e/c.jpg\n")
    with pytest.raises(ImageSetError, match=r"annotated\.txt: lacks 1 images: e/c\.jpg"):
        report_landmarks(*files, subset_list=tmp_path / "list.txt")
    (tmp_path / "predicted.txt").write_text("# e/a.jpg\n")
    with pytest.raises(ImageSetError, match=r"no predictions for 1 of 2 images: e/b\.jpg"):
        report_landmarks(*files)


def test_images_without_predictions_count_as_not_found(files):
    (files[0].parent / "predicted.txt").write_text(PREDICTED.splitlines(keepends=True)[2])  # of the second image alone
    with pytest.raises(ImageSetError, match=r"no predictions for 1 of 2 images: e/a\.jpg; .* with --allow-missing$"):
        report_landmarks(*files)
    record = report_landmarks(*files, allow_missing=True)
    assert (record["num_annotated"], record["num_matched"]) == (2, 0)


def test_the_table_is_told_where_there_is_nothing_to_draw(files, tmp_path, capsys):
    (tmp_path / "predicted.txt").write_text("# e/a.jpg\n# e/b.jpg\n")
    with pytest.raises(ValueError, match="expected the landmark error of at least one face, got none"):
        report_landmarks(*files, plot=tmp_path / "errors.png")
    assert capsys.readouterr().out.startswith("Landmarks: 0 of 2")


@pytest.mark.data
def test_a_shift_of_known_size_on_real_annotations(shared_data, tmp_path):
    annotated = shared_data / "wider-train-649" / "label.txt"
    shifted = []
    for line in annotated.read_text().splitlines():
        values = line.split()
        if line.startswith("#") or len(values) < 20 or values[4] == "-1":
            shifted.append(line)
            continue
        side = 0.05 * np.sqrt(float(values[2]) * float(values[3]))
        points = [float(value) + side * (at % 3 == 0) for at, value in enumerate(values[4:19])]
        shifted.append(" ".join(map(str, [*values[:4], *points, values[19]])))
    (tmp_path / "shifted.txt").write_text("\n".join(shifted))
    record = report_landmarks(tmp_path / "shifted.txt", annotated)
    # every landmark lies 5 % of the box size to the right of its place
    assert record["num_matched"] == record["num_annotated"] == 2129
    assert record["box size"]["nme"] == pytest.approx(0.05)
    assert record["box size"]["failure_rate"] == 0
