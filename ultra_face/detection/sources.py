"""Many photographs, one at a time: folders, patterns, videos, cameras, URLs and sequences of any of these."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from ultra_face.detection.images import Color, Photograph, is_url, is_video_name, read_photograph
from ultra_face.formats.image_files import is_image_name

OnError = Callable[[str, Exception], None]
SECONDS = 10
"""That a server has to send an image."""


def read_source(
    source: Any, *, color: Color = "bgr", recursive: bool = False, on_error: OnError | None = None
) -> Iterator[Photograph]:
    """Give the photographs of a source, read as they are asked for.

    Args:
        source: a folder, a pattern such as `photos/*.jpg`, an image or a video file; the number of a camera; a URL of a
            stream, a video or an image; anything that `read_photograph` takes; or an iterable of all of these, in which
            arrays count as frames.
        color: order of the channels of arrays.
        recursive: for folders, also what lies in folders below.
        on_error: called with the name and the error where a photograph or video cannot be read, after which the others
            go on; by default the error is raised.

    Raises:
        ConnectionError: a camera or URL does not answer.
        FileNotFoundError: there is no such file, or a folder or pattern has no images and videos.
        ValueError: a file or an object of another kind.
    """
    if _is_sequence(source):
        frames = count()
        for part in source:
            frame = next(frames) if isinstance(part, np.ndarray) else None
            for photograph in read_source(part, color=color, recursive=recursive, on_error=on_error):
                yield photograph if frame is None else Photograph(photograph.pixels, frame=frame)
        return

    def give_up_on(part: Any, error: Exception) -> None:
        if on_error is None:
            raise error
        on_error(_name(part), error)

    try:
        found = _find(source, recursive) if isinstance(source, (str, os.PathLike)) else [source]
    except FileNotFoundError as error:
        give_up_on(source, error)
        return
    for one in found:
        try:
            yield from _read(one, color)
        except (OSError, ValueError) as error:
            give_up_on(one, error)


def _find(source: str | os.PathLike[str], recursive: bool) -> list[str]:
    """The images and videos of a folder or pattern, sorted; anything else is itself.

    Raises:
        FileNotFoundError: there are none.
    """
    name = os.fspath(source)
    path = Path(name)
    if path.is_dir():
        inside = path.rglob("*") if recursive else path.iterdir()
        shown = (file for file in inside if not any(part.startswith(".") for part in file.relative_to(path).parts))
        found = sorted(str(file) for file in shown if file.is_file())
    elif not is_url(name) and not path.exists() and glob.has_magic(name):
        found = sorted(file for file in glob.glob(name, recursive=True) if Path(file).is_file())  # noqa: PTH207
    else:
        return [name]
    found = [file for file in found if is_image_name(file) or is_video_name(file)]
    if not found:
        raise FileNotFoundError(f"{name}: expected images or videos, got none; check the path")
    return found


def _read(source: Any, color: Color) -> Iterator[Photograph]:
    if isinstance(source, int) or (isinstance(source, str) and source.isdecimal() and not Path(source).exists()):
        return _frames(int(source), f"camera {source}", live=True)
    if not isinstance(source, str):
        return iter([read_photograph(source, color=color)])
    if is_url(source):
        name = without_password(source)
        if is_image_name(urlsplit(source).path):
            return iter([_download(source, name)])
        return _frames(source, name, live=True)
    if is_video_name(source):
        return _frames(source, source)
    if is_image_name(source):
        return iter([read_photograph(source)])
    try:
        return iter([read_photograph(source)])
    except ValueError:
        return _frames(source, source)  # a name that does not tell


def _frames(source: str | int, name: str, *, live: bool = False) -> Iterator[Photograph]:
    """The frames of a video, camera or URL, every one in its order.

    Raises:
        ConnectionError: a camera or URL does not answer.
        FileNotFoundError: there is no such file.
        ValueError: a file that is no video.
    """
    import cv2

    if not live and not Path(name).exists():
        raise FileNotFoundError(f"{name}: expected a video, got no file; check the path")
    capture = cv2.VideoCapture(source)
    try:
        # A reader that opens may still have nothing to give.
        there, pixels = capture.read() if capture.isOpened() else (False, None)
        if not there:
            if live:
                raise ConnectionError(f"{name}: expected a video stream, got no answer; check that it is there")
            raise ValueError(f"{name}: expected an image or a video, got a file without frames; check the file")
        for frame in count():
            yield Photograph(np.asarray(pixels, np.uint8), name, frame, live)
            there, pixels = capture.read()
            if not there:
                return
    finally:
        capture.release()


def _download(url: str, name: str) -> Photograph:
    from urllib.error import HTTPError
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=SECONDS) as answer:
            content = answer.read()
    except OSError as error:
        if isinstance(error, HTTPError):
            error.close()
        raise ConnectionError(f"{name}: expected an image, got no answer ({error}); check the address") from error
    try:
        return Photograph(read_photograph(content).pixels, name)
    except ValueError as error:
        raise ValueError(f"{name}: expected an image, got something else; check the address") from error


def without_password(url: str) -> str:
    """A URL without its user and password, as results and errors may name it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _is_sequence(source: Any) -> bool:
    """Whether a source is several; arrays, bytes, files and strings are one."""
    is_one = isinstance(source, (str, bytes, bytearray, memoryview, np.ndarray)) or hasattr(source, "read")
    return isinstance(source, Iterable) and not is_one


def _name(source: Any) -> str:
    if isinstance(source, (str, os.PathLike)):
        source = os.fspath(source)
        return without_password(source) if is_url(source) else source
    return str(getattr(source, "name", "") or getattr(source, "filename", "") or type(source).__name__)
