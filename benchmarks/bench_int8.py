"""INT8 beside float in ONNX Runtime and OpenVINO: AP by face height, landmark error, size, milliseconds.

All files are made of one checkpoint and measured on the same photographs; networks take turns where time is taken. The
files of `yolo export quantize=8` are calibrated on about as many photographs of the train split as ours.

    python benchmarks/bench_int8.py DETECTOR.pt --data DATA.yaml --data-name "..."

The figures go to `results/int8.json`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import openvino
from ultralytics import YOLO

from benchmarks.provenance import REPOSITORY, RESULTS, provenance
from ultra_face.cli.command import command, positive, progress
from ultra_face.cli.data_yaml import data_folders
from ultra_face.deploy import timing
from ultra_face.deploy.comparison import measured, times
from ultra_face.deploy.photographs import Inputs, choose_evenly
from ultra_face.deploy.quantising import OPENVINO, float_model, write_openvino, write_quantised
from ultra_face.evaluation.photographs import Photographs, read_labelled
from ultra_face.formats.image_files import list_images

ONNX_RUNTIME, OPEN_VINO = "ONNX Runtime", "OpenVINO"
OURS, STOCK = "`ultra-face quantize`", "`yolo export quantize=8`"
FLOAT32, BFLOAT16 = "f32", "bf16"


@dataclass(frozen=True)
class File:
    """A file and how it runs.

    Attributes:
        runtime: what runs it.
        name: what it is.
        path: of the file or folder.
        precision: in which OpenVINO computes what is no whole number; None is what it chooses.
    """

    runtime: str
    name: str
    path: Path
    precision: str | None = None

    @property
    def title(self) -> str:
        """Run time and name."""
        return f"{self.runtime}, {self.name}"

    def opener(self) -> Callable[[int], timing.Network]:
        """Opens it with a number of threads."""
        if self.runtime == ONNX_RUNTIME:
            return partial(timing.open_onnx, self.path)
        return partial(timing.open_openvino, self.path, precision=self.precision)

    def measured(self, photographs: Photographs, size: int) -> dict[str, Any]:
        """What it finds, and its size."""
        with openvino_precision(self.precision):
            return measured(self.path, photographs, size=size, progress=progress(self.title))


@contextmanager
def openvino_precision(precision: str | None) -> Iterator[None]:
    """OpenVINO computes in a precision meanwhile, in Ultralytics too; None is what it chooses."""
    core = openvino.Core

    def precise() -> openvino.Core:
        made = core()
        made.set_property("CPU", {"INFERENCE_PRECISION_HINT": precision})
        return made

    with mock.patch.object(openvino, "Core", core if precision is None else precise):
        yield


def make_files(detector: Path, data: str, folder: Path, *, calibration: int, size: int) -> list[File]:
    """All files of a checkpoint."""
    (train,) = data_folders(data, "train")
    exported = {"data": data, "split": "train", "fraction": calibration / len(list_images(train)), "imgsz": size}
    checkpoint = Path(shutil.copy(detector, folder / "model.pt"))
    stock = {kind: Path(YOLO(checkpoint).export(format=kind, quantize=8, **exported)) for kind in ("onnx", "openvino")}
    ours = {kind: folder / f"ours{kind}" for kind in (".onnx", OPENVINO)}
    floats = {".onnx": folder / "float.onnx", OPENVINO: folder / f"float{OPENVINO}"}
    with float_model(detector, size, openvino=True) as model:
        inputs = Inputs(choose_evenly(train, calibration), (size, size))
        for output in ours.values():
            write_quantised(model, output, inputs, progress=progress(output.name))
        shutil.copy(model.file, floats[".onnx"])
        floats[OPENVINO].mkdir()
        write_openvino(model, floats[OPENVINO], None)
    has_bfloat16 = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return [
        File(ONNX_RUNTIME, "float32", floats[".onnx"]),
        File(ONNX_RUNTIME, OURS, ours[".onnx"]),
        File(ONNX_RUNTIME, STOCK, stock["onnx"]),
        File(OPEN_VINO, "float32", floats[OPENVINO], FLOAT32),
        *([File(OPEN_VINO, "bfloat16", floats[OPENVINO], BFLOAT16)] if has_bfloat16 else []),
        File(OPEN_VINO, OURS, ours[OPENVINO]),
        File(OPEN_VINO, STOCK, stock["openvino"]),
    ]


@command("bench_int8")
def main() -> None:
    """Make the files, measure them, write the result file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("detector", type=Path, help="trained face model, .pt")
    parser.add_argument("--data", required=True, help="data YAML; its validation split is used")
    parser.add_argument("--data-name", required=True, help="the data in words, for the record")
    parser.add_argument("--images", type=positive, help="about so many photographs, evenly spread (default: all)")
    parser.add_argument("--calibration", type=positive, default=64, help="photographs of train (default: 64)")
    parser.add_argument("--imgsz", type=positive, default=640, help="side of the input [px] (default: 640)")
    options = parser.parse_args()
    config = {
        "detector": options.detector.name,
        "images": options.images,
        "calibration photographs": options.calibration,
        "imgsz": options.imgsz,
    }
    record = provenance(config, options.data_name, None)
    (val,) = data_folders(options.data, "val")
    photographs = read_labelled(val, progress=progress("reading val"))
    if options.images is not None:
        photographs = photographs.thinned(options.images)
    with tempfile.TemporaryDirectory() as folder:
        files = make_files(
            options.detector, options.data, Path(folder), calibration=options.calibration, size=options.imgsz
        )
        taken = times({file.title: file.opener() for file in files}, (options.imgsz, options.imgsz))
        rows = [
            {"runtime": file.runtime, "name": file.name, "precision": file.precision}
            | file.measured(photographs, options.imgsz)
            | {"ms": taken[file.title]}
            for file in files
        ]
    content = {"provenance": record, "photographs": len(photographs.files), "rows": rows}
    output = REPOSITORY / RESULTS / "int8.json"
    output.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {output}")


if __name__ == "__main__":
    main()
