"""What is built, and what an install and an uninstall do to a fresh virtual environment."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import STEADY, write_clip
from interpreters import last_line, run_python
from tiny_faces import write_tiny_faces

from ultra_face.__main__ import COMMANDS
from ultra_face.web.site import PAGE

ACTIVATION = {"_ultra_face_autoload.py", "ultra_face.pth", "ultra_face.start"}
BUILD = """
import inspect
from ultralytics import YOLO
print(inspect.getfile(type(YOLO("yolov5n-aesvc.yaml").model.model[-1])))
"""
PAGE_FOLDER = """
from ultra_face.web.site import PAGE, page_folder
assert all((page_folder() / name).is_file() for name in PAGE)
print(page_folder())
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def distributions(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sdist with the wheel that is built from it, and the wheel that is built from the tree."""
    folders = {name: tmp_path_factory.mktemp(name) for name in ("from-sdist", "from-tree")}
    for options in (["--outdir", folders["from-sdist"]], ["--wheel", "--outdir", folders["from-tree"]]):
        run_python("-m", "build", "--no-isolation", *map(str, options), str(repository), folder=folders["from-tree"])
    return {
        "sdist": next(folders["from-sdist"].glob("*.tar.gz")),
        "wheel of the sdist": next(folders["from-sdist"].glob("*.whl")),
        "wheel": next(folders["from-tree"].glob("*.whl")),
    }


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A fresh virtual environment that borrows the dependencies from this one, and nothing of ultra-face.

    Python runs no start-up file of a folder that is itself named in a start-up file.
    """
    folder = tmp_path / "environment"
    venv.create(folder, with_pip=False)
    borrowed = {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}
    (site_packages(folder) / "borrowed.pth").write_text("\n".join(sorted(borrowed)) + "\n")
    return folder


def site_packages(environment: Path) -> Path:
    return Path(sysconfig.get_path("purelib", vars={"base": str(environment), "platbase": str(environment)}))


def python(environment: Path) -> Path:
    return environment / "bin" / "python"


def pip(environment: Path, *arguments: str, folder: Path) -> None:
    """Run this environment's pip for the other one, without a look at any index."""
    run_python(
        "-m", "pip", "--python", str(python(environment)), "--disable-pip-version-check", *arguments, folder=folder
    )


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_wheels_from_the_tree_and_from_the_sdist_are_equal(distributions):
    assert distributions["wheel"].read_bytes() == distributions["wheel of the sdist"].read_bytes()


def test_the_wheel_holds_the_package_its_yaml_files_and_the_start_files(distributions, repository):
    with zipfile.ZipFile(distributions["wheel"]) as archive:
        names = set(archive.namelist())
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"ultra_face", *ACTIVATION}
    yaml_files = {f"ultra_face/{file.relative_to(repository)}" for file in repository.glob("cfg/*/*.yaml")}
    weights = {f"ultra_face/{file.relative_to(repository)}" for file in repository.glob("weights/*.pt")}
    page = {f"ultra_face/examples/browser/{name}" for name in PAGE}
    assert names >= yaml_files | weights | page | {"ultra_face/py.typed", "ultra_face/plugin/host.py"}
    assert yaml_files


def test_the_sdist_holds_what_tests_and_wheel_need(distributions):
    with tarfile.open(distributions["sdist"]) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    assert names >= {
        "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "constraints.txt", "tools/check",
        "activation/ultra_face.pth", "cfg/models/yolov5-aesvc.yaml", "tests/test_packaging.py",
    }  # fmt: skip


