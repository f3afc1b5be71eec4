"""Whether what a command leaves behind is whole: nothing half-written bears a name of its own."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from benchmarks.faults.inputs import sums
from ultra_face.files.whole import PARTIAL

Check = Callable[[Path, Path], str | None]
"""Takes the folder of a run and that of one that nobody disturbed; says in a sentence what is wrong."""


def files(folder: Path) -> dict[str, str]:
    """Sums of the files that bear their own name: none of them, nor a folder of theirs, is marked as unfinished."""
    return {
        name: digest
        for name, digest in sums(folder).items()
        if not any(part.endswith(PARTIAL) for part in Path(name).parts)
    }


def state(output: Path, reference: Path, before: Collection[str]) -> str:
    """What a killed command leaves besides what was there before: nothing, a part, or all."""
    there, expected = (files(folder).keys() - before for folder in (output, reference))
    return "nothing" if not there else "all" if there == expected else "a part"


def files_are_those_of(output: Path, reference: Path) -> str | None:
    """Each file is the same to the bit as that of an undisturbed run."""
    expected = files(reference)
    wrong = [name for name, digest in files(output).items() if expected.get(name) != digest]
    return f"{wrong[0]} differs" if wrong else None


def folder_is_all_or_absent(*names: str) -> Check:
    """Files are as in an undisturbed run, and these folders have all of theirs where they exist at all."""

    def check(output: Path, reference: Path) -> str | None:
        there = files(output)
        for name in names:
            missing = [path for path in files(reference) if path.startswith(f"{name}/") and path not in there]
            if (output / name).is_dir() and missing:
                return f"{name} lacks {missing[0]}"
        return files_are_those_of(output, reference)

    return check


def everything_is_the_same(output: Path, reference: Path) -> str | None:
    """The same files to the bit, and nothing left over."""
    there, expected = sums(output), sums(reference)
    odd = sorted({name for name, _ in there.items() ^ expected.items()})
    return f"{odd[0]} differs" if odd else None


def closed_checkpoints(output: Path) -> list[str]:
    """Checkpoints that torch refuses."""
    import torch

    closed = []
    for file in output.rglob("*.pt"):
        try:
            torch.load(file, map_location="cpu", weights_only=False)
        except Exception:  # whatever torch says of half a file
            closed.append(file.relative_to(output).as_posix())
    return closed


def checkpoints_open(output: Path, reference: Path) -> str | None:
    """Every checkpoint that has its name is read by torch."""
    closed = closed_checkpoints(output)
    return f"{closed[0]} does not open" if closed else None


def readable_or_refused(output: Path, reference: Path) -> str | None:
    """Nothing is asked: a checkpoint opens, which half of one does not, or is refused, which is counted apart."""
    return None


def generators_are_the_same(output: Path, reference: Path) -> str | None:
    """The generators of two runs have the same weights and the same record; sheets are the same to the bit."""
    import torch

    if sorted(sums(output)) != sorted(sums(reference)):
        return f"expected {sorted(sums(reference))}, got {sorted(sums(output))}"
    for theirs in sorted(reference.rglob("best-*.pt")):
        name = theirs.relative_to(reference)
        mine, expected = (torch.load(folder / name, weights_only=True) for folder in (output, reference))
        if mine["record"] != expected["record"]:
            return f"{name}: another record"
        if any(not torch.equal(value, mine["weights"][key]) for key, value in expected["weights"].items()):
            return f"{name}: other weights"
    odd = [name for name, digest in sums(reference).items() if name.endswith(".png") and sums(output)[name] != digest]
    return f"{odd[0]} differs" if odd else None


def training_is_complete(epochs: int) -> Check:
    """Both checkpoints of a training open as models, and every epoch has its row."""

    def check(output: Path, reference: Path) -> str | None:
        from ultralytics import YOLO

        (results,) = output.rglob("results.csv")
        with results.open(encoding="utf-8", newline="") as stream:
            seen = {int(float(row["epoch"])) for row in csv.DictReader(stream)}
        if seen != set(range(1, epochs + 1)):
            return f"expected rows of {epochs} epochs, got {sorted(seen)}"
        for name in ("best.pt", "last.pt"):
            YOLO(results.parent / "weights" / name)
        return checkpoints_open(output, reference)

    return check


def refused_exports(output: Path) -> list[str]:
    """ONNX files that `FaceDetector` does not take."""
    from ultra_face.runtimes.onnx_network import OnnxNetwork

    refused = []
    for file in output.glob("*.onnx"):
        try:
            OnnxNetwork(file)
        except ValueError:
            refused.append(file.name)
    return refused


def export_is_whole_or_refused(output: Path, reference: Path) -> str | None:
    """An ONNX file under its name is that of an undisturbed run, or one that `FaceDetector` refuses."""
    taken = {file.name for file in output.glob("*.onnx")} - set(refused_exports(output))
    return export_is_the_same(output, reference) if taken else None


def export_is_the_same(output: Path, reference: Path) -> str | None:
    """The same network, and the same notes but for the date."""
    import onnx

    (mine,), (theirs,) = (list(map(onnx.load, folder.glob("*.onnx"))) for folder in (output, reference))
    noted, expected = ({each.key: each.value for each in model.metadata_props} for model in (mine, theirs))
    odd = [key for key in expected if key != "date" and noted.get(key) != expected[key]]
    if odd:
        return f"another {odd[0]} in the notes"
    return None if mine.graph == theirs.graph else "another network"


def _rows(folder: Path) -> list[dict[str, Any]]:
    """The rows of all Parquet files that have their names, by path."""
    from pyarrow import parquet

    rows = [row for file in folder.rglob("[!.]*.parquet") for row in parquet.read_table(file).to_pylist()]
    return sorted(rows, key=lambda row: str(row["path"]))


def every_row_file_opens(output: Path, reference: Path) -> str | None:
    """Each Parquet file is whole, and its rows are those of an undisturbed run."""
    expected = {row["path"]: row for row in _rows(reference)}
    odd = [row["path"] for row in _rows(output) if expected.get(row["path"]) != row]
    return f"{odd[0]} differs" if odd else None


def rows_are_the_same(output: Path, reference: Path) -> str | None:
    """Every photograph has one row, which is that of an undisturbed run, in whatever file."""
    return None if _rows(output) == _rows(reference) else "other rows"
