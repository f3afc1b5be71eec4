"""ONNX Runtime Web, which runs networks in browsers: fetched once with npm, its files checked by their sums.

It is no part of the package, as it is larger than all of it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from ultra_face.files.whole import write_file

VERSION = "1.30.0"
PACKAGE = f"onnxruntime-web@{VERSION}"

SUMS = {
    # WebAssembly
    "ort.wasm.min.mjs": "219e6a1fc8a9938268d18efca3c91d310bd2f4a59bbd13744df5b2b7fc6cee3b",
    "ort-wasm-simd-threaded.mjs": "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
    # WebAssembly and WebGPU
    "ort.webgpu.min.mjs": "3dffff71811bc13a3a3d9591c57ca5ee5735b8f5f3eaf789510b02bb040ae3a0",
    "ort-wasm-simd-threaded.asyncify.mjs": "3d1c85995364bb643302fc6fd877a0c3ba5ae72401815e0f24828a53d9191e28",
    "ort-wasm-simd-threaded.asyncify.wasm": "39f9f0894d478800487ed9f7dbe92618498db320cf55c8e3d89adff8dce658da",
}
"""The files that the page loads, in the folder `dist` of the npm package, and their SHA-256."""

_SECONDS = 600
_NPM = re.compile(r"^npm (error|ERR!)")  # what npm, and what older ones, put before each line of an error
_DETAIL = re.compile(r"(code|syscall|errno|at) ")
_REMEDY = "connect to a network, or name a folder that has the files: --runtime FOLDER"


def cache_folder() -> Path:
    """Where the files are kept, in the user's folder for what can be fetched again."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "ultra-face" / f"onnxruntime-web-{VERSION}"


def is_complete(folder: Path) -> bool:
    """Whether a folder has all the files, whatever they hold."""
    return all((folder / name).is_file() for name in SUMS)


def check(folder: Path) -> None:
    """Check that the files are those that the page was tested with.

    Raises:
        FileNotFoundError: one is not there.
        ValueError: one has another sum.
    """
    for name, expected in SUMS.items():
        file = folder / name
        if not file.is_file():
            raise FileNotFoundError(
                f"{file}: expected a file of {PACKAGE}, got no file; name a folder with all of {', '.join(SUMS)}"
            )
        got = hashlib.sha256(file.read_bytes()).hexdigest()
        if got != expected:
            raise ValueError(
                f"{file}: expected the SHA-256 {expected[:12]}... of {PACKAGE}, got {got[:12]}...; delete the file, "
                "and it is fetched again"
            )


def fetch(folder: Path) -> None:
    """Fetch the files with the user's npm, from where it fetches packages, into a folder. Those already there stay.

    Raises:
        ConnectionError: npm does not get the package.
        FileNotFoundError: there is no npm.
        ValueError: the package does not have the files, or a file has another sum than expected.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError(
            f"npm: expected this program of Node.js, which fetches {PACKAGE}, got none on the PATH; install Node.js, "
            "or name a folder that has the files: --runtime FOLDER"
        )
    with tempfile.TemporaryDirectory() as scratch:
        _pack(npm, scratch)
        archives = list(Path(scratch).glob("*.tgz"))
        if len(archives) != 1:
            raise ValueError(f"npm pack {PACKAGE}: expected one archive, got {len(archives)}; {_REMEDY}")
        unpacked = Path(scratch, "unpacked")
        _unpack(archives[0], unpacked)
        check(unpacked)
        for name in SUMS:
            if not (folder / name).exists():
                write_file(folder / name, (unpacked / name).read_bytes())


def _pack(npm: str, folder: str) -> None:
    command = [npm, "pack", "--loglevel=error", PACKAGE]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            env={**os.environ, "npm_config_fetch_retries": "1"},
        )
    except subprocess.TimeoutExpired as error:
        raise ConnectionError(f"npm pack {PACKAGE}: expected the package within {_SECONDS} s; {_REMEDY}") from error
    if done.returncode:
        lines = [_NPM.sub("", line).strip() for line in done.stderr.splitlines()]
        said = next((line for line in lines if line and not _DETAIL.match(line)), f"exit status {done.returncode}")
        raise ConnectionError(f"npm pack {PACKAGE}: expected the package, got: {said}; {_REMEDY}")


def _unpack(archive: Path, folder: Path) -> None:
    """Take the files, and no others, out of an npm package."""
    folder.mkdir()
    with tarfile.open(archive) as package:
        for name in SUMS:
            try:
                content = package.extractfile(f"package/dist/{name}")
            except KeyError:
                content = None
            if content is None:
                raise ValueError(f"{PACKAGE}: expected dist/{name} in it, got a package without; {_REMEDY}")
            (folder / name).write_bytes(content.read())
