"""Imports point one way: cli -> plugin, detector -> heads -> losses, refinement -> nn; cli -> data -> formats -> faces.

All may know faces, which stand on pictures and exchange, and these on nothing of ours but how files are written whole.

Nothing lies loose beside the rooms. Formats, data, demo, detection and evaluation know no torch, but for what runs a
detector.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest

import ultra_face

PACKAGE = Path(ultra_face.__file__).parent
MODULES = {
    "ultra_face." + ".".join(file.relative_to(PACKAGE).with_suffix("").parts): file
    for file in sorted(PACKAGE.rglob("*.py"))
    if file.name != "__init__.py"
}
# What each room may import of the others.
MAY_IMPORT = {
    "files": set(),
    "pictures": set(),
    "exchange": {"files"},
    "face": {"pictures"},
    "faces": {"files", "face", "pictures", "exchange"},
    "nn": set(),
    "losses": set(),
    "formats": {"files", "faces"},
    "refinement": {"files", "nn", "formats", "faces"},
    "heads": {"losses", "nn", "refinement"},
    "data": {"files", "formats", "faces", "losses", "pictures"},  # of the losses, how anchors are matched
    "demo": {"data", "formats"},
    "super_resolution": {"files", "nn", "data", "formats", "faces", "runtimes"},
    "runtimes": {"files", "refinement", "formats"},
    "calibration": {"heads", "refinement", "formats", "runtimes", "evaluation", "detection"},
    "deploy": {"files", "nn", "heads", "refinement", "formats", "runtimes", "evaluation", "detector"},
    "detection": {"runtimes", "formats", "faces", "pictures"},
    "detector": {"files", "detection", "runtimes", "plugin", "faces"},
    "evaluation": {"files", "formats", "faces", "runtimes"},
    "video": {"files", "formats", "faces"},
    "bulk": {"files", "detector", "detection", "formats", "faces", "exchange"},
    "web": {"files", "deploy", "detector", "runtimes", "plugin", "formats"},
    "plugin": {
        "files", "heads", "losses", "refinement", "nn", "data", "evaluation", "formats", "faces", "runtimes",
    },
    "cli": {
        "plugin", "refinement", "super_resolution", "data", "evaluation", "formats", "faces", "runtimes", "detection",
        "detector", "video", "exchange", "deploy", "calibration", "web", "files", "bulk",
    },
    "__main__": {"cli", "files"},
}  # fmt: skip
# What needs neither torch nor Ultralytics, but for the modules below, which run a detector or its trackers.
WITHOUT_TORCH = (
    "pictures", "exchange", "face", "faces", "formats", "data", "demo", "evaluation", "detection", "detector", "video",
    "web", "files", "bulk",
)  # fmt: skip
RUN_ULTRALYTICS = {
    "ultra_face.evaluation.detect_images", "ultra_face.evaluation.detect_folders", "ultra_face.video.tracking",
    "ultra_face.web.page_model",
}  # fmt: skip
OF_ULTRALYTICS = {"torch", "torchvision"}
"""What Ultralytics cannot do without, and names in its own dependencies."""
HEAVY = {"torch", "torchvision", "ultralytics"}


def imports(file: Path) -> set[str]:
    """Dotted names of all imports in a file, in functions too; `from a import b` gives `a` and `a.b`."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def ours(file: Path) -> set[str]:
    """Modules of ultra_face that a file imports."""
    return imports(file) & set(MODULES)


def part(module: str) -> str:
    """The sub-package of a module, or the module itself at the top level."""
    return module.split(".")[1]


@pytest.mark.parametrize("name", MAY_IMPORT)
def test_a_part_imports_only_what_lies_below_it(name):
    members = {module: file for module, file in MODULES.items() if part(module) == name}
    assert members, f"ultra_face.{name} has no modules"
    wrong = {
        module: sorted(target for target in ours(file) if part(target) not in MAY_IMPORT[name] | {name})
        for module, file in members.items()
    }
    assert {module: targets for module, targets in wrong.items() if targets} == {}


def test_every_module_lies_in_a_room():
    assert {part(module) for module in MODULES} == set(MAY_IMPORT)


@pytest.mark.parametrize("name", WITHOUT_TORCH)
def test_what_reads_and_writes_knows_no_torch(name):
    knowing = {
        module
        for module, file in MODULES.items()
        if part(module) == name and {target.split(".")[0] for target in imports(file)} & HEAVY
    }
    assert knowing <= RUN_ULTRALYTICS


def test_there_are_no_cycles():
    """Leave out, again and again, what imports nothing that is left; a cycle is what remains."""
    left = {module: ours(file) for module, file in MODULES.items()}
    while leaves := {module for module, targets in left.items() if not targets & set(left)}:
        left = {module: targets for module, targets in left.items() if module not in leaves}
    assert left == {}


def test_sub_packages_are_empty():
    """But for `bulk`, whose one call is `ultra_face.bulk.detect`."""
    assert [init.parent.name for init in PACKAGE.glob("*/__init__.py") if init.read_text().strip()] == ["bulk"]


def test_only_the_host_touches_internals_of_ultralytics():
    """Elsewhere an import names a class or function, never a module whose contents the seams change."""
    modules_of_host = {
        "ultralytics.nn.tasks", "ultralytics.utils.checks", "ultralytics.utils.downloads",
        "ultralytics.utils.callbacks.base", "ultralytics.nn", "ultralytics.utils.callbacks",
    }  # fmt: skip
    wrong = {
        module: sorted(found)
        for module, file in MODULES.items()
        if module != "ultra_face.plugin.host" and (found := imports(file) & modules_of_host)
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f():\n    from ultra_face.plugin.host import apply_seams", {"ultra_face.plugin.host"}),
        ("from ultra_face.plugin import files", {"ultra_face.plugin.files"}),
        ("import ultra_face.plugin.parser", {"ultra_face.plugin.parser"}),
    ],
)
def test_every_way_to_import_is_seen(tmp_path, source, expected):
    file = tmp_path / "a.py"
    file.write_text(source)
    assert ours(file) == expected


def test_what_is_imported_is_installed_with_the_package():
    """Or a command of a plain installation ends in `No module named`."""
    pytest.importorskip("torch")
    asked = [line for line in requires("ultra-face") or () if not re.search("extra == .dev.", line)]
    installed = {re.split(r"[<>=!~\[; ]", line)[0].lower() for line in asked} | OF_ULTRALYTICS
    imported = {name.split(".")[0] for file in MODULES.values() for name in imports(file)}
    others = imported - set(sys.stdlib_module_names) - {"ultra_face"}
    distributions = packages_distributions()
    missing = {name for name in others if not {part.lower() for part in distributions.get(name, [name])} & installed}
    assert missing == set()


TOP = {
    *(".ci", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md"),
    *("RESULTS.md", "SECURITY.md", "activation", "benchmarks", "cfg", "constraints.txt", "docs", "examples"),
    *("pyproject.toml", "results", "tests", "tools", "training", "ultra_face", "weights"),
}


def test_nothing_lies_loose_at_the_top(repository):
    """What a command or a test writes where it is called must not be committed with all else."""
    listed = subprocess.run(["git", "ls-files"], cwd=repository, capture_output=True, text=True, check=False)
    if listed.returncode or not listed.stdout:
        pytest.skip("needs a git checkout")
    assert {line.split("/")[0] for line in listed.stdout.splitlines()} <= TOP
