from __future__ import annotations

import codecs

import pytest

from ultra_face.data.anchor_fit import read_model_anchors
from ultra_face.data.sources import open_source
from ultra_face.evaluation.ground_truth import load_ground_truth
from ultra_face.formats.files import decode_text, read_text
from ultra_face.formats.image_files import list_images
from ultra_face.formats.retinaface import read_annotated_faces
from ultra_face.formats.widerface import read_image_list, read_lines
from ultra_face.formats.yolo_pose import read_boxes, read_labels


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_text_with_and_without_a_byte_order_mark(tmp_path, mark):
    (tmp_path / "list.txt").write_bytes(mark + "Müller.jpg\nb.jpg\n".encode())
    assert read_text(tmp_path / "list.txt") == "Müller.jpg\nb.jpg\n"


def test_a_mark_inside_the_text_stays():
    assert decode_text("a\ufeffb".encode(), "x") == "a\ufeffb"


@pytest.mark.parametrize(
    ("encoding", "message"),
    [
        ("latin-1", r"list\.txt:2: expected text in UTF-8, got the byte 0xfc; save the file as UTF-8$"),
        ("utf-16", r"list\.txt:1: expected text in UTF-8, got the byte 0xf[ef]; save the file as UTF-8$"),
    ],
)
def test_other_encodings_are_refused_by_file_and_line(tmp_path, encoding, message):
    (tmp_path / "list.txt").write_bytes("a.jpg\nMüller.jpg\n".encode(encoding))
    with pytest.raises(ValueError, match=message):
        read_text(tmp_path / "list.txt")


def test_a_file_that_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no\.txt"):
        read_text(tmp_path / "no.txt")


def images_by_split(folder, **choices):
    return [[entry.image for entry in split.faces] for split in open_source(folder, **choices)]


def open_split_list(path):
    (path.parent / "label.txt").write_text("# ü/a.jpg\n# b.jpg\n", encoding="utf-8")
    return images_by_split(path.parent, split_lists={"train": path.name})


INPUTS = {
    "label.txt": ("# ü/a.jpg\n1 2 3 4\n", images_by_split, [["ü/a.jpg"]]),
    "landmarks.txt": (f"ü/a.jpg{' 1' * 10}\n", images_by_split, [["ü/a.jpg"]]),
    "train.txt": ("ü/a.jpg\n", open_split_list, [["ü/a.jpg"]]),
    "images.txt": ("./ü/a.jpg\n", lambda path: [file.name for file in list_images([path])], ["a.jpg"]),
    "a.txt": ("0 0.5 0.5 0.1 0.1\n", lambda path: [len(read_boxes(path)), len(read_labels(path)[0])], [1, 1]),
    "model.yaml": ("anchors: [[4, 5]] # für kleine\n", lambda path: read_model_anchors(path).tolist(), [[4, 5]]),
    "gt.txt": ("ü/a.jpg\n1\n1 2 3 4 0 0 0 0 0 0\n", lambda path: load_ground_truth(path).images, ("ü/a",)),
    "predictions.txt": ("# ü/a.jpg\n1 2 3 4\n", lambda path: list(read_annotated_faces(path)), ["ü/a.jpg"]),
    "list.txt": ("ü/a.jpg\n", read_image_list, ("ü/a",)),
    "subset.txt": ("ü/a.jpg\n", read_lines, ["ü/a.jpg"]),
}
"""Every text that users bring: its content, what reads it, and what is read."""


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_every_input_may_start_with_a_byte_order_mark(tmp_path, name, mark):
    text, read, expected = INPUTS[name]
    (tmp_path / name).write_bytes(mark + text.encode())
    assert read(tmp_path / name) == expected


@pytest.mark.parametrize("name", INPUTS)
def test_every_input_in_another_encoding_is_refused_by_name(tmp_path, name):
    text, read, _ = INPUTS[name]
    (tmp_path / name).write_bytes(f"\n{text}ü\n".encode("latin-1"))
    with pytest.raises(ValueError, match=rf"{name}:[23]: expected text in UTF-8, got the byte 0xfc; save the file as"):
        read(tmp_path / name)


def test_a_zero_byte_is_refused_by_file_and_line(tmp_path):
    """No text has one, and a path with one makes Python raise an error that names nothing."""
    (tmp_path / "list.txt").write_bytes(b"a.jpg\nb\0.jpg\n")
    with pytest.raises(
        ValueError, match=r"list\.txt:2: expected text in UTF-8, got the byte 0x00; save the file as UTF-8$"
    ):
        read_text(tmp_path / "list.txt")
