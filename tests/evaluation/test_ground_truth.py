from __future__ import annotations

import numpy as np
import pytest
import scipy.io
from mat_folder import COUNTED, FACES, cells, write_mat_folder
from numpy.testing import assert_array_equal

from ultra_face.evaluation.ground_truth import GroundTruth, GroundTruthError, load_ground_truth
from ultra_face.formats.widerface import ImageSetError

ANNOTATIONS = """0--Parade/0_Parade_a.jpg
2
10 20 30 40 0 0 0 0 0 0
100 20 8 9 2 0 0 1 2 0
0--Parade/0_Parade_none.jpg
0
0 0 0 0 0 0 0 0 0 0
1--Handshaking/1_Handshaking_c.jpg
1
1 2 3 4 0 0 0 0 0 0
"""


def test_mat_folder(tmp_path):
    truth = load_ground_truth(write_mat_folder(tmp_path))
    assert truth.images == ("0--Parade/0_Parade_a", "0--Parade/0_Parade_b", "1--Handshaking/1_Handshaking_c")
    assert truth.events == ("0--Parade", "1--Handshaking")
    assert_array_equal(truth.offsets, [0, 2, 3, 4])
    assert_array_equal(truth.face_image, [0, 0, 1, 2])
    assert_array_equal(truth.boxes_xywh[3], [1, 2, 3, 4])
    assert_array_equal(truth.counted["medium"], [True, False, True, False])
    assert truth.counts() == {"easy": 1, "medium": 2, "hard": 4}


def test_annotation_file_counts_valid_faces(tmp_path):
    path = tmp_path / "wider_face_val_bbx_gt.txt"
    path.write_text(ANNOTATIONS)
    truth = load_ground_truth(path)
    assert truth.images == (
        "0--Parade/0_Parade_a",
        "0--Parade/0_Parade_none",
        "1--Handshaking/1_Handshaking_c",
    )
    assert_array_equal(truth.offsets, [0, 2, 2, 3])
    assert_array_equal(truth.counted["all"], [True, False, True])


def test_restriction_keeps_the_order_of_the_list(tmp_path):
    truth = load_ground_truth(write_mat_folder(tmp_path))
    part = truth.restrict(["1--Handshaking/1_Handshaking_c", "0--Parade/0_Parade_a"])
    assert_array_equal(part.boxes_xywh, [[1, 2, 3, 4], [10, 20, 30, 40], [100, 20, 8, 9]])
    assert_array_equal(part.offsets, [0, 1, 3])
    assert part.counts() == {"easy": 1, "medium": 1, "hard": 3}
    assert truth.restrict([]).counts() == {"easy": 0, "medium": 0, "hard": 0}


def test_restriction_to_an_unknown_image(tmp_path):
    truth = load_ground_truth(write_mat_folder(tmp_path))
    with pytest.raises(ImageSetError, match="9--No/x: exists in no event of the ground truth"):
        truth.restrict(["9--No/x"])


def test_no_such_path(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent: expected the folder of the WIDER FACE \.mat files"):
        load_ground_truth(tmp_path / "absent")


def test_missing_subset(tmp_path):
    write_mat_folder(tmp_path)
    (tmp_path / "wider_medium_val.mat").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks wider_medium_val\.mat; the folder must hold wider_face_val"):
        load_ground_truth(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a MATLAB file", b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM junk"])
def test_unreadable_mat(tmp_path, content):
    write_mat_folder(tmp_path)
    (tmp_path / "wider_hard_val.mat").write_bytes(content)
    with pytest.raises(GroundTruthError, match=r"wider_hard_val\.mat: expected a MATLAB file of level 5, got another"):
        load_ground_truth(tmp_path)


def test_truncated_mat(tmp_path):
    path = write_mat_folder(tmp_path) / "wider_face_val.mat"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(GroundTruthError, match=r"wider_face_val\.mat: expected a MATLAB file of level 5, got another"):
        load_ground_truth(tmp_path)


def test_mat_of_something_else(tmp_path):
    write_mat_folder(tmp_path)
    scipy.io.savemat(tmp_path / "wider_easy_val.mat", {"something": np.zeros(3)})
    with pytest.raises(GroundTruthError, match=r"event_list, file_list and gt_list; no event_list"):
        load_ground_truth(tmp_path)


def test_one_of_the_mat_files_instead_of_their_folder(tmp_path):
    write_mat_folder(tmp_path / "truth")
    with pytest.raises(
        GroundTruthError, match=r"val\.mat: expected the folder of the \.mat files, got one .*; give .*truth$"
    ):
        load_ground_truth(tmp_path / "truth" / "wider_face_val.mat")


