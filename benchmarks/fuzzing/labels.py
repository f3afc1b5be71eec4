"""Broken and hostile annotations in every layout of `ultra_face/formats/`, through the commands that read them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import cv2
import numpy as np

from benchmarks.fuzzing.case import Case, written
from benchmarks.fuzzing.mutations import BYTES, HUGE, STRANGE, TEXT_FILES, bits_flipped
from benchmarks.fuzzing.sandbox import Sandbox
from ultra_face.data.anchor_fit import fit_anchors
from ultra_face.data.collages import CollageSettings, make_collages
from ultra_face.data.prepare import prepare_dataset
from ultra_face.data.preview import save_contact_sheet
from ultra_face.data.tiles import TileSettings, cut_tiles

IMAGES = ("0--Parade/a.jpg", "0--Parade/b c.jpg", "c.png")
WIDTH, HEIGHT = 96, 72

RETINAFACE = """# 0--Parade/a.jpg
10 20 30 40 15 30 0 30 30 0 22 40 0 16 50 0 29 50 1 0.9
50 10 5 9
# 0--Parade/b c.jpg
5 5 20 20 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 0.5
# c.png
1 2 30 30 0 0 0 0 0 0
"""
SCRFD = """# 0--Parade/a.jpg 96 72
10 20 40 60 15 30 0 30 30 0 22 40 0 16 50 0 29 50 1 0.9
# c.png 192 144
5 5 20 20 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 0.5
"""
WIDER = """0--Parade/a.jpg
2
10 20 30 40 0 0 0 0 0 0
50 10 5 9 2 1 1 1 2 1
0--Parade/b c.jpg
0
0 0 0 0 0 0 0 0 0 0
c.png
1
5 5 20 20 1 0 0 0 1 0
"""
MTFL = "0--Parade/a.jpg 40 60 50 43 57 30 30 38 48 48\nc.png 32 52 41 35 49 31 30 39 47 48\n"
VOC = """<annotation><filename>a.jpg</filename>
<size> <width> 96 </width> <height> 72 </height> <depth> 3 </depth> </size>
<object> <name> face </name> <difficult> 0 </difficult>
<bndbox> <xmin> 10 </xmin> <ymin> 20 </ymin> <xmax> 40 </xmax> <ymax> 60 </ymax> </bndbox> </object>
</annotation>
"""
YOLO = """0 0.3 0.5 0.3 0.5 0.2 0.4 2 0.4 0.4 2 0.3 0.5 2 0.2 0.6 1 0.4 0.6 2
0 0.7 0.5 0.2 0.3 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
"""
LIST = "0--Parade/a.jpg\nc.png\n"

ENTITIES = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY x SYSTEM "file:///etc/passwd">]>
<annotation><filename>&c;&x;</filename></annotation>"""


