"""Broken and hostile YAML files of models and data sets, through all that reads one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import cv2
import numpy as np
import yaml

from benchmarks.fuzzing.case import Case, written
from benchmarks.fuzzing.mutations import HUGE, STRANGE, TEXT_FILES
from benchmarks.fuzzing.sandbox import Sandbox
from benchmarks.fuzzing.seeds import Seeds
from ultra_face.cli.data_yaml import data_folders
from ultra_face.data.anchor_fit import read_model_anchors
from ultra_face.files.trust import files_trusted
from ultra_face.plugin.files import root
from ultra_face.runtimes.ultralytics_model import open_model

DATA = """path: .
train: images/train
val: images/val
kpt_shape: [5, 3]
flip_idx: [1, 0, 2, 4, 3]
names:
  0: face
"""
OF_OURS = ("yolov5-face.yaml", "yolov5-sr.yaml", "yolov5-face-free.yaml", "yolov5-aesvc-fast.yaml")
WRONG = (
    None, True, -1, 0, 1.5, 10**6, 10**30, float("nan"), float("inf"), "", "face", "nc", "None", [], [[]], {}, {"a": 1},
    [1],
    "2020-01-01", "__import__('os').getcwd()", [0] * 50, {1: {2: {3: 4}}},
)  # fmt: skip
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [" + ", ".join([f"*{chr(97 + i)}"] * 9) + "]\n" for i in range(9)
)


class Yamls:
    """A small model YAML, one of the package, or a data YAML, with something wrong in it."""

    def __init__(self, seeds: Seeds) -> None:
        import matplotlib.font_manager  # noqa: F401  (which looks for fonts once, by a program)

        small = seeds.model_yaml.read_text(encoding="utf-8")
        self.models = [small, small, *((root() / "cfg/models" / name).read_text(encoding="utf-8") for name in OF_OURS)]
        self.jpeg = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()

    def case(self, number: int, rng: Random, sandbox: Sandbox) -> Case:
        """As `Family.case`; a third are data YAMLs."""
        names = [*TEXT_FILES, *CHANGES, *WHOLE]
        mutation = names[number // 3 % len(names)]
        is_data = number % 3 == 0
        text = DATA if is_data else rng.choice(self.models)
        if mutation in TEXT_FILES:
            content = TEXT_FILES[mutation](text.encode(), rng)
        elif mutation in CHANGES:
            read = yaml.safe_load(text)
            CHANGES[mutation](read, rng)
            content = yaml.safe_dump(read, sort_keys=False, allow_unicode=True).encode()
        else:
            content = WHOLE[mutation](text, rng, sandbox).encode()
        if is_data:
            for split in ("train", "val"):
                written(sandbox.input / "images" / split / "a.jpg", self.jpeg)
            file = written(sandbox.input / "data.yaml", content)
            readers: Sequence[Callable[[], Any]] = (lambda: data_folders(str(file), "train", "val"),)
        else:
            file = written(sandbox.input / "model-pose.yaml", content)
            readers = (lambda: open_model(file), lambda: open_model(file), lambda: read_model_anchors(file))
        read_it = rng.choice(readers)

        def run() -> Any:
            with files_trusted(False):  # as every command without --trust
                return read_it()

        return Case(f"{'data' if is_data else 'model'}, {mutation}", run, (file.name,))


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a YAML, as its container and its key there."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in list(keys) for place in ((value, key), *_places(value[key]))]


def _wrong_type(content: Any, rng: Random) -> None:
    container, key = rng.choice(_places(content))
    container[key] = rng.choice(WRONG)


def _lost(content: Any, rng: Random) -> None:
    container, key = rng.choice(_places(content))
    del container[key]


def _huge(content: Any, rng: Random) -> None:
    numbers = [(container, key) for container, key in _places(content) if isinstance(container[key], int)]
    container, key = rng.choice(numbers)
    container[key] = rng.choice((300, 1000, 5000, 10**5, 10**9, 10**20, -5, 0, 1e308))


def _unknown(content: Any, rng: Random) -> None:
    content[
        rng.choice(("anchors2", "face_los", "sr", "face_loss", "activation", "end2end", "reg_max", "nc", "names"))
    ] = rng.choice((*WRONG, {"alpha": "x"}, {"windows": 10**9}, {"unknown": 1}, "nn.ReLU()", "nn.SiLU"))


def _other_layer(content: Any, rng: Random) -> None:
    rows = [row for part in ("backbone", "head") for row in content.get(part, ())]
    if rows:
        rng.choice(rows)[2] = rng.choice(
            ("Conv2", "load_checkpoint", "torch_safe_load", "nn.Module", "nn.Linear", "torchvision.ops.nms", "Pose",
             "SRPose", "FacePose", "AnchorPose", "AESVC", "MC4f", "nn.Upsample", "nn.functional", "Detect",
             "__builtins__", "LOGGER")
        )  # fmt: skip


def _strange(content: Any, rng: Random) -> None:
    container, key = rng.choice(_places(content))
    container[key] = rng.choice(STRANGE).replace("\0", "") * rng.randrange(1, 40)


CHANGES: Mapping[str, Callable[[Any, Random], None]] = {
    "wrong type": _wrong_type,
    "wrong type, again": _wrong_type,
    "key or value lost": _lost,
    "huge number in its place": _huge,
    "unknown key": _unknown,
    "another layer": _other_layer,
    "strange text": _strange,
}


def _nested(text: str, rng: Random, sandbox: Sandbox) -> str:
    depth = rng.choice((60, 2000, 50_000))
    return rng.choice(
        (f"{text}\ndeep: {'[' * depth}{']' * depth}\n", f"nc: {'{a: ' * depth}1{'}' * depth}\n", "- " * depth)
    )


def _laughs(text: str, rng: Random, sandbox: Sandbox) -> str:
    key = rng.choice(("names", "nc", "train", "backbone", "anchors", "face_loss", "kpt_shape", "z"))
    return f"{LAUGHS}{text}\n{key}: *j\n"


def _itself(text: str, rng: Random, sandbox: Sandbox) -> str:
    return f"{rng.choice(('names', 'nc', 'anchors', 'face_loss', 'scales'))}: &me [*me, *me]\n{text}"


def _code(text: str, rng: Random, sandbox: Sandbox) -> str:
    mark = sandbox.outside / "ran"
    python = f"open({str(mark)!r}, 'w').close()"
    return rng.choice(
        (
            f"!!python/object/apply:os.system ['touch {mark}']\n",
            f"{text}\nx: !!python/object/apply:builtins.open ['{mark}', 'w']\n",
            f'{text}\nactivation: "{python}"\n',
            f'{text}\nactivation: "nn.ReLU({python})"\n',
            f'path: nowhere\ntrain: a\nval: b\nnames: [face]\ndownload: "{python}"\n',
            f"path: nowhere\ntrain: a\nval: b\nnames: [face]\ndownload: bash -c touch {mark}\n",
            "path: nowhere\ntrain: a\nval: b\nnames: [face]\ndownload: http://127.0.0.1:9/a.zip\n",
            f"backbone: [[-1, 1, torch_safe_load, ['{mark}.pt']]]\nhead: [[-1, 1, AnchorPose, [nc, kpt_shape]]]\n",
        )
    )


def _leaving(text: str, rng: Random, sandbox: Sandbox) -> str:
    place = rng.choice(("../outside", "/etc", str(sandbox.outside), "~", "../../..", "C:\\\\x", "a/../../outside"))
    return f"path: {place}\ntrain: {place}\nval: {place}\nnames: [face]\n"


WHOLE: Mapping[str, Callable[[str, Random, Sandbox], str]] = {
    "deep nesting": _nested,
    "billion laughs": _laughs,
    "an alias within itself": _itself,
    "runs code": _code,
    "places that leave the folder": _leaving,
    "a number alone": lambda text, rng, sandbox: rng.choice(HUGE),
}
