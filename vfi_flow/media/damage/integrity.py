"""Whether a file still has the structure that it was written with, as far as its format lets one know.

    mp4, mov     the boxes cover the file
    AVI          the chunks cover the file
    Matroska     the clusters follow each other, their blocks fill them, their checksums are right where there are any
    ASF          it is as long as its header says
    NUT          frames follow each other, and the index stands at the end
    MPEG-TS      packets of one length follow each other; a gap shows in their counters, which FFmpeg watches

A transport stream may begin and end with any packet: one that was cut between two of them is a shorter recording.
What others have appended to a complete recording, and space that a recorder has reserved, is no damage.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import numpy as np
from av.container import InputContainer
from av.stream import Stream

from vfi_flow.media.damage.asf import cut_end
from vfi_flow.media.damage.foreign import PADDING, is_padding, place_of, zeros_in_front
from vfi_flow.media.damage.matroska import broken_clusters
from vfi_flow.media.damage.nut import broken_place

BOXES = frozenset(b"ftyp moov mdat moof mfra mfro free skip wide styp sidx ssix uuid emsg prft pssh meta".split())
"""Names of what mp4 and mov files mostly consist of."""
FRAGMENT = b"moof\0\0\0\x10mfhd"
"""What a fragment of them begins with, after its length."""
SPACE_RUN = 16
"""Bytes of one value that a fragment hardly ends in by chance."""

CHUNKS = (b"RIFF", b"idx1")
APPENDED_CHUNK = re.compile(rb"[A-Za-z][A-Za-z0-9 _]{3}")
"""As in idx1 and JUNK; the names of what is in an index begin with digits."""
UNKNOWN_LENGTH = (0, 2**32 - 1)

TS_PACKETS = (188, 192, 204)
TS_SYNC = 0x47
PICTURE_HEAD = (0, 0, 1)
TS_PACKETS_AT_ONCE = 1 << 16
NULL_STREAM = 0x1FFF
FIRST_STREAMS = (0, 17)
"""The tables of programs and of services."""
RUN = 8
"""Bytes of one value that hardly a packet ends in by chance."""


@dataclass(frozen=True, slots=True)
class Damage:
    what: str
    """As in "the file is truncated; 12 bytes are missing at its end"."""
    seconds: Fraction | None = None
    """On the file's clock; None where nobody knows."""


def damages(path: Path, container: InputContainer, video: Stream) -> Iterator[Damage]:
    """What is wrong with the file, in order; sound is not looked at where that can be told apart."""
    name = container.format.name
    if "matroska" in name:
        yield from (Damage(what, seconds) for what, seconds in broken_clusters(path))
    checks = (("mov", misfit_of_boxes), ("avi", misfit_of_chunks), ("asf", cut_end), ("nut", broken_place))
    for part, check in checks:
        if part in name and (what := check(path)):
            yield Damage(what)
    if name == "mpegts" and (what := broken_packets(path, video.id)):
        yield Damage(what)


def misfit_of_boxes(path: Path) -> str:
    """Where the boxes of an mp4 or mov file do not cover it; "" where they do, or what follows them is none of it.

    The boxes' sizes are all there is to see it by where a file is written in fragments, without a length in its header.
    Cameras and others append what only looks like a box: it has another name, and the recording is complete before.
    """
    size, offset = path.stat().st_size, 0
    passed: set[bytes] = set()
    with path.open("rb") as file:
        while offset + 8 <= size:
            file.seek(offset)
            head = file.read(16)
            length, name = int.from_bytes(head[:4], "big"), head[4:8]
            if length == 1:
                length = int.from_bytes(head[8:], "big")  # 64 bits, after the name
            if length == 0 and (name in BOXES or b"moof" not in passed):  # up to the end
                return ""
            if length < 8 or (offset + length > size and name not in BOXES and is_complete(passed)):
                is_inside = b"moof" in passed and (
                    place_of(file, FRAGMENT, offset) is not None
                    or not (b"mfra" in passed or is_appended(file, offset, name))
                )
                return f"the file is damaged at byte {offset}" if is_inside else ""
            passed.add(name)
            offset += length
    return f"the file is truncated; {offset - size} bytes are missing at its end" if offset > size else ""


def is_appended(file: BinaryIO, begin: int, name: bytes) -> bool:
    """Whether what follows the fragments from byte `begin` on is none of them: space, or named as no box is."""
    if is_padding(file, begin):
        file.seek(begin - SPACE_RUN)
        return len(set(file.read(SPACE_RUN + 1))) > 1  # not begun inside of the fragment
    return name not in BOXES and name.isascii() and name.decode("ascii").isprintable()


def is_complete(passed: set[bytes]) -> bool:
    """Whether boxes with these names make a video."""
    return b"moof" in passed or passed >= {b"moov", b"mdat"}


