"""Registration happens once, in the tested range only, and tells in one warning what it could not do."""

from __future__ import annotations

import json
import re
import sys
import time
from types import SimpleNamespace

import pytest
from interpreters import last_line, run_python

from ultra_face import plugin
from ultra_face.plugin import registration
from ultra_face.plugin.registration import Seam

# What a program sees that imports us explicitly on a host which `{change}` has altered.
PROBE = """
import sys, warnings
{change}
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import ultra_face
    ultra_face.register()
"""
PRINT_WARNINGS = "import json; print(json.dumps([str(warning.message) for warning in caught]))"
CHANGED_PARSER = """
import copy
from types import FunctionType
from ultralytics.nn import tasks
stock, before = tasks.parse_model, dict(vars(tasks.PoseModel))
tasks.parse_model = changed = FunctionType(stock.__code__, dict(vars(tasks)), "parse_model", (True,))
"""


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch):
    """Set the version and the seams that registration finds; what really holds comes back afterwards."""

    def set_state(version: str, *seams: Seam) -> None:
        monkeypatch.setattr(registration, "_import_host", lambda: (version, None))
        monkeypatch.setattr(registration, "_apply_seams", lambda wait: seams)
        monkeypatch.setattr(registration, "_seams", None)

    known = registration.register()
    yield set_state
    monkeypatch.undo()
    assert registration.register() == known


def test_the_range_is_the_one_that_pip_is_told(repository):
    assert f'"ultralytics{registration.SUPPORTED}"' in (repository / "pyproject.toml").read_text()


@pytest.mark.parametrize("version", [registration.LOWEST, "8.4.190", "8.4.999", "8.4.190.dev0"])
def test_versions_inside(version):
    assert registration.is_supported(version)


@pytest.mark.parametrize("version", ["8.4.103", "8.3.250", "8.5.0", "9.0", ""])
def test_versions_outside(version):
    assert not registration.is_supported(version)


def test_seams_that_hold_warn_of_nothing(fresh):
    fresh("8.4.190", Seam("parser", True), Seam("files", True))
    assert registration.register() == (Seam("parser", True), Seam("files", True))


def test_one_warning_names_every_broken_seam_and_the_versions(fresh):
    fresh("8.4.191", Seam("parser", False, "it changed"), Seam("files", True), Seam("criterion", False, "gone"))
    expected = (
        re.escape("ultra-face: parser: it changed; criterion: gone.")
        + ".*8[.]4[.]191.*"
        + re.escape(registration.SUPPORTED)
    )
    with pytest.warns(RuntimeWarning, match=expected) as caught:
        registration.register()
    registration.register()
    assert len(caught) == 1


HALF_MADE = (
    ImportError("cannot import name 'Annotator' from partially initialized module 'ultralytics.utils.plotting'"),
    RuntimeError("deadlock detected by _ModuleLock('ultralytics.engine.model') at 140422869309840"),
)

# This thread holds the lock of a package and asks for a part; another holds that of the part, and asks for the package.
WAITING_FOR_EACH_OTHER = """
import importlib, os, sys, threading, time
from importlib.machinery import ModuleSpec

class Package:
    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self, is_package=True) if name == "package" else None

    def create_module(self, spec):
        other = threading.Thread(target=importlib.import_module, args=("package.part",), daemon=True)
        other.start()
        while other.ident not in importlib._bootstrap._blocking_on:
            time.sleep(0.001)

    def exec_module(self, module):
        import package.part

sys.meta_path.insert(0, Package())
try:
    import package
except RuntimeError as error:
    print(error, flush=True)
os._exit(0)
"""


