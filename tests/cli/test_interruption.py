"""Ctrl-C ends a command with status 130 and without a traceback: while it works, while it imports.

Here on a few commands; `python -m benchmarks.interruptions` presses it in all of them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ultra_face.cli.interruption import hearing_interruptions


@pytest.fixture
def handler() -> Iterator[None]:
    """The handler of Python, put back; a shell that starts the tests in the background has Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("handler")
def test_an_interruption_that_a_library_turns_into_an_error_is_heard() -> None:
    def import_numpy() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("numpy._core.multiarray failed to import") from None

    with pytest.raises(KeyboardInterrupt), hearing_interruptions():
        import_numpy()
    assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL  # a second one ends the program at once


@pytest.mark.usefixtures("handler")
def test_an_interruption_where_python_cannot_raise_is_heard(capfd: pytest.CaptureFixture[str]) -> None:
    class Last:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    def end() -> None:
        last = Last()
        del last
        time.sleep(60)

    hook = sys.unraisablehook
    with pytest.raises(KeyboardInterrupt), hearing_interruptions():
        end()
    assert sys.unraisablehook is hook
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.usefixtures("handler")
def test_without_an_interruption_nothing_changes() -> None:
    with pytest.raises(ImportError, match="no such thing"), hearing_interruptions():
        raise ImportError("no such thing")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


# Words of a command, and a file that is a pipe into which nobody writes: what reads it waits there.
AT_WORK = {
    "prepare": ("prepare source --output new", "source/images/a.jpg"),
    "evaluate": ("evaluate --predictions found --ground-truth truth.txt", "found/0--P/0_a.txt"),
}


@pytest.mark.usefixtures("handler")
@pytest.mark.parametrize("name", AT_WORK)
def test_a_command_at_work(name: str, tmp_path: Path) -> None:
    words, pipe = AT_WORK[name]
    (tmp_path / pipe).parent.mkdir(parents=True)
    os.mkfifo(tmp_path / pipe)
    (tmp_path / "source").mkdir(exist_ok=True)
    (tmp_path / "source/label.txt").write_text("# a.jpg\n")
    (tmp_path / "truth.txt").write_text("0--P/0_a.jpg\n1\n16 16 32 32 0 0 0 0 0 0\n")
    with start(words, tmp_path) as process:
        handle = wait_for_a_reader(tmp_path / pipe, process)
        process.send_signal(signal.SIGINT)
        check(process, name)
        os.close(handle)


@pytest.mark.usefixtures("handler")
def test_a_command_that_imports(tmp_path: Path) -> None:
    """A library that turns Ctrl-C into an error of its own stands in for those that do."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "cv2.py").write_text(
        "try:\n    open('pipe').read()\nexcept KeyboardInterrupt:\n    raise ImportError('failed') from None\n"
    )
    with start("tiles set --output new", tmp_path, PYTHONPATH=str(tmp_path)) as process:
        handle = wait_for_a_reader(tmp_path / "pipe", process)
        process.send_signal(signal.SIGINT)
        check(process, "tiles")
        os.close(handle)


def start(words: str, folder: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ultra_face", *words.split()],
        cwd=folder,
        env={**os.environ, **environment},
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_a_reader(pipe: Path, process: subprocess.Popen[str]) -> int:
    """Open a pipe to write, which the system allows once the process has opened it to read."""
    while process.poll() is None:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            time.sleep(0.01)
    pytest.fail(f"ended before it read: {process.communicate()[1]}")


def check(process: subprocess.Popen[str], name: str) -> None:
    said = process.communicate()[1]
    assert process.returncode in (130, -signal.SIGINT), said  # a shell says 130 of both
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith(f"ultra-face {name}: interrupted")