@pytest.mark.parametrize(
    "changes",
    [
        {"event_list": np.zeros(2)},
        {"file_list": cells(["0_Parade_a", "1_Handshaking_c"])},
        {"face_bbx_list": np.zeros((2, 1))},
        {"event_list": cells(["0--Parade"])},
    ],
)
def test_mat_of_other_cells(tmp_path, changes):
    folder = write_mat_folder(tmp_path)
    content = scipy.io.loadmat(folder / "wider_face_val.mat")
    fields = {name: value for name, value in content.items() if not name.startswith("__")}
    scipy.io.savemat(folder / "wider_face_val.mat", fields | changes)
    with pytest.raises(
        GroundTruthError, match=r"face_val\.mat: expected one name and one array of face_bbx_list for each"
    ):
        load_ground_truth(folder)


def test_mat_of_boxes_that_are_none(tmp_path):
    folder = write_mat_folder(tmp_path, faces={**FACES, "1--Handshaking": {"1_Handshaking_c": [[1, 2, 3]]}})
    message = r"1--Handshaking/1_Handshaking_c: expected boxes \(n, 4\), got int32 of shape \(1, 3\); copy it again"
    with pytest.raises(GroundTruthError, match=message):
        load_ground_truth(folder)


def test_subset_of_other_images(tmp_path):
    write_mat_folder(tmp_path)
    other = {"0--Parade": {"0_Parade_other": [[1, 2, 3, 4]]}}
    easy = {"easy": {"0_Parade_other": [1]}}
    part = write_mat_folder(tmp_path / "other", faces=other, counted=easy)
    (part / "wider_easy_val.mat").replace(tmp_path / "wider_easy_val.mat")
    with pytest.raises(GroundTruthError, match=r"wider_easy_val\.mat: lists other images than wider_face_val\.mat"):
        load_ground_truth(tmp_path)


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        ([0], r"0_Parade_a: face indices must lie in 1\.\.2, got \[0\]"),
        ([3], r"0_Parade_a: face indices must lie in 1\.\.2, got \[3\]"),
        ([2, 2], r"0_Parade_a: a face is listed twice in \[2, 2\]"),
    ],
)
def test_broken_indices(tmp_path, indices, message):
    counted = {**COUNTED, "easy": {**COUNTED["easy"], "0_Parade_a": indices}}
    with pytest.raises(GroundTruthError, match=message):
        load_ground_truth(write_mat_folder(tmp_path, faces=FACES, counted=counted))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"gt\.txt: holds no annotation"),
        ("0--Parade/a.jpg\n", r"gt\.txt:2: expected the number of faces, got the end of the file"),
        ("0--Parade/a.jpg\nmany\n", r"gt\.txt:2: expected the number of faces, got 'many'"),
        ("0--Parade/a.jpg\n1\n1 2 3 4\n", r"gt\.txt:3: expected 10 values .*, got 4"),
        ("0--Parade/a.jpg\n1\n1 2 3 4 0 0 0 x 0 0\n", r"gt\.txt:3: expected finite numbers, got 'x'"),
        ("0--Parade/a.jpg\n2\n1 2 3 4 0 0 0 0 0 0\n", r"gt\.txt:4: expected 10 values of a face, got the end"),
        ("a.jpg\n0\n", r"gt\.txt:1: 'a\.jpg': expected event/name, got no event folder; correct the line"),
        ("0--Parade/a.jpg\n0\n\n0--Parade/b.jpg\n0\n", r"gt\.txt:3: expected the path of an image, got ''"),
        ("0--Parade/a.jpg\n0\n0--Parade/a.jpg\n0\n", r"gt\.txt:3: expected each image once, got 0--Parade/a\.jpg"),
    ],
)
def test_broken_annotation_file(tmp_path, text, message):
    path = tmp_path / "gt.txt"
    path.write_text(text)
    with pytest.raises(GroundTruthError, match=message):
        load_ground_truth(path)


def test_masks_as_long_as_the_boxes():
    with pytest.raises(GroundTruthError, match="e/a: 2 boxes, but 1 flags in subset hard"):
        GroundTruth.from_arrays({"e/a": np.zeros((2, 4))}, {"hard": {"e/a": np.array([True])}})


@pytest.mark.data
def test_official_counts(shared_data):
    truth = load_ground_truth(shared_data / "wider-val-groundtruth")
    assert truth.counts() == {"easy": 7211, "medium": 13319, "hard": 31958}
    assert len(truth.images) == 3226
    assert len(truth.events) == 61


@pytest.mark.data
def test_both_sources_hold_the_same_faces(shared_data):
    folder = shared_data / "wider-val-groundtruth"
    mat, text = load_ground_truth(folder), load_ground_truth(folder / "wider_face_val_bbx_gt.txt")
    assert set(text.images) == set(mat.images)
    # rows of zeros stand for no face: 39,708 rows of ten values, 4 of them zeros, 585 of the others marked invalid
    is_face = mat.boxes_xywh.any(axis=1)
    assert (len(is_face), int(is_face.sum())) == (39708, 39704)
    assert not any(counted[~is_face].any() for counted in mat.counted.values())
    same_order = text.restrict(mat.images)
    assert_array_equal(same_order.boxes_xywh, mat.boxes_xywh[is_face])
    assert_array_equal(same_order.face_image, mat.face_image[is_face])
    assert text.counts() == {"all": 39704 - 585}
