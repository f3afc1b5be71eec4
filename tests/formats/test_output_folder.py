from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ultra_face.files.whole import OutputError, write_file
from ultra_face.formats.files import MARKER, claimed, staged


def claim_and_leave(folder: Path, source: str = "a") -> None:
    with claimed(folder, {"source": source}):
        pass


def test_a_new_an_empty_and_an_own_folder_can_be_claimed(tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("new/deep", "empty"):
        claim_and_leave(tmp_path / name)
        (tmp_path / name / "later.txt").write_text("x", encoding="utf-8")
        claim_and_leave(tmp_path / name)
        assert (tmp_path / name / MARKER).is_file()


def test_a_folder_with_other_files_is_refused_and_untouched(tmp_path):
    (tmp_path / "mine.txt").write_text("x", encoding="utf-8")
    with pytest.raises(FileExistsError, match="expected a new or empty folder, got one with files of another origin"):
        claim_and_leave(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_made_from_something_else_is_refused(tmp_path):
    claim_and_leave(tmp_path)
    with pytest.raises(FileExistsError, match=r'expected a folder made from \{"source": "b"\}, got one whose'):
        claim_and_leave(tmp_path, "b")


def test_a_folder_that_is_being_written_to_is_refused(tmp_path):
    folder = tmp_path / "new"
    with claimed(folder, {"source": "a"}):
        with pytest.raises(OutputError, match="new: expected to write it alone, got another program that does; wait"):
            claim_and_leave(folder)
        assert (folder / MARKER).is_file()
    claim_and_leave(folder)


def test_a_folder_that_is_taken_away_is_noticed_and_nothing_is_published(tmp_path):
    folder = tmp_path / "new"
    message = "new was taken away during the work; delete what is left of it and run again"

    def prepare() -> None:
        with claimed(folder, {"source": "a"}) as claim:
            claim.check()
            shutil.rmtree(folder)
            write_file(staged(folder / "train") / "a.jpg", b"a")
            claim.publish(folder / "train")

    with pytest.raises(OutputError, match=message):
        prepare()
    assert not (folder / "train").exists()
    shutil.rmtree(folder)
    with pytest.raises(OutputError, match=message), claimed(folder, {"source": "a"}):
        shutil.rmtree(folder)


def test_a_staged_folder_appears_when_it_is_published(tmp_path):
    folder = tmp_path / "new" / "train"
    with claimed(tmp_path / "new", {"source": "a"}) as claim:
        write_file(staged(folder) / "a.jpg", b"a")
        assert not folder.exists()
        claim.publish(folder)
        assert staged(folder) == folder
        write_file(staged(folder) / "b.jpg", b"b")
        claim.publish(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["a.jpg", "b.jpg"]
    assert sorted(path.name for path in folder.parent.iterdir()) == [MARKER, "train"]
