"""Text files as people have them: UTF-8, with or without the byte-order mark that some editors put first."""

from __future__ import annotations

from pathlib import Path


def read_text(path: str | Path) -> str:
    """The text of a file, without a byte-order mark.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file is not UTF-8; names it with the line.
    """
    return decode_text(Path(path).read_bytes(), str(path))


def decode_text(content: bytes, source: str) -> str:
    """The text of the bytes of a file, without a byte-order mark; `source` names the file in errors.

    Raises:
        ValueError: The bytes are not UTF-8; names the source with the line.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise ValueError(
            f"{source}:{line}: expected text in UTF-8, got the byte 0x{byte:02x}; save the file as UTF-8"
        ) from error
