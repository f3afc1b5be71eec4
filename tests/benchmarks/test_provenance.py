"""Each result file says where its numbers come from."""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks import provenance


def test_record(monkeypatch, repository):
    monkeypatch.setattr(sys, "argv", [str(repository / "benchmarks" / "provenance.py"), "--data", "two words"])
    record = provenance.provenance({"imgsz": 640}, "demo set, val", 3)
    assert record == json.loads(json.dumps(record))
    assert record["command"] == "python benchmarks/provenance.py --data 'two words'"
    assert (record["config"], record["data"], record["seed"]) == ({"imgsz": 640}, "demo set, val", 3)
    assert {"python", "numpy", "torch", "ultralytics"} <= record["versions"].keys()
    assert record["machine"]["cores"] >= record["machine"]["usable_cores"] >= 1
    assert record["machine"]["processor"]
    assert record["date"].endswith("+00:00")


def test_places_of_this_machine_stay_out_of_the_record(monkeypatch, tmp_path):
    arguments = [
        "benchmarks/a.py",
        "--data",
        str(tmp_path / "faces" / "data.yaml"),
        "../other/labels",
        "cfg/b.yaml",
        "n/m",
    ]
    monkeypatch.setattr(sys, "argv", arguments)
    command = provenance.provenance({}, "none", None)["command"]
    assert command == "python benchmarks/a.py --data data.yaml labels cfg/b.yaml n/m"


def test_commit_and_changes(monkeypatch, tmp_path):
    def git(*arguments):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True)

    monkeypatch.setattr(provenance, "REPOSITORY", tmp_path)
    git("init")
    assert provenance.provenance({}, "none", None)["commit"] is None
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "-m", "first")
    clean = provenance.provenance({}, "none", None)
    assert len(clean["commit"]) == 40
    assert clean["dirty"] is False
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "speed.json").write_text("1")
    git("add", "results")
    git("commit", "-m", "second")
    (tmp_path / "results" / "speed.json").write_text("2")  # what another measurement writes
    assert provenance.provenance({}, "none", None)["dirty"] is False
    (tmp_path / "file").write_text("two")
    assert provenance.provenance({}, "none", None)["dirty"] is True
