"""Copies of videos with other pictures and everything else as it was.

A copy has the time stamps of its source, so that a variable frame rate stays one, and its sound and subtitles packet by
packet. Its pictures are H.264 in 4:2:0, which plays everywhere, turned upright.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ultra_face.files.whole import replacing
from ultra_face.video.film import CONVERSION, Film, Frame, Pixels, open_film, pyav

if TYPE_CHECKING:
    import av

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""Formats of copies by the suffix of their name."""

ENCODER: Final = "libx264"
QUALITY = {"crf": "18", "preset": "fast"}
"""What is not hidden looks as before."""

_OF_THE_FILE = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration"}  # and not of the film
_BT709, _LIMITED_RANGE = 1, 1  # as H.264 numbers them


def rewrite_film(source: Path, target: Path, edit: Callable[[Frame], Pixels], *, keep_metadata: bool = False) -> None:
    """Write a copy of a video with other pictures; it appears under its name when it is whole.

    Left out are covers, attached files, data, further moving pictures, and whatever the file says about the film but
    the languages of its sound and subtitles.

    Args:
        source: video file.
        target: file to write; its suffix tells the container. Without one it has that of the source.
        edit: takes each frame in its order and gives its new picture (H, W, 3), BGR, upright.
        keep_metadata: keep title, date, place and the like, and chapters.

    Raises:
        FileNotFoundError: there is no source.
        ModuleNotFoundError: PyAV is not installed.
        OutputError: the disk is full, or the folder cannot be written to.
        ValueError: the source is no video or is damaged; or the container cannot hold its sound or subtitles.
    """
    with open_film(source) as film:
        first = next(iter(film), None)
    if first is None:
        raise ValueError(f"{source}: expected a video, got one without frames; check the file")
    with open_film(source) as film:
        container = _container(target, film)
        options = {} if container == "matroska" else {"movflags": "faststart+use_metadata_tags"}
        with (
            replacing(target) as partial,
            # By the protocol `file` since names may have colons.
            pyav().open(f"file:{partial}", "w", format=container, container_options=options) as out,
        ):
            _copy(film, out, first, edit, target, keep_metadata=keep_metadata)


def _container(target: Path, film: Film) -> str:
    """The format of a copy.

    Raises:
        ValueError: the name of the copy ends otherwise.
    """
    suffix = target.suffix.lower() or (".mp4" if "mp4" in film.container.format.name else ".mkv")
    if suffix not in CONTAINERS:
        raise ValueError(
            f"{target}: expected a name that ends in {', '.join(CONTAINERS)}, got {suffix}; choose another name"
        )
    return CONTAINERS[suffix]


def _copy(
    film: Film,
    out: av.container.OutputContainer,
    first: Frame,
    edit: Callable[[Frame], Pixels],
    target: Path,
    *,
    keep_metadata: bool,
) -> None:
    streams: dict[int, Any] = {}
    sources = [film.stream, *(stream for stream in film.container.streams if stream.type in ("audio", "subtitle"))]
    with _naming_what_does_not_fit(target, out.format.name, sources[1:]):
        for source in sorted(sources, key=lambda stream: stream.index):
            if source is film.stream:
                streams[source.index] = _add_pictures(out, film, first)
            else:
                streams[source.index] = out.add_stream_from_template(source)
                streams[source.index].disposition = source.disposition.value
            kept = source.metadata if keep_metadata else {"language": source.metadata.get("language", "und")}
            streams[source.index].metadata.update(_without(kept, _OF_THE_FILE))
        if keep_metadata:
            out.metadata.update(_without(film.container.metadata, _OF_THE_FILE))
            out.set_chapters(film.container.chapters())
        out.start_encoding()
    pictures = streams[film.stream.index]
    for part in film.parts(sources[1:]):
        if isinstance(part, Frame):
            out.mux(pictures.encode(_encodable(edit(part), part)))
        else:
            part.stream = streams[part.stream.index]
            out.mux(part)
    out.mux(pictures.encode())


def _add_pictures(out: av.container.OutputContainer, film: Film, first: Frame) -> av.VideoStream:
    height, width = _even(first.pixels()).shape[:2]
    pictures = out.add_stream(ENCODER, rate=film.rate, options=dict(QUALITY))
    context, decoded = pictures.codec_context, first.decoded
    context.width, context.height, context.pix_fmt, context.time_base = width, height, "yuv420p", film.unit
    context.flags |= pyav().codec.context.Flags.frame_duration
    aspect = film.stream.sample_aspect_ratio
    if aspect:
        context.sample_aspect_ratio = 1 / aspect if first.lies_on_its_side() else aspect
    context.colorspace, context.color_range = _colours(first)
    context.color_primaries, context.color_trc = decoded.color_primaries, decoded.color_trc
    return pictures


def _encodable(picture: Pixels, frame: Frame) -> av.VideoFrame:
    """A picture in the colour space of its frame, to be shown at the same time for as long."""
    colorspace, color_range = _colours(frame)
    whole: av.VideoFrame = pyav().VideoFrame.from_ndarray(_even(picture), "bgr24")
    encodable = whole.reformat(
        format="yuv420p", dst_colorspace=colorspace, dst_color_range=color_range, interpolation=CONVERSION
    )
    encodable.pts, encodable.duration, encodable.time_base = frame.stamp, frame.duration, frame.unit
    return encodable


def _colours(frame: Frame) -> tuple[int, int]:
    """Colour space and range of a copy, as H.264 numbers them: those of the frame, which may be unspecified."""
    if frame.decoded.format.is_rgb:
        return _BT709, _LIMITED_RANGE
    return frame.decoded.colorspace, frame.decoded.color_range


def _even(picture: Pixels) -> Pixels:
    """A picture whose last row and column are repeated where 4:2:0 needs another."""
    height, width = picture.shape[:2]
    return np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def _without(tags: dict[str, str], left_out: set[str]) -> dict[str, str]:
    return {name: value for name, value in tags.items() if name.lower() not in left_out}


@contextmanager
def _naming_what_does_not_fit(target: Path, container: str, copied: list[Any]) -> Iterator[None]:
    """Say which container does not take which sound and subtitles."""
    try:
        yield
    except ValueError as error:
        if not copied:
            raise
        codecs = ", ".join(stream.codec_context.name if stream.codec_context else "unknown" for stream in copied)
        raise ValueError(
            f"{target}: expected a container for the sound and subtitles of the source ({codecs}), got {container} "
            f"({error}); choose another suffix, .mkv holds most"
        ) from error