@pytest.fixture(params=HALF_MADE, ids=["a name", "a lock"])
def half_made(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    """Let the import of the seams fail so many times, as while another thread imports what they need."""

    def set_failures(times: int) -> list[float]:
        slept: list[float] = []
        left = iter([True] * times)

        def find_spec(name, path=None, target=None):
            if name == "ultra_face.plugin.host" and next(left, False):
                raise request.param

        monkeypatch.setattr(registration, "_import_host", lambda: ("8.4.190", None))
        monkeypatch.setattr(registration, "_seams", None)
        monkeypatch.setattr(registration, "time", SimpleNamespace(sleep=slept.append, monotonic=time.monotonic))
        monkeypatch.delitem(sys.modules, "ultra_face.plugin.host")
        monkeypatch.setattr(sys, "meta_path", [SimpleNamespace(find_spec=find_spec), *sys.meta_path])
        return slept

    known, host = registration.register(), sys.modules["ultra_face.plugin.host"]
    monkeypatch.setattr(plugin, "host", host)
    yield set_failures
    monkeypatch.undo()
    assert registration.register() == known


def test_within_the_import_of_the_host_nothing_is_decided_while_another_thread_imports_its_parts(half_made):
    slept = half_made(1)
    assert registration.register(wait=False) == ()
    assert slept == []
    assert registration._seams is None


def test_else_the_other_thread_is_waited_for(half_made, monkeypatch):
    slept = half_made(2)

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            host = SimpleNamespace(apply_seams=lambda: {"parser": ""})
            monkeypatch.setitem(sys.modules, "ultra_face.plugin.host", host)

    monkeypatch.setattr(registration.time, "sleep", sleep)
    assert registration.register() == (Seam("parser", True),)
    assert slept == [registration.INTERVAL] * 2


def test_but_not_for_ever(half_made, request, monkeypatch):
    half_made(1000)
    monkeypatch.setattr(registration, "SECONDS", -1)
    error = request.node.callspec.params["half_made"]
    told = re.escape(f"Ultralytics has changed ({type(error).__name__}: {error})")
    with pytest.warns(RuntimeWarning, match=told):
        registration.register()


def test_these_are_the_words_of_python_where_two_threads_would_wait_for_each_other(tmp_path):
    assert registration.HALF_MADE[1] in last_line(run_python("-c", WAITING_FOR_EACH_OTHER, folder=tmp_path))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("sys.modules['ultralytics'] = None", "Ultralytics cannot be imported (ModuleNotFoundError"),
        ("from ultralytics.utils import loss; del loss.v8PoseLoss", "Ultralytics has changed (ImportError"),
        (CHANGED_PARSER, "parse_model has changed: of its sets of modules only [] were found"),
    ],
    ids=["missing", "a class is gone", "another parser"],
)
def test_a_host_that_does_not_fit_gets_one_warning(tmp_path, change, reason):
    code = PROBE.format(change=change) + PRINT_WARNINGS
    (warning,) = json.loads(last_line(run_python("-c", code, folder=tmp_path, ULTRA_FACE_AUTOLOAD="0")))
    assert reason in warning
    assert f"supported is {registration.SUPPORTED}" in warning


def test_a_host_without_what_our_layers_need_builds_stock_models_with_one_warning(tmp_path):
    """Our layers wait for the first model, so that importing Ultralytics stays quick."""
    change = "from ultralytics.nn import tasks; from ultralytics.utils import loss; del loss.v8PoseLoss"
    code = PROBE.format(change=change) + "    tasks.DetectionModel('yolov8n.yaml', verbose=False)\n" + PRINT_WARNINGS
    (warning,) = json.loads(last_line(run_python("-c", code, folder=tmp_path, ULTRA_FACE_AUTOLOAD="0")))
    assert "layers and heads: Ultralytics" in warning
    assert "has changed (ImportError: cannot import name 'v8PoseLoss'" in warning
    assert "python -m ultra_face doctor" in warning


def test_a_host_without_what_our_layers_need_predicts_with_stock_models(tmp_path):
    change = "from ultralytics import YOLO; from ultralytics.utils import loss; del loss.v8PoseLoss"
    predict = "YOLO('yolov8n.yaml').predict(np.zeros((64, 64, 3), np.uint8), imgsz=64, device='cpu', verbose=False)"
    code = PROBE.format(change=change) + f"    import numpy as np; found = {predict}\nprint(len(found))"
    assert last_line(run_python("-c", code, folder=tmp_path, ULTRA_FACE_AUTOLOAD="0")) == "1"


def test_outside_the_range_nothing_of_the_host_changes(tmp_path):
    change = f"{CHANGED_PARSER}\nimport ultralytics; ultralytics.__version__ = '9.0.0'"
    code = PROBE.format(change=change) + (
        "print(len(caught), tasks.parse_model is changed, dict(vars(tasks.PoseModel)) == before)"
    )
    assert last_line(run_python("-c", code, folder=tmp_path, ULTRA_FACE_AUTOLOAD="0")) == "1 True True"


def test_a_parser_that_we_do_not_know_builds_stock_models(tmp_path):
    code = PROBE.format(change=CHANGED_PARSER) + (
        "from ultralytics import YOLO\nprint(tasks.parse_model is changed, len(YOLO('yolov8n.yaml').model.model))"
    )
    # yolov8.yaml has 10 rows in its backbone and 13 in its head.
    assert last_line(run_python("-c", code, folder=tmp_path, ULTRA_FACE_AUTOLOAD="0")) == "True 23"
