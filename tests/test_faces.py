"""Faces, the value object that results turn into, and the Face that it holds."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from interpreters import last_line, run_python
from some_faces import empty, noise, some_faces
from ultralytics import YOLO
from ultralytics.engine.results import Results

from ultra_face import Face, Faces


def result(keypoints: torch.Tensor | None, num_faces: int = 2) -> Results:
    boxes = torch.tensor([[10, 20, 30, 50, 0.9, 0], [1, 2, 3, 4, 0.5, 0]], dtype=torch.float32)[:num_faces]
    image = np.zeros((60, 80, 3), np.uint8)
    return Results(image, path="a.jpg", names={0: "face"}, boxes=boxes, keypoints=keypoints)


@pytest.mark.parametrize("values", [2, 3])
def test_from_result_keeps_pixels_and_order(values: int) -> None:
    keypoints = torch.arange(2 * 5 * values, dtype=torch.float32).view(2, 5, values) + 1
    faces = Faces.from_result(result(keypoints))
    np.testing.assert_array_equal(faces.boxes_xyxy, [[10, 20, 30, 50], [1, 2, 3, 4]])
    np.testing.assert_array_equal(faces.landmarks, keypoints[..., :2].numpy())
    np.testing.assert_allclose(faces.scores, [0.9, 0.5])


def test_a_result_without_detections_gives_no_faces() -> None:
    faces = Faces.from_result(result(torch.zeros(0, 5, 3), num_faces=0))
    assert len(faces) == 0
    assert list(faces) == []


def test_a_photograph_without_faces_gives_no_faces() -> None:
    # An untrained model is sure of nothing.
    (found,) = YOLO("yolov5n-face.yaml").predict(np.zeros((64, 64, 3), np.uint8), imgsz=64, conf=0.99, verbose=False)
    assert len(Faces.from_result(found)) == 0


def test_a_result_without_keypoints_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a result with keypoints, got none; predict with a face model"):
        Faces.from_result(result(None))


def test_another_number_of_keypoints_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected .* landmarks \(N, 5, 2\) .* got .*\(2, 17, 2\)"):
        Faces.from_result(result(torch.zeros(2, 17, 3)))


def test_shapes_that_disagree_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Faces: expected boxes \(N, 4\)"):
        Faces(np.zeros((2, 4), np.float32), np.zeros((2, 5, 2), np.float32), np.zeros(3, np.float32))


def test_iteration_gives_one_face_at_a_time() -> None:
    faces = Faces.from_result(result(torch.ones(2, 5, 3)))
    box, landmarks, score = list(faces)[1]
    np.testing.assert_array_equal(box, [1, 2, 3, 4])
    assert landmarks.shape == (5, 2)
    assert score == pytest.approx(0.5)


def test_a_prompt_shows_faces_in_one_line() -> None:
    faces = Faces.from_result(result(torch.ones(2, 5, 3)))
    assert repr(faces) == "Faces(2, scores=0.50-0.90, image_size=(80, 60), source='a.jpg')"
    assert repr(faces[:0]) == "Faces(0, image_size=(80, 60), source='a.jpg')"


def test_faces_are_frozen() -> None:
    with pytest.raises(AttributeError, match="cannot assign"):
        empty().scores = np.zeros(1, np.float32)  # type: ignore[misc]


@pytest.mark.parametrize("one", [some_faces(), some_faces()[0]], ids=["Faces", "Face"])
def test_a_typo_in_an_attribute_raises(one: Any) -> None:
    with pytest.raises(AttributeError, match="has no attribute 'landmark'"):
        _ = one.landmark
    with pytest.raises(AttributeError, match="cannot assign to field 'landmark'"):
        one.landmark = one.landmarks
    with pytest.raises(TypeError, match="unexpected keyword argument 'visible'"):
        dataclasses.replace(one, visible=None)


def test_importing_faces_loads_numpy_alone(tmp_path: Path) -> None:
    heavy = "{'cv2', 'torch', 'ultralytics', 'polars', 'scipy', 'matplotlib', 'PIL'} & set(sys.modules)"
    code = f"import sys, ultra_face.faces; from ultra_face import Face, Faces; print({heavy})"
    assert last_line(run_python("-c", code, folder=tmp_path)) == "set()"


def test_from_result_keeps_visibility_ids_size_and_source() -> None:
    keypoints = torch.rand(2, 5, 3)
    tracked = torch.tensor([[10, 20, 30, 50, 4, 0.9, 0], [1, 2, 3, 4, 9, 0.5, 0]], dtype=torch.float32)
    image = np.zeros((60, 80, 3), np.uint8)
    faces = Faces.from_result(Results(image, path="a.jpg", names={0: "face"}, boxes=tracked, keypoints=keypoints))
    np.testing.assert_array_equal(faces.visibility, keypoints[..., 2].numpy())
    assert faces.track_ids is not None
    assert faces.track_ids.tolist() == [4, 9]
    assert np.issubdtype(faces.track_ids.dtype, np.integer)
    assert (faces.image_size, faces.source, faces.frame) == ((80, 60), "a.jpg", None)
    plain = Faces.from_result(result(torch.ones(2, 5, 2)))
    assert plain.visibility is None
    assert plain.track_ids is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"visibility": np.zeros((2, 5))}, r"expected visibility of shape \(3, 5\), got \(2, 5\)"),
        ({"visibility": np.zeros((3, 4))}, r"expected visibility of shape \(3, 5\), got \(3, 4\)"),
        ({"track_ids": np.zeros((3, 1), int)}, r"expected track_ids of shape \(3,\), got \(3, 1\)"),
        ({"data": {"age": np.zeros(2)}}, r"expected data\['age'\] of shape \(3, \.\.\.\), got \(2,\)"),
        ({"data": {"age": 7}}, r"expected data\['age'\] of shape \(3, \.\.\.\), got \(\)"),
    ],
)
def test_other_shapes_of_optional_fields_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=rf"^Faces: {message}"):
        some_faces(**fields)


def test_a_single_number_is_no_array_of_scores() -> None:
    with pytest.raises(ValueError, match=r"^Faces: expected boxes \(N, 4\)"):
        Faces(np.zeros((1, 4)), np.zeros((1, 5, 2)), np.array(0.5))


def test_lists_become_arrays() -> None:
    faces = Faces([[0, 0, 4, 4]], np.zeros((1, 5, 2)), [0.5], data={"age": [30]})  # type: ignore[arg-type]
    assert faces.boxes_xyxy.shape == (1, 4)
    assert faces.data["age"].tolist() == [30]


def test_an_integer_gives_a_face_with_the_same_values() -> None:
    faces = some_faces()
    for index in (1, np.int64(1), -2):
        face = faces[index]
        assert isinstance(face, Face)
        np.testing.assert_array_equal(face.box_xyxy, faces.boxes_xyxy[1])
        np.testing.assert_array_equal(face.box, face.box_xyxy)
        np.testing.assert_array_equal(face.landmarks, faces.landmarks[1])
        assert face.visibility is not None
        np.testing.assert_array_equal(face.visibility, [*np.float32([1, 0.9, 0.8, 0.7, 0.6])])
        assert (face.score, face.track_id, face.frame) == (pytest.approx(0.95), 3, 12)
        assert (face.source, face.image_size) == (faces.source, (320, 240))
        assert face.data["name"] == "Bob"
        np.testing.assert_array_equal(face.data["embedding"], faces.data["embedding"][1])
    with pytest.raises(IndexError, match="out of bounds"):
        faces[3]
    with pytest.raises(IndexError, match="out of bounds"):
        empty()[0]


def test_a_face_tells_and_cuts_out_what_faces_do() -> None:
    faces, image = some_faces(), noise(3, side=320)[:240]
    for index, face in enumerate(faces):
        for name in ("width", "height", "area", "eye_distance", "roll", "valid"):
            np.testing.assert_array_equal(getattr(face, name), getattr(faces, name)[index])
        np.testing.assert_array_equal(face.pose(), faces.pose()[index])
        np.testing.assert_array_equal(face.transform((96, 112)), faces.transforms((96, 112))[index])
        assert face.sharpness(image) == faces.sharpness(image)[index]
        np.testing.assert_array_equal(face.align(image, size=(96, 112)), faces.align(image, size=(96, 112))[index])
        np.testing.assert_array_equal(
            face.crop(image, margin=0.2, square=True), faces.crop(image, margin=0.2, square=True)[index]
        )


@pytest.mark.parametrize("method", ["sharpness", "align", "crop"])
def test_a_face_refuses_other_images(method: str) -> None:
    with pytest.raises(ValueError, match=rf"^Face\.{method}: expected the image of 320 x 240 px"):
        getattr(some_faces()[0], method)(noise(3))


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (slice(1, None), [1, 2]),
        (slice(None, None, -1), [2, 1, 0]),
        (np.array([True, False, True]), [0, 2]),
        ([True, False, True], [0, 2]),
        ([2, 0], [2, 0]),
        ((2, 0), [2, 0]),
        (np.array([1, 1]), [1, 1]),
        ([], []),
        (slice(0, 0), []),
    ],
    ids=str,
)
def test_slices_masks_and_indices_give_faces_with_all_that_belongs_to_them(chosen: Any, expected: list[int]) -> None:
    faces, picked = some_faces(), some_faces()[chosen]
    assert isinstance(picked, Faces)
    for name in ("boxes_xyxy", "landmarks", "scores", "visibility", "track_ids"):
        np.testing.assert_array_equal(getattr(picked, name), getattr(faces, name)[expected])
    for name, values in faces.data.items():
        np.testing.assert_array_equal(picked.data[name], values[expected])
    assert (picked.image_size, picked.source, picked.frame) == (faces.image_size, faces.source, faces.frame)


def test_faces_travel_to_other_processes() -> None:
    assert pickle.loads(pickle.dumps(some_faces())).allclose(some_faces(), rtol=0, atol=0)


def test_concatenate_keeps_what_all_parts_have() -> None:
    faces = some_faces()
    both = Faces.concatenate([faces[:1], faces[1:]])
    assert both.allclose(faces, rtol=0, atol=0)
    assert both.scores.dtype == np.float32
    assert (both.image_size, both.source, both.frame) == (faces.image_size, faces.source, faces.frame)
    other = Faces.concatenate([faces, some_faces(source="b.jpg", frame=13)])
    assert (other.image_size, other.source, other.frame) == (faces.image_size, None, None)


def test_concatenate_fills_in_what_a_part_does_not_know() -> None:
    known, unknown = some_faces(), some_faces(visibility=None, track_ids=None)
    both = Faces.concatenate([unknown[:1], known[1:]])
    assert both.visibility is not None
    assert both.track_ids is not None
    np.testing.assert_array_equal(both.visibility[:2], [[np.nan] * 5, known.visibility[1]])  # type: ignore[index]
    assert both.visibility.dtype == np.float32
    assert both.track_ids.tolist() == [-1, 3, -1]
    assert Faces.concatenate([unknown, unknown]).track_ids is None


def test_parts_without_faces_do_not_count() -> None:
    faces = some_faces()
    assert Faces.concatenate([empty(), faces, empty()]).allclose(faces, rtol=0, atol=0)
    for nothing in (Faces.concatenate([]), Faces.concatenate([empty(), empty()])):
        assert (nothing.boxes.shape, nothing.landmarks.shape, nothing.scores.shape) == ((0, 4), (0, 5, 2), (0,))


def test_parts_with_unlike_data_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^Faces\.concatenate: expected the same names .* \['embedding', 'name'\] and"
    ):
        Faces.concatenate([some_faces(), some_faces(data={})])


def test_allclose() -> None:
    faces = some_faces()
    assert faces.allclose(some_faces(source="elsewhere.jpg", frame=None, image_size=None))
    nearly = some_faces(visibility=faces.visibility + 1e-3)  # type: ignore[operator]
    assert not faces.allclose(nearly)
    assert faces.allclose(nearly, atol=2e-3)
    assert not faces.allclose(faces[::-1])
    assert not faces.allclose(faces[:2])
    assert not faces.allclose(some_faces(track_ids=None))
    assert not faces.allclose(some_faces(track_ids=np.array([7, 4, -1])))
    assert not faces.allclose(some_faces(data={}))
    assert not faces.allclose(some_faces(data={**faces.data, "name": np.array(["Ann", "Eve", "?"])}))


@pytest.mark.parametrize(
    "use",
    [
        lambda faces, image: faces.align(image),
        lambda faces, image: faces.crop(image),
        lambda faces, image: faces.sharpness(image),
        lambda faces, image: faces.blur(image),
        lambda faces, image: faces.pixelate(image),
        lambda faces, image: faces.fill(image),
        lambda faces, image: faces.overlay(image, noise(3)),
        lambda faces, image: faces.draw(image),
    ],
)
def test_another_image_than_the_faces_were_found_in_is_refused(use: Callable[[Faces, Any], Any]) -> None:
    """Else another image would be blurred in the wrong places, with no word about it."""
    message = r"^Faces\.\w+: expected the image of 320 x 240 px that the faces were found in, got one of 240 x 320 px"
    with pytest.raises(ValueError, match=message):
        use(some_faces(), noise(3, side=320)[:, :240])
    use(some_faces(), noise(3, side=320)[:240])
    use(some_faces(image_size=None), noise(3, side=320)[:, :240])


def test_no_face_gives_nothing_of_full_shape() -> None:
    """Of every method and property."""
    none, image = some_faces()[:0], noise(3, side=320)[:240]
    shapes = {
        (0,): (none.scores, none.track_ids, none.width, none.height, none.area, none.eye_distance, none.roll,
               none.valid, none.sharpness(image), none.data["name"]),
        (0, 4): (none.boxes, none.boxes_xyxy, none.boxes_xywh, none.data["embedding"]),
        (0, 5, 2): (none.landmarks,),
        (0, 5): (none.visibility,),
        (0, 3): (none.pose(),),
        (0, 2, 3): (none.transforms(),),
        (0, 112, 112, 3): (none.align(image),),
    }  # fmt: skip
    for shape, arrays in shapes.items():
        assert [array.shape for array in arrays] == [shape] * len(arrays)  # type: ignore[union-attr]
    assert list(none) == none.crop(image) == none.to_rows() == []
    for faces in (none.sort(), none.largest(), none.nms(), none.inside([(0, 0), (9, 0), (9, 9)]), none[[]], none[:]):
        assert faces.allclose(none)
    for unchanged in (none.blur(image), none.pixelate(image), none.fill(image), none.overlay(image, image),
                      none.draw(image)):  # fmt: skip
        np.testing.assert_array_equal(unchanged, image)
    assert Faces.from_dict(none.to_dict()).allclose(none)
    assert none.to_csv().startswith("source,frame,")
