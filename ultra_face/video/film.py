"""Video files: their frames, upright and in their time. Needs PyAV, which brings its own ffmpeg."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import av

Pixels = NDArray[np.uint8]

UPRIGHT = (1, 0, 0, 0, 1, 0, 0, 0, 1)
"""The display matrix of a picture that is shown as it is held."""

MICROSECOND = Fraction(1, 1_000_000)
"""The unit of time of ffmpeg's containers [s]."""

CONVERSION = 0x2 | 0x40000
"""Of swscale between colour spaces: bilinear, rounded well, so that there and back is the same to one level."""

USUAL_RATE = Fraction(25)
"""Frames a second of a file that states neither a rate nor time stamps."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a film.

    Attributes:
        time: since the start of the film [s], later than that of the frame before.
        stamp: the same [units of the film].
        duration: how long it is shown, as the file has it [units of the film].
        unit: of stamp and duration [s].
        matrix: how it is shown, see `turn`.
        decoded: as PyAV has it.
    """

    time: float
    stamp: int
    duration: int
    unit: Fraction
    matrix: tuple[int, ...]
    decoded: av.VideoFrame

    def pixels(self) -> Pixels:
        """The picture (H, W, 3), BGR, as players show it: upright, in 8 bits."""
        pixels = turn(self.decoded.to_ndarray(format="bgr24", interpolation=CONVERSION), self.matrix)
        return np.ascontiguousarray(pixels, np.uint8)

    def lies_on_its_side(self) -> bool:
        """Whether the width of the picture is the height of what the file holds."""
        a, b = self.matrix[:2]
        return abs(b) > abs(a)


def turn(pixels: NDArray[Any], matrix: Sequence[int]) -> NDArray[Any]:
    """Turn and mirror a picture as a display matrix says, to the nearest right angle.

    Args:
        pixels: (H, W, C).
        matrix: a, b, u, c, d, v, ... as ISO 14496-12 has it: (x, y) is shown at (a x + c y, b x + d y).
    """
    a, b, _, c, d = matrix[:5]
    if abs(b) > abs(a):
        pixels, a, d = pixels.swapaxes(0, 1), c, b
    return pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]


class Film:
    """A video file that is open for reading, once from its start to its end.

    Attributes:
        file: where it is.
        container: the open file, as PyAV has it.
        stream: its moving pictures.
        unit: of the time stamps [s].
        rate: frames a second, on average.
        start: time of its first picture or sound [s], which is 0 in frames and packets.
        num_frames: how many frames the file states, or about how many by its duration; 0 where it tells neither.
    """

    def __init__(self, container: av.container.InputContainer, file: Path) -> None:
        """Find the moving pictures of a container.

        Raises:
            ValueError: there are none, or there is no decoder for them.
        """
        cover = pyav().stream.Disposition.attached_pic
        streams = [stream for stream in container.streams.video if not stream.disposition & cover]
        if not streams:
            raise ValueError(f"{file}: expected a video, got a file without moving pictures; check the path")
        if streams[0].codec_context is None:  # PyAV before 18.1 ends the process where such a stream is decoded
            raise _undecodable(file, "no decoder for it")
        self.file, self.container, self.stream = file, container, streams[0]
        self.stream.thread_type = "AUTO"
        self.unit = self.stream.time_base or 1 / USUAL_RATE
        self.rate = self.stream.average_rate or self.stream.guessed_rate or USUAL_RATE
        self.num_frames = self.stream.frames or round((container.duration or 0) * MICROSECOND * self.rate)
        self.start = (container.start_time or 0) * MICROSECOND

    def __iter__(self) -> Iterator[Frame]:
        """The frames in the order of their time.

        Raises:
            ValueError: a frame is damaged, or cannot be decoded.
        """
        return (part for part in self.parts() if isinstance(part, Frame))

    def parts(self, others: Sequence[av.stream.Stream] = ()) -> Iterator[Frame | av.Packet[Any]]:
        """Frames of the pictures and packets of other streams, as they come in the file; all times from its start.

        Raises:
            ValueError: a frame is damaged, or cannot be decoded.
        """
        clock, orientation = _Clock(self), _Orientation()
        with self._naming_damage():
            for packet in self.container.demux(self.stream, *others):
                if packet.stream is self.stream:
                    clock.note(packet.dts)
                    for decoded in self.stream.decode(packet):
                        yield clock.frame(decoded, orientation.of(decoded))
                    continue
                start = round(self.start / packet.time_base)
                stamps = [stamp - start for stamp in (packet.pts, packet.dts) if stamp is not None]
                if stamps:  # the packet that ends a stream has none
                    packet.pts, packet.dts = stamps[0], stamps[-1]
                    yield packet

    @contextmanager
    def _naming_damage(self) -> Iterator[None]:
        try:
            yield
        except pyav().error.InvalidDataError as error:
            raise ValueError(
                f"{self.file}: expected a video that decodes to its end, got damaged data; repair the file, "
                "for example by copying it again"
            ) from error
        except pyav().error.FFmpegError as error:
            if isinstance(error, OSError):
                raise
            raise _undecodable(self.file, error.strerror) from error


