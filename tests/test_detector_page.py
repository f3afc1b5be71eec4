"""What docs/detector.md says is so: its code runs, its links lead somewhere, its list of packages is enough."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import cv2
import onnxruntime
import pytest
from interpreters import last_line, run_python
from ultralytics.utils import ASSETS

from ultra_face.runtimes.onnx_network import CPU


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "docs" / "detector.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(shipped_onnx: Path, tmp_path: Path) -> Path:
    """The files that the page speaks of."""
    photograph = cv2.imread(str(ASSETS / "zidane.jpg"))
    shutil.copy(ASSETS / "zidane.jpg", tmp_path / "photo.jpg")
    shutil.copy(shipped_onnx, tmp_path)
    shutil.copytree(ASSETS, tmp_path / "photos", ignore=lambda _, names: {name for name in names if name[-3:] != "jpg"})
    writer = cv2.VideoWriter(str(tmp_path / "clip.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 25, (640, 360))
    for _ in range(3):
        writer.write(cv2.resize(photograph, (640, 360)))
    writer.release()
    return tmp_path


def test_the_code_runs_in_its_order(
    page: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CPU])
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, "docs/detector.md", "exec"), names)
    assert [len(faces) for faces in names["of_each"]] == [2, 2, 2]
    assert names["num_faces"] == [2, 2, 2]
    assert (names["failed"], len(names["faces"])) == ([], 2)
    printed = capsys.readouterr().out.splitlines()
    assert printed[:5] == ["2"] * 5  # three frames, two photographs
    quoted = re.findall(r"^    (.+)$", page, re.MULTILINE) + re.findall(r"  # (.+)$", page, re.MULTILINE)
    assert [line for line in printed[5:] if line not in quoted] == []
    assert len(printed) == 8


def test_links_lead_to_files(page: str, repository: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", page)
    assert links
    assert [link for link in links if not (repository / "docs" / link).exists()] == []


ONLY = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in sys.argv[1].split():
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
import PIL.Image, ultra_face
detector = ultra_face.FaceDetector("yolov5n-aesvc-face.onnx", tile=640, rotate=(0, 90), flip=True)
image = PIL.Image.open("photo.jpg")
print(*(len(faces) for faces in [*detector(["photo.jpg", image]), *detector.stream("clip.mp4")]))
"""


def test_the_list_of_packages_is_enough(page: str, repository: Path, folder: Path) -> None:
    (packages,) = re.findall(r"^    pip install (numpy .*)$", page, re.MULTILINE)
    listed = {name.replace("-headless", "") for name in packages.split()}
    (block,) = re.findall(r"^dependencies = \[\n(.*?)^\]", (repository / "pyproject.toml").read_text(), re.M | re.S)
    needed = set(re.findall(r'^ +"([\w-]+)', block, re.MULTILINE))
    left_out = needed - listed
    assert left_out == {"ultralytics", "pyyaml", "matplotlib", "scipy", "tqdm"}
    blocked = "torch torchvision " + " ".join(left_out).replace("pyyaml", "yaml")
    done = run_python("-c", ONLY, blocked, folder=folder, ULTRA_FACE_AUTOLOAD="0")
    assert len(last_line(done).split()) == 5
    assert "0" not in last_line(done).split()
