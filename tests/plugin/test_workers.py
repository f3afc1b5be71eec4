"""New interpreters, such as DDP workers and whoever loads a checkpoint, know our models by themselves."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import torch
from interpreters import last_line, run_python
from tiny_faces import IMAGE_SIZE, write_tiny_faces

MODEL = "yolov5n-aesvc.yaml"
YOLO_SCRIPT = "from ultralytics.cfg import entrypoint; entrypoint()"  # what the stock `yolo` runs
TRAINING = {
    "imgsz": IMAGE_SIZE, "epochs": 1, "batch": 4, "workers": 0, "device": "cpu", "plots": False, "amp": False,
}  # fmt: skip
LOAD = """
import sys, json, torch
from ultralytics import YOLO
network = YOLO(sys.argv[1]).model.eval()
torch.manual_seed(0)
total = network(torch.rand(1, 3, 64, 64))[0].sum().item()
print(json.dumps({"modules": sorted({type(m).__module__ for m in network.modules()}), "sum": total}))
"""
WITHOUT_PLUGIN = """
import sys
class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "ultra_face":
            raise ModuleNotFoundError("No module named 'ultra_face'", name="ultra_face")
sys.meta_path.insert(0, NotInstalled())
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder to work in, outside the checkout."""
    return tmp_path_factory.mktemp("workers")


@pytest.fixture(scope="module")
def data(folder: Path) -> Path:
    """The data YAML."""
    return write_tiny_faces(folder / "data")


@pytest.fixture(scope="module")
def checkpoint(folder: Path, data: Path) -> Path:
    """A checkpoint of one epoch, trained by the stock command from a folder without any YAML of ours."""
    settings = TRAINING | {"model": MODEL, "data": data, "project": folder, "name": "run"}
    run_python("-c", YOLO_SCRIPT, "train", *(f"{key}={value}" for key, value in settings.items()), folder=folder)
    return folder / "run" / "weights" / "best.pt"


def load(
    checkpoint: Path, *, folder: Path, preamble: str = "", status: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Load a checkpoint in an interpreter that never names ultra_face."""
    return run_python("-c", preamble + LOAD, str(checkpoint), folder=folder, status=status, **environment)


@pytest.mark.parametrize("safe_load", ["0", "1"])
def test_a_checkpoint_loads_without_importing_us(checkpoint, folder, safe_load):
    loaded = json.loads(last_line(load(checkpoint, folder=folder, ULTRALYTICS_SAFE_LOAD=safe_load)))
    ours = {
        "ultra_face.heads.anchor_pose",
        "ultra_face.nn.aesvc",
        "ultra_face.nn.mc4f",
        "ultra_face.nn.mspam",
    }
    assert set(loaded["modules"]) >= ours
    assert loaded["sum"] == pytest.approx(output_of_the_weights(checkpoint), rel=1e-4)


def output_of_the_weights(checkpoint: Path) -> float:
    """The oracle: the YAML built anew and filled with the stored weights, summed for the same image."""
    from ultralytics import YOLO

    stored = torch.load(checkpoint, map_location="cpu", weights_only=False)["model"].float()
    network = YOLO(MODEL).model
    network.load_state_dict(stored.state_dict())
    torch.manual_seed(0)
    return network.eval()(torch.rand(1, 3, 64, 64))[0].sum().item()


def test_a_checkpoint_names_the_plugin_where_it_is_not_installed(checkpoint, folder):
    done = load(checkpoint, folder=folder, preamble=WITHOUT_PLUGIN, status=1, ULTRA_FACE_AUTOLOAD="0")
    assert "appears to require 'ultra_face'" in done.stdout + done.stderr
    assert done.stderr.strip().splitlines()[-1] == "ModuleNotFoundError: No module named 'ultra_face'"


@pytest.mark.parametrize("safe_load", ["0", "1"])
def test_a_truncated_checkpoint_says_so(checkpoint, folder, safe_load):
    broken = folder / f"truncated{safe_load}.pt"
    broken.write_bytes(checkpoint.read_bytes()[:-2000])
    done = load(broken, folder=folder, status=1, ULTRALYTICS_SAFE_LOAD=safe_load)
    # From Ultralytics itself; versions before that check have the sentence of torch.
    assert re.search("empty, truncated or corrupted|was not saved properly, was transferred incorrectly", done.stderr)


@pytest.mark.parametrize("built", [False, True], ids=["YAML", "module"])
def test_the_file_for_ddp_workers_trains_our_model(folder, data, built):
    """Ultralytics writes a script and a state file for its workers; each worker is a new interpreter."""
    from ultralytics.models.yolo.pose import PoseTrainer
    from ultralytics.utils.dist import ddp_cleanup, generate_ddp_file

    name = f"ddp-{built}"
    settings = TRAINING | {
        "model": MODEL,
        "data": str(data),
        "project": str(folder),
        "name": name,
        "exist_ok": True,
    }
    trainer = PoseTrainer(overrides=settings)
    if built:
        trainer.setup_model()
    script = generate_ddp_file(trainer)
    try:
        run_python(script, folder=folder)
    finally:
        ddp_cleanup(trainer, script)
    trained = torch.load(folder / name / "weights" / "best.pt", map_location="cpu", weights_only=False)
    assert type(trained["model"].model[-1]).__name__ == "AnchorPose"


TWICE = """
import sys, json
from ultralytics import YOLO
from ultralytics.utils import ASSETS
results = [YOLO(sys.argv[1]).predict(ASSETS / "zidane.jpg", conf=0.05, verbose=False)[0] for _ in range(2)]
print(json.dumps([float(result.boxes.conf.sum()) for result in results]))
"""


def test_the_first_model_that_brings_the_plugin_by_its_pickle_has_our_callbacks(folder):
    """Without start-up file and import, loading the checkpoint registers us after its `YOLO` object is made.

    The second look at the photograph, which a callback hands over, shows whether callbacks reached that object.
    """
    from ultralytics import YOLO

    from ultra_face.plugin import files
    from ultra_face.refinement.checkpoint import write_refined

    (shipped, *_) = sorted((files.root() / files.WEIGHTS).glob("*.pt"))
    look = {"photograph": True, "doubt": [0.01, 0.9], "max_face": 84.0, "windows": 4}
    write_refined(YOLO(shipped), folder / "refined.pt", settings=look)
    write_refined(YOLO(shipped), folder / "network-input.pt", settings=look | {"photograph": False})
    sums = {
        (name, autoload): json.loads(
            last_line(run_python("-c", TWICE, name, folder=folder, ULTRA_FACE_AUTOLOAD=autoload))
        )
        for name, autoload in (("refined.pt", "0"), ("refined.pt", "1"), ("network-input.pt", "1"))
    }
    first, second = sums["refined.pt", "0"]
    assert first == second == pytest.approx(sums["refined.pt", "1"][0], rel=1e-6)
    assert first != pytest.approx(sums["network-input.pt", "1"][0], rel=1e-3)
