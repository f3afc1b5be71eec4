"""Files appear when they are whole, keep what was there until then, and say in a sentence why they do not."""

from __future__ import annotations

import errno
import os
import re
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ultra_face.files.whole import PARTIAL, OutputError, held, new_folder, replacing, write_file, write_link


@pytest.fixture
def largest_file() -> Iterator[int]:
    """No file grows beyond so many bytes: the system refuses more, as a full disk does, with a word of its own."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
    yield 8192
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


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


def test_what_a_killed_run_has_left_beside_a_file_is_replaced(tmp_path):
    (tmp_path / f"a.txt{PARTIAL}").write_bytes(b"half of a long file")
    assert write_file(tmp_path / "a.txt", b"whole")
    (tmp_path / f"b.txt{PARTIAL}").symlink_to(tmp_path / "a.txt")  # of a run that made links
    assert write_file(tmp_path / "b.txt", b"another")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.txt": b"whole", "b.txt": b"another"}


def test_a_file_that_another_program_writes_is_left_to_it(tmp_path):
    path = tmp_path / "a.txt"
    with replacing(path) as partial:
        partial.write_bytes(b"theirs")
        with pytest.raises(OutputError, match=r"a\.txt: expected to write it alone, got another program"):
            write_file(path, b"ours")
    assert path.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_a_library_that_says_in_its_own_words_that_the_disk_is_full_is_asked_why(tmp_path, largest_file):
    path = tmp_path / "a.pt"
    path.write_bytes(b"old")

    def save_as_torch_does(file: Path) -> None:
        try:
            file.write_bytes(bytes(2 * largest_file))
        except OSError:
            raise RuntimeError("unexpected pos 64 vs 0") from None

    message = rf"^{re.escape(str(path))} is larger than the system takes; choose another disk, or raise the limit of"
    with pytest.raises(OutputError, match=message), replacing(path) as partial:
        save_as_torch_does(partial)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(RuntimeError, match="its own fault"), replacing(path) as partial:
        raise RuntimeError("its own fault")


def test_errors_of_other_files_stay_what_they_are(tmp_path):
    """While the rows of a detector are open, the detector reads its weights."""
    for code in (errno.EACCES, errno.ENOENT):
        with pytest.raises(OSError, match=r"weights\.pt") as caught, replacing(tmp_path / "rows.csv"):
            raise OSError(code, os.strerror(code), "weights.pt")
        assert not isinstance(caught.value, OutputError)


def test_a_folder_that_is_taken_away_while_a_file_is_written(tmp_path):
    path = tmp_path / "gone" / "a.txt"

    def write() -> None:
        with replacing(path) as partial:
            partial.write_bytes(b"a")
            shutil.rmtree(path.parent)

    with pytest.raises(OutputError, match=r"gone was taken away while a\.txt was written; run again$"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_a_file(tmp_path):
    with pytest.raises(IsADirectoryError) as caught:
        write_file(tmp_path, b"a")
    assert caught.value.filename == str(tmp_path)


def test_a_new_folder_appears_when_it_is_whole(tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    with new_folder(folder) as made:
        (made / "a.txt").write_bytes(b"a")
        assert list(folder.iterdir()) == []
    assert [path.name for path in folder.iterdir()] == ["a.txt"]
    with pytest.raises(OSError, match="not empty"), new_folder(folder) as made:
        (made / "b.txt").write_bytes(b"b")
    assert [path.name for path in tmp_path.rglob("*")] == ["site", "a.txt"]


def test_a_new_folder_for_which_there_is_no_room_does_not_appear(tmp_path, largest_file):
    folder = tmp_path / "site"
    with pytest.raises(OutputError, match="site is larger than the system takes"), new_folder(folder) as made:
        (made / "a.wasm").write_bytes(bytes(2 * largest_file))
    assert list(tmp_path.iterdir()) == []


def test_a_held_folder_that_is_a_file(tmp_path):
    (tmp_path / "a").write_bytes(b"mine")
    with pytest.raises(NotADirectoryError), held(tmp_path / "a"):
        pass
    assert (tmp_path / "a").read_bytes() == b"mine"
