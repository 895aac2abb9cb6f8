"""Bytes in a file that are no part of the recording: space that a recorder has reserved, and what others append."""

from collections.abc import Iterator
from typing import BinaryIO

PADDING = (b"\0", b"\xff")
BLOCK = 1 << 20


def is_padding(file: BinaryIO, begin: int) -> bool:
    """Whether one value that space is reserved with goes from `begin` to the end of the file."""
    file.seek(begin)
    first = file.read(1)
    return first in PADDING and not any(block.strip(first) for block in blocks(file))


def zeros_in_front(file: BinaryIO) -> int:
    """How many bytes a file begins with that are 0."""
    file.seek(0)
    count = 0
    for block in blocks(file):
        rest = len(block.lstrip(b"\0"))
        count += len(block) - rest
        if rest:
            break
    return count


def place_of(file: BinaryIO, mark: bytes, begin: int) -> int | None:
    """Where the bytes `mark` come next, from `begin` on; None where they do not."""
    file.seek(begin)
    kept = b""
    for block in blocks(file):
        data = kept + block
        if (found := data.find(mark)) >= 0:
            return begin + found
        kept = data[max(0, len(data) - len(mark) + 1) :]
        begin += len(data) - len(kept)
    return None


def blocks(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        yield block
