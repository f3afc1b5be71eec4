"""Register with Ultralytics as soon as it is imported, and not before: no program pays for it that does not need it.

`import ultra_face` calls `register_with_host`. Where the start-up files of the package run, the finder of
`_ultra_face_autoload` stands in the place of the one here from the start of Python on.
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from ultra_face.plugin import registration

HOST = "ultralytics"


class HostFinder:
    """Finds the host as the other finders do, and puts a loader of ours around its own.

    It imports nothing: Python holds a lock on all imports while a finder looks. It stays in place until the host has
    run, since programs also ask for specs out of interest.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the host's own spec with our loader, None for other names."""
        if name != HOST:
            return None
        found = (finder.find_spec(name, path, target) for finder in _finders_of_others())
        spec: ModuleSpec | None = next((spec for spec in found if spec is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader = HostLoader(spec.loader)  # type: ignore[assignment]
        return spec


class HostLoader:
    """The host's own loader; once the host has run, it registers us and leaves its place to that loader."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def exec_module(self, module: ModuleType) -> None:
        """Run the host, then register: other threads that import the host wait for both.

        One that imports a part of the host does not. Where the two would wait for each other, we register later.
        """
        self._loader.exec_module(module)
        try:
            if not registration.register(wait=False):
                _register_at_first_use(module)
        except Exception as error:
            _warn(error)
        finally:
            _remove_finder()
            module.__loader__ = self._loader
            if module.__spec__ is not None:
                module.__spec__.loader = self._loader


def register_with_host() -> None:
    """Register now if the host is imported, else once it is.

    Nothing is done where another thread imports the host with our loader: that import will register. To wait for it
    in the import of our package, which it needs, would be a deadlock.
    """
    if not any(map(_is_ours, sys.meta_path)):  # before the look, so that no import slips in between
        sys.meta_path.insert(0, HostFinder())
    host = sys.modules.get(HOST)
    if host is not None and not _is_ours(getattr(getattr(host, "__spec__", None), "loader", None)):
        _remove_finder()
        registration.register()


def _register_at_first_use(host: ModuleType) -> None:
    """Register when the host is first asked for what its `__getattr__` finds, as for its models; other threads wait."""
    stock = host.__dict__["__getattr__"]
    lock, left = threading.RLock(), [registration.register]

    def register_and_find(name: str) -> Any:
        with lock:
            if left:  # empty where what registers asks, too
                try:
                    left.pop()()
                except Exception as error:
                    _warn(error)
                host.__dict__["__getattr__"] = stock
        return stock(name)

    host.__dict__["__getattr__"] = register_and_find


def _warn(error: Exception) -> None:
    warnings.warn(
        f"ultra-face could not be activated ({type(error).__name__}: {error}); Ultralytics works unchanged. "
        "Run `python -m ultra_face doctor`, or set ULTRA_FACE_AUTOLOAD=0 to silence this.",
        RuntimeWarning,
        stacklevel=3,
    )


def _remove_finder() -> None:
    sys.meta_path[:] = _finders_of_others()


def _finders_of_others() -> list[Any]:
    return [finder for finder in sys.meta_path if not _is_ours(finder)]


def _is_ours(thing: object) -> bool:
    """Whether a finder or loader is of this file or of the start-up file."""
    return type(thing).__module__ in {__name__, "_ultra_face_autoload"}
