"""How every command of the project ends when something is wrong: in one sentence, never in a traceback."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INTERRUPTED = 130  # what a shell expects of a program that Ctrl-C ended


@contextmanager
def command(name: str) -> Iterator[None]:
    """Turn what users can mend into `name: sentence` on standard error and exit status 1; Ctrl-C into status 130.

    That is OSError, ValueError and a missing package. Any other exception is a fault of the program and stays what it
    is. Decorates a main function, or wraps a block.
    """
    try:
        yield
    except KeyboardInterrupt as stop:
        print(f"{name}: {str(stop) or 'interrupted'}", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except (OSError, ValueError, ModuleNotFoundError) as error:
        sys.exit(f"{name}: {sentence(error)}")


@contextmanager
def named(file: str | Path, expected: str, remedy: str) -> Iterator[None]:
    """Turn whatever else a library raises over a file into a ValueError that names the file.

    Args:
        file: what is opened.
        expected: what it should be.
        remedy: what to do about it.

    Raises:
        ValueError: instead of any exception but OSError and ValueError, which name the file themselves.
    """
    try:
        yield
    except (OSError, ValueError):
        raise
    except Exception as error:
        reason = ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])  # hosts add advice below it
        raise ValueError(f"{file}: expected {expected}, got a file of another kind ({reason}); {remedy}") from error


def sentence(error: BaseException) -> str:
    """An exception on one line; the system's own errors name the file first and come with a remedy."""
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
