"""Small films of a bright square that moves over a dark picture, and a detector that finds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from ultra_face.faces import Faces

WIDTH, HEIGHT, SIDE = 160, 120, 40
UNIT = Fraction(1, 12800)
STEADY = tuple(512 * i for i in range(30))  # 25 frames a second
UNSTEADY = tuple(np.cumsum([0, *(512 if i % 3 else 1100 for i in range(29))]).tolist())
RATE = 48000


def left_of_square(i: int) -> int:
    """Where the square begins in frame i [px]."""
    return 10 + 2 * i


def picture(i: int, *, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    image = np.full((height, width, 3), 30, np.uint8)
    image[40 : 40 + SIDE, left_of_square(i) : left_of_square(i) + SIDE] = 220
    return image


def find_square(image: np.ndarray) -> Faces:
    """The bright square as a face, none where there is none."""
    y, x = np.nonzero(image.min(axis=2) > 128)
    n = int(len(y) > SIDE)
    boxes = np.array([[x.min(), y.min(), x.max() + 1, y.max() + 1]] if n else np.zeros((0, 4)), np.float64)
    return Faces(boxes, np.zeros((n, 5, 2)), np.ones(n))


def blacken(image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Hide boxes and 4 px round them, into which the codec smears."""
    image = image.copy()
    for left, top, right, bottom in np.rint(boxes).astype(int).tolist():
        image[max(top - 4, 0) : bottom + 4, max(left - 4, 0) : right + 4] = 0
    return image


def brightness(file: Path) -> list[int]:
    """Of the brightest pixel of each frame of a film."""
    with av.open(str(file)) as container:
        return [int(frame.to_ndarray(format="gray").max()) for frame in container.decode(video=0)]


def write_clip(
    file: Path,
    *,
    stamps: Sequence[int] = STEADY,
    sound: bool = True,
    sound_first: bool = False,
    draw: Callable[[int], np.ndarray] = picture,
    pictures: Callable[[Any], None] = lambda stream: None,
    container: Callable[[Any], None] = lambda container: None,
    sound_codec: str = "aac",
    form: str | None = None,
) -> Path:
    """Write a film whose frames are shown from `stamps` on [UNIT], with a sine tone; callables set what else it has."""
    own_tags = {"movflags": "use_metadata_tags"} if file.suffix in (".mp4", ".mov") else {}
    with av.open(str(file), "w", format=form, container_options=own_tags) as out:

        def add_sound() -> Any:
            stream = out.add_stream(sound_codec, rate=RATE)
            stream.layout = "mono"
            return stream

        tone = add_sound() if sound and sound_first else None
        height, width = draw(0).shape[:2]
        stream = out.add_stream("libx264", rate=25, options={"crf": "12"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p" if width % 2 == 0 else "yuv444p"
        stream.codec_context.time_base = UNIT
        if sound and not sound_first:
            tone = add_sound()
        pictures(stream)
        container(out)
        for i, stamp in enumerate(stamps):
            frame = av.VideoFrame.from_ndarray(draw(i), "bgr24").reformat(
                format=stream.pix_fmt, dst_colorspace=stream.codec_context.colorspace
            )
            frame.pts, frame.time_base = stamp, UNIT
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
        if tone is not None:
            samples = int(float((stamps[-1] + 512) * UNIT) * RATE)
            wave = (8000 * np.sin(2 * np.pi * 440 / RATE * np.arange(samples))).astype(np.float32) / 2**15
            for k in range(0, samples, 1024):
                part = av.AudioFrame.from_ndarray(wave[None, k : k + 1024], format="fltp", layout="mono")
                part.rate, part.pts, part.time_base = RATE, k, Fraction(1, RATE)
                out.mux(tone.encode(part))
            out.mux(tone.encode())
    return file


def join(file: Path, *streams: tuple[Any, dict[str, str]]) -> Path:
    """Write a file of streams of others with what is to be said of each, packet by packet."""
    with av.open(str(file), "w") as out:
        joined = {stream: out.add_stream_from_template(stream, opaque=True) for stream, _ in streams}
        for stream, tags in streams:
            joined[stream].metadata.update(tags)
        for container in dict.fromkeys(stream.container for stream in joined):
            for packet in container.demux([stream for stream in joined if stream.container is container]):
                if packet.size:
                    packet.stream = joined[packet.stream]
                    out.mux(packet)
    return file
