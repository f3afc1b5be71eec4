"""What docs/browser.md says is so: its commands are understood, its files and headers are the page's, its code runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from opened_pages import opened, serving
from ultralytics.utils import ASSETS

from ultra_face.cli import web
from ultra_face.web.runtime import PACKAGE, SUMS
from ultra_face.web.server import ISOLATION, TYPES, policy
from ultra_face.web.site import DESCRIPTION, MODEL, PAGE, RUNTIME, Site, page_folder

# Around the code of the page: the session and the pixels that it speaks of.
BEFORE = """
import * as ort from "./runtime/ort.wasm.min.mjs";
ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create("model.onnx");
const bitmap = await createImageBitmap(await (await fetch("photo.json")).blob());
const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
context.drawImage(bitmap, 0, 0);
const pixels = context.getImageData(0, 0, bitmap.width, bitmap.height);
"""


@pytest.fixture(scope="module")
def docs(repository: Path) -> str:
    return (repository / "docs" / "browser.md").read_text(encoding="utf-8")


def test_commands_and_options_are_those_of_the_command(docs: str) -> None:
    lines = re.findall(r"^    ultra-face web *(.*)$", docs, re.MULTILINE)
    assert len(lines) >= 4
    for line in lines:
        web.parser().parse_args(line.split())
    options = {option for action in web.parser()._actions for option in action.option_strings if option[:2] == "--"}
    assert set(re.findall(r"--[a-z][a-z-]+", docs)) == options - {"--help", "--trust"}


def test_files_are_those_of_the_page(docs: str) -> None:
    (table,) = re.findall(r"^\| file \| \|\n\| --- \| --- \|\n((?:\|.*\n)+)", docs, re.MULTILINE)
    named = {name for row in table.splitlines() for name in re.findall(r"`([\w./]+)`", row.split("|")[1])}
    assert named == {*PAGE, MODEL, DESCRIPTION, f"{RUNTIME}/"}
    assert all((page_folder() / name).is_file() for name in PAGE)
    assert f"`{PACKAGE}`" in docs
    assert len(SUMS) == 6
    assert "Its six files" in docs


def test_types_and_headers_are_those_of_our_server(docs: str) -> None:
    (block,) = re.findall(r"```nginx\n(.*?)```", docs, re.DOTALL)
    types = dict(re.findall(r"^ {8}(\S+) +([a-z ]+);$", block, re.MULTILINE))
    told = {f".{suffix}": kind for kind, suffixes in types.items() for suffix in suffixes.split()}
    told[".onnx"] = re.search(r"default_type (\S+);", block)[1]
    assert told == {suffix: kind.split(";")[0] for suffix, kind in TYPES.items()}
    headers = dict(re.findall(r'add_header (\S+) "([^"]+)" always;', block))
    site = Site({"index.html": page_folder() / "index.html"})
    assert headers == {"Content-Security-Policy": policy(site), **ISOLATION}


def test_links_lead_to_files(docs: str, repository: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", docs)
    assert len(links) >= 3
    assert [link for link in links if not (repository / "docs" / link).exists()] == []


@pytest.mark.slow
def test_the_code_finds_faces(docs: str, browser: Any, site: Site) -> None:
    (code,) = re.findall(r"```js\n(.*?)```", docs, re.DOTALL)
    module = f"{code.splitlines()[0]}\n{BEFORE}\n{''.join(code.splitlines(True)[1:])}\nexport default faces;"
    more = {"code.mjs": module.encode(), "photo.json": (ASSETS / "zidane.jpg").read_bytes()}
    with serving(Site({**site.files, **more})) as url, opened(browser, url) as seen:
        faces = seen.page.evaluate("async () => (await import('./code.mjs')).default")
        assert seen.console == []
    assert [len(face["landmarks"]) for face in faces] == [5, 5]
    # Both people of the photograph, 1280 x 720 px, from the left of the picture to the right: 612 and 982 px.
    assert sorted(round((face["box"][0] + face["box"][2]) / 2 / 50) for face in faces) == [12, 20]
