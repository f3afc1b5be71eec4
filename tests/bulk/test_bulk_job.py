"""What a job does beside looking: what it refuses before it starts, its folder, its rows. Without Ray."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from red_network import write_red_network
from some_faces import some_faces

from ultra_face.bulk import detect
from ultra_face.bulk.actor import look
from ultra_face.bulk.cluster import GIB, Request, cluster, most_actors, num_actors
from ultra_face.bulk.folder import Writer, open_folder
from ultra_face.bulk.job import _write
from ultra_face.bulk.rows import SCHEMA, Origin, to_table
from ultra_face.faces import Faces
from ultra_face.files.whole import OutputError
from ultra_face.formats.files import MARKER

ORIGIN = Origin("best.onnx", "0" * 64, "1.0")


def test_a_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr("ultra_face.bulk.job.find_spec", lambda name: None if name == "ray" else found(name))
    message = r"^bulk: expected the package ray, which is not installed; run `pip install 'ultra-face\[bulk\]'`$"
    with pytest.raises(ModuleNotFoundError, match=message):
        detect("photos", output="faces")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"concurrency": 0}, r"^bulk: expected concurrency above 0, got 0; correct it$"),
        ({"num_cpus": 0}, r"^bulk: expected num_cpus above 0, got 0; correct it$"),
        ({"batch_size": -1}, r"^bulk: expected batch_size above 0, got -1; correct it$"),
        ({"rows_per_file": 0}, r"^bulk: expected rows_per_file above 0, got 0; correct it$"),
        ({"num_gpus": -1}, r"^bulk: expected num_gpus of 0 or more, got -1; correct it$"),
        ({"sizes": 640}, r"^bulk: expected settings among conf, precision, iou, .*, got sizes; correct it$"),
        ({"conf": 7}, r"^FaceDetector: expected conf to be a score from 0 to 1, got 7$"),
        ({"model": "faces.engine"}, r"^faces\.engine: expected a face model, \.pt or \.onnx, got another; make one wi"),
        ({"output": "s3://bucket/faces"}, r"^s3://bucket/faces: expected a folder of this machine to write to, got a "),
    ],
)
def test_what_is_refused_at_once(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    model = write_red_network(tmp_path / "red.onnx")
    with pytest.raises(ValueError, match=message):
        detect(tmp_path / "a.jpg", **{"output": str(tmp_path / "faces"), "model": model, **options})
    assert not (tmp_path / "faces").exists()


def test_no_such_model(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no\.onnx: expected an ONNX file, got no file; check the path$"):
        detect(tmp_path, output=tmp_path / "faces", model="no.onnx")


def test_rows(tmp_path: Path) -> None:
    """A path, faces with all that they hold, what is not known as null, and a sentence instead of faces."""
    table = to_table(["a", "b"], [some_faces(), "expected an image"], ORIGIN)
    assert table.schema.equals(SCHEMA)
    first, second = table.to_pylist()
    assert (first["path"], first["width"], first["height"], first["error"]) == ("a", 320, 240, None)
    assert [face["score"] for face in first["faces"]] == pytest.approx([0.9, 0.95, 0.3])
    assert [first["faces"][2][name] for name in ("x_min", "y_max", "nose_x", "nose_visibility")] == [
        250.5,
        230.25,
        None,
        0,
    ]
    assert second == dict.fromkeys(SCHEMA.names) | {
        "path": "b", "error": "expected an image", "model": "best.onnx", "model_sha256": "0" * 64, "ultra_face": "1.0"
    }  # fmt: skip
    assert to_table([], [], ORIGIN).schema.equals(SCHEMA)


def test_a_folder_has_one_origin_and_one_run(tmp_path: Path) -> None:
    origin = {"model": "a.onnx", "conf": 0.5}
    with open_folder(tmp_path / "faces", origin) as done:
        assert done == frozenset()
        message = r"faces: expected to write it alone, got another program that does; wait for its end"
        with pytest.raises(OutputError, match=message), open_folder(tmp_path / "faces", origin):
            pass
    message = r"faces: expected an output folder of conf 0\.6, got one that was written with conf 0\.5; choose another "
    with pytest.raises(FileExistsError, match=message), open_folder(tmp_path / "faces", {**origin, "conf": 0.6}):
        pass
    (tmp_path / "a.txt").write_text("of someone else")
    message = r"expected a new or empty folder, got one with files of another origin"
    with pytest.raises(FileExistsError, match=message), open_folder(tmp_path, origin):
        pass


def test_files_are_whole_large_and_never_written_twice(tmp_path: Path) -> None:
    rows = [to_table([name], [some_faces()], ORIGIN) for name in "abcdef"]
    with open_folder(tmp_path, {}) as done:
        assert done == frozenset()
        writer = Writer(tmp_path, 2)
        for table in rows[:3]:
            writer.add(table)
        assert [file.name for file in tmp_path.glob("*.parquet")] == ["faces-00000.parquet"]
        writer.flush()
        writer.flush()
    assert (writer.rows, writer.failed, writer.faces) == (3, 0, 9)
    (tmp_path / "faces-00002.parquet.part").write_bytes(b"half")
    with open_folder(tmp_path, {}) as done:
        assert done == frozenset("abc")
        writer = Writer(tmp_path, 10)
        writer.add(pa.concat_tables(rows[3:]))
        writer.flush()
    names = ["faces-00000.parquet", "faces-00001.parquet", "faces-00002.parquet"]
    assert sorted(file.name for file in tmp_path.iterdir()) == [MARKER, *names]
    assert [parquet.read_metadata(tmp_path / name).num_rows for name in names] == [2, 1, 3]


def test_what_has_come_is_written_when_it_ends_early(tmp_path: Path) -> None:
    def rows() -> Iterator[pa.Table]:
        yield to_table(["a"], [some_faces()], ORIGIN)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _write(rows(), Writer(tmp_path, 10), total=None, progress=False)
    assert parquet.read_table(tmp_path / "faces-00000.parquet")["path"].to_pylist() == ["a"]


def test_a_picture_that_no_detector_takes_costs_the_others_nothing() -> None:
    def detector(pictures: list[np.ndarray]) -> list[Faces]:
        if any(picture.max() == 3 for picture in pictures):
            raise cv2.error("too  large\n")
        return [some_faces(source=str(picture.max())) for picture in pictures]

    found = look(detector, [np.full((2, 2, 3), number, np.uint8) for number in range(5)])
    reason = "expected a picture to look at, got error: too large"
    assert [faces if isinstance(faces, str) else faces.source for faces in found] == ["0", "1", "2", reason, "4"]
    assert look(detector, []) == []


@pytest.mark.parametrize(
    ("request_", "spare", "most"),
    [
        (Request(0.5), 0, 12),  # 4 on the first machine, 8 on the second
        (Request(0.5), 0.25, 11),  # less than half a core is left
        (Request(1.5), 0, 3),  # 1 and 2: half a core of the first is of no use to an actor of the second
        (Request(0.5, gpus=0.5), 0, 2),
        (Request(0.5, memory=3), 0, 3),  # 1 and 2 of 4 and 8 GiB
        (Request(5), 0, 0),
    ],
)
def test_how_many_actors_fit(request_: Request, spare: float, most: int) -> None:
    machines = [{"CPU": 2.0, "memory": 4.0 * GIB}, {"CPU": 4.0, "memory": 8.0 * GIB, "GPU": 1.0}]
    assert most_actors(machines, request_, spare) == most


def test_how_many_actors_there_are() -> None:
    machines = [{"CPU": 2.0, "memory": 12.0 * GIB, "GPU": 1.0}]
    assert num_actors(machines, Request(0.5), 0, None) == 2  # one a core
    assert num_actors(machines, Request(1), 0.25, None) == 1  # two would leave nothing to read with
    assert num_actors(machines, Request(0.25, gpus=0.25), 0, None) == 4  # as many as the GPU holds
    assert num_actors(machines, Request(0.5), 0, 4) == 4
    message = (
        r"^bulk: expected a cluster with room for 2 actors of 1 cores, 8 GiB of memory each, got one for 1, with 2 "
        r"cores, 1 GPUs, 12 GiB of memory on 1 machines; ask for less with concurrency, num_cpus, num_gpus or memory$"
    )
    with pytest.raises(ValueError, match=message):
        num_actors(machines, Request(1, memory=8), 0, 2)
    with pytest.raises(ValueError, match=r"room for 1 actors of 3 cores each, got one for 0"):
        num_actors(machines, Request(3), 0, None)


def test_an_address_where_nothing_listens() -> None:
    message = (
        r"^127\.0\.0\.1:1: expected a cluster of Ray, got no answer \(.*\); check the address, or `ray status` the"
    )
    with pytest.raises(ConnectionError, match=message), cluster("127.0.0.1:1"):
        pass
