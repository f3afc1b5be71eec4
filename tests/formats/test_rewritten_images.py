"""Copies of image files have other pixels, and nothing else that the source says or shows."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from ultra_face.formats.rewritten_images import FORMATS, rewrite_image

START_OF_JPEG = b"\xff\xd8\xff"
PHOTO = cv2.resize(np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8), (80, 60))  # smooth
EXIF_OF_CAMERA, EXIF_OF_PLACE = 0x8769, 0x8825


def same(pixels: np.ndarray) -> np.ndarray:
    return pixels


def read(file: Path) -> Image.Image:
    return Image.open(io.BytesIO(file.read_bytes()))


def jpeg(image: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", image)[1].tobytes()


def with_previews(photo: bytes) -> bytes:
    """A JPEG as a camera writes it: EXIF with maker, a makers' note that holds a JPEG, and a thumbnail."""
    thumbnail, note = jpeg(PHOTO[::4, ::4]), b"NOTE" + jpeg(PHOTO[::2, ::2])
    note += bytes(len(note) % 2)
    # A directory has a count of 2 bytes, rows of 12, and where the next one is in 4.
    first_at, first_size, camera_size, second_size = 8, 2 + 2 * 12 + 4, 2 + 12 + 4, 2 + 2 * 12 + 4
    camera_at = first_at + first_size
    note_at = camera_at + camera_size
    second_at = note_at + len(note)
    body = b"II*\0" + struct.pack("<I", first_at)
    body += struct.pack("<HHHI4s", 2, 0x010F, 2, 4, b"Cam\0")
    body += struct.pack("<HHIII", EXIF_OF_CAMERA, 4, 1, camera_at, second_at)
    body += struct.pack("<HHHIII", 1, 0x927C, 7, len(note), note_at, 0) + note
    body += struct.pack("<HHHII", 2, 0x0201, 4, 1, second_at + second_size)
    body += struct.pack("<HHIII", 0x0202, 4, 1, len(thumbnail), 0) + thumbnail
    segment = b"Exif\0\0" + body
    return photo[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + photo[2:]


@pytest.mark.parametrize("keep", [False, True])
def test_a_copy_holds_no_preview(tmp_path, keep):
    """Neither thumbnail, nor makers' note, nor what lies behind the picture, such as the film of a motion photo."""
    content = with_previews(jpeg(PHOTO)) + b"film behind it" + jpeg(PHOTO)
    (tmp_path / "a.jpg").write_bytes(content)
    exif = read(tmp_path / "a.jpg").getexif()
    assert exif.get_ifd(EXIF_OF_CAMERA)[0x927C].startswith(b"NOTE" + START_OF_JPEG)
    assert exif.get_ifd(1 - 2)[0x0201]  # Pillow's number of the directory of the thumbnail
    assert content.count(START_OF_JPEG) == 4
    rewrite_image(tmp_path / "a.jpg", tmp_path / "b.jpg", same, keep_metadata=keep)
    copy = (tmp_path / "b.jpg").read_bytes()
    assert copy.count(START_OF_JPEG) == 1
    assert b"film behind it" not in copy
    assert read(tmp_path / "b.jpg").getexif().get(0x010F) == ("Cam" if keep else None)


def tagged(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif.update({0x0112: orientation, 0x010F: "Secret maker", 0x0132: "2020:01:02 03:04:05"})
    for part, tags in (
        (EXIF_OF_CAMERA, {0x9003: "2020:01:02 03:04:05", 0xA431: "Secret serial"}),
        (EXIF_OF_PLACE, {1: "N", 2: (47.0, 22.0, 36.0)}),
    ):
        exif.get_ifd(part).update(tags)
        exif[part] = tags
    return exif


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".avif"])
def test_pixels_are_upright_and_exif_says_so(tmp_path, suffix, orientation):
    source = tmp_path / f"a{suffix}"
    Image.fromarray(PHOTO[..., ::-1]).save(source, exif=tagged(orientation), quality=95)
    expected = np.asarray(ImageOps.exif_transpose(read(source)).convert("RGB")).astype(int)
    for keep in (False, True):
        copy = tmp_path / f"b{suffix}"
        rewrite_image(source, copy, same, keep_metadata=keep)
        with read(copy) as image:
            assert image.size == expected.shape[1::-1]
            assert np.abs(np.asarray(image.convert("RGB")) - expected).mean() < 2
            exif = image.getexif()
            assert exif.get(0x0112, 1) == 1
            assert (b"Secret" in copy.read_bytes()) is keep
            if keep:
                assert exif.get_ifd(EXIF_OF_CAMERA)[0xA431] == "Secret serial"
                assert exif.get_ifd(EXIF_OF_PLACE)[2] == (47.0, 22.0, 36.0)


def test_what_is_edited_is_written_and_nothing_else(tmp_path):
    """In a format without loss."""
    cv2.imwrite(str(tmp_path / "a.png"), PHOTO)

    def edit(pixels):
        pixels = pixels.copy()
        pixels[10:20, 30:40] = 7
        return pixels

    rewrite_image(tmp_path / "a.png", tmp_path / "b.png", edit)
    copy = cv2.imread(str(tmp_path / "b.png"))
    np.testing.assert_array_equal(copy[10:20, 30:40], 7)
    copy[10:20, 30:40] = PHOTO[10:20, 30:40]
    np.testing.assert_array_equal(copy, PHOTO)


