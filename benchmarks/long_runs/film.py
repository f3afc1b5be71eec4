"""A film of an hour, made of real photographs over which the camera pans while it draws near."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 640, 360
RATE = 1
"""Frames a second."""
FRAMES_A_SHOT = 5
SHOTS = 12
"""Photographs of the one minute that the film repeats."""


def write_film(file: Path, photographs: Sequence[Path], *, minutes: int) -> int:
    """Write a minute of shots, and repeat its packets; the pictures are encoded once.

    Args:
        file: to write, `.mp4`.
        photographs: image files, `SHOTS` of them.
        minutes: length of the film.

    Returns:
        Number of frames.
    """
    minute = file.with_name(f"minute-of-{file.name}")
    _write_minute(minute, photographs)
    with av.open(str(file), "w") as out, av.open(str(minute)) as source:
        stream = out.add_stream_from_template(source.streams.video[0])
        length = int(60 / source.streams.video[0].time_base)
        for repeat in range(minutes):
            source.seek(0)
            for packet in source.demux(video=0):
                if packet.dts is not None:
                    packet.pts, packet.dts = packet.pts + repeat * length, packet.dts + repeat * length
                    packet.stream = stream
                    out.mux(packet)
    minute.unlink()
    return minutes * SHOTS * FRAMES_A_SHOT


def _write_minute(file: Path, photographs: Sequence[Path]) -> None:
    with av.open(str(file), "w") as out:
        stream = out.add_stream("libx264", rate=RATE, options={"crf": "20", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = Fraction(1, RATE)
        for photograph in photographs:
            image = cv2.imread(str(photograph))
            for progress in np.linspace(0, 1, FRAMES_A_SHOT):
                out.mux(stream.encode(av.VideoFrame.from_ndarray(_view(image, float(progress)), "bgr24")))
        out.mux(stream.encode())


def _view(image: NDArray[np.uint8], progress: float) -> NDArray[np.uint8]:
    """What the camera sees of a photograph: from its upper left part to the lower right, ever closer."""
    height, width = image.shape[:2]
    view_width = min(width, height * WIDTH / HEIGHT) * (1 - 0.3 * progress)
    view_height = view_width * HEIGHT / WIDTH
    left, top = int((width - view_width) * progress), int((height - view_height) * progress)
    view = image[top : top + int(view_height), left : left + int(view_width)]
    return np.asarray(cv2.resize(view, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)
