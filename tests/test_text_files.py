from __future__ import annotations

import codecs

import pytest

from ultra_face.text_files import decode_text, read_text


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
