"""The start-up module and its finder, apart from the rest: they must find every host and break none."""

from __future__ import annotations

import importlib.util
import os
import sys
import types
from pathlib import Path

import pytest
from interpreters import last_line, run_python

HOST = "a_host_for_this_test"
IS_ACTIVE = (
    "import ultralytics, sys; from ultralytics.nn import tasks; "
    "print('ultra_face' in sys.modules, hasattr(tasks.parse_model, '__wrapped__'))"
)


@pytest.fixture
def autoload(repository: Path, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """The start-up module of the checkout, aimed at a host of this test; what it installs is taken back."""
    spec = importlib.util.spec_from_file_location(
        "autoload_under_test", repository / "activation" / "_ultra_face_autoload.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "HOST", HOST)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.delenv("ULTRA_FACE_AUTOLOAD", raising=False)
    yield module
    sys.modules.pop(HOST, None)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host package on the path, which notes that it has run."""
    package = tmp_path / HOST / "__init__.py"
    package.parent.mkdir()
    package.write_text("version = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    return package


@pytest.fixture
def activations(autoload: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each activation: the version that the host had set by then."""
    seen: list[int] = []
    monkeypatch.setattr(autoload, "_activate", lambda: seen.append(sys.modules[HOST].version))
    return seen


def test_activates_once_after_the_host_has_run(autoload, host, activations):
    autoload.install()
    assert activations == []
    importlib.import_module(HOST)
    importlib.reload(sys.modules[HOST])
    assert activations == [1]


def test_installing_twice_puts_one_finder(autoload):
    before = len(sys.meta_path)
    autoload.install()
    autoload.install()
    assert len(sys.meta_path) == before + 1


def test_asking_for_the_spec_does_not_disarm(autoload, host, activations):
    """Programs look for a spec to learn what is installed, and import later."""
    autoload.install()
    assert importlib.util.find_spec(HOST) is not None
    assert activations == []
    importlib.import_module(HOST)
    assert activations == [1]


def test_finds_a_host_that_another_finder_serves(autoload, host, activations, monkeypatch):
    """An editable install of Ultralytics by setuptools is found by a finder, not on the path."""

    class EditableFinder:
        def find_spec(self, name, path=None, target=None):
            return importlib.util.spec_from_file_location(name, host) if name == HOST else None

    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != str(host.parent.parent)])
    sys.meta_path.append(EditableFinder())
    autoload.install()
    importlib.import_module(HOST)
    assert activations == [1]


def test_a_missing_host_stays_an_ordinary_import_error(autoload):
    autoload.install()
    with pytest.raises(ModuleNotFoundError, match=HOST):
        importlib.import_module(HOST)


def test_a_host_that_fails_is_retried_and_then_activates(autoload, host, activations):
    host.write_text("raise ValueError('broken host')\n")
    autoload.install()
    with pytest.raises(ValueError, match="broken host"):
        importlib.import_module(HOST)
    host.write_text("version = 22\n")  # another length, so that the cached bytecode is stale
    importlib.invalidate_caches()
    importlib.import_module(HOST)
    assert activations == [22]


def test_our_failure_is_one_warning_and_the_host_works(autoload, host, monkeypatch):
    monkeypatch.setitem(sys.modules, "ultra_face", None)
    autoload.install()
    with pytest.warns(RuntimeWarning, match="could not be activated.*ULTRA_FACE_AUTOLOAD=0") as caught:
        importlib.import_module(HOST)
    assert len(caught) == 1
    assert sys.modules[HOST].version == 1


def test_a_failure_of_another_finder_is_reported_and_left_to_python(autoload, host):
    class BrokenFinder:
        calls = 0

        def find_spec(self, name, path=None, target=None):
            BrokenFinder.calls += 1
            if name == HOST and BrokenFinder.calls == 1:
                raise RuntimeError("a broken finder")

    sys.meta_path.insert(0, BrokenFinder())
    autoload.install()
    with pytest.warns(RuntimeWarning, match="a broken finder"):
        importlib.import_module(HOST)
    assert sys.modules[HOST].version == 1


@pytest.mark.parametrize("already_imported", [False, True])
def test_installs_nothing_when_off_or_too_late(autoload, monkeypatch, already_imported):
    if already_imported:
        monkeypatch.setitem(sys.modules, HOST, types.ModuleType(HOST))
    else:
        monkeypatch.setenv("ULTRA_FACE_AUTOLOAD", "0")
    before = list(sys.meta_path)
    autoload.install()
    assert sys.meta_path == before


def test_start_files_call_the_module(repository, autoload):
    """The .pth line and the entry of PEP 829 name the function that the tests above exercise."""
    activation = repository / "activation"
    assert (activation / "ultra_face.start").read_text() == "_ultra_face_autoload:install\n"
    assert (activation / "ultra_face.pth").read_text() == (
        "import _ultra_face_autoload; _ultra_face_autoload.install()\n"
    )
    assert callable(autoload.install)


def test_start_up_imports_nothing_beside_itself(repository, tmp_path):
    """`os` and `sys` are part of every start; all else would cost time where nobody needs us."""
    code = (
        "import os, sys; before = set(sys.modules); sys.path.insert(0, sys.argv[1])\n"
        "import _ultra_face_autoload as a; a.install(); print(sorted(set(sys.modules) - before))"
    )
    done = run_python("-S", "-c", code, str(repository / "activation"), folder=tmp_path, ULTRA_FACE_AUTOLOAD="1")
    assert last_line(done) == "['_ultra_face_autoload']"


def test_a_plain_interpreter_imports_no_torch(tmp_path):
    code = (
        "import sys; heavy = {'torch', 'ultralytics', 'ultra_face'}; "
        "print('_ultra_face_autoload' in sys.modules, heavy & set(sys.modules))"
    )
    assert last_line(run_python("-c", code, folder=tmp_path)) == "True set()"


def test_importing_ultralytics_activates(tmp_path):
    assert last_line(run_python("-c", IS_ACTIVE, folder=tmp_path, ULTRA_FACE_AUTOLOAD="1")) == "True True"


def test_switched_off_leaves_ultralytics_alone(tmp_path):
    assert last_line(run_python("-c", IS_ACTIVE, folder=tmp_path, ULTRA_FACE_AUTOLOAD="0")) == "False False"


def test_explicit_import_activates_where_no_start_file_runs(tmp_path):
    """`python -S` runs no .pth; the packages are then found by PYTHONPATH."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    done = run_python("-S", "-c", f"import ultra_face; {IS_ACTIVE}", folder=tmp_path, PYTHONPATH=path)
    assert last_line(done) == "True True"
