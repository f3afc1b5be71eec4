from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ultra_face.formats.files import (
    MARKER,
    claim_folder,
    publish,
    replacing,
    staged,
    write_file,
    write_link,
)


def test_a_new_an_empty_and_an_own_folder_can_be_claimed(tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("new/deep", "empty"):
        claim_folder(tmp_path / name, {"source": "a"})
        (tmp_path / name / "later.txt").write_text("x", encoding="utf-8")
        claim_folder(tmp_path / name, {"source": "a"})
        assert (tmp_path / name / MARKER).is_file()


def test_a_folder_with_other_files_is_refused_and_untouched(tmp_path):
    (tmp_path / "mine.txt").write_text("x", encoding="utf-8")
    with pytest.raises(FileExistsError, match="expected a new or empty folder, got one with files of another origin"):
        claim_folder(tmp_path, {"source": "a"})
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_made_from_something_else_is_refused(tmp_path):
    claim_folder(tmp_path, {"source": "a"})
    with pytest.raises(FileExistsError, match=r'expected a folder made from \{"source": "b"\}, got one whose'):
        claim_folder(tmp_path, {"source": "b"})


def test_write_file_reports_whether_it_wrote(tmp_path):
    path = tmp_path / "deep" / "a.txt"
    assert write_file(path, b"one")
    assert not write_file(path, b"one")
    assert write_file(path, b"two")
    assert path.read_bytes() == b"two"


def test_write_file_replaces_a_truncated_file_and_a_link_but_not_its_target(tmp_path):
    original = tmp_path / "original.txt"
    original.write_bytes(b"content")
    link = tmp_path / "a.txt"
    link.symlink_to(original)
    assert write_file(link, b"content")
    assert not link.is_symlink()
    link.write_bytes(b"con")
    assert write_file(link, b"content")
    assert link.read_bytes() == original.read_bytes() == b"content"


def test_write_link(tmp_path):
    path = tmp_path / "deep" / "link.jpg"
    assert write_link(path, tmp_path / "a.jpg")
    assert not write_link(path, tmp_path / "a.jpg")
    assert write_link(path, tmp_path / "b.jpg")
    assert path.readlink() == tmp_path / "b.jpg"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            errno.ENOSPC,
            r"the disk is full while writing .*a\.txt; free some and run again: finished files are kept",
        ),
        (errno.EDQUOT, "the disk is full"),
        (errno.EACCES, "is not writable; choose another folder, or grant write permission"),
        (errno.EROFS, "is not writable"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_a_failed_write_says_why_and_keeps_what_was_there(tmp_path, monkeypatch, code, message):
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    half_written = []

    def fail(self, content):
        with self.open("wb") as file:
            file.write(content[:2])
        half_written.append(self)
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OSError, match=message) as caught:
        write_file(path, b"new")
    assert caught.value.errno == code
    assert path.read_bytes() == b"old"
    assert half_written[0] != path
    assert list(tmp_path.iterdir()) == [path]


def test_other_exceptions_leave_no_partial_file(tmp_path):
    def interrupted_write():
        with replacing(tmp_path / "a.txt") as partial:
            partial.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted_write()
    assert list(tmp_path.iterdir()) == []


def test_a_staged_folder_appears_when_it_is_published(tmp_path):
    folder = tmp_path / "train"
    write_file(staged(folder) / "a.jpg", b"a")
    assert not folder.exists()
    publish(folder)
    assert staged(folder) == folder
    write_file(staged(folder) / "b.jpg", b"b")
    publish(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["a.jpg", "b.jpg"]
    assert list(tmp_path.iterdir()) == [folder]
