"""Give every command that writes a disk without room, then one that is read-only, and record how it ends.

As root the disks are small file systems in memory. Elsewhere the system refuses files beyond a size, and the read-only
disks are left out.

    python -m benchmarks.full_disks             # writes results/full-disks.json
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.faults.checks import closed_checkpoints, files
from benchmarks.faults.inputs import make_inputs, sums
from benchmarks.faults.lines import LINES, Line, make_models
from benchmarks.faults.process import End, run
from benchmarks.provenance import REPOSITORY, provenance

SHARE = 0.5
"""Of the room that a command needs."""

_BLOCK = 4096
_MINE = b"the user's own file"


def main() -> None:
    """Read the command line, fill disks, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    writing = [name for name, line in LINES.items() if line.writes]
    parser.add_argument("--only", nargs="+", choices=writing, default=writing, help="commands (default: all)")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "results" / "full-disks.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        mounts = can_mount(scratch / "mount")
        config = {"share of the room needed": SHARE, "disk": "a file system" if mounts else "a limit of file size"}
        record: dict[str, Any] = {"provenance": provenance(config, "faces drawn for this", None)}
        make_inputs(scratch / "inputs")
        make_models(scratch / "inputs", scratch / "first")
        record["rows"] = {
            name: refuse(name, LINES[name], scratch, mounts=mounts) for name in tqdm(options.only, desc="commands")
        }
    options.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def refuse(name: str, line: Line, scratch: Path, *, mounts: bool) -> dict[str, Any]:
    """Run a command with room, without, and on a read-only disk; what was seen."""
    inputs, output, reference = (scratch / part for part in ("inputs", "output", "reference"))
    words = line.of(name, inputs)
    shutil.rmtree(reference, ignore_errors=True)
    output.mkdir()
    whole = run(words, output)
    if whole.status:
        raise RuntimeError(f"{name}: expected a run that succeeds, got status {whole.status}: {whole.said[-500:]}")
    output.rename(reference)
    before, expected = sums(inputs), files(reference)
    sizes = [file.stat().st_size for file in reference.rglob("*") if file.is_file()]
    room = round(SHARE * sum(-(-size // _BLOCK) * _BLOCK for size in sizes))
    seen: dict[str, Any] = {}
    with disk(output, f"size={max(room, 2 * _BLOCK)}", mounts=mounts):
        if line.mine is not None:
            (output / line.mine).parent.mkdir(parents=True, exist_ok=True)
            (output / line.mine).write_bytes(_MINE)
        end = run(words, output, largest_file=None if mounts else max(sizes) // 2)
        resumes = line.again and any(output.rglob("last.pt"))  # with another state than at the end
        there = {path: digest for path, digest in files(output).items() if path not in (line.mine, line.index)}
        half = [path for path, digest in there.items() if expected.get(path) != digest and not resumes]
        if line.index is not None and not lists_what_is_there(output / line.index, reference / line.index):
            half.append(line.index)
        seen["full"] = {
            **described(name, end),
            "half-written": half + closed_checkpoints(output),
            "the user's file is kept": line.mine is None or kept(output / line.mine, reference / line.mine),
        }
        if mounts:
            subprocess.run(["mount", "-o", "remount,size=1g", str(output)], check=True)
        again = run([*words, *line.again.split()] if resumes else words, output)
        seen["full"]["a run with room completes"] = again.status == 0
    if mounts:
        with disk(output, "ro", mounts=mounts):
            seen["read-only"] = described(name, run(words, output))
    shutil.rmtree(output, ignore_errors=True)
    return {**seen, "inputs unchanged": sums(inputs) == before}


def described(name: str, end: End) -> dict[str, Any]:
    """How a command ended, and what it said last."""
    told = [line for line in end.said.splitlines() if line.startswith(f"ultra-face {name}: ")]
    return {
        "status": end.status,
        "traceback": "Traceback" in end.said,
        "sentences": len(told),
        "said": told[0] if told else end.said[-2000:],
    }


def kept(file: Path, reference: Path) -> bool:
    """Whether a user's file is what it was, or has become what the command was to write."""
    return file.is_file() and file.read_bytes() in (_MINE, reference.read_bytes())


def lists_what_is_there(index: Path, reference: Path) -> bool:
    """Whether a table has a row of the whole run's for each of the files beside it, and no other."""
    head, *rows = index.read_text(encoding="utf-8").splitlines()
    whole_head, *whole_rows = reference.read_text(encoding="utf-8").splitlines()
    beside = sum(path != index for path in index.parent.iterdir())
    return head == whole_head and set(rows) <= set(whole_rows) and len(rows) == beside


@contextlib.contextmanager
def disk(folder: Path, options: str, *, mounts: bool) -> Iterator[None]:
    """A folder with a file system of its own, or a plain one."""
    folder.mkdir(exist_ok=True)
    if not mounts:
        yield
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def can_mount(folder: Path) -> bool:
    """Whether this user may mount a file system here."""
    try:
        with disk(folder, "size=1m", mounts=True):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


if __name__ == "__main__":
    main()
