"""What commands share: an end in one sentence, never in a traceback, when something is wrong; and types of options."""

from __future__ import annotations

import os
import re
import sys
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from math import isfinite
from typing import TypeVar

from ultra_face.cli.interruption import hearing_interruptions
from ultra_face.files.whole import NO_ROOM, OutputError

Item = TypeVar("Item")

INTERRUPTED = 130  # what a shell expects of a program that Ctrl-C ended
BROKEN_PIPE = 141  # and of one whose output nobody reads any more
MENDABLE = (OSError, ValueError, ModuleNotFoundError)
"""What users can mend: a file, an option, a missing package."""
_RANGE = re.compile(r"(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?")


@contextmanager
def command(name: str) -> Iterator[None]:
    """Turn what users can mend into `name: sentence` on standard error and exit status 1; Ctrl-C into status 130.

    Any exception that is not `MENDABLE` is a fault of the program and stays what it is. Decorates a main function, or
    wraps a block.
    """
    try:
        with hearing_interruptions():
            yield
            sys.stdout.flush()  # while what it cannot take can be said
    except KeyboardInterrupt as stop:
        print(f"{name}: {str(stop) or 'interrupted'}", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # whoever read standard output has had enough, as `head` does
        _silence_standard_output()
        sys.exit(BROKEN_PIPE)
    except MENDABLE as error:
        if _is_standard_outputs(error):
            _silence_standard_output()
        sys.exit(f"{name}: {sentence(error)}")


def _silence_standard_output() -> None:
    """Drop what could not be written, or Python would complain at its end."""
    with suppress(OSError, ValueError):  # a stream without a file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_standard_outputs(error: BaseException) -> bool:
    """Whether the disk is full that holds standard output: all other files are named in such errors."""
    if not isinstance(error, OSError) or isinstance(error, OutputError):
        return False
    return error.filename is None and error.errno in NO_ROOM


def sentence(error: BaseException) -> str:
    """An exception on one line; the system's own errors name the file first and come with a remedy."""
    if _is_standard_outputs(error):
        return "the disk is full while writing the output; free some and run again"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {str(error.strerror).lower()}; check the path and its permissions"
    return " ".join(str(error).split())


def positive(text: str) -> int:
    """Type of command-line options that count.

    Raises:
        ArgumentTypeError: no whole number, or one below 1.
    """
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"expected a whole number of 1 or more, got {text!r}")
    return int(text)


def not_negative(text: str) -> float:
    """Type of command-line options that measure.

    Raises:
        ArgumentTypeError: no number, or none of 0 or more.
    """
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not (number >= 0 and isfinite(number)):
        raise ArgumentTypeError(f"expected a number of 0 or more, got {text!r}")
    return number


def share(text: str) -> float:
    """Type of command-line options that are a score or an overlap.

    Raises:
        ArgumentTypeError: no number from 0 to 1.
    """
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise ArgumentTypeError(f"expected a number from 0 to 1, got {text!r}")
    return number


def parse_range(text: str, option: str) -> tuple[float, float]:
    """The ends of a range of positive numbers; `option` names it in errors.

    Raises:
        ValueError: The text is no range, or its ends are in the wrong order or zero.
    """
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{option}: expected a number or a range such as 260-520, got {text!r}; write it so")
    lowest, highest = float(match[1]), float(match[2] or match[1])
    if not 0 < lowest <= highest:
        raise ValueError(f"{option}: expected a range from a smaller to a larger number above 0, got {text!r}")
    return lowest, highest


def new_parser(name: str, does: str | None, *examples: str) -> ArgumentParser:
    """The parser of a command.

    Args:
        name: of the command.
        does: what it does, which is the docstring of its file.
        examples: command lines that run.
    """
    return ArgumentParser(
        prog=f"ultra-face {name}",
        description=does,
        epilog="\n".join(
            ["examples:" if examples[1:] else "example:", *(f"  ultra-face {name} {line}" for line in examples)]
        ),
        formatter_class=RawDescriptionHelpFormatter,
    )


def add_trust(parser: ArgumentParser) -> ArgumentParser:
    """Add the option that lets the files that a command opens run code; without it they are refused."""
    parser.add_argument(
        "--trust", action="store_true", help="let the model and the data YAML run code of their own, as `yolo` does"
    )
    return parser


def progress(does: str) -> Callable[[Iterable[Item]], Iterable[Item]]:
    """Wraps an iterable and shows on standard error how far it is; `does` says in a word of what."""
    from tqdm import tqdm  # only here: the doctor must run without it

    return partial(tqdm, desc=does)


@contextmanager
def logging_on_standard_error() -> Iterator[None]:
    """Show on standard error what Ultralytics says meanwhile, leaving standard output to results."""
    from ultralytics.utils import LOGGER  # only here, as above

    moved = [handler for handler in LOGGER.handlers if getattr(handler, "stream", None) is sys.stdout]
    for handler in moved:
        handler.setStream(sys.stderr)
    try:
        yield
    finally:
        for handler in moved:
            handler.setStream(sys.stdout)
