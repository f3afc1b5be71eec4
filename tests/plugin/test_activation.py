"""The start-up module and its finder, apart from the rest: they must find every host and break none."""

from __future__ import annotations

import importlib.util
import os
import sys
import types
from pathlib import Path

import pytest
from interpreters import last_line, run_python

from ultra_face.plugin import autoload
from ultra_face.plugin.registration import Seam

HOST = "a_host_for_this_test"
IS_ACTIVE = (
    "import ultralytics, sys; from ultralytics.nn import tasks; "
    "print('ultra_face' in sys.modules, hasattr(tasks.parse_model, '__wrapped__'))"
)


@pytest.fixture
def start(repository: Path, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """The start-up module of the checkout, aimed at a host of this test; what it installs is taken back."""
    name = "_ultra_face_autoload"
    spec = importlib.util.spec_from_file_location(name, repository / "activation" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for each in (module, autoload):
        monkeypatch.setattr(each, "HOST", HOST)
    monkeypatch.setattr(sys, "meta_path", autoload._finders_of_others())
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
def activations(start: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each registration: the version that the host had set by then."""
    seen: list[int] = []

    def register(**_: bool) -> tuple[Seam, ...]:
        seen.append(sys.modules[HOST].version)
        return (Seam("parser", True),)

    monkeypatch.setattr(autoload.registration, "register", register)
    return seen


def test_activates_once_after_the_host_has_run(start, host, activations):
    start.install()
    assert activations == []
    importlib.import_module(HOST)
    importlib.reload(sys.modules[HOST])
    assert activations == [1]


def test_what_another_thread_imports_is_waited_for_at_first_use_of_the_host(start, host, monkeypatch):
    """Not within the import of the host, for which that thread waits."""
    host.write_text("def __getattr__(name):\n    return name\n")
    calls = []

    def register(*, wait: bool = True) -> tuple[Seam, ...]:
        calls.append(wait)
        if wait:
            assert sys.modules[HOST].asked_by_what_registers == "asked_by_what_registers"
        return (Seam("parser", True),) if wait else ()

    monkeypatch.setattr(autoload.registration, "register", register)
    start.install()
    module = importlib.import_module(HOST)
    assert calls == [False]
    assert (module.YOLO, module.SAM) == ("YOLO", "SAM")
    assert calls == [False, True]
    assert module.__getattr__.__module__ == HOST


def test_what_fails_at_first_use_leaves_the_host_unchanged(start, host, monkeypatch):
    host.write_text("def __getattr__(name):\n    return name\n")

    def register(*, wait: bool = True) -> tuple[Seam, ...]:
        if wait:
            raise KeyError("a seam")
        return ()

    monkeypatch.setattr(autoload.registration, "register", register)
    start.install()
    module = importlib.import_module(HOST)
    with pytest.warns(RuntimeWarning, match="could not be activated .KeyError: 'a seam'.; Ultralytics works unchanged"):
        assert module.YOLO == "YOLO"
    assert module.SAM == "SAM"


def test_installing_twice_puts_one_finder(start):
    before = len(sys.meta_path)
    start.install()
    start.install()
    assert len(sys.meta_path) == before + 1


def test_asking_for_the_spec_does_not_disarm(start, host, activations):
    """Programs look for a spec to learn what is installed, and import later."""
    start.install()
    assert importlib.util.find_spec(HOST) is not None
    assert activations == []
    importlib.import_module(HOST)
    assert activations == [1]


def test_finds_a_host_that_another_finder_serves(start, host, activations, monkeypatch):
    """An editable install of Ultralytics by setuptools is found by a finder, not on the path."""

    class EditableFinder:
        def find_spec(self, name, path=None, target=None):
            return importlib.util.spec_from_file_location(name, host) if name == HOST else None

    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != str(host.parent.parent)])
    sys.meta_path.append(EditableFinder())
    start.install()
    importlib.import_module(HOST)
    assert activations == [1]


def test_a_missing_host_stays_an_ordinary_import_error(start):
    start.install()
    with pytest.raises(ModuleNotFoundError, match=HOST):
        importlib.import_module(HOST)


def test_a_host_that_fails_is_retried_and_then_activates(start, host, activations):
    host.write_text("raise ValueError('broken host')\n")
    start.install()
    with pytest.raises(ValueError, match="broken host"):
        importlib.import_module(HOST)
    host.write_text("version = 22\n")  # another length, so that the cached bytecode is stale
    importlib.invalidate_caches()
    importlib.import_module(HOST)
    assert activations == [22]


@pytest.mark.parametrize("broken", ["the package is gone", "it does not register"])
def test_our_failure_is_one_warning_and_the_host_works(start, host, monkeypatch, broken):
    if broken == "the package is gone":
        monkeypatch.setitem(sys.modules, "ultra_face", None)
    else:
        monkeypatch.delattr(autoload.registration, "register")
    start.install()
    with pytest.warns(RuntimeWarning, match="could not be activated.*ULTRA_FACE_AUTOLOAD=0") as caught:
        importlib.import_module(HOST)
    assert len(caught) == 1
    assert sys.modules[HOST].version == 1


def test_a_failure_of_another_finder_is_reported_and_left_to_python(start, host):
    class BrokenFinder:
        calls = 0

        def find_spec(self, name, path=None, target=None):
            BrokenFinder.calls += 1
            if name == HOST and BrokenFinder.calls == 1:
                raise RuntimeError("a broken finder")

    sys.meta_path.insert(0, BrokenFinder())
    start.install()
    with pytest.warns(RuntimeWarning, match="a broken finder"):
        importlib.import_module(HOST)
    assert sys.modules[HOST].version == 1


@pytest.mark.parametrize("already_imported", [False, True])
def test_installs_nothing_when_off_or_too_late(start, monkeypatch, already_imported):
    if already_imported:
        monkeypatch.setitem(sys.modules, HOST, types.ModuleType(HOST))
    else:
        monkeypatch.setenv("ULTRA_FACE_AUTOLOAD", "0")
    before = list(sys.meta_path)
    start.install()
    assert sys.meta_path == before


def test_a_loader_that_serves_other_modules_too_is_left_as_it_is(start, host, activations):
    """As that of a zip file or of a frozen application, which is one object for all of its modules."""

    class SharedLoader:
        def create_module(self, spec):
            return None

        def exec_module(self, module):
            module.version = 3

    shared = SharedLoader()

    class SharedFinder:
        def find_spec(self, name, path=None, target=None):
            return importlib.util.spec_from_loader(name, shared) if name in {HOST, "another_of_this_test"} else None

    sys.meta_path.insert(0, SharedFinder())
    start.install()
    importlib.util.find_spec(HOST)
    importlib.import_module("another_of_this_test")
    assert activations == []
    importlib.import_module(HOST)
    assert activations == [3]
    assert sys.modules[HOST].__spec__.loader is sys.modules[HOST].__loader__ is shared
    assert vars(shared) == {}


@pytest.mark.parametrize("started", [False, True])
def test_the_package_waits_for_the_host(start, host, activations, started):
    """With one finder, its own or that of the start-up file."""
    before = list(sys.meta_path)
    if started:
        start.install()
    autoload.register_with_host()
    assert len(sys.meta_path) == len(before) + 1
    importlib.import_module(HOST)
    assert activations == [1]
    assert sys.meta_path == before


def test_the_package_registers_at_once_where_the_host_is_imported(start, host, activations):
    importlib.import_module(HOST)
    before = list(sys.meta_path)
    autoload.register_with_host()
    assert activations == [1]
    assert sys.meta_path == before


def test_the_package_leaves_it_to_an_import_under_way(start, host, activations, monkeypatch):
    """As in another thread, which waits for the package: to wait for it in turn would be a deadlock."""
    host.write_text("version = 1\nfrom ultra_face import autoload\nautoload.register_with_host()\nversion = 2\n")
    start.install()
    importlib.import_module(HOST)
    assert activations == [2]


def test_start_files_call_the_module(repository, start):
    """The .pth line and the entry of PEP 829 name the function that the tests above exercise."""
    activation = repository / "activation"
    assert (activation / "ultra_face.start").read_text() == "_ultra_face_autoload:install\n"
    assert (activation / "ultra_face.pth").read_text() == (
        "import _ultra_face_autoload; _ultra_face_autoload.install()\n"
    )
    assert callable(start.install)


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


def test_looking_for_the_host_imports_nothing_of_ours(tmp_path):
    """Python holds a lock on all imports meanwhile; to wait for another thread there is a deadlock."""
    code = (
        "import sys, importlib.util as u; print(type(u.find_spec('ultralytics').loader), 'ultra_face' in sys.modules)"
    )
    done = run_python("-c", code, folder=tmp_path, ULTRA_FACE_AUTOLOAD="1")
    assert last_line(done) == "<class '_ultra_face_autoload.StartLoader'> False"


def test_switched_off_leaves_ultralytics_alone(tmp_path):
    assert last_line(run_python("-c", IS_ACTIVE, folder=tmp_path, ULTRA_FACE_AUTOLOAD="0")) == "False False"


def test_explicit_import_activates_where_no_start_file_runs(tmp_path):
    """`python -S` runs no .pth; the packages are then found by PYTHONPATH."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    done = run_python("-S", "-c", f"import ultra_face; {IS_ACTIVE}", folder=tmp_path, PYTHONPATH=path)
    assert last_line(done) == "True True"


@pytest.mark.parametrize("module", ["ultra_face", "ultra_face.evaluation.report", "ultra_face.data.prepare"])
def test_the_package_loads_no_torch(tmp_path, module):
    heavy = "{'torch', 'ultralytics', 'scipy', 'matplotlib'} & set(sys.modules)"
    code = f"import sys, {module}; from ultra_face import Faces; print({heavy})"
    assert last_line(run_python("-c", code, folder=tmp_path)) == "set()"


def test_importing_ultralytics_loads_neither_matplotlib_nor_scipy(tmp_path):
    code = (
        "import ultralytics, sys; "
        "print('ultra_face.plugin.host' in sys.modules, {'matplotlib', 'scipy'} & set(sys.modules))"
    )
    assert last_line(run_python("-c", code, folder=tmp_path)) == "True set()"


@pytest.mark.parametrize("autoload", ["0", "1"])
def test_the_package_before_ultralytics_activates(tmp_path, autoload):
    code = f"import ultra_face; {IS_ACTIVE}"
    assert last_line(run_python("-c", code, folder=tmp_path, ULTRA_FACE_AUTOLOAD=autoload)) == "True True"


OURS_FIRST = """
import ultra_face.MODULE
from ultralytics import YOLO
from ultra_face.heads.anchor_pose import AnchorPose
network = YOLO("yolov5n-cbam.yaml", task="pose").model
print([seam for seam in ultra_face.register() if not seam.holds], type(network.model[-1]) is AnchorPose)
"""


@pytest.mark.slow
@pytest.mark.parametrize("module", ["heads.anchor_pose", "nn.cbam", "losses.face_loss", "plugin.callbacks.validation"])
def test_a_module_of_ours_that_imports_ultralytics_may_come_first(tmp_path, module):
    """It is half made when Ultralytics registers us."""
    done = run_python("-W", "error::RuntimeWarning", "-c", OURS_FIRST.replace("MODULE", module), folder=tmp_path)
    assert last_line(done) == "[] True"


THREADS = """
import faulthandler, sys, threading, time
faulthandler.dump_traceback_later(100, exit=True)  # threads that wait for each other say where

def load():
    from ultralytics import YOLO
    found["model"] = type(YOLO("yolov5n-aesvc.yaml", task="pose").model.model[-1]).__name__

def ours():
    OTHER
    found["ours"] = True

found, delay = {}, float(sys.argv[2])
order = {"host first": [load, ours], "ours first": [ours, load]}[sys.argv[1]]
threads = [threading.Thread(target=target) for target in order]
for thread in threads:
    thread.start()
    time.sleep(delay)
for thread in threads:
    thread.join()
print(sorted(found.items()))
"""


@pytest.mark.slow
@pytest.mark.parametrize("order", ["host first", "ours first"])
@pytest.mark.parametrize("delay", ["0", "0.1", "1"])
@pytest.mark.parametrize(
    "other",
    [
        "from ultra_face import Faces",
        "from ultra_face import register; register()",
        "from ultra_face.heads.anchor_pose import AnchorPose",
    ],
    ids=["Faces", "register", "a head"],
)
def test_two_threads_that_import_at_once_find_what_one_thread_finds(tmp_path, order, delay, other):
    code = THREADS.replace("OTHER", other)
    done = run_python("-W", "error::RuntimeWarning", "-c", code, order, delay, folder=tmp_path, ULTRA_FACE_AUTOLOAD="1")
    assert last_line(done) == "[('model', 'AnchorPose'), ('ours', True)]", done.stderr
