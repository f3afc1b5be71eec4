"""Make a face model compute in 8-bit whole numbers, calibrated on your photographs, and report what that loses.

The output convolutions and the decoding stay in float. A name that ends in .onnx becomes a file for ONNX Runtime, one
that ends in _openvino_model a folder for OpenVINO. The val photographs of the data YAML measure both models.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from contextlib import redirect_stdout
from pathlib import Path

from ultra_face.cli.command import add_trust, logging_on_standard_error, new_parser, positive, progress
from ultra_face.cli.data_yaml import data_folders
from ultra_face.cli.detector import input_side
from ultra_face.deploy.comparison import compare, format_comparison
from ultra_face.deploy.quantising import OPENVINO, calibration_inputs, check_quantisation, float_model, write_quantised
from ultra_face.evaluation.outcome import tell
from ultra_face.evaluation.photographs import read_labelled


def parser() -> ArgumentParser:
    """What the command asks for."""
    examples = "best.pt int8.onnx --data faces.yaml", "best.onnx int8_openvino_model --data faces.yaml"
    add = (new := new_parser("quantize", __doc__, *examples)).add_argument
    add("model", type=Path, help="trained face model, .pt, or the float .onnx file that yolo export makes of one")
    add("output", type=Path, help="what to write: a name that ends in .onnx or in _openvino_model")
    add("--data", required=True, help="data YAML, as for yolo train; val is what measures both models")
    add("--photographs", type=positive, default=64, help="of train, to calibrate on (default: 64)")
    add("--imgsz", type=input_side, help="side of the input [px] (default: 640, or what the .onnx file is made for)")
    add("--json", type=Path, help="write what is reported to this new file, too")
    return add_trust(new)


def run(options: Namespace) -> None:
    """Quantise, and report what that changes."""
    kind = check_quantisation(options.model, options.output)
    if options.json is not None and options.json.exists():
        raise FileExistsError(f"{options.json}: expected a new file, got an existing one; choose another, or remove it")
    with logging_on_standard_error(), redirect_stdout(sys.stderr):  # what exporters and Ultralytics have to say
        train, val = data_folders(options.data, "train", "val")
        with float_model(options.model, options.imgsz, openvino=kind == OPENVINO) as model:
            photographs = read_labelled(val, progress=progress("reading val"))
            inputs = calibration_inputs(model, train, options.photographs, options.imgsz)
            write_quantised(model, options.output, inputs, progress=progress("calibration"))
            print(f"wrote {options.output}, calibrated on {len(inputs)} photographs")
            figures = compare(
                model, options.output, photographs, size=options.imgsz, progress=progress("comparing on val")
            )
    record = {"calibration_photographs": len(inputs), "val_photographs": len(photographs.files), **figures}
    tell(record, format_comparison(figures), None if options.json is None else str(options.json))