class Labels:
    """A small source of annotated images, one file of which is broken."""

    def __init__(self) -> None:
        colours = np.random.default_rng(0).integers(0, 256, (4, 4, 3)).astype(np.uint8)
        picture = cv2.resize(colours, (WIDTH, HEIGHT))
        self.jpeg, self.png = (cv2.imencode(suffix, picture)[1].tobytes() for suffix in (".jpg", ".png"))

    def case(self, number: int, rng: Random, sandbox: Sandbox) -> Case:
        """As `Family.case`; layouts take turns, and mutations in each of them."""
        layout = list(LAYOUTS)[number % len(LAYOUTS)]
        text, make = LAYOUTS[layout]
        names = [*TEXT_FILES, *SPECIAL]
        mutation = names[number // len(LAYOUTS) % len(names)]
        if mutation in TEXT_FILES:
            content = TEXT_FILES[mutation](text.encode(), rng)
        else:
            content = SPECIAL[mutation](layout, text, rng).encode()
        source = sandbox.input / "source"
        run = make(self, source, content, sandbox)
        return Case(f"{layout}, {mutation}", run, (str(source), str(sandbox.output)))

    def add_images(self, folder: Path) -> None:
        """Write the images that the annotations name."""
        for name in IMAGES:
            written(folder / name, self.png if name.endswith(".png") else self.jpeg)


Make = Callable[[Labels, Path, bytes, Sandbox], Callable[[], Any]]


def _prepared(source: Path, sandbox: Sandbox, **options: Any) -> Callable[[], Any]:
    def run() -> None:
        print(prepare_dataset([source], sandbox.output / "faces", **options))
        save_contact_sheet(sandbox.output / "faces", sandbox.output / "sheet.png", tile=64)

    return run


def _below(name: str, images: str) -> Make:
    def make(labels: Labels, source: Path, content: bytes, sandbox: Sandbox) -> Callable[[], Any]:
        labels.add_images(source / images)
        written(source / name, content)
        return _prepared(source, sandbox)

    return make


def _voc(labels: Labels, source: Path, content: bytes, sandbox: Sandbox) -> Callable[[], Any]:
    written(source / "images" / "a.jpg", labels.jpeg)
    written(source / "annotations" / "a.xml", content)
    return _prepared(source, sandbox)


def _release(labels: Labels, source: Path, content: bytes, sandbox: Sandbox) -> Callable[[], Any]:
    labels.add_images(source / "WIDER_train" / "images")
    written(source / "wider_face_split" / "wider_face_train_bbx_gt.txt", content)
    return _prepared(source, sandbox, split_lists={"train": None})


def _in_archives(labels: Labels, source: Path, content: bytes, sandbox: Sandbox) -> Callable[[], Any]:
    images = {f"WIDER_train/images/{name}": labels.png if name.endswith(".png") else labels.jpeg for name in IMAGES}
    written(source / "WIDER_train.zip", zipped(images))
    written(source / "wider_face_split.zip", zipped({"wider_face_split/wider_face_train_bbx_gt.txt": content}))
    return _prepared(source, sandbox, split_lists={"train": None})


def _broken_archives(labels: Labels, source: Path, content: bytes, sandbox: Sandbox) -> Callable[[], Any]:
    """What is wrong with the text decides what is wrong with the archives."""
    rng = Random(content)
    images = {f"WIDER_train/images/{name}": labels.png if name.endswith(".png") else labels.jpeg for name in IMAGES}
    images |= dict.fromkeys(("../../outside/a.jpg", str(sandbox.outside / "b.jpg"), "WIDER_train/../../c.jpg"), b"x")
    archive = zipped(images, rng)
    if rng.random() < 0.6:
        archive = rng.choice(list(BYTES.values()))(archive, rng)
    written(source / "WIDER_train.zip", archive)
    texts = zipped({"wider_face_split/wider_face_train_bbx_gt.txt": WIDER.encode()}, rng)
    written(source / "wider_face_split.zip", texts if rng.random() < 0.7 else bits_flipped(texts, rng))
    return _prepared(source, sandbox, split_lists={"train": None})


def _split_list(labels: Labels, source: Path, content: bytes, sandbox: Sandbox) -> Callable[[], Any]:
    labels.add_images(source / "images")
    written(source / "label.txt", RETINAFACE)
    written(source / "train.txt", content)
    return _prepared(source, sandbox, split_lists={"train": "train.txt"})


def _yolo(labels: Labels, source: Path, content: bytes, sandbox: Sandbox) -> Callable[[], Any]:
    labels.add_images(source / "images" / "train")
    written(source / "labels" / "train" / "0--Parade" / "a.txt", content)
    written(source / "labels" / "train" / "c.txt", YOLO)

    images = [source / "images" / "train"]
    readers: Sequence[Callable[[], Any]] = (
        lambda: cut_tiles(source, sandbox.output / "tiles", TileSettings(1, 32, 64, 1)),
        lambda: make_collages(source, sandbox.output / "collages", CollageSettings(side=128)),
        lambda: save_contact_sheet(source, sandbox.output / "sheet.png", tile=64),
        lambda: fit_anchors(images, training_size=320, num_levels=1, anchors_per_level=1),
    )
    return readers[len(content) % len(readers)]


def _image_list(labels: Labels, source: Path, content: bytes, sandbox: Sandbox) -> Callable[[], Any]:
    labels.add_images(source / "images")
    for name in IMAGES:
        written((source / "labels" / name).with_suffix(".txt"), YOLO)
    file = written(source / "train.txt", b"\n".join(b"./images/" + line for line in content.splitlines()))
    return lambda: fit_anchors([file], training_size=320, num_levels=1, anchors_per_level=1)


def zipped(members: Mapping[str, bytes], rng: Random | None = None) -> bytes:
    """A zip archive; with `rng` some members are links, locked, packed by rare methods, or larger than they seem."""
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, member in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            odd = rng.randrange(12) if rng is not None else None
            if odd == 1 and rng is not None and rng.random() < 0.97:  # which takes seconds to make
                odd = None
            if odd == 0:
                info.external_attr, member = 0o120777 << 16, b"/etc/passwd"  # a symbolic link
            elif odd == 1:
                member += bytes(2**29 + 2**20)
            elif odd in (2, 3):
                info.compress_type = (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)[odd - 2]
            archive.writestr(info, member)
            if odd == 4:
                info.flag_bits |= 1  # locked
            elif odd == 5:
                info.compress_type = 99  # a method that nobody has
    return content.getvalue()


LAYOUTS: Mapping[str, tuple[str, Make]] = {
    "RetinaFace": (RETINAFACE, _below("label.txt", "images")),
    "SCRFD": (SCRFD, _below("label.txt", "images")),
    "WIDER FACE": (WIDER, _release),
    "WIDER FACE in archives": (WIDER, _in_archives),
    "archives": (WIDER, _broken_archives),
    "MTFL": (MTFL, _below("landmarks.txt", "")),
    "Pascal VOC": (VOC, _voc),
    "YOLO pose": (YOLO, _yolo),
    "list of a split": (LIST, _split_list),
    "list of images": (LIST, _image_list),
}


def _huge_numbers(layout: str, text: str, rng: Random) -> str:
    lines = [
        " ".join(rng.choice(HUGE) if _is_number(word) else word for word in line.split(" "))
        for line in text.split("\n")
    ]
    return "\n".join(lines)


def _is_number(word: str) -> bool:
    return word.lstrip("-").replace(".", "").isdecimal()


def _deep(layout: str, text: str, rng: Random) -> str:
    depth = rng.choice((100, 1000, 20_000))
    if layout == "Pascal VOC":
        return "<annotation>" + "<object>" * depth + "</object>" * depth + "</annotation>"
    return text.replace("a.jpg", "d/" * depth + "a.jpg")


def _entities(layout: str, text: str, rng: Random) -> str:
    return (
        ENTITIES if layout == "Pascal VOC" else text.replace("0--Parade", rng.choice(STRANGE) * rng.randrange(1, 300))
    )


def _many_rows(layout: str, text: str, rng: Random) -> str:
    line = rng.choice(text.splitlines())
    return text + (line + "\n") * rng.choice((300, 3000))


SPECIAL: Mapping[str, Callable[[str, str, Random], str]] = {
    "all numbers huge": _huge_numbers,
    "deep": _deep,
    "entities or strange names": _entities,
    "many rows": _many_rows,
}
