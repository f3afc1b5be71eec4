"""ONNX Runtime Web comes with npm, whole and as it was tested, or a sentence says why not."""

from __future__ import annotations

import hashlib
import os
import sys
import tarfile
from pathlib import Path

import pytest

from ultra_face.web import runtime
from ultra_face.web.runtime import cache_folder, check, fetch, is_complete

FILES = {"a.mjs": b"export {};\n", "a.wasm": b"\0asm"}


@pytest.fixture(autouse=True)
def small_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two small files instead of the six."""
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    monkeypatch.setattr(runtime, "SUMS", sums)


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a program called npm first on the PATH, which does what it is told in Python."""

    def put(code: str) -> None:
        folder = tmp_path / "programs"
        folder.mkdir()
        program = folder / "npm"
        program.write_text(f"#!{sys.executable}\n{code}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return put


def packed(archive: Path, files: dict[str, bytes]) -> str:
    """Code of an npm whose package has these files."""
    with tarfile.open(archive, "w:gz") as package:
        for name, content in files.items():
            file = archive.with_name(name)
            file.write_bytes(content)
            package.add(file, f"package/dist/{name}")
    return f"import shutil, sys\nassert sys.argv[1] == 'pack', sys.argv\nshutil.copy({str(archive)!r}, 'package.tgz')"


def test_files_are_fetched_and_those_there_stay(tmp_path, npm):
    npm(packed(tmp_path / "package.archive", {**FILES, "other.js": b"not needed"}))
    folder = tmp_path / "deep" / "runtime"
    folder.mkdir(parents=True)
    (folder / "a.mjs").write_bytes(b"mine")
    assert not is_complete(folder)
    fetch(folder)
    assert is_complete(folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {**FILES, "a.mjs": b"mine"}
    with pytest.raises(ValueError, match=r"a.mjs: expected the SHA-256 \w+... of onnxruntime-web@1.30.0, got"):
        check(folder)


def test_a_package_with_another_content_is_refused(tmp_path, npm):
    npm(packed(tmp_path / "package.archive", {**FILES, "a.wasm": b"changed"}))
    with pytest.raises(ValueError, match=r"a.wasm: expected the SHA-256"):
        fetch(tmp_path / "runtime")
    assert not (tmp_path / "runtime").exists()


def test_a_package_without_a_file_is_refused(tmp_path, npm):
    npm(packed(tmp_path / "package.archive", {"a.mjs": FILES["a.mjs"]}))
    with pytest.raises(ValueError, match=r"expected dist/a.wasm in it, got a package without"):
        fetch(tmp_path / "runtime")


def test_an_npm_without_a_network_is_told_in_one_sentence(tmp_path, npm):
    npm("import sys\nsys.exit('npm error code ENOTFOUND\\nnpm error errno ENOTFOUND\\nnpm error network no such host')")
    with pytest.raises(ConnectionError, match=r"expected the package, got: network no such host; connect to") as told:
        fetch(tmp_path / "runtime")
    assert "\n" not in str(told.value)


def test_an_npm_that_gives_nothing_is_told(tmp_path, npm):
    npm("")
    with pytest.raises(ValueError, match="expected one archive, got 0"):
        fetch(tmp_path / "runtime")


def test_a_machine_without_npm_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        FileNotFoundError, match=r"npm: expected this program of Node.js.*install Node.js, or name a folder"
    ):
        fetch(tmp_path / "runtime")


def test_a_folder_without_a_file_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a.mjs: expected a file of onnxruntime-web@1.30.0, got no file"):
        check(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other folders")
def test_the_cache_is_where_the_user_keeps_caches(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "ultra-face" / "onnxruntime-web-1.30.0"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "ultra-face" / "onnxruntime-web-1.30.0"
