"""Photographs in, rows out, by actors of a Ray on this machine, which all tests of this file share."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas
import polars
import pyarrow as pa
import pytest
import ray
import ray.data
from PIL import Image
from pyarrow import parquet
from red_network import GREY, write_red_network

import ultra_face
from ultra_face.bulk import Outcome, detect
from ultra_face.bulk.rows import SCHEMA
from ultra_face.exchange.rows import BOX, COLUMNS

# Ray's context sets its own deprecated options.
pytestmark = pytest.mark.filterwarnings(r"ignore:`use_\w+` is deprecated:DeprecationWarning")

ORIENTATION, QUARTER_TURN = 0x0112, 6


@pytest.fixture(scope="module")
def here() -> Iterator[None]:
    """Ray on this machine, with little memory, since several test processes may have one at a time."""
    ray.init(address="local", num_cpus=2, object_store_memory=80 << 20, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_red_network(tmp_path_factory.mktemp("model") / "red.onnx")


def jpeg(color: str, width: int = 128, height: int = 64, *, orientation: int = 1) -> bytes:
    """A photograph of one colour, and what its camera noted of how it was held."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    Image.new("RGB", (width, height), color).save(file := BytesIO(), "JPEG", exif=exif)
    return file.getvalue()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A red photograph, a blue one, one that was taken upright, and one that is none."""
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    (folder / "red.jpg").write_bytes(jpeg("red"))
    (folder / "blue.jpg").write_bytes(jpeg("blue"))
    (folder / "deep" / "upright.JPG").write_bytes(jpeg("red", orientation=QUARTER_TURN))
    (folder / "bad.jpg").write_bytes(b"no image")
    (folder / "notes.txt").write_text("no photograph")
    return folder


def rows_of(output: Path) -> dict[str, dict[str, Any]]:
    """Rows by the names of their photographs."""
    rows = parquet.read_table(output).to_pylist()
    return {Path(row["path"]).name: row for row in rows}


def test_a_folder_by_two_actors(here: None, photos: Path, model: Path, tmp_path: Path) -> None:
    output = tmp_path / "faces"
    assert detect(photos, output=output, model=model, concurrency=2, batch_size=1) == Outcome(4, 1, 2, 0)
    rows = rows_of(output)
    assert set(rows) == {"red.jpg", "blue.jpg", "upright.JPG", "bad.jpg"}
    red, blue, upright, bad = (rows[name] for name in ("red.jpg", "blue.jpg", "upright.JPG", "bad.jpg"))
    assert red["path"] == str(photos / "red.jpg")
    assert (red["width"], red["height"], upright["width"], upright["height"]) == (128, 64, 64, 128)
    # Half of the input is the photograph, half is grey; the box is 16 px of the input, which is 32 of the photograph.
    (face,), (turned,) = red["faces"], upright["faces"]
    assert face["score"] == pytest.approx((1 + GREY) / 2, abs=0.01)
    assert [face[side] for side in BOX] == [48, 16, 80, 48]
    assert [turned[side] for side in BOX] == [16, 48, 48, 80]
    assert (face["nose_x"], face["nose_y"], face["nose_visibility"]) == (64, 32, 1)
    assert blue["faces"] == []
    assert (bad["faces"], bad["width"], bad["error"]) == (
        None, None, "expected an image, got 8 bytes that do not decode as one"
    )  # fmt: skip
    assert red["error"] is None
    sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
    assert {(row["model"], row["model_sha256"], row["ultra_face"]) for row in rows.values()} == {
        ("red.onnx", sha256, ultra_face.__version__)
    }


def test_it_goes_on_where_it_was(here: None, photos: Path, model: Path, tmp_path: Path) -> None:
    output = tmp_path / "faces"
    options = {"output": output, "model": model, "concurrency": 1, "batch_size": 1}
    assert detect(str(photos / "*.jpg"), rows_per_file=2, **options).rows == 3
    first = {file.name: file.read_bytes() for file in output.glob("*.parquet")}
    assert sorted(first) == ["faces-00000.parquet", "faces-00001.parquet"]
    assert [len(parquet.read_table(output / name)) for name in sorted(first)] == [2, 1]
    (output / "faces-00002.parquet.part").write_bytes(b"half")  # as a kill leaves it
    assert detect(photos, **options) == Outcome(rows=1, failed=0, faces=1, skipped=3)
    assert {name: (output / name).read_bytes() for name in first} == first
    assert parquet.read_table(output / "faces-00002.parquet")["path"].to_pylist() == [str(photos / "deep/upright.JPG")]
    assert detect(photos, **options) == Outcome(rows=0, failed=0, faces=0, skipped=4)
    with pytest.raises(FileExistsError, match=r"faces: expected an output folder of conf 0\.6, got one that was writ"):
        detect(photos, conf=0.6, **options)


def test_parquet_with_bytes(here: None, model: Path, tmp_path: Path) -> None:
    table = pa.table({"name": ["a", "b", "c"], "image": [jpeg("red"), None, jpeg("blue")], "label": [1, 2, 3]})
    (tmp_path / "in").mkdir()
    parquet.write_table(table.slice(0, 2), tmp_path / "in" / "0.parquet")
    options = {"output": tmp_path / "faces", "model": model, "concurrency": 1}
    columns = {"bytes_column": "image", "path_column": "name"}
    assert detect(tmp_path / "in", **options, **columns).rows == 2
    parquet.write_table(table, tmp_path / "in" / "1.parquet")
    assert detect(f"file://{tmp_path}/in/*.parquet", **options, **columns).rows == 1  # only c is new
    rows = rows_of(tmp_path / "faces")
    assert [len(rows["a"]["faces"]), rows["b"]["faces"], rows["c"]["faces"]] == [1, None, []]
    assert rows["b"]["error"] == "expected the bytes of an image, got null"
    message = r"0\.parquet: expected the columns bytes and path, got name, image, label; name the one that stands for b"
    with pytest.raises(ValueError, match=message):
        detect(tmp_path / "in" / "0.parquet", **options)


def test_a_data_set_of_ray(here: None, photos: Path, model: Path, tmp_path: Path) -> None:
    """As Ray reads files itself; and one whose columns an actor finds wrong, which ends the job in one sentence."""
    options = {"output": tmp_path / "faces", "model": model, "concurrency": 1}
    rows = ray.data.read_binary_files(str(photos), include_paths=True, file_extensions=["jpg"])
    assert detect(rows, **options) == Outcome(rows=4, failed=1, faces=2, skipped=0)
    with pytest.raises(ValueError, match=r"^bulk: expected actors that work, got ValueError: data set: expected the "):
        detect(rows, bytes_column="image", **options)


def test_uris(here: None, photos: Path, model: Path, tmp_path: Path) -> None:
    """Of a list: a file whose name has signs that mean something in a URI, one that is not there, one of no system."""
    (photos / "a #1 50%?.jpg").write_bytes(jpeg("red"))
    uris = [f"file://{photos}/a #1 50%?.jpg", f"file://{photos}/none.jpg", "odd://bucket/a.jpg"]
    (tmp_path / "list.txt").write_text("\n".join(uris))
    detect(tmp_path / "list.txt", output=tmp_path / "faces", model=model, concurrency=1)
    rows = {row["path"]: row for row in parquet.read_table(tmp_path / "faces").to_pylist()}
    assert [len(rows[uri]["faces"] or []) for uri in uris] == [1, 0, 0]
    assert rows[uris[1]]["error"].startswith("expected a file that can be read, got FileNotFoundError: ")
    assert rows[uris[2]]["error"].startswith("expected a file that can be read, got ValueError: odd://bucket/: expec")


def test_what_the_cluster_never_has(here: None, photos: Path, model: Path, tmp_path: Path) -> None:
    message = (
        r"^bulk: expected a cluster with room for 5 actors of 0\.5 cores each, got one for 4, with 2 cores, 0 GPUs"
    )
    with pytest.raises(ValueError, match=message):
        detect(photos, output=tmp_path / "faces", model=model, concurrency=5)
    with pytest.raises(ValueError, match=r"room for 1 actors of 0\.5 cores, 1 GPUs each, got one for 0"):
        detect(photos, output=tmp_path / "faces", model=model, num_gpus=1)


def test_the_code_of_the_page_and_three_libraries(
    here: None,
    photos: Path,
    model: Path,
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
) -> None:
    """They read the rows plainly, and a table of the faces has the columns of `ultra-face detect`."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(model, "best.onnx")
    page = (repository / "docs" / "bulk.md").read_text(encoding="utf-8")
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "bulk.detect" in block)
    exec(compile(code, "docs/bulk.md", "exec"), {})
    assert capsys.readouterr().out == "4 1\n"
    schema = parquet.read_schema("faces/faces-00000.parquet")
    assert schema.equals(SCHEMA)
    assert not any(isinstance(field.type, pa.BaseExtensionType) for field in schema)
    assert sorted(pandas.read_parquet("faces")["faces"].dropna().map(len)) == [0, 1, 1]
    faces = polars.read_parquet("faces/*.parquet").explode("faces").unnest("faces").drop_nulls("score")
    assert len(faces) == 2
    assert set(COLUMNS) - set(faces.columns) == {"source", "frame", "image_width", "image_height", "face", "track_id"}


def test_an_interrupted_stream_ends_while_ray_is_there(
    here: None, photos: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later its end would start another Ray, or say in a traceback that there is none."""
    ended = []

    @contextmanager
    def cluster(address: str | None) -> Iterator[None]:
        try:
            yield
        finally:
            ended.append("Ray")

    def stream_rows(*_: Any, **__: Any) -> Iterator[str]:
        try:
            yield "rows"
        finally:
            ended.append("stream")

    def interrupted(tables: Iterator[str], *_: Any, **__: Any) -> None:
        next(tables)
        raise KeyboardInterrupt

    monkeypatch.setattr("ultra_face.bulk.cluster.cluster", cluster)
    monkeypatch.setattr("ultra_face.bulk.stream.stream_rows", stream_rows)
    monkeypatch.setattr("ultra_face.bulk.job._write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        detect(photos, output=tmp_path / "faces", model=model)
    assert ended == ["stream", "Ray"]
