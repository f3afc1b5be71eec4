"""What a user did not ask for never ends a run: a callback or observer that fails is left out, with one warning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ultralytics.utils import LOGGER

_SAID = "_ultra_face_said"


@dataclass(frozen=True)
class Guarded:
    """A callback that after its first error is left out, for the trainer, validator or predictor that it failed on.

    Interruptions pass, since `KeyboardInterrupt` and `SystemExit` are no `Exception`. Two guards of one callback are
    equal, as two mentions of one function are: Ultralytics copies its callbacks and compares the copies.
    """

    callback: Callable[[Any], None]

    def __call__(self, host: Any) -> None:
        """Run the callback unless it has failed on this object before."""
        if is_left_out(host, self.name):
            return
        try:
            self.callback(host)
        except Exception as error:
            leave_out(host, self.name, error)

    @property
    def name(self) -> str:
        """Module and function, as in `adaptive_anchors.fit_before_training`."""
        return f"{self.callback.__module__.rpartition('.')[2]}.{self.callback.__name__}"


def leave_out(host: Any, name: str, error: Exception) -> None:
    """Warn that a part of ours has failed on this trainer, validator or predictor."""
    _said_on(host).add(name)
    LOGGER.warning(f"ultra-face: {name} failed and is left out, the run goes on. {type(error).__name__}: {error}")


def is_left_out(host: Any, name: str) -> bool:
    """Whether this part of ours has failed on this trainer, validator or predictor."""
    return name in _said_on(host)


def say_once(host: Any, message: str) -> None:
    """Log a line, unless this trainer, validator or predictor has had it."""
    if message not in _said_on(host):
        _said_on(host).add(message)
        LOGGER.info(message)


def _said_on(host: Any) -> set[str]:
    said: set[str] = vars(host).setdefault(_SAID, set())
    return said
