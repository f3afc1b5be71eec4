"""The commands of the training page and of the model card are ones that the scripts take."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("docs/training.md", "weights/README.md")
SCRIPTS = re.compile(r"python ((?:-m training\.\w+|(?:training|benchmarks)/\w+\.py) [^`\n]+)")
COMMANDS = sorted({found for page in PAGES for found in SCRIPTS.findall((ROOT / page).read_text(encoding="utf-8"))})


class ParsedError(Exception):
    """The command line was understood."""


@pytest.mark.parametrize("command", COMMANDS)
def test_a_script_takes_the_command(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    script, *words = shlex.split(command.replace("SET=WEIGHT", "wider=1"))
    if script == "-m":
        script = f"{words.pop(0)}/__main__.py"
    understood = argparse.ArgumentParser.parse_args

    def stop(*given: object) -> None:
        understood(*given)
        raise ParsedError

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
    monkeypatch.setattr(sys, "argv", [script, *words])
    module = importlib.import_module(script.removesuffix(".py").replace("/", "."))
    with pytest.raises(ParsedError):
        module.main()


@pytest.mark.parametrize("page", PAGES)
def test_the_files_of_a_command_are_there(page: str) -> None:
    named = set(re.findall(r"(?<![\w/])(?:cfg|training|benchmarks)/[\w/.-]+\.(?:py|yaml)", (ROOT / page).read_text()))
    assert named >= {"cfg/train/shipped.yaml", "training/start_from.py"}
    scaled = {name.replace("yolov5n-", "yolov5-") for name in named}  # Ultralytics finds the scale in the name
    assert {name for name in scaled if not (ROOT / name).is_file()} == set()
