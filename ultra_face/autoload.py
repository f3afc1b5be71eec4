"""Register with Ultralytics as soon as it is imported, at no cost to programs that never import it.

This file exists twice: as a module of the package, and beside it as `_ultra_face_autoload`, which the start-up files
`ultra_face.pth` and `ultra_face.start` (Python 3.15 and later, PEP 829) call. So it runs at every start of Python. It
takes from the standard library only what every start has loaded already, it imports neither torch nor Ultralytics, and
a failure here must never break an interpreter. `ULTRA_FACE_AUTOLOAD=0` switches the start-up files off.
"""

import os
import sys

TYPE_CHECKING = False  # as in `typing`, whose import costs more than all of this
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

HOST = "ultralytics"


class HostFinder:
    """Finds the host as the other finders do, with a loader that registers us once the host has run.

    It stays in place until then, since programs also ask for specs out of interest.
    """

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """Return the host's own spec with our loader around its own, None for other names."""
        if name != HOST:
            return None
        try:
            for finder in _finders_of_others():
                spec: ModuleSpec | None = finder.find_spec(name, path, target)
                if spec is not None:
                    spec.loader = spec.loader and HostLoader(spec.loader)  # type: ignore[assignment]
                    return spec
        except Exception as error:
            _warn(error)
        return None


class HostLoader:
    """The host's own loader; once the host has run, it registers us and leaves its place to that loader."""

    def __init__(self, loader: "Any") -> None:
        self.loader = loader

    def __getattr__(self, name: str) -> "Any":
        return getattr(self.loader, name)

    def exec_module(self, module: "ModuleType") -> None:
        """Run the host, then register: other threads that import the host wait for both."""
        self.loader.exec_module(module)
        try:
            _activate()
        finally:
            _remove_finder()
            module.__loader__ = self.loader
            if module.__spec__ is not None:
                module.__spec__.loader = self.loader


def install() -> None:
    """At the start of Python: register once the host is imported, unless `ULTRA_FACE_AUTOLOAD` is `0`."""
    if os.environ.get("ULTRA_FACE_AUTOLOAD", "1") != "0" and HOST not in sys.modules:
        _put_finder()


def register_with_host() -> None:
    """At `import ultra_face`: register now if the host is imported, else once it is.

    Nothing is done where another thread imports the host with our loader: that import will register. To wait for it
    here, in the import of our package, which it needs, would be a deadlock.
    """
    _put_finder()  # before the look, so that no import slips in between
    host = sys.modules.get(HOST)
    if host is not None and not _is_ours(getattr(getattr(host, "__spec__", None), "loader", None)):
        _remove_finder()
        from ultra_face.registration import register

        register()


def _activate() -> None:
    """Register; whatever that raises, the host stays as it is."""
    try:
        from ultra_face.registration import register

        register()
    except Exception as error:
        _warn(error)


def _put_finder() -> None:
    if not any(map(_is_ours, sys.meta_path)):
        sys.meta_path.insert(0, HostFinder())  # type: ignore[arg-type]


def _remove_finder() -> None:
    sys.meta_path[:] = _finders_of_others()


def _finders_of_others() -> "list[Any]":
    return [finder for finder in sys.meta_path if not _is_ours(finder)]


def _is_ours(thing: object) -> bool:
    """Whether a finder or loader is of this file, in either of its two copies."""
    return type(thing).__name__ in {"HostFinder", "HostLoader"}


def _warn(error: Exception) -> None:
    import warnings

    warnings.warn(
        f"ultra-face could not be activated ({type(error).__name__}: {error}); Ultralytics works unchanged. "
        "Run `python -m ultra_face doctor`, or set ULTRA_FACE_AUTOLOAD=0 to silence this.",
        RuntimeWarning,
        stacklevel=3,
    )
