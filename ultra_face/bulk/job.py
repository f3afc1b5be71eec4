"""Bulk inference: photographs in, rows in Parquet files out, by actors of Ray Data; what was written is not done again.

The actors read, decode and look. The process that calls writes the rows, which are few bytes a photograph, so that
files are large and each is whole.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from ultra_face import __version__
from ultra_face.detection.images import is_url
from ultra_face.detector import WEIGHTS, FaceDetector, model_file

if TYPE_CHECKING:
    import pyarrow as pa

    from ultra_face.bulk.folder import Writer
    from ultra_face.bulk.rows import Origin
    from ultra_face.bulk.sources import Name, Source

PACKAGES = ("ray", "pyarrow", "pandas")
"""Which `ultra-face[bulk]` brings."""

CORES = 0.5
"""Of an actor, so that an actor a core leaves half of what Ray counts for the tasks that read."""

ROWS_PER_FILE = 10_000
SUFFIXES = (".pt", ".onnx")
SETTINGS = ("conf", "precision", "iou", "imgsz", "tile", "scales", "rotate", "flip", "max_faces", "min_size")
"""Of `FaceDetector`; a job decides the others."""


@dataclass(frozen=True)
class Outcome:
    """What a run has done.

    Attributes:
        rows: photographs whose rows it has written.
        failed: how many of these have an error.
        faces: found in the others.
        skipped: photographs of an earlier run, where names tell them before they are read.
    """

    rows: int
    failed: int
    faces: int
    skipped: int


def detect(
    source: Source,
    *,
    output: Name,
    model: Name = WEIGHTS,
    concurrency: int | None = None,
    batch_size: int = 8,
    num_cpus: float = CORES,
    num_gpus: float = 0,
    memory: float = 0,
    address: str | None = None,
    rows_per_file: int = ROWS_PER_FILE,
    bytes_column: str = "bytes",
    path_column: str = "path",
    progress: bool = False,
    trust: bool = False,
    **settings: Any,
) -> Outcome:
    """Find the faces of very many photographs and write a row for each, as `ultra_face.bulk.rows.SCHEMA` has it.

    A photograph that cannot be read is a row with its error. A second run with the same output leaves out what is
    written, whatever ended the first.

    Args:
        source: a photograph, a folder and all below it, a pattern, a list of photographs (`.txt`, a path or URI a
            line), a Parquet file or folder of these with the bytes of photographs; several of all these; or a data set
            of Ray with the columns of such a Parquet file. All but lists may be URIs, as `s3://bucket/photos`.
        output: folder of this machine to write Parquet files to.
        model: a `.pt` or `.onnx`; shipped weights by their name.
        concurrency: actors, each with a detector of one thread; by default one a core, or with GPUs as many as these
            hold.
        batch_size: photographs that an actor holds and looks at together.
        num_cpus: cores that Ray counts for an actor.
        num_gpus: GPUs that Ray counts for an actor, such as 0.5 for two on each; with 0 it computes on the processor.
        memory: that Ray counts for an actor [GiB]; 0 counts none.
        address: of a cluster of Ray, such as `auto`; by default what `RAY_ADDRESS` says, else this machine alone.
        rows_per_file: of Parquet; a killed run has at most so many photographs to do again.
        bytes_column: column of Parquet files and data sets that holds image files.
        path_column: column that names each of them.
        progress: whether to show on standard error how far it is.
        trust: let a checkpoint run what code it holds, as `FaceDetector` does.
        settings: of `FaceDetector`: conf, precision, iou, imgsz, tile, scales, rotate, flip, max_faces and min_size.

    Raises:
        ConnectionError: no cluster answers at the address.
        FileExistsError: the output folder is of another model or other settings.
        FileNotFoundError: there is no such model or source.
        ModuleNotFoundError: a package of `ultra-face[bulk]` is not installed.
        OutputError: the output folder cannot be written to, or another run does.
        ValueError: an option out of its range, a model or source of another kind, or more than the cluster can ever
            give.
    """
    _check_installed()
    _check_amounts(concurrency=concurrency, batch_size=batch_size, num_cpus=num_cpus, rows_per_file=rows_per_file)
    _check_shares(num_gpus=num_gpus, memory=memory)
    from ultra_face.bulk.actor import Task
    from ultra_face.bulk.cluster import Request, cluster, machines, num_actors
    from ultra_face.bulk.folder import Writer, open_folder
    from ultra_face.bulk.sources import Columns, find_photographs
    from ultra_face.bulk.stream import stream_rows

    folder = _local(os.fspath(output))
    request = Request(num_cpus, num_gpus, memory)
    content, origin, settings = _read_model(os.fspath(model), settings, trust=trust)
    photographs = find_photographs(source, Columns((bytes_column, path_column)))
    with open_folder(folder, _made_with(origin, settings)) as done:
        left = photographs.without(done)
        writer = Writer(folder, rows_per_file)
        total = left.count()
        if total != 0:
            task = Task(
                content, origin, {"batch": batch_size, "trust": trust, **settings}, num_gpus > 0, left.columns, done
            )
            with cluster(address):
                actors = num_actors(machines(), request, left.spare_cores, concurrency)
                if total is not None:
                    actors = min(actors, math.ceil(total / batch_size))  # more would have nothing to do
                rows = stream_rows(left.dataset(batch_size), task, request, num_actors=actors, batch_size=batch_size)
                with closing(rows):  # while Ray is there: it asks Ray for its end
                    _write(rows, writer, total=total, progress=progress)
    skipped = (photographs.count() or 0) - (total or 0)
    return Outcome(writer.rows, writer.failed, writer.faces, skipped)


def _check_installed() -> None:
    """Refuse to start without a package.

    Raises:
        ModuleNotFoundError: one is missing.
    """
    for package in PACKAGES:
        if find_spec(package) is None:
            raise ModuleNotFoundError(
                f"bulk: expected the package {package}, which is not installed; run `pip install 'ultra-face[bulk]'`",
                name=package,
            )


def _check_amounts(**amounts: float | None) -> None:
    """Refuse what must be above 0 and is not; None is left out.

    Raises:
        ValueError: one of them is 0 or less.
    """
    for name, amount in amounts.items():
        if amount is not None and amount <= 0:
            raise ValueError(f"bulk: expected {name} above 0, got {amount}; correct it")


def _check_shares(**shares: float) -> None:
    """Refuse what must not be below 0.

    Raises:
        ValueError: one of them is.
    """
    for name, amount in shares.items():
        if amount < 0:
            raise ValueError(f"bulk: expected {name} of 0 or more, got {amount}; correct it")


def _local(output: str) -> Path:
    """The output as a path.

    Raises:
        ValueError: it is a URI.
    """
    if is_url(output):
        raise ValueError(
            f"{output}: expected a folder of this machine to write to, got a URI; write to a folder and copy its files"
        )
    return Path(output)


def _read_model(model: str, settings: dict[str, Any], *, trust: bool) -> tuple[bytes, Origin, dict[str, Any]]:
    """The content of a model file, its name and hash, and its settings, once a detector has shown that it takes them.

    A precision becomes the score that the model's table has for it, so that rows tell by which score they were made.

    Raises:
        FileNotFoundError: there is no such file.
        ModuleNotFoundError: the package that runs it is not installed.
        ValueError: a file of another kind, or an option that is unknown or out of its range.
    """
    if unknown := sorted(set(settings) - set(SETTINGS)):
        raise ValueError(f"bulk: expected settings among {', '.join(SETTINGS)}, got {unknown[0]}; correct it")
    file = model_file(model)
    if file.is_dir() or file.suffix.lower() not in SUFFIXES:
        raise ValueError(
            f"{model}: expected a face model, {' or '.join(SUFFIXES)}, got another; make one with `yolo export "
            "format=onnx`"
        )
    detector = FaceDetector(file, device="cpu", trust=trust, **settings)
    settings = {name: value for name, value in settings.items() if name != "precision"} | {"conf": detector.conf}
    from ultra_face.bulk.rows import Origin

    content = file.read_bytes()
    return content, Origin(file.name, hashlib.sha256(content).hexdigest(), __version__), settings


def _made_with(origin: Origin, settings: dict[str, Any]) -> dict[str, object]:
    """What tells the rows of one job from those of another: the model and all settings, given or not."""
    parameters = signature(FaceDetector).parameters
    chosen = {name: settings.get(name, parameters[name].default) for name in SETTINGS if name != "precision"}
    return {"command": "bulk", "model": origin.model, "model_sha256": origin.model_sha256, **chosen}


def _write(tables: Iterator[pa.Table], writer: Writer, *, total: int | None, progress: bool) -> None:
    """Write rows as they come; those that have come are written, too, where the others fail or Ctrl-C ends it."""
    with tqdm(total=total, desc="photographs", unit="", disable=not progress) as bar:
        try:
            for table in tables:
                writer.add(table)
                bar.update(len(table))
        finally:
            writer.flush()
