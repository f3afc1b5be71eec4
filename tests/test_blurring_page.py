"""What docs/blurring.md says is so: its commands are understood, its options are all there are, its code runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from clips import STEADY, write_clip

from ultra_face.cli import blur
from ultra_face.cli.sources import DETECTOR_SETTINGS


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "docs" / "blurring.md").read_text(encoding="utf-8")


def test_commands_are_understood(page: str) -> None:
    lines = re.findall(r"^    ultra-face blur (.+)$", page, re.MULTILINE)
    assert lines
    for line in lines:
        blur.parser().parse_args(line.split())


def test_options_and_their_defaults_are_those_of_the_command(page: str) -> None:
    """Those of the detector have their page; the common ones are told by --help."""
    parser = blur.parser()
    options = {option for action in parser._actions for option in action.option_strings if option.startswith("--")}
    named = set(re.findall(r"--[a-z][a-z-]+", page))
    assert named <= options
    common = {"--help", "--quiet", "--trust", *(f"--{name}" for name in DETECTOR_SETTINGS)}
    assert options - common <= named
    assert f"at most twice `--hold` seconds apart ({parser.get_default('hold')} by default)" in page
    assert f"The lowest score is {parser.get_default('conf')} here" in page


def test_links_lead_to_files(page: str, repository: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", page)
    assert links
    assert [link for link in links if not (repository / "docs" / link).exists()] == []


def test_the_code_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "clip.mp4", stamps=STEADY[:3])
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(compile(block, "docs/blurring.md", "exec"), {})
    assert (tmp_path / "safe.mp4").is_file()
