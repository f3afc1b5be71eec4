"""Ctrl-C ends a command with status 130 and without a traceback: while it works, while it imports.

Here on a few commands; `python -m benchmarks.interruptions` presses it in all of them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from interpreters import run_python


def heard(code: str, folder: Path) -> str:
    """What a fresh interpreter prints that runs this; it alone gets the signals."""
    begin = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    return run_python("-c", begin + code, folder=folder).stdout.strip()


TURNED_INTO_AN_ERROR = """
from ultra_face.cli.interruption import hearing_interruptions

try:
    with hearing_interruptions():
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("numpy._core.multiarray failed to import") from None
except KeyboardInterrupt:
    print("heard", signal.getsignal(signal.SIGINT) == signal.SIG_DFL)
"""


def test_an_interruption_that_a_library_turns_into_an_error_is_heard(tmp_path: Path) -> None:
    """A second one then ends the program at once."""
    assert heard(TURNED_INTO_AN_ERROR, tmp_path) == "heard True"


WHERE_PYTHON_CANNOT_RAISE = """
import sys
import time
from ultra_face.cli.interruption import hearing_interruptions

class Last:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

hook = sys.unraisablehook
try:
    with hearing_interruptions():
        last = Last()
        del last
        time.sleep(60)
except KeyboardInterrupt:
    print("heard", sys.unraisablehook is hook)
"""


def test_an_interruption_where_python_cannot_raise_is_heard(tmp_path: Path) -> None:
    assert heard(WHERE_PYTHON_CANNOT_RAISE, tmp_path) == "heard True"


WITHOUT = """
from ultra_face.cli.interruption import hearing_interruptions

try:
    with hearing_interruptions():
        raise ImportError("no such thing")
except ImportError as error:
    print(error, signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


def test_without_an_interruption_nothing_changes(tmp_path: Path) -> None:
    assert heard(WITHOUT, tmp_path) == "no such thing True"


# Words of a command, and a file that is a pipe into which nobody writes: what reads it waits there.
AT_WORK = {
    "prepare": ("prepare source --output new", "source/images/a.jpg"),
    "evaluate": ("evaluate --predictions found --ground-truth truth.txt", "found/0--P/0_a.txt"),
}


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
