"""What names stand for: photographs, folders, patterns, lists, Parquet files and URIs of these. Without Ray."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from ultra_face.bulk.places import find, read
from ultra_face.bulk.sources import MOST_BLOCKS, Columns, Named, Tables, find_photographs

COLUMNS = Columns(("bytes", "path"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.JPG", "a.png", "notes.md", ".hidden/c.jpg", "deep/er/d.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def names_of(found: object) -> list[str]:
    assert isinstance(found, Named)
    return found.names


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_folders_and_patterns(folder: Path, scheme: str) -> None:
    place = f"{scheme}{folder}"
    images = [f"{place}/a.png", f"{place}/b.JPG", f"{place}/deep/er/d.jpg"]
    assert names_of(find_photographs(place, COLUMNS)) == images
    assert names_of(find_photographs(f"{place}/**/*.jpg", COLUMNS)) == images[2:]
    assert names_of(find_photographs([f"{place}/b.JPG", place], COLUMNS)) == [images[1], images[0], images[2]]
    assert names_of(find_photographs(f"{place}/notes.md", COLUMNS)) == [f"{place}/notes.md"]  # named by itself
    assert read(images[2]) == b"deep/er/d.jpg"


def test_paths_come_out_absolute(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker of the cluster stands elsewhere, and so may the next run."""
    monkeypatch.chdir(folder)
    assert find("deep") == [str(folder / "deep/er/d.jpg")]


def test_a_list(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "deep")
    (folder / "list.txt").write_text("./a.png\n\ner/d.jpg\ns3://bucket/e f.jpg\n./a.png\n")
    expected = [str(folder / "a.png"), str(folder / "deep/er/d.jpg"), "s3://bucket/e f.jpg"]
    assert names_of(find_photographs(folder / "list.txt", COLUMNS)) == expected


def test_done_ones_are_left_out_and_the_others_are_split() -> None:
    left = Named(["a", "b", "c"]).without({"b"})
    assert (left.names, left.count()) == (["a", "c"], 2)
    many = Named([str(number) for number in range(8 * MOST_BLOCKS + 1)])
    blocks = list(many.blocks(8))
    assert (len(blocks[0]), len(blocks)) == (9, 1778)  # 16,001 names in blocks of 9, since those of 8 are too many
    assert sum(map(len, blocks)) == many.count()
    assert [len(block) for block in Named(list("abc")).blocks(2)] == [2, 1]


def test_parquet(folder: Path) -> None:
    table = pa.table({"bytes": [b""], "path": ["a"]})
    (folder / "tables").mkdir()
    parquet.write_table(table, folder / "tables" / "0.parquet")
    assert find_photographs(folder / "tables", COLUMNS) == Tables([str(folder / "tables" / "0.parquet")], COLUMNS)
    with pytest.raises(
        ValueError, match=r"^bulk: expected photographs or Parquet files, got both, such as .*a\.png an"
    ):
        find_photographs(folder, COLUMNS)
    (folder / "tables" / "0.parquet").write_bytes(b"no table")
    with pytest.raises(ValueError, match=r"0\.parquet: expected a Parquet file, got a file of another kind"):
        find_photographs(folder / "tables", COLUMNS)


@pytest.mark.parametrize("name", ["nowhere", "*.gif", "empty", "file://{}/nowhere", "file://{}/*.gif"])
def test_nothing_there(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    message = r": expected photographs, Parquet files or a list of photographs, got none; check the path$"
    with pytest.raises(FileNotFoundError, match=message):
        find_photographs(name.format(tmp_path), COLUMNS)


def test_uris_that_do_not_do() -> None:
    with pytest.raises(ValueError, match=r"^odd://bucket/: expected a URI that pyarrow knows, such as s3://bucket/pho"):
        find_photographs("odd://bucket/photos", COLUMNS)
    with pytest.raises(ValueError, match=r"^s3://\.\.\.@bucket: expected a URI without user and password, got one wi"):
        find_photographs("s3://key:secret@bucket/photos", COLUMNS)
