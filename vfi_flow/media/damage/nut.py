"""Whether a NUT file is all there: its frames lie one behind the other, and its index is the end."""

from pathlib import Path
from typing import BinaryIO

import av

from vfi_flow.media.pipe import TAIL_BYTES, InputPipe

MAGIC = b"nut/multimedia container\0"
INDEX = bytes.fromhex("4E58DD672F23E64E")
STARTS = tuple(b"N" + kind for kind in (b"M", b"S", b"K", b"I", b"X"))
"""First bytes of what is not a frame: main header, stream header, sync point, info, index."""

LONGEST_FRAME_HEAD = 48
MOST_ELIDED = 16
"""Bytes that all frames of a kind begin with may be left out; FFmpeg counts them as part of the frame."""

CHECKSUM = 4
LONG_PACKET = 4096
"""From this size on the head of a packet has a checksum of its own."""


def ends_with_index(tail: bytes, length: int) -> bool:
    """Whether the last bytes of a file or stream of `length` bytes end with an index, which is written last of all."""
    back = int.from_bytes(tail[-12:-4], "big")  # before the checksum: how far back the index begins
    if not len(INDEX) < back <= length:
        return False
    return back > len(tail) or tail[-back:].startswith(INDEX)


def lacks_index(source: Path | InputPipe) -> bool:
    """Whether a source that was read to its end has no index there."""
    if isinstance(source, InputPipe):
        return not ends_with_index(source.tail, source.length)
    length = source.stat().st_size
    with source.open("rb") as file:
        file.seek(max(0, length - TAIL_BYTES))
        return not ends_with_index(file.read(), length)


def broken_place(path: Path) -> str:
    """The first thing that is wrong with the file; "" where nothing is."""
    with av.open(str(path.absolute()), metadata_errors="replace") as container, path.open("rb") as file:
        end = len(MAGIC)
        try:
            for packet in container.demux():
                if packet.pos is None:  # not of the file; FLAC's last one is, and empty
                    continue
                if not follows(file, end, packet.pos):
                    return f"the file is damaged at byte {end}"
                end = packet.pos + packet.size
        except (av.FFmpegError, OSError):
            return f"the file is damaged after byte {end}"
        if lacks_index(path):
            return "the file is truncated; it has no index at its end"
        if not follows(file, end, path.stat().st_size, longest_head=0):
            return f"the file is damaged after byte {end}"
    return ""


def follows(file: BinaryIO, end: int, start: int, longest_head: int = LONGEST_FRAME_HEAD) -> bool:
    """Whether between the frame that ends at `end` and the one whose content starts at `start` nothing is lost."""
    if longest_head and -MOST_ELIDED <= start - end <= longest_head:
        return True
    if start < end:
        return False
    before = min(end, MOST_ELIDED)
    file.seek(end - before)
    between = file.read(start - end + before)
    return any(is_chain(between, first, longest_head) for first in range(before, -1, -1))


def is_chain(data: bytes, first: int, longest_head: int) -> bool:
    """Whether from `first` on there are packets without a frame, and then at most the head of a frame."""
    if data[first : first + 2] not in STARTS:
        return False
    while data[first : first + 2] in STARTS:
        length, head = number(data, first + len(INDEX))
        if length < CHECKSUM:
            return False
        first = head + length + (CHECKSUM if length > LONG_PACKET else 0)
    return 0 <= len(data) - first <= longest_head


def number(data: bytes, offset: int) -> tuple[int, int]:
    """A number in groups of seven bits, the last without the highest bit, and where it ends."""
    value = 0
    for place, byte in enumerate(data[offset : offset + 10], offset):
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + 1
    return 0, offset
