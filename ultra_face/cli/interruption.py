"""Ctrl-C while a command works: heard even where a library in the middle of its import does not pass it on.

Extension modules turn a KeyboardInterrupt into an ImportError, and where Python can pass no exception on, as at the end
of an import or in the end of an object, it prints a traceback and goes on.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_SOON = 0.05  # seconds


@contextmanager
def hearing_interruptions() -> Iterator[None]:
    """Make sure that Ctrl-C ends the block, whatever libraries make of it; a second one then ends the program at once.

    Nothing changes in a thread, which gets no signals, or where the program has a handler of its own.

    Raises:
        KeyboardInterrupt: instead of whatever else ends the block after Ctrl-C.
    """
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    main = threading.main_thread().ident or 0
    hook, came, ended = sys.unraisablehook, False, threading.Event()

    def hear(number: int, frame: FrameType | None) -> NoReturn:
        nonlocal came
        came = True
        raise KeyboardInterrupt

    def say_again(told: UnraisableHookArgs) -> None:
        if issubclass(told.exc_type, KeyboardInterrupt):  # nor can it be passed on from here
            threading.Thread(target=press_again, daemon=True).start()
        else:
            hook(told)

    def press_again() -> None:
        if ended.wait(_SOON):
            return
        if sys.platform == "win32":
            signal.raise_signal(signal.SIGINT)
        else:  # to the thread that may be waiting for something
            signal.pthread_kill(main, signal.SIGINT)

    signal.signal(signal.SIGINT, hear)
    sys.unraisablehook = say_again
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if came:
            raise KeyboardInterrupt from error
        raise
    finally:
        ended.set()
        signal.signal(signal.SIGINT, signal.SIG_DFL if came else signal.default_int_handler)
        sys.unraisablehook = hook