def test_jpeg_keeps_its_colours_at_full_size(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), PHOTO)
    rewrite_image(tmp_path / "a.png", tmp_path / "b.jpg", same)
    with read(tmp_path / "b.jpg") as image:
        assert [sampling[1:3] for sampling in image.layer] == [(1, 1)] * 3
        # Table K.1 of the JPEG standard begins with 16; libjpeg scales it at quality 95 by 200 - 2 x 95 percent.
        assert image.quantization[0][0] == round(16 * (200 - 2 * 95) / 100)


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_stays(tmp_path, mode, orientation):
    image = Image.fromarray(PHOTO[..., ::-1]).convert("RGBA")
    image.putalpha(Image.fromarray(np.tile(np.repeat(np.uint8([0, 255]), 40), (60, 1))))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.convert(mode).save(tmp_path / "a.png", exif=exif)
    expected = ImageOps.exif_transpose(read(tmp_path / "a.png")).convert("RGBA")
    rewrite_image(tmp_path / "a.png", tmp_path / "b.png", same)
    copy = read(tmp_path / "b.png")
    assert copy.mode == "RGBA"
    np.testing.assert_array_equal(np.asarray(copy)[..., 3], np.asarray(expected)[..., 3])
    rewrite_image(tmp_path / "a.png", tmp_path / "b.jpg", same)  # which has none
    assert read(tmp_path / "b.jpg").mode == "RGB"


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_the_colour_profile_stays(tmp_path, suffix):
    """Without it the colours of a phone would look pale."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(PHOTO).save(tmp_path / f"a{suffix}", icc_profile=profile)
    rewrite_image(tmp_path / f"a{suffix}", tmp_path / f"b{suffix}", same)
    assert read(tmp_path / f"b{suffix}").info["icc_profile"] == profile


def test_a_profile_of_other_colours_does_not(tmp_path):
    """The copy of a grey image is in colour."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[16:20] = b"GRAY"
    Image.fromarray(PHOTO[..., 0]).save(tmp_path / "a.png", icc_profile=bytes(profile))
    rewrite_image(tmp_path / "a.png", tmp_path / "b.png", same)
    assert "icc_profile" not in read(tmp_path / "b.png").info


def test_sixteen_bits_become_eight(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), PHOTO.astype(np.uint16) * 257)
    rewrite_image(tmp_path / "a.png", tmp_path / "b.png", same)
    copy = cv2.imread(str(tmp_path / "b.png"), cv2.IMREAD_UNCHANGED)
    assert copy.dtype == np.uint8
    np.testing.assert_array_equal(copy, PHOTO)


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_suffix_tells_the_format(tmp_path, suffix):
    cv2.imwrite(str(tmp_path / "a.png"), PHOTO)
    rewrite_image(tmp_path / "a.png", tmp_path / f"b{suffix.upper()}", same)
    assert read(tmp_path / f"b{suffix.upper()}").format == FORMATS[suffix]


@pytest.mark.parametrize("form", ["PNG", "WEBP", "JPEG"])
def test_a_name_without_suffix_keeps_the_format(tmp_path, form):
    Image.fromarray(PHOTO).save(tmp_path / "Grüße vom See", form)
    rewrite_image(tmp_path / "Grüße vom See", tmp_path / "b", same)
    assert read(tmp_path / "b").format == form


def test_what_cannot_be_copied_is_told(tmp_path):
    (tmp_path / "text.jpg").write_text("hello")
    with pytest.raises(ValueError, match=r"text\.jpg: expected an image that decodes, got none; check the file$"):
        rewrite_image(tmp_path / "text.jpg", tmp_path / "b.jpg", same)
    with pytest.raises(FileNotFoundError, match=r"no\.jpg"):
        rewrite_image(tmp_path / "no.jpg", tmp_path / "b.jpg", same)
    cv2.imwrite(str(tmp_path / "a.png"), PHOTO)
    with pytest.raises(ValueError, match=r"b\.mp4: expected a name that ends in \.jpg, .*, got \.mp4; choose another"):
        rewrite_image(tmp_path / "a.png", tmp_path / "b.mp4", same)
    pages = [Image.fromarray(PHOTO), Image.fromarray(PHOTO[::-1])]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(ValueError, match=r"a\.tif: expected one picture, got a file with 2; save them one by one$"):
        rewrite_image(tmp_path / "a.tif", tmp_path / "b.tif", same)
    assert sorted(Path(file).suffix for file in tmp_path.iterdir()) == [".jpg", ".png", ".tif"]


def test_of_several_views_the_first_is_copied(tmp_path):
    """Phones store a second view or a gain map behind the photograph."""
    content = io.BytesIO()
    Image.fromarray(PHOTO).save(content, "MPO", save_all=True, append_images=[Image.fromarray(PHOTO[::-1])])
    (tmp_path / "a.jpg").write_bytes(content.getvalue())
    assert read(tmp_path / "a.jpg").n_frames == 2
    rewrite_image(tmp_path / "a.jpg", tmp_path / "b.jpg", same)
    assert read(tmp_path / "b.jpg").format == "JPEG"
    assert (tmp_path / "b.jpg").read_bytes().count(START_OF_JPEG) == 1
