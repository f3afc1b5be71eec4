from __future__ import annotations

import numpy as np
import pytest

from ultra_face.formats.pascal_voc import find_voc_images, parse_voc, read_voc_folder

BOX = "<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>"


def xml(*objects, filename="<filename>a.jpg</filename>"):
    return f"<annotation>{filename}{''.join(f'<object>{text}</object>' for text in objects)}</annotation>".encode()


def boxes(content):
    return [box for box, _, _ in parse_voc(content, "a.xml")[1]]


def test_every_object_is_a_face_without_landmarks():
    content = xml(
        f"<name>mask</name><difficult>1</difficult>{BOX.format(10, 20, 40, 60)}",
        f"<name>no mask</name>{BOX.format(' 1.5 ', 2, 3.5, 8e0)}",
    )
    name, rows, _ = parse_voc(content, "a.xml")
    assert name == "a.jpg"
    # x, y, x_max - x_min, y_max - y_min
    assert [box for box, _, _ in rows] == [[10, 20, 30, 40], [1.5, 2, 2, 6]]
    assert [(not np.any(points), invalid) for _, points, invalid in rows] == [(True, False), (True, False)]


def test_an_image_may_have_no_face_and_no_name():
    assert parse_voc(xml(filename=""), "a.xml") == ("", [], None)


def test_boxes_of_parts_of_an_object_are_not_faces():
    part = f"<part><name>head</name>{BOX.format(0, 0, 5, 5)}</part>"
    assert boxes(xml(part + BOX.format(10, 20, 40, 60))) == [[10, 20, 30, 40]]


def test_a_box_without_size_is_left_to_the_cleaning():
    assert boxes(xml(BOX.format(10, 20, 10, 60))) == [[10, 20, 0, 40]]


def test_declared_encodings_are_understood():
    text = '<?xml version="1.0" encoding="ISO-8859-1"?><annotation><filename>é.jpg</filename></annotation>'
    assert parse_voc(text.encode("latin-1"), "a.xml") == ("é.jpg", [], None)


def sized(size):
    return f"<annotation><size>{size}</size></annotation>".encode()


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("<width>640</width><height> 480.0 </height><depth>3</depth>", (640, 480)),
        ("<width>0</width><height>0</height>", None),
        ("<width/><height>480</height>", None),
        ("", None),
    ],
)
def test_the_size_of_the_image(size, expected):
    assert parse_voc(sized(size), "a.xml").size == expected


@pytest.mark.parametrize("width", ["wide", "nan", "inf"])
def test_a_size_that_is_no_number(width):
    with pytest.raises(ValueError, match=rf"a\.xml: expected a finite number as <width>, got '{width}'; correct or"):
        parse_voc(sized(f"<width>{width}</width><height>480</height>"), "a.xml")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"^a\.xml: expected plain XML, got no element found: line 1, column 0; correct or remove the file$"),
        (b"<annotation><object>", r"a\.xml: expected plain XML, got no element found: line 1, column 20"),
        (b"<annotation></object>", r"a\.xml: expected plain XML, got mismatched tag: line 1"),
        (b'<?xml version="1.0" encoding="none"?><annotation/>', r"a\.xml: expected plain XML, got unknown encoding"),
        (b"<html/>", r"a\.xml: expected <annotation> as in Pascal VOC, got <html>; correct"),
        (xml("<name>face</name>"), r"a\.xml: object 1: expected a <bndbox>, got none; correct or remove the file"),
        (
            xml(BOX.format(1, 2, 3, 4), "<bndbox><xmin>1</xmin><ymin>2</ymin><ymax>3</ymax></bndbox>"),
            r"a\.xml: object 2: expected a finite number as <xmax>, got ''",
        ),
        (xml(BOX.format("nan", 2, 3, 4)), r"a\.xml: object 1: expected a finite number as <xmin>, got 'nan'"),
        (xml(BOX.format(1, 2, 3, "inf")), r"a\.xml: object 1: expected a finite number as <ymax>, got 'inf'"),
        (xml(BOX.format(1, "two", 3, 4)), r"a\.xml: object 1: expected a finite number as <ymin>, got 'two'"),
        (xml(BOX.format(3, 2, 1, 4)), r"object 1: expected xmin <= xmax and ymin <= ymax, got 3, 2, 1, 4; correct"),
        (xml(BOX.format(1, 4, 3, 2)), r"object 1: expected xmin <= xmax and ymin <= ymax, got 1, 4, 3, 2; correct"),
    ],
)
def test_broken_files_are_named(content, message):
    with pytest.raises(ValueError, match=message):
        parse_voc(content, "a.xml")


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE annotation [<!ENTITY name SYSTEM "secret.txt">]>',
        '<!DOCTYPE annotation [<!ENTITY a "aa"><!ENTITY name "&a;&a;&a;">]>',
        '<!DOCTYPE annotation SYSTEM "other.dtd">',
    ],
)
def test_files_with_a_doctype_are_refused(doctype):
    content = f"{doctype}<annotation><filename>&name;</filename></annotation>".encode()
    with pytest.raises(ValueError, match=r"a\.xml: expected plain XML, got a DOCTYPE annotation; correct or remove"):
        parse_voc(content, "a.xml")


