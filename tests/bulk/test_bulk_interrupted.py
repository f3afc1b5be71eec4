"""Ctrl-C: status 130, no traceback, what has come is written, and no process of Ray stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from PIL import Image
from pyarrow import parquet
from red_network import write_red_network

NUM_PHOTOGRAPHS, SECONDS = 5000, 120


@pytest.mark.slow
def test_interrupted(tmp_path: Path) -> None:
    photos, output = tmp_path / "photos", tmp_path / "faces"
    photos.mkdir()
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.jpg")
    for number in range(NUM_PHOTOGRAPHS):
        (photos / f"{number:04d}.jpg").symlink_to(tmp_path / "red.jpg")
    words = [str(photos), "--output", str(output), "--model", str(write_red_network(tmp_path / "red.onnx"))]
    words += ["--concurrency", "1", "--batch-size", "1", "--rows-per-file", "2"]
    command = [sys.executable, "-m", "ultra_face", "bulk", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        end = time.monotonic() + SECONDS
        while not list(output.glob("*.parquet")) and process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        started = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        try:
            _, errors = process.communicate(timeout=SECONDS)
        finally:
            process.kill()  # where it did not stop, or this would wait for it
    assert process.returncode == 130, errors
    assert errors.endswith("ultra-face bulk: interrupted\n")
    assert "Traceback" not in errors
    _, alive = psutil.wait_procs(started, timeout=SECONDS)
    assert started
    assert alive == []
    files = sorted(output.glob("*.parquet"))
    assert 0 < sum(parquet.read_metadata(file).num_rows for file in files) < NUM_PHOTOGRAPHS
    assert {entry.name for entry in output.iterdir()} == {".ultra_face.json", *(file.name for file in files)}