@pytest.mark.parametrize("editable", [False, True], ids=["wheel", "editable"])
def test_install_activates_and_uninstall_leaves_nothing(distributions, environment, repository, tmp_path, editable):
    before = everything(environment)
    source = ["--editable", str(repository)] if editable else [str(distributions["wheel"])]
    options = ["--no-index", "--no-deps", "--no-build-isolation", "--ignore-installed"]
    pip(environment, "install", *options, *source, folder=tmp_path)
    assert everything(site_packages(environment)) >= ACTIVATION
    assert (site_packages(environment) / "ultra_face").exists() is not editable

    home = repository if editable else site_packages(environment)
    built = run_python("-c", BUILD, python=python(environment), folder=tmp_path, ULTRA_FACE_AUTOLOAD="1")
    assert Path(last_line(built)) == home / "ultra_face" / "heads" / "anchor_pose.py"

    doctor = subprocess.run(
        [environment / "bin" / "ultra-face", "doctor"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert f"autoload      on, by ultra_face.pth in {site_packages(environment)}" in doctor.stdout
    assert f"cfg           {home if editable else home / 'ultra_face'}/cfg, " in doctor.stdout

    pip(environment, "uninstall", "--yes", "ultra-face", folder=tmp_path)
    assert everything(environment) == before
    failed = run_python("-c", BUILD, python=python(environment), folder=tmp_path, status=1)
    assert "aesvc.yaml' does not exist" in failed.stderr


# In one process, which imports torch once.
IN_TURN = """
import json
import sys
from ultra_face.__main__ import main

for words in json.loads(sys.argv[1]):
    sys.argv = ["ultra-face", *words]
    print("ultra-face", *words, flush=True)
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise
"""


def test_every_command_runs_from_the_wheel_alone(distributions, environment, tmp_path):
    """In an empty folder, with photographs of its own."""
    pip(
        environment,
        "install",
        "--no-index",
        "--no-deps",
        "--ignore-installed",
        str(distributions["wheel"]),
        folder=tmp_path,
    )
    folder = tmp_path / "work"
    folder.mkdir()
    data = write_tiny_faces(tmp_path / "faces")
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3)).astype(np.uint8)
    for name in ("0--P/a", "0--P/b"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(tmp_path / "photos" / f"{name}.jpg"), image)
    write_clip(tmp_path / "film.mp4", stamps=STEADY[:2], sound=False)
    rows = "10 10 30 40 15 20 0 30 20 0 22 30 0 16 40 0 29 40 0 0.9"
    (tmp_path / "label.txt").write_text(f"# 0--P/a.jpg\n{rows}\n# 0--P/b.jpg\n{rows}\n")
    (tmp_path / "gt.txt").write_text("0--P/a.jpg\n1\n10 10 30 40 0 0 0 0 0 0\n0--P/b.jpg\n1\n10 10 30 40 0 0 0 0 0 0\n")
    lines = {
        "doctor": "",
        "detect": "../photos --recursive --output faces.csv --imgsz 96",
        "align": "../photos --recursive --output aligned --imgsz 96",
        "crop": "../photos --recursive --output cropped --imgsz 96",
        "blur": "../photos --recursive --output blurred --imgsz 96",
        "track": "../film.mp4 --output tracked --imgsz 96",
        "prepare": "../label.txt --images ../photos --output set --hold-out 2 --preview sheet.png",
        "tiles": "set --output tiles --side 40-48 --tiles 1 --min-faces 0",
        "collages": "set --output collages --side 96 --cells 2",
        "anchors": f"--data {data} --imgsz 96 --levels 1 --anchors-per-level 2 --plot anchors.png",
        "evaluate": "--model yolov5n-aesvc-face.pt --images ../photos --ground-truth ../gt.txt --scale 96 --json -",
        "evaluate-landmarks": "--model yolov5n-aesvc-face.pt --images ../photos --annotations ../label.txt --scale 96",
        "refine": "yolov5n-aesvc-face.pt refined.pt --set windows=2",
        "calibrate": "--help",  # takes more faces than there are here; see tests/calibration
        "fold-norms": f"yolov5n-aesvc-face.pt folded.pt --data {data} --photographs 2 --imgsz 96 --least-correlation 0",
        "quantize": f"yolov5n-aesvc-face.pt int8.onnx --data {data} --photographs 2 --imgsz 96",
        "show": "refined.pt ../photos/0--P/a.jpg --imgsz 96",
        "bulk": "--help",  # starts Ray; see tests/bulk
        "web": "--help",  # serves until it is stopped, with files that are fetched; see tests/web
        "train-generator": f"--data {data} --scale 2 --blocks 1 --width 4 --light --discriminator-width 4 --tile 32 "
        "--min-face 16 --batch 2 --num-held-out 2 --pixel-steps 2 --adversarial-steps 1",
        "demo": "--epochs 1 --imgsz 64",
    }
    assert set(lines) == set(COMMANDS)
    listed = json.dumps([f"{command} {words}".split() for command, words in lines.items()])
    settings = str(folder / "settings")  # its own, and with them the folder of data sets into which the demo draws
    run_python("-c", IN_TURN, listed, python=python(environment), folder=folder, YOLO_CONFIG_DIR=settings)
    made = {path.name for path in folder.iterdir()}
    assert made >= {
        "set",
        "sheet.png",
        "tiles",
        "collages",
        "anchors.png",
        "refined.pt",
        "folded.pt",
        "int8.onnx",
        "second-look.png",
        "runs",
    }
    assert made >= {"faces.csv", "aligned", "cropped", "blurred", "tracked"}
    found = run_python("-c", PAGE_FOLDER, python=python(environment), folder=folder)
    assert Path(last_line(found)) == site_packages(environment) / "ultra_face" / "examples" / "browser"


def test_this_environment_runs_the_start_module_of_the_checkout(repository):
    """An editable install copies that file."""
    installed = Path(sys.modules["_ultra_face_autoload"].__file__)
    current = (repository / "activation" / installed.name).read_text()
    assert installed.read_text() == current, "the start module has changed; run `pip install -e .` again"