def test_an_image_is_found_by_the_stem_of_its_annotation(voc_source):
    faces = read_voc_folder(voc_source / "annotations", voc_source / "images")
    assert [(entry.image, len(entry)) for entry in faces] == [("a.jpg", 2), ("b.png", 1), ("c.jpg", 0)]
    assert faces[1].where == str(voc_source / "annotations" / "b.xml")


def test_else_by_the_stem_of_the_stated_name(voc_source):
    (voc_source / "annotations" / "b.xml").rename(voc_source / "annotations" / "0001.xml")  # states b.bmp
    faces = read_voc_folder(voc_source / "annotations", voc_source / "images")
    assert [entry.image for entry in faces] == ["b.png", "a.jpg", "c.jpg"]


def test_an_annotation_without_image(voc_source):
    (voc_source / "images" / "b.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"b\.xml: expected an image b\.\* in .*images, got none; add it or"):
        read_voc_folder(voc_source / "annotations", voc_source / "images")


def test_two_annotations_of_an_image(voc_source):
    (voc_source / "annotations" / "z.xml").write_bytes((voc_source / "annotations" / "a.xml").read_bytes())
    with pytest.raises(
        ValueError, match=r"z\.xml: expected each image once, got a\.jpg, which .*a\.xml annotates; rem"
    ):
        read_voc_folder(voc_source / "annotations", voc_source / "images")


def test_two_images_of_a_name(voc_source):
    (voc_source / "images" / "b.jpg").write_bytes(b"")
    with pytest.raises(ValueError, match=r"images: expected one image of each name, got b\.jpg and b\.png; remove one"):
        read_voc_folder(voc_source / "annotations", voc_source / "images")


def test_no_annotations(voc_source, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="empty: expected the XML files of Pascal VOC, got none; name another"):
        read_voc_folder(tmp_path / "empty", voc_source / "images")


def test_no_images(voc_source):
    (voc_source / "images").rename(voc_source / "pictures")
    with pytest.raises(
        FileNotFoundError, match=r"expected the images in images or JPEGImages, got neither; .* --images"
    ):
        find_voc_images(voc_source)
    with pytest.raises(FileNotFoundError, match=r"a\.xml: expected an image a\.\* in .*images, got none"):
        read_voc_folder(voc_source / "annotations", voc_source / "images")


@pytest.mark.data
def test_the_shared_boxes(shared_data):
    source = shared_data / "facemask-853"
    faces = read_voc_folder(source / "annotations", find_voc_images(source))
    # stated by the README of the data: 853 photographs, 4,072 boxes
    assert (len(faces), sum(map(len, faces))) == (853, 4072)
