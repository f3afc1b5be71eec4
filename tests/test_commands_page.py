"""What docs/commands.md says is so: its lines run, one after the other, and write what it tells."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from clips import STEADY, write_clip
from squares import TWO, find_squares, squares, write_image

from ultra_face.__main__ import COMMANDS, main
from ultra_face.cli import align, blur, crop, crops, detect, track
from ultra_face.cli.crops import OF_A_CROP
from ultra_face.exchange.rows import COLUMNS


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "docs" / "commands.md").read_text(encoding="utf-8")


def test_the_lines_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("photo.jpg", "group.jpg", "photos/a.jpg", "photos/deep/b.png"):
        write_image(name, squares(*TWO))
    Path("clips").mkdir()
    for file in ("clip.mp4", "clips/a.mp4"):
        write_clip(Path(file), draw=lambda i: squares(*TWO), stamps=STEADY[:3], sound=False)
    for module in (crops, detect, track):
        monkeypatch.setattr(module, "load_detector", lambda options: find_squares)
    lines = re.findall(r"^    ultra-face (.+)$", page, re.MULTILINE)
    assert {line.split()[0] for line in lines} == {"detect", "align", "crop", "track"}
    for line in lines:
        monkeypatch.setattr(sys, "argv", ["ultra-face", *line.split()])
        with pytest.raises(SystemExit) as stopped:
            main()
        assert stopped.value.code == 0, line
    assert len(capsys.readouterr().out.splitlines()) == 2 + 1 + 2  # JSON lines, then CSV with its header
    written = [
        "faces.csv", "faces.parquet", "drawn/deep/b.jpg", "aligned/a-001.png", "aligned/index.csv",
        "main-person/group-001.png", "cropped/a-000.png", "from-video/clip-000002-000.png", "tracked/clip.jsonl",
        "tracked/clip/person-0002.png", "all-tracked/a.parquet", "all-tracked/a/person-0001.png",
    ]  # fmt: skip
    assert [file for file in written if not Path(file).is_file()] == []


def test_the_columns_are_those_of_the_rows(page: str) -> None:
    tables = re.findall(r"^\| column \| \|\n\| --- \| --- \|\n((?:\|.*\n)+)", page, re.MULTILINE)
    of_faces, of_crops = (
        [name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])] for table in tables
    )
    assert of_faces == list(COLUMNS)
    assert of_crops == list(OF_A_CROP)


def test_options_are_those_of_the_commands(page: str) -> None:
    """All of them are told here, but for those of `blur`, which has its page."""
    options = {
        option
        for command in (align.parser(), crop.parser(), detect.parser(), track.parser())
        for action in command._actions
        for option in action.option_strings
        if option.startswith("--")
    }
    assert options - {"--help"} == set(re.findall(r"--[a-z][a-z-]+", page)) - {"--spare-ids"}
    assert "--spare-ids" in blur.parser().format_help()
    assert f"and {track.parser().get_default('conf')} for `blur` and `track`" in page
    assert blur.parser().get_default("conf") == track.parser().get_default("conf")


def test_every_command_for_faces_has_its_row(page: str) -> None:
    first, *_ = page.split("##")
    assert re.findall(r"^\| \[`([a-z]+)`\]", first, re.MULTILINE) == [
        "detect", "bulk", "align", "crop", "blur", "track", "web"
    ]  # fmt: skip
    assert set(re.findall(r"^\| \[`([a-z]+)`\]", first, re.MULTILINE)) <= set(COMMANDS)


def test_links_lead_somewhere(page: str, repository: Path) -> None:
    """To files, and to headings as GitHub names them."""
    links = re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page)
    assert len(links) >= 8
    for name, heading in links:
        text = (repository / "docs" / (name or "commands.md")).read_text(encoding="utf-8")
        titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        headings = {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}
        assert not heading or heading in headings, (name, heading)
