"""The clusters of a Matroska file, without decoding anything.

An element is an identifier, a length and that many bytes; both numbers tell their own length by their leading zeros.

    EBML header | Segment: SeekHead Info Tracks Cluster Cluster ... Cues
                                                Cluster: [CRC-32] Timestamp SimpleBlock SimpleBlock BlockGroup ...
"""

import zlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from vfi_flow.media.damage.foreign import is_padding, place_of

SEGMENT, CLUSTER, TIMESTAMP, CRC32, INFO, SCALE = 0x18538067, 0x1F43B675, 0xE7, 0xBF, 0x1549A966, 0x2AD7B1
IN_SEGMENT = {CLUSTER, INFO, 0x114D9B74, 0x1654AE6B, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367, 0xEC, CRC32}
IN_CLUSTER = {TIMESTAMP, CRC32, 0xA3, 0xA0, 0xAB, 0xA7, 0xEC, 0x5854, 0xAF}

USUAL_SCALE = 1_000_000
"""Nanoseconds of a unit of time where the file does not say."""

LONGEST_HEAD = 12
LARGEST_CLUSTER = 1 << 28
"""Bytes; a larger one is not looked into."""

MOST_APPENDED = 256
"""Bytes; more of them, in a stream without a length, may be a cluster whose head is damaged."""


def broken_clusters(path: Path) -> Iterator[tuple[str, Fraction]]:
    """(what is wrong, seconds) for everything in the file that is not as it was written."""
    size = path.stat().st_size
    with path.open("rb") as file:
        first, end = segment(file, size)
        offset = first
        seconds, scale = Fraction(0), USUAL_SCALE
        while offset < min(end, size):
            identifier, start, length = element(file, offset)
            if identifier not in IN_SEGMENT:
                if end == size and offset > first and is_appended(file, offset, size):
                    return
                yield f"the file is damaged at byte {offset}", seconds
                offset = next_cluster(file, offset + 1, size)
                continue
            # Without a length, as written to a pipe: up to the next cluster.
            stop = next_cluster(file, start, size) if length is None else start + length
            if stop > size:
                yield f"the file is truncated; {stop - size} bytes are missing at its end", seconds
                return
            if identifier == INFO:
                scale = scale_in(read(file, start, stop))
            if identifier == CLUSTER and stop - start <= LARGEST_CLUSTER:
                fits, units = examined(read(file, start, stop), length is not None)
                seconds = seconds if units is None else Fraction(units * scale, 10**9)
                if not fits:
                    yield f"the file is damaged between bytes {offset} and {stop}", seconds
            offset = stop
        if end > size:
            yield f"the file is truncated; {end - size} bytes are missing at its end", seconds


class Elements:
    """Goes from element to element of a stream that cannot be read twice: at its end one may have bytes missing."""

    def __init__(self) -> None:
        self._rest = b""
        self._offset = self._next = 0
        """Of the first byte of `_rest`, and of the element to look at."""

    def feed(self, data: bytes) -> None:
        self._rest += data
        while self._next + LONGEST_HEAD <= self._offset + len(self._rest):
            place = self._next - self._offset
            identifier, start, length = parsed(self._rest[place : place + LONGEST_HEAD], self._next)
            if identifier is None:
                self._next = self._offset + len(self._rest)  # damaged: nothing can be told any more
            elif identifier == SEGMENT or length is None:
                self._next = start
            else:
                self._next = start + length
        kept = max(0, min(len(self._rest), self._next - self._offset))
        self._rest, self._offset = self._rest[kept:], self._offset + kept

    @property
    def missing(self) -> int:
        """Bytes that are missing of the last element, if everything has been fed."""
        return max(0, self._next - self._offset - len(self._rest))


def segment(file: BinaryIO, size: int) -> tuple[int, int]:
    """First and last byte of what is in the segment; the whole rest where its length is not known."""
    offset = 0
    while offset < size:
        identifier, start, length = element(file, offset)
        if identifier == SEGMENT:
            return start, size if length is None else start + length
        if length is None or identifier is None:
            break
        offset = start + length
    return size, size


def examined(content: bytes, is_closed: bool) -> tuple[bool, int | None]:
    """Whether a cluster is as it was written, and its time in the file's units."""
    offset, units, fits = 0, None, True
    while offset < len(content):
        identifier, start, length = parsed(content[offset : offset + LONGEST_HEAD], offset)
        if identifier not in IN_CLUSTER or length is None or start + length > len(content):
            # The last cluster of a stream without lengths ends where something else begins.
            fits = not is_closed and identifier in IN_SEGMENT
            break
        if identifier == CRC32 and offset == 0 and length == 4:
            fits = zlib.crc32(memoryview(content)[start + 4 :]) == int.from_bytes(content[start : start + 4], "little")
            if not fits:
                break
        if identifier == TIMESTAMP:
            units = int.from_bytes(content[start : start + length], "big")
        offset = start + length
    return fits, units


def scale_in(info: bytes) -> int:
    offset = 0
    while offset < len(info):
        identifier, start, length = parsed(info[offset : offset + LONGEST_HEAD], offset)
        if identifier == SCALE and length:
            return int.from_bytes(info[start : start + length], "big")
        if identifier is None or length is None:
            break
        offset = start + length
    return USUAL_SCALE


def is_appended(file: BinaryIO, offset: int, size: int) -> bool:
    """Whether what comes behind the last cluster is none of it: padding, or a few bytes of a download."""
    is_short = size - offset <= MOST_APPENDED and next_cluster(file, offset, size) == size
    return is_short or is_padding(file, offset)


def next_cluster(file: BinaryIO, offset: int, size: int) -> int:
    """Where the next cluster begins; the file's end where none does."""
    place = place_of(file, CLUSTER.to_bytes(4, "big"), offset)
    return size if place is None else place


def read(file: BinaryIO, start: int, stop: int) -> bytes:
    file.seek(start)
    return file.read(stop - start)


def element(file: BinaryIO, offset: int) -> tuple[int | None, int, int | None]:
    return parsed(read(file, offset, offset + LONGEST_HEAD), offset)


def parsed(head: bytes, offset: int) -> tuple[int | None, int, int | None]:
    """(identifier, where the content begins, its length) of the element at `offset`, of which `head` has the start.

    The identifier is None where there is no element, the length None where it is not known.
    """
    width = 9 - head[0].bit_length() if head and head[0] else 9
    if width > 4 or len(head) <= width:
        return None, offset, None
    identifier = int.from_bytes(head[:width], "big")
    length_width = 9 - head[width].bit_length()
    if length_width > 8 or len(head) < width + length_width:
        return None, offset, None
    mask = (1 << 7 * length_width) - 1
    length = int.from_bytes(head[width : width + length_width], "big") & mask
    return identifier, offset + width + length_width, None if length == mask else length
