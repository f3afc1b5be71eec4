"""What a checkpoint names is found: classes where they are now, and where they were when it was written."""

from __future__ import annotations

import importlib
import pickletools
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from interpreters import last_line, run_python
from ultralytics import YOLO

from ultra_face.plugin.checkpoints import FORMER_PATHS, STORED_CLASSES, FormerPaths, open_former_paths, stored_classes

OLD = Path(__file__).parent / "written-by-0.1.0.pt"
"""A model of few channels with every layer that has moved since, SRPose and a generator; written before the move."""

SUM = 541043.2301764307
"""Of all its predictions for a ramp of 128 x 128 px, by the code that wrote it."""


def predictions(network: torch.nn.Module) -> float:
    ramp = torch.linspace(0, 1, 3 * 128 * 128).view(1, 3, 128, 128)
    with torch.no_grad():
        return float(network.float()(ramp)[0].double().sum())


def modules_named(checkpoint: Path) -> set[str]:
    """Our modules whose classes the pickle of a checkpoint asks for."""
    with zipfile.ZipFile(checkpoint) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("data.pkl"))
        asked = [what for operation, what, _ in pickletools.genops(archive.read(name)) if operation.name == "GLOBAL"]
    return {module for module in (what.split(" ")[0] for what in asked) if module.startswith("ultra_face.")}


def test_the_old_file_names_every_path_that_classes_have_left() -> None:
    assert {path for path in FORMER_PATHS if ".nn." in path} <= modules_named(OLD)


def test_an_old_checkpoint_predicts_as_it_did() -> None:
    assert predictions(YOLO(OLD).model) == pytest.approx(SUM, rel=1e-6)


def test_an_old_checkpoint_loads_with_weights_only(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.serialization.add_safe_globals(stored_classes())
    monkeypatch.setenv("ULTRALYTICS_SAFE_LOAD", "1")
    assert predictions(YOLO(OLD).model) == pytest.approx(SUM, rel=1e-6)


def test_what_is_saved_again_names_present_paths(tmp_path: Path) -> None:
    YOLO(OLD).save(tmp_path / "new.pt")
    assert modules_named(tmp_path / "new.pt") <= set(STORED_CLASSES)


def test_the_shipped_weights_name_present_paths(repository: Path) -> None:
    for weights in (repository / "weights").glob("*.pt"):
        assert modules_named(weights) <= set(STORED_CLASSES)


def test_an_old_path_imports_first_in_a_new_interpreter(tmp_path: Path) -> None:
    code = "import ultra_face.nn.cgs as old; from ultra_face.nn import mc4f; print(old.CGS is mc4f.CGS, old.__doc__)"
    assert last_line(run_python("-c", code, folder=tmp_path)) == "True Moved to `ultra_face.nn.mc4f`."


@pytest.mark.parametrize("path", FORMER_PATHS)
def test_a_former_path_has_the_names_of_the_present_one(path: str) -> None:
    present, former = importlib.import_module(FORMER_PATHS[path]), importlib.import_module(path)
    names = {name for name in vars(present) if not name.startswith("__")}
    assert {name for name in names if getattr(former, name) is getattr(present, name)} == names


def test_other_paths_are_left_to_other_finders() -> None:
    assert FormerPaths().find_spec("ultra_face.nn.mc4f") is None
    with pytest.raises(ModuleNotFoundError, match=r"ultra_face\.nn\.never"):
        importlib.import_module("ultra_face.nn.never")


def test_the_finder_is_put_in_once() -> None:
    open_former_paths()
    assert len([finder for finder in sys.meta_path if isinstance(finder, FormerPaths)]) == 1
