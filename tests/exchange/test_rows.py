"""Faces as rows, CSV and Parquet, read back by others."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import numpy as np
import polars
import pytest
from some_faces import faces_at, some_faces

from ultra_face import Faces
from ultra_face.exchange.rows import COLUMNS
from ultra_face.pictures.alignment import RECOGNITION_TEMPLATE

HEADER = (
    "source,frame,image_width,image_height,face,track_id,score,x_min,y_min,x_max,y_max,"
    "left_eye_x,left_eye_y,right_eye_x,right_eye_y,nose_x,nose_y,left_mouth_x,left_mouth_y,right_mouth_x,right_mouth_y,"
    "left_eye_visibility,right_eye_visibility,nose_visibility,left_mouth_visibility,right_mouth_visibility"
)


def test_a_row_is_flat_and_in_plain_numbers() -> None:
    first, second, third = some_faces().to_rows()
    assert list(first) == [*HEADER.split(","), "name", "embedding"]
    assert (first["source"], first["frame"], first["face"], first["track_id"]) == ("päople at work.jpg", 12, 0, 7)
    assert (first["image_width"], first["image_height"]) == (320, 240)
    assert [first[name] for name in ("score", "x_min", "y_min", "x_max", "y_max")] == [0.9, 0, 0, 112, 112]
    assert (first["left_eye_x"], first["left_eye_y"]) == tuple(float(str(value)) for value in RECOGNITION_TEMPLATE[0])
    assert first["right_mouth_y"] == float(str(RECOGNITION_TEMPLATE[4, 1]))
    assert (second["face"], second["right_eye_visibility"], second["name"]) == (1, 0.9, "Bob")
    assert second["embedding"] == [0.4, 0.5, 0.6, 0.7]
    assert third["nose_x"] is None


def test_rows_have_the_same_columns_whatever_is_known() -> None:
    (row,) = faces_at((0, 0, 4, 4)).to_rows()
    assert list(row) == list(COLUMNS)
    unknown = {"source", "frame", "image_width", "image_height", "track_id", *HEADER.split(",")[11:]}
    assert {name for name, value in row.items() if value is None} == unknown


def test_data_may_not_take_the_name_of_a_column() -> None:
    with pytest.raises(ValueError, match=r"^Faces\.to_rows: expected other names in data than source, .*, got score"):
        some_faces(data={"score": np.zeros(3)}).to_rows()


def test_csv_is_read_by_others(tmp_path: Path) -> None:
    path = tmp_path / "a table"
    text = some_faces().to_csv(path)
    assert path.read_bytes().decode() == text
    assert "\r" not in text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["name"] for row in rows] == ["Ann", "Bob", "?"]
    assert rows[0]["embedding"] == "[0.0, 0.1, 0.2, 0.3]"
    assert rows[2]["nose_x"] == ""
    table = polars.read_csv(path)
    assert table["score"].to_list() == [0.9, 0.95, 0.3]
    assert table["left_eye_x"].null_count() == 1


def test_texts_with_commas_quotes_and_lines_survive_csv() -> None:
    source = 'a "b", c\nd.jpg'
    (row,) = csv.DictReader(io.StringIO(some_faces(source=source)[:1].to_csv()))
    assert row["source"] == source


@pytest.mark.parametrize("faces", [faces_at(), some_faces(data={})[:0]], ids=["none", "a slice"])
def test_csv_without_faces_is_its_header(faces: Faces) -> None:
    assert faces.to_csv() == HEADER + "\n"


def test_parquet_is_read_by_others(tmp_path: Path) -> None:
    some_faces().to_parquet(tmp_path / "faces.parquet")
    table = polars.read_parquet(tmp_path / "faces.parquet")
    assert table.columns == [*COLUMNS, "name", "embedding"]
    assert table["track_id"].to_list() == [7, 3, -1]
    assert table["nose_x"].null_count() == 1
    assert table["name"].to_list() == ["Ann", "Bob", "?"]
    np.testing.assert_array_equal(table["embedding"].to_numpy(), some_faces().data["embedding"])


def test_parquet_has_the_same_types_whatever_is_known(tmp_path: Path) -> None:
    """So that the files of many images are read as one table."""
    for name, faces in {"some": some_faces(), "none": some_faces()[:0]}.items():
        faces.to_parquet(tmp_path / f"{name}.parquet")
    some, none = (polars.read_parquet_schema(tmp_path / f"{name}.parquet") for name in ("some", "none"))
    assert some == none
    faces_at((0, 0, 4, 4)).to_parquet(tmp_path / "plain.parquet")
    plain = polars.read_parquet_schema(tmp_path / "plain.parquet")
    assert plain == {name: kind for name, kind in some.items() if name in COLUMNS}


def test_parquet_without_polars_tells_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    message = r"^Faces\.to_parquet: expected the package polars, which is not installed; run `pip install polars`$"
    with pytest.raises(ModuleNotFoundError, match=message):
        some_faces().to_parquet(tmp_path / "faces.parquet")