def _undecodable(file: Path, reason: str) -> ValueError:
    return ValueError(
        f"{file}: expected a video that ffmpeg can decode, got one that it cannot ({reason}); "
        "convert it to a common format, such as H.264 in .mp4"
    )


class _Clock:
    """Gives the frames of a film their times, each later than the one before.

    AVI knows no order of display, and a bare stream no time at all. There the frames take the stamps of the packets in
    turn, or follow each other at the average rate.
    """

    def __init__(self, film: Film) -> None:
        self._unit, self._start = film.unit, round(film.start / film.unit)
        self._in_turn = film.container.format.name == "avi"
        self._usual_duration = max(round(1 / (film.rate * film.unit)), 1)
        self._stamps: deque[int] = deque()
        self._last: int | None = None

    def note(self, stamp: int | None) -> None:
        """Take the stamp of the next packet."""
        if stamp is not None:
            self._stamps.append(stamp)

    def frame(self, decoded: av.VideoFrame, matrix: tuple[int, ...]) -> Frame:
        """The next frame in its time."""
        stamp = self._stamps.popleft() if self._stamps else None
        if decoded.pts is not None and not self._in_turn:
            stamp = decoded.pts
        following = 0 if self._last is None else self._last + self._usual_duration
        stamp = following if stamp is None else stamp - self._start
        self._last = stamp if self._last is None else max(stamp, self._last + 1)
        duration = (0 if self._in_turn else decoded.duration) or self._usual_duration
        return Frame(float(self._last * self._unit), self._last, duration, self._unit, matrix, decoded)


class _Orientation:
    """How frames are shown, read where their rotation is another than that of the frame before.

    Not from each, since a frame of PyAV whose side data was read is part of a cycle, and stays in memory until Python
    looks for those.
    """

    def __init__(self) -> None:
        self._rotation: float | None = None
        self._matrix = UPRIGHT

    def of(self, decoded: av.VideoFrame) -> tuple[int, ...]:
        """The display matrix of the next frame."""
        if decoded.rotation != self._rotation:
            self._rotation = decoded.rotation
            matrix: Any = decoded.side_data.get("DISPLAYMATRIX")
            self._matrix = UPRIGHT if matrix is None else tuple(np.frombuffer(matrix, np.int32).tolist())
        return self._matrix


@contextmanager
def open_film(file: Path) -> Iterator[Film]:
    """Open a video file for reading.

    Raises:
        FileNotFoundError: there is no such file.
        ModuleNotFoundError: PyAV is not installed.
        ValueError: it is no video.
    """
    library = pyav()
    if not file.is_file():
        raise FileNotFoundError(f"{file}: expected a video, got no file; check the path")
    try:
        # By the protocol `file` since names may have colons; a play list must not lead elsewhere.
        container = library.open(f"file:{file}", options={"protocol_whitelist": "file"})
    except library.error.FFmpegError as error:
        if isinstance(error, PermissionError):
            raise
        raise ValueError(f"{file}: expected a video, got a file of another kind ({error.strerror})") from error
    with container:
        yield Film(container, file)


def pyav() -> ModuleType:
    """The package `av`.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    try:
        import av
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "expected the package av, which reads and writes videos, got none; "
            "install it with pip install 'ultra-face[video]'",
            name="av",
        ) from error
    return av
