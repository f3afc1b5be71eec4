"""Members of archives that are locked, packed oddly, larger than they seem, or named to leave the folder."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch

from ultra_face.formats import archives
from ultra_face.formats.archives import check_stored, open_archive, read_member
from ultra_face.formats.image_files import ImageArchive


def write(file: Path, **changes: int) -> Path:
    """An archive of one member, `a/b.jpg`, whose entry is changed after it is written."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.jpg", b"content")
        for name, value in changes.items():
            setattr(archive.infolist()[0], name, value)
    return file


def test_a_member_is_read(tmp_path: Path) -> None:
    with open_archive(write(tmp_path / "a.zip")) as opened:
        assert read_member(opened, "a/b.jpg") == b"content"
        with pytest.raises(KeyError):
            read_member(opened, "c.jpg")


@pytest.mark.parametrize(
    "changes", [{"flag_bits": 1}, {"compress_type": 99}, {"CRC": 1}], ids=["locked", "method", "sum"]
)
def test_a_member_that_cannot_be_read_is_named(tmp_path: Path, changes: dict[str, int]) -> None:
    store = ImageArchive(write(tmp_path / "a.zip", **changes), "a/")
    with pytest.raises(ValueError, match=r"a\.zip: a/b\.jpg is damaged, or locked \(.+\); fetch the archive again$"):
        store.read("b.jpg")


def test_a_member_larger_than_it_may_be_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_BYTES", len(b"content") - 1)
    with (
        open_archive(write(tmp_path / "a.zip")) as opened,
        pytest.raises(ValueError, match="at most 6 bytes, got more"),
    ):
        read_member(opened, "a/b.jpg")


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x05\x06" + b"\xff" * 18])
def test_damaged_archives(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.zip: expected a complete zip archive, got a damaged one"):
        open_archive(tmp_path / "a.zip")


def test_what_a_library_unpacks_must_not_be_packed(tmp_path: Path) -> None:
    """A checkpoint of kilobytes could hold gigabytes; those of `torch.save` are stored as they are."""
    with pytest.raises(ValueError, match=r"a\.pt: expected a checkpoint whose parts are not packed, .*got 'a/b\.jpg'"):
        check_stored(write(tmp_path / "a.pt"))
    torch.save({"a": 1}, tmp_path / "b.pt")
    check_stored(tmp_path / "b.pt")
    (tmp_path / "text.pt").write_text("no archive")
    check_stored(tmp_path / "text.pt")
