"""MATLAB files, against SciPy's reader where that survives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from mat_folder import cell_lists, cells, write_mat_folder

from ultra_face.evaluation.ground_truth import GroundTruthError, load_ground_truth
from ultra_face.formats import matlab
from ultra_face.formats.matlab import MatlabFileError, read_matlab

NUMBERS = [np.arange(12, dtype=kind).reshape(3, 4) for kind in ("u1", "i2", "i4", "f4", "f8", "u8")]


def same(found: Any, expected: Any) -> bool:
    """Equal, and as deep; an empty array may have lost its shape in the file."""
    if expected.dtype == object:
        pairs = zip(found.ravel(), expected.ravel(), strict=True)
        return found.shape == expected.shape and all(same(*pair) for pair in pairs)
    return np.array_equal(found, expected)


@pytest.mark.parametrize("packed", [False, True])
def test_reads_what_scipy_reads(tmp_path: Path, packed: bool) -> None:
    content = {
        "names": cells(["0--Parade", "a b", "Zoë"]),
        "numbers": cells(NUMBERS),
        "lists": cell_lists([[NUMBERS[0], np.zeros((0, 4))], [NUMBERS[1]]]),
        "left_out": np.zeros(3),
    }
    scipy.io.savemat(tmp_path / "a.mat", content, do_compression=packed)
    names = ("names", "numbers", "lists", "missing")
    found, expected = read_matlab(tmp_path / "a.mat", names), scipy.io.loadmat(tmp_path / "a.mat")
    assert set(found) == {"names", "numbers", "lists"}
    assert [name for name in found if not same(found[name], expected[name])] == []


@pytest.mark.data
def test_reads_the_official_files_as_scipy_does(shared_data: Path) -> None:
    names = ("event_list", "file_list", "face_bbx_list", "gt_list")
    for file in sorted((shared_data / "wider-val-groundtruth").glob("*.mat")):
        found, expected = read_matlab(file, names), scipy.io.loadmat(file, variable_names=names)
        assert len(found) >= 3
        assert [name for name in found if not same(found[name], expected[name])] == []


@pytest.mark.parametrize(
    ("variable", "reason"),
    [({"b": 1}, "another kind"), (np.array([1 + 2j]), "another kind"), (scipy.sparse.eye_array(3), "another kind")],
    ids=["structure", "complex", "sparse"],
)
def test_other_kinds_are_refused(tmp_path: Path, variable: Any, reason: str) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"a": variable})
    with pytest.raises(MatlabFileError, match=rf"a\.mat: expected a MATLAB file of level 5, got .*{reason}"):
        read_matlab(tmp_path / "a.mat", ("a",))
    assert read_matlab(tmp_path / "a.mat", ("b",)) == {}


def test_an_array_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"a": np.zeros((100, 100))}, do_compression=True)
    monkeypatch.setattr(matlab, "MAX_BYTES", 1000)
    with pytest.raises(MatlabFileError, match=r"takes more than 1,000 bytes"):
        read_matlab(tmp_path / "a.mat", ("a",))


def test_every_byte_may_be_wrong(tmp_path: Path) -> None:
    """Read or refused, whichever byte it is: with some of them, SciPy's reader ends the program."""
    good = (write_mat_folder(tmp_path / "good") / "wider_easy_val.mat").read_bytes()
    file, rng = tmp_path / "a.mat", np.random.default_rng(0)
    refused = 0
    for at in rng.integers(0, len(good), 400).tolist():
        file.write_bytes(good[:at] + bytes([good[at] ^ 1 << int(rng.integers(8))]) + good[at + 1 :])
        try:
            read_matlab(file, ("event_list", "file_list", "gt_list"))
        except MatlabFileError:
            refused += 1
    assert 0 < refused < 400


def test_names_that_leave_the_folder_are_refused(tmp_path: Path) -> None:
    """Result files are written under these names."""
    faces = {"../../home": {"a": [[10, 20, 30, 40]]}}
    write_mat_folder(tmp_path, faces=faces, counted={name: {"a": [1]} for name in ("easy", "medium", "hard")})
    with pytest.raises(
        GroundTruthError, match=r"wider_face_val\.mat: expected names event/name, got '\.\./\.\./home/a'"
    ):
        load_ground_truth(tmp_path)
