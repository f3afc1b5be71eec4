from __future__ import annotations

import cv2
import numpy as np
import pytest

from ultra_face.data.labelled_image import LabelledImage, read_labelled_image, write_labelled_image
from ultra_face.formats.annotation import FaceAnnotations


@pytest.fixture
def image():
    """A grey picture of 100 x 80 px with one face, and a box outside."""
    landmarks = np.zeros((2, 5, 3))
    landmarks[0, 0] = (20, 30, 2)
    return LabelledImage(
        np.full((80, 100, 3), 90, dtype=np.uint8),
        FaceAnnotations(
            "one/a.jpg", "a", np.array([[10.0, 20, 30, 40], [200, 0, 9, 9]]), landmarks, np.zeros(2, dtype=bool)
        ),
    )


def test_what_is_written_is_read_again(image, tmp_path):
    cleaned, written = write_labelled_image(image, tmp_path, "train")
    assert written
    assert cleaned.skipped_boxes == {"outside the image": 1}
    (tmp_path / "images" / "train.part").rename(tmp_path / "images" / "train")

    again = read_labelled_image(tmp_path, "train", "one/a.jpg")
    assert again.faces.image == "one/a.jpg"
    np.testing.assert_allclose(again.pixels, image.pixels, atol=1)
    np.testing.assert_allclose(again.faces.boxes_xywh, [[10, 20, 30, 40]], atol=1e-3)
    np.testing.assert_allclose(again.faces.landmarks[0, 0], (20, 30, 2), atol=1e-3)


def test_it_says_whether_it_wrote(image, tmp_path):
    assert [write_labelled_image(image, tmp_path, "val")[1] for _ in range(2)] == [True, False]
    (tmp_path / "labels" / "val" / "one" / "a.txt").unlink()
    assert write_labelled_image(image, tmp_path, "val")[1]
    assert write_labelled_image(image, tmp_path, "val", jpeg_quality=50)[1]


def test_an_image_that_does_not_decode(prepared_voc):
    (prepared_voc / "images" / "train" / "a.jpg").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"train/a\.jpg: expected an image, got a file that does not decode; prepare"):
        read_labelled_image(prepared_voc, "train", "a.jpg")


def test_an_image_without_label_file_has_no_faces_as_in_training(prepared_voc):
    (prepared_voc / "labels" / "train" / "b.txt").unlink()
    assert len(read_labelled_image(prepared_voc, "train", "b.png").faces) == 0


def test_turned_photographs_are_read_upright(prepared_voc):
    """As Ultralytics and `image_size` see them, whose width and height the labels are normalised by."""
    jpeg = cv2.imencode(".jpg", np.zeros((80, 100, 3), np.uint8))[1].tobytes()
    # EXIF of one entry: orientation (0x0112), a short, 6: turn by 90 degrees
    tiff = b"MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
    exif = b"\xff\xe1" + (len(tiff) + 8).to_bytes(2, "big") + b"Exif\x00\x00" + tiff
    (prepared_voc / "images" / "train" / "a.jpg").write_bytes(jpeg[:2] + exif + jpeg[2:])
    assert read_labelled_image(prepared_voc, "train", "a.jpg").pixels.shape == (100, 80, 3)
