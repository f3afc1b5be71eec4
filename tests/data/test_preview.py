from __future__ import annotations

import cv2
import numpy as np
import pytest

from ultra_face.data.prepare import prepare_dataset
from ultra_face.data.preview import draw_faces, save_contact_sheet


def test_boxes_and_present_landmarks_are_drawn():
    image = np.zeros((50, 100, 3), np.uint8)
    landmarks = np.array([[[0.4, 0.4, 2], [0, 0, 0], [0, 0, 0], [0, 0, 0], [0.6, 0.6, 1]]])
    drawn = draw_faces(image, np.array([[0.5, 0.5, 0.4, 0.6]]), landmarks)
    assert not image.any()
    # box from (30, 10) to (70, 40) px; landmarks at (40, 20) and (60, 30) px
    for x, y in [(30, 25), (70, 25), (50, 10), (50, 40), (40, 20), (60, 30)]:
        assert drawn[y, x].any(), (x, y)
    for x, y in [(0, 0), (50, 25), (20, 25)]:
        assert not drawn[y, x].any(), (x, y)


def test_contact_sheet(retinaface_source, tmp_path):
    prepare_dataset([retinaface_source], tmp_path / "data")
    save_contact_sheet(tmp_path / "data", tmp_path / "sheets" / "sheet.png", columns=2, rows=4, tile=60)
    sheet = cv2.imread(str(tmp_path / "sheets" / "sheet.png"))
    assert sheet.shape == (120, 120, 3)  # three images in two columns make two rows
    assert (sheet[60:, 60:] == sheet[60, 60]).all()  # the fourth tile is empty
    assert sheet[:60, :60].std() > 10


def test_no_images(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected images below images/, got none; prepare the data set first"):
        save_contact_sheet(tmp_path, tmp_path / "sheet.png")


def test_an_image_that_does_not_decode(retinaface_source, tmp_path):
    prepare_dataset([retinaface_source], tmp_path / "data")
    (tmp_path / "data" / "images" / "train" / "b.jpg").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"b\.jpg does not decode as an image; prepare the data set again"):
        save_contact_sheet(tmp_path / "data", tmp_path / "sheet.png")


@pytest.mark.parametrize("row", ["", "0 0.5 0.5 0.5 0.5", "0 0.5 0.5 0.5 0.5" + " 0.5 0.5" * 5])
def test_labels_of_every_layout_and_linked_images(retinaface_source, tmp_path, row):
    """Three prepared images, and a linked folder with one more."""
    prepare_dataset([retinaface_source], tmp_path / "data")
    (tmp_path / "more").mkdir()
    image = np.full((60, 60, 3), 200, np.uint8)
    assert cv2.imwrite(str(tmp_path / "more" / "z.webp"), image)
    (tmp_path / "data" / "images" / "train" / "zz").symlink_to(tmp_path / "more")
    if row:
        (tmp_path / "data" / "labels" / "train" / "zz").mkdir()
        (tmp_path / "data" / "labels" / "train" / "zz" / "z.txt").write_text(row, encoding="utf-8")
    save_contact_sheet(tmp_path / "data", tmp_path / "sheet.png", columns=4, rows=1, tile=60)
    last = cv2.imread(str(tmp_path / "sheet.png"))[:, 180:]
    assert bool((abs(last.astype(int) - 200) > 20).any()) is bool(row)  # a box is drawn, or nothing
