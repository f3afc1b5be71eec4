"""What `stream` takes: folders, patterns, videos, URLs and sequences of these, read as they are asked for."""

from __future__ import annotations

import functools
import io
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ultra_face.detection.images import Photograph
from ultra_face.detection.sources import read_source, without_password

FRAMES = 5


def shade(value: int) -> NDArray[np.uint8]:
    """A grey photograph, by whose shade it is known again."""
    return np.full((32, 48, 3), value, np.uint8)


def shades(photographs: Iterator[Photograph]) -> list[int]:
    return [round(float(photograph.pixels.mean()), -1) for photograph in photographs]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images, a video, files of other kinds, and folders below."""
    for name, value in {"b.png": 20, "a ä.png": 10, "below/c.PNG": 30, ".hidden/d.png": 90, ".e.png": 90}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(cv2.imencode(".png", shade(value))[1].tobytes())
    (tmp_path / "notes.txt").write_text("no image")
    write_video(tmp_path / "clip.avi")
    return tmp_path


def write_video(file: Path) -> Path:
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 25, (48, 32))
    for number in range(FRAMES):
        writer.write(shade(100 + 10 * number))
    writer.release()
    return file


def sources(photographs: Iterator[Photograph], folder: Path) -> list[tuple[str, int | None]]:
    return [(Path(str(each.source)).relative_to(folder).as_posix(), each.frame) for each in photographs]


CLIP = [("clip.avi", number) for number in range(FRAMES)]


def test_a_folder_gives_its_images_and_videos_by_name(folder: Path) -> None:
    assert sources(read_source(folder), folder) == [("a ä.png", None), ("b.png", None), *CLIP]
    assert shades(read_source(str(folder))) == [10, 20, 100, 110, 120, 130, 140]


def test_folders_below_where_asked_for(folder: Path) -> None:
    found = sources(read_source(folder, recursive=True), folder)
    assert found == [("a ä.png", None), ("b.png", None), ("below/c.PNG", None), *CLIP]


def test_patterns(folder: Path) -> None:
    assert shades(read_source(f"{folder}/*.png")) == [10, 20]
    assert shades(read_source(f"{folder}/**/*.[pP][nN][gG]")) == [10, 20, 30]
    assert sources(read_source(folder / "*"), folder) == [("a ä.png", None), ("b.png", None), *CLIP]


def test_a_file_whose_name_looks_like_a_pattern(folder: Path) -> None:
    (folder / "[b].png").write_bytes((folder / "a ä.png").read_bytes())
    assert shades(read_source(f"{folder}/[b].png")) == [10]


def test_a_video_whatever_its_name(folder: Path) -> None:
    assert shades(read_source(folder / "clip.avi")) == [100, 110, 120, 130, 140]
    (folder / "clip.avi").rename(folder / "no suffix")
    assert sources(read_source(folder / "no suffix"), folder) == [("no suffix", number) for number in range(FRAMES)]


def test_an_image_whatever_its_name(folder: Path) -> None:
    (folder / "a ä.png").rename(folder / "image")
    assert shades(read_source(folder / "image")) == [10]


def test_what_a_call_takes(folder: Path) -> None:
    content = (folder / "b.png").read_bytes()
    for given in (shade(20), content, Image.fromarray(shade(20)), [shade(20)], io.BytesIO(content)):
        assert shades(read_source(given)) == [20]


def test_a_sequence_of_sources_and_frames_of_ones_own(folder: Path) -> None:
    given: list[Any] = [shade(50), folder / "b.png", shade(60), folder / "clip.avi"]
    found = list(read_source(given))
    assert shades(iter(found)) == [50, 20, 60, 100, 110, 120, 130, 140]
    assert [each.frame for each in found[:3]] == [0, None, 1]
    np.testing.assert_array_equal(next(read_source([shade(9)[..., :1]], color="rgb")).pixels, shade(9))


def test_nothing_is_read_before_it_is_asked_for(folder: Path) -> None:
    def frames() -> Iterator[NDArray[np.uint8]]:
        for number in range(1_000_000):
            asked.append(number)
            yield shade(1)

    asked: list[int] = []
    photographs = read_source(frames())
    assert asked == []
    next(photographs)
    next(photographs)
    assert asked == [0, 1]


def test_an_unreadable_file_ends_the_stream_or_is_told_and_left_out(folder: Path) -> None:
    (folder / "a2.jpg").write_bytes(b"broken")
    (folder / "z.mp4").write_bytes(b"broken")
    with pytest.raises(ValueError, match=r"a2\.jpg: expected an image, got 6 bytes"):
        list(read_source(folder))
    told: list[tuple[str, str]] = []
    given = [folder, folder / "missing.png", folder / "empty*", object(), shade(30), 3.5]
    found = shades(read_source(given, on_error=lambda name, error: told.append((Path(name).name, str(error)))))
    assert found == [10, 20, 100, 110, 120, 130, 140, 30]
    assert [name for name, _ in told] == ["a2.jpg", "z.mp4", "missing.png", "empty*", "object", "float"]
    assert "z.mp4: expected an image or a video, got a file without frames; check the file" in told[1][1]


@pytest.mark.parametrize("name", ["nothing*.jpg", "empty"])
def test_no_images(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r": expected images or videos, got none; check the path$"):
        next(read_source(tmp_path / name))


@pytest.mark.parametrize(("name", "expected"), [("no.mp4", "a video"), ("no.jpg", "an image file"), ("no", "an image")])
def test_no_file(tmp_path: Path, name: str, expected: str) -> None:
    with pytest.raises(FileNotFoundError, match=rf"{name}: expected {expected}.*, got no file; check the path$"):
        next(read_source(tmp_path / name))


@pytest.fixture
def server(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_images_and_videos_behind_a_url(server: str) -> None:
    (image,) = read_source(f"{server}/b.png")
    assert (image.source, image.frame, image.pixels.mean()) == (f"{server}/b.png", None, 20)
    frames = list(read_source(f"{server}/clip.avi"))
    assert shades(iter(frames)) == [100, 110, 120, 130, 140]
    assert [frame.frame for frame in frames] == list(range(FRAMES))
    assert all(frame.live for frame in frames)


def test_urls_that_do_not_answer(server: str) -> None:
    with pytest.raises(
        ConnectionError, match=r"/no\.jpg: expected an image, got no answer \(HTTP Error 404.*\); check"
    ):
        next(read_source(f"{server}/no.jpg"))
    with pytest.raises(ConnectionError, match=r"/no\.mp4: expected a video stream, got no answer; check that it is th"):
        next(read_source(f"{server}/no.mp4"))


def test_a_camera_that_is_not_there() -> None:
    for given in (99, "99"):
        with pytest.raises(ConnectionError, match=r"^camera 99: expected a video stream, got no answer; check that"):
            next(read_source(given))


def test_passwords_stay_out_of_results_and_errors() -> None:
    assert without_password("rtsp://me:secret@host:554/1?a=b") == "rtsp://host:554/1?a=b"
    assert without_password("http://host/a.jpg") == "http://host/a.jpg"
