from __future__ import annotations

import numpy as np
import pytest
from face_files import LABELS, SIZE, smooth_image, write_faces
from PIL import Image

from ultra_face.super_resolution.face_images import find_images, read_pixels


def test_sizes_and_large_faces(tmp_path):
    first, *_ = find_images(write_faces(tmp_path / "faces"), tile=64, min_face=16)
    assert first.size == SIZE
    np.testing.assert_allclose(first.boxes_cxcywh, [[0.5, 0.5, 0.3, 0.333333], [0.1, 0.2, 0.05, 0.1]])
    # The longer sides are 60 and 12 px.
    assert first.large == [0]
    assert find_images([first.path], tile=64, min_face=12)[0].large == [0, 1]


def test_images_smaller_than_a_crop_are_left_out(tmp_path):
    files = write_faces(tmp_path / "faces")
    Image.fromarray(smooth_image((200, 63))).save(files[1])
    assert [image.path for image in find_images(files, tile=64, min_face=16)] == [files[0], files[2]]


def test_an_image_without_labels_has_no_faces(tmp_path):
    files = write_faces(tmp_path / "faces")
    (tmp_path / "faces" / "labels" / "2.txt").unlink()
    assert find_images(files, tile=64, min_face=16)[2].boxes_cxcywh.shape == (0, 4)


def test_photographs_are_turned_as_their_exif_says(tmp_path):
    (file,) = write_faces(tmp_path / "faces", 1)
    turned, exif = file.with_suffix(".jpg"), Image.Exif()
    exif[274] = 6  # the camera was on its side
    Image.fromarray(smooth_image()).save(turned, exif=exif)
    (tmp_path / "faces" / "labels" / "0.txt").write_text(LABELS)
    (image,) = find_images([turned], tile=64, min_face=16)
    assert image.size == SIZE[::-1]
    assert read_pixels(turned).shape == (SIZE[0], SIZE[1], 3)


def test_pixels_are_rgb(tmp_path):
    red = np.tile(np.array([250, 10, 20], np.uint8), (8, 8, 1))
    Image.fromarray(red).save(tmp_path / "red.png")
    np.testing.assert_array_equal(read_pixels(tmp_path / "red.png"), red)


def test_missing_image(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no\.jpg: expected an image, got no file; prepare the data set again"):
        find_images([tmp_path / "no.jpg"], tile=64, min_face=16)


@pytest.mark.parametrize("content", [b"", b"no image"])
def test_file_that_is_no_image(tmp_path, content):
    (tmp_path / "a.jpg").write_bytes(content)
    message = r"a\.jpg: expected an image, got a file that does not decode; prepare the data set again"
    with pytest.raises(ValueError, match=message):
        find_images([tmp_path / "a.jpg"], tile=64, min_face=16)
    with pytest.raises(ValueError, match=message):
        read_pixels(tmp_path / "a.jpg")


def test_broken_labels(tmp_path):
    files = write_faces(tmp_path / "faces")
    (tmp_path / "faces" / "labels" / "1.txt").write_text("0 0.5\n")
    with pytest.raises(ValueError, match=r"1\.txt:1: expected 20 values .*, got 2; run"):
        find_images(files, tile=64, min_face=16)


def test_tile_larger_than_every_image(tmp_path):
    message = "expected images of at least 128 x 128 px, got none in 3; choose a smaller tile"
    with pytest.raises(ValueError, match=message):
        find_images(write_faces(tmp_path / "faces"), tile=128, min_face=16)


def test_no_large_face(tmp_path):
    with pytest.raises(ValueError, match="expected faces of at least 61 px in images of at least 64 px, got none in 3"):
        find_images(write_faces(tmp_path / "faces"), tile=64, min_face=61)
