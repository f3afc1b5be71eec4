"""What the server answers: the files of the site with their types, under the page's policy, and nothing else."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from opened_pages import serving

from ultra_face.web.server import new_server, policy
from ultra_face.web.site import PAGE, Site, page_folder

TYPES = {
    "": "text/html; charset=utf-8",
    "index.html": "text/html; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "runtime/a.mjs": "text/javascript; charset=utf-8",
    "runtime/a.wasm": "application/wasm",
    "style.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "model.json": "application/json",
    "model.onnx": "application/octet-stream",
}


@pytest.fixture
def site() -> Site:
    page = {name: page_folder() / name for name in PAGE}
    return Site({**page, "model.json": b"{}", "model.onnx": b"model", "runtime/a.mjs": b"", "runtime/a.wasm": b"\0asm"})


@pytest.fixture
def served(site: Site) -> Iterator[str]:
    with serving(site) as url:
        yield url


def ask(url: str, path: str, method: str = "GET") -> HTTPResponse:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request(method, f"/{path}")
    answer = connection.getresponse()
    answer.content = answer.read()
    connection.close()
    return answer


@pytest.mark.parametrize("path", TYPES)
def test_files_come_with_the_types_that_browsers_insist_on(served: str, site: Site, path: str) -> None:
    answer = ask(served, path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, TYPES[path])
    assert answer.content == site.read(path or "index.html")
    head = ask(served, f"{path}?backend=WebGPU", "HEAD")
    assert (head.status, head.content, head.headers["Content-Length"]) == (200, b"", str(len(answer.content)))


@pytest.mark.parametrize(
    "path", ["no.js", "package.json", "../README.md", "%2e%2e/README.md", "/etc/hostname", "runtime"]
)
def test_nothing_else_is_served(served: str, path: str) -> None:
    assert ask(served, path).status == 404


def test_the_policy_lets_nothing_be_sent_or_evaluated(served: str, site: Site) -> None:
    sent = ask(served, "worker.js").headers["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in sent.split("; "))
    assert sent == policy(site)
    assert (rules["default-src"], rules["connect-src"], rules["worker-src"]) == ("'none'", "'self'", "'self'")
    assert rules["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert {source for rule in rules.values() for source in rule.split()} == {"'none'", "'self'", "'wasm-unsafe-eval'"}
    with pytest.raises(ValueError, match=r"index.html: expected a Content-Security-Policy in a meta element"):
        policy(Site({"index.html": b"<!doctype html>"}))


def test_isolation_is_sent_for_several_threads(served: str, site: Site) -> None:
    assert "Cross-Origin-Opener-Policy" not in ask(served, "").headers
    with serving(site, isolated=True) as url:
        headers = ask(url, "worker.js").headers
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"


def test_only_this_machine_is_answered(served: str) -> None:
    assert urlsplit(served).hostname == "localhost"


def test_an_address_that_is_taken_is_told(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            OSError, match=rf"127.0.0.1:{port}: expected an address that is free .* choose another --port"
        ):
            new_server(site, "127.0.0.1", port)


def test_a_site_is_written_whole_into_a_new_folder(site: Site, tmp_path: Path) -> None:
    size = site.write(tmp_path / "deep" / "out")
    written = {str(file.relative_to(tmp_path / "deep" / "out")) for file in (tmp_path / "deep").rglob("*.*")}
    assert {file for file in written if "/" in file} == {"runtime/a.mjs", "runtime/a.wasm"}
    assert {path for path in site.files if (tmp_path / "deep" / "out" / path).read_bytes() == site.read(path)} == set(
        site.files
    )
    assert size == sum(len(site.read(path)) for path in site.files)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]


def test_a_folder_with_files_is_left_alone(site: Site, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(FileExistsError, match="expected a new or empty folder, got one with files; choose another"):
        site.write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]
