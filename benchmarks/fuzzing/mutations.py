"""What happens to bytes and to text: cut off, bits flipped, parts lost, doubled or replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

HUGE = ("1e308", "-1e308", "99999999999999999999", "1e400", "nan", "inf", "-inf", "-0", "2147483648", "9" * 400)
STRANGE = (
    "\u0000",
    "\u202e",
    "\ufeff",
    "\u00e9\u0301",
    "\u4eba\u8138",
    "\U0001f600",
    "\u2028",
    "\u0085",
    "\x0c",
    "\u0661\u0662",
    "\u00b2",
)
"""Zero, right to left, byte-order mark, accents, other scripts, ends of lines and pages, digits that are none."""

Bytes = Callable[[bytes, Random], bytes]
Text = Callable[[str, Random], str]


def truncated(content: bytes, rng: Random) -> bytes:
    """Cut off at any place."""
    return content[: rng.randrange(len(content) + 1)]


def bits_flipped(content: bytes, rng: Random) -> bytes:
    """One to thirty-two bits turned over."""
    broken = bytearray(content)
    for _ in range(2 ** rng.randrange(6) if broken else 0):
        broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
    return bytes(broken)


def head_flipped(content: bytes, rng: Random) -> bytes:
    """Some of the first 64 bytes replaced: where formats say what follows."""
    broken = bytearray(content)
    for _ in range(rng.randrange(1, 9) if broken else 0):
        broken[rng.randrange(min(64, len(broken)))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return bytes(broken)


def part_lost(content: bytes, rng: Random) -> bytes:
    """A piece taken out of the middle."""
    start = rng.randrange(len(content) + 1)
    return content[:start] + content[start + rng.randrange(1, 4096) :]


def part_doubled(content: bytes, rng: Random) -> bytes:
    """A piece said twice."""
    start = rng.randrange(len(content) + 1)
    end = start + rng.randrange(1, 4096)
    return content[:end] + content[start:end] + content[end:]


def part_of_noise(content: bytes, rng: Random) -> bytes:
    """A piece replaced by random bytes."""
    start = rng.randrange(len(content) + 1)
    size = rng.randrange(1, 512)
    return content[:start] + rng.randbytes(size) + content[start + size :]


def only_noise(content: bytes, rng: Random) -> bytes:
    """Random bytes alone, or none."""
    return rng.randbytes(rng.choice((0, 1, 12, 100, 4000)))


BYTES: Mapping[str, Bytes] = {
    "truncated": truncated,
    "bits flipped": bits_flipped,
    "head changed": head_flipped,
    "part lost": part_lost,
    "part doubled": part_doubled,
    "part of noise": part_of_noise,
    "only noise": only_noise,
}


def _lines(change: Callable[[list[str], int, Random], None]) -> Text:
    def changed(text: str, rng: Random) -> str:
        lines = text.splitlines() or [""]
        change(lines, rng.randrange(len(lines)), rng)
        return "\n".join(lines) + "\n"

    return changed


def _words(change: Callable[[str, Random], str]) -> Text:
    def in_line(lines: list[str], at: int, rng: Random) -> None:
        words = lines[at].split(" ")
        place = rng.randrange(len(words))
        words[place] = change(words[place], rng)
        lines[at] = " ".join(words)

    return _lines(in_line)


def _without_line(lines: list[str], at: int, rng: Random) -> None:
    del lines[at]


def _line_twice(lines: list[str], at: int, rng: Random) -> None:
    lines.insert(rng.randrange(len(lines) + 1), lines[at])


def _lines_swapped(lines: list[str], at: int, rng: Random) -> None:
    other = rng.randrange(len(lines))
    lines[at], lines[other] = lines[other], lines[at]


def _long_line(lines: list[str], at: int, rng: Random) -> None:
    lines[at] = (lines[at] + " ") * rng.choice((10, 1000, 20_000))


def _within(word: str, rng: Random) -> str:
    at = rng.randrange(len(word) + 1)
    return word[:at] + rng.choice(STRANGE) + word[at:]


TEXT: Mapping[str, Text] = {
    "line lost": _lines(_without_line),
    "line twice": _lines(_line_twice),
    "lines swapped": _lines(_lines_swapped),
    "long line": _lines(_long_line),
    "word lost": _words(lambda word, rng: ""),
    "word twice": _words(lambda word, rng: f"{word} {word}"),
    "huge number": _words(lambda word, rng: rng.choice(HUGE)),
    "negative": _words(lambda word, rng: f"-{word}"),
    "word for number": _words(lambda word, rng: rng.choice(("face", "None", "[]", "{}", "0x1F", "1_000", "1,5", "٣"))),
    "Unicode": _words(_within),
    "path that leaves the folder": _words(
        lambda word, rng: rng.choice(
            ("../../outside/canary.jpg", "/etc/passwd", "..\\..\\a.jpg", "~/a.jpg", "a/../../b.jpg")
        )
    ),
    "line ends of Windows": lambda text, rng: text.replace("\n", rng.choice(("\r\n", "\r"))),
    "UTF-16": lambda text, rng: text.encode("utf-16").decode("utf-8", "surrogateescape"),
    "Latin-1": lambda text, rng: (text + "é").encode("latin-1", "replace").decode("utf-8", "surrogateescape"),
    "byte-order mark": lambda text, rng: "\ufeff" + text,
}


def _on_text(change: Text) -> Bytes:
    return lambda content, rng: change(content.decode(), rng).encode("utf-8", "surrogateescape")


TEXT_FILES: Mapping[str, Bytes] = {
    "none": lambda content, rng: content,
    **{name: _on_text(change) for name, change in TEXT.items()},
    **BYTES,
}
"""What happens to the content of any text file."""
