"""Write a face model that looks a second time at doubtful small faces; the file of the model is kept."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import yaml

from ultra_face.cli.command import add_trust, logging_on_standard_error, new_parser
from ultra_face.refinement.checkpoint import check_new_checkpoint, write_refined
from ultra_face.runtimes.ultralytics_model import open_checkpoint
from ultra_face.super_resolution.checkpoint import load_generator


def parser() -> ArgumentParser:
    """What the command asks for."""
    add = (new := new_parser("refine", __doc__, "best.pt refined.pt --set windows=8")).add_argument
    add("detector", type=Path, help="trained face model, .pt")
    add("output", type=Path, help="file to write, .pt")
    add("--generator", type=Path, help="what train-generator wrote (default: keep, or interpolate)")
    add(
        "--set",
        dest="changes",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="changes to `sr:`, e.g. windows=32",
    )
    return add_trust(new)


def run(options: Namespace) -> None:
    """Refine and say where the file is."""
    changes = dict(map(setting, options.changes))
    check_new_checkpoint(options.output)
    with logging_on_standard_error():
        detector = open_checkpoint(options.detector)
    generator = load_generator(options.generator) if options.generator else None
    write_refined(detector, options.output, generator=generator, settings=changes)
    print(f"wrote {options.output}")


def setting(text: str) -> tuple[str, Any]:
    """`KEY=VALUE` of a command line, the value as YAML reads it.

    Raises:
        ValueError: no `=`, or a value that is no YAML.
    """
    key, separator, value = text.partition("=")
    if not separator:
        raise ValueError(f"--set: expected KEY=VALUE, got {text!r}; write for example windows=32")
    try:
        return key, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ValueError(
            f"--set: {key}: expected a value as in YAML, got {value!r}; quote lists: 'doubt=[0.1, 0.5]'"
        ) from error