def misfit_of_chunks(path: Path) -> str:
    """Where the RIFF chunks of an AVI file do not cover it; "" where they do, or were never completed.

    Behind them an index may stand, and what recorders append.
    """
    size, offset = path.stat().st_size, 0
    with path.open("rb") as file:
        while offset + 8 <= size:
            file.seek(offset)
            head = file.read(8)
            name, length = head[:4], int.from_bytes(head[4:], "little")
            if any(not head.strip(value) for value in PADDING):
                return ""
            if name != b"RIFF" and (offset == 0 or not APPENDED_CHUNK.fullmatch(name)):
                return f"the file is damaged; its parts do not fit together at byte {offset}"
            if name == b"RIFF" and length in UNKNOWN_LENGTH:  # a recording that nobody closed
                return ""
            if name not in CHUNKS and offset + 8 + length > size:
                return ""
            offset += 8 + length + length % 2
    # An odd last chunk may lack its padding.
    return f"the file is truncated; {offset - size} bytes are missing at its end" if offset > size + 1 else ""


def broken_packets(path: Path, video: int) -> str:
    """Where a transport stream is not a row of packets, or a picture of the stream `video` has no head.

    packet       47 | 1 bit error, 1 bit head follows, 13 bits stream | 2 bits adaptation field, payload | ... payload
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        begin = zeros_in_front(file)
        file.seek(begin)
        head = file.read(TS_PACKETS[-1] * 6)
    layouts = [
        (n, first) for n in TS_PACKETS for first in range(n) if set(head[first : first + n * 4 : n]) == {TS_SYNC}
    ]
    if len(head) < TS_PACKETS[-1] * 6:
        return ""
    if not layouts:
        return "the file is damaged in its first packets"
    length, first = layouts[0]
    if length == TS_PACKETS[0] and first > 0 and head[0] == TS_SYNC:
        return f"the file is damaged at byte {begin}"
    if begin + first >= length and not begins_a_recording(head[first:], first, length):
        return "the file is damaged at byte 0"
    begin += first
    count, rest = divmod(size - begin, length)
    file_bytes = np.memmap(path, np.uint8, "r")
    for start in range(0, count, TS_PACKETS_AT_ONCE):
        offset = begin + start * length
        packets = file_bytes[offset : offset + min(TS_PACKETS_AT_ONCE, count - start) * length].reshape(-1, length)
        for wrong in (packets[:, 0] != TS_SYNC, heads_missing(packets, video)):
            if wrong.any():
                place = offset + int(wrong.argmax()) * length
                before = file_bytes[max(begin, place - length) : place][: TS_PACKETS[0]].tobytes()
                with path.open("rb") as file:
                    is_reserved = is_padding(file, place) and not runs_into(before, file_bytes[place])
                return "" if is_reserved else f"the file is damaged at byte {place}"
    # 192 and 204 are 188 bytes with something before or after them, which a recording may lack at its end.
    return (
        "" if rest in (0, length - 188, 188) else f"the file is truncated; it breaks off after {rest} bytes of a packet"
    )


def begins_a_recording(packet: bytes, before: int, length: int) -> bool:
    """Whether a packet of a stream, with `before` bytes between it and zeros, is what a recording begins with: a table.

    Packets of 192 bytes have a time of 4 bytes in front, which may begin with zeros.
    """
    stream, begins = (packet[1] & 0x1F) << 8 | packet[2], packet[1] & 0x40
    return before <= (4 if length == 192 else 0) and bool(begins) and stream in FIRST_STREAMS


def runs_into(packet: bytes, value: int) -> bool:
    """Whether the padding of this value that follows a packet begins inside of it already.

    What fills a packet that is empty, or that holds a table, is no such padding; tables are filled with ones.
    """
    if not packet.endswith(bytes([value]) * RUN):
        return False
    stream, begins = (packet[1] & 0x1F) << 8 | packet[2], packet[1] & 0x40
    head = packet[5 + packet[4] if packet[3] & 0x20 else 4 :][:3]
    is_table = begins and head[:1] == b"\0" and head != bytes(PICTURE_HEAD)
    return stream != NULL_STREAM and not (is_table and value == PADDING[1][0])


def heads_missing(packets: np.ndarray, stream: int) -> np.ndarray:
    """(n,) bool: the packet says that a picture begins in it, and none does."""
    of_stream = ((packets[:, 1].astype(int) & 0x1F) << 8 | packets[:, 2]) == stream
    begins = of_stream & (packets[:, 1] & 0x40 != 0) & (packets[:, 3] & 0x10 != 0)
    rows = np.flatnonzero(begins)
    start = np.where(packets[rows, 3] & 0x20, 5 + packets[rows, 4].astype(int), 4).clip(max=TS_PACKETS[0] - 3)
    mark = np.stack([packets[rows, start + n] for n in range(3)], axis=1)
    missing = np.zeros(len(packets), bool)
    missing[rows] = (mark != PICTURE_HEAD).any(axis=1)
    return missing
