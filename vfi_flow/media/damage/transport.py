"""Whether the packets of an MPEG transport stream follow each other."""

from pathlib import Path

import numpy as np

from vfi_flow.media.damage.foreign import PADDING, is_padding, zeros_in_front

TS_PACKETS = (188, 192, 204)
TS_SYNC = 0x47
PICTURE_HEAD = (0, 0, 1)
TS_PACKETS_AT_ONCE = 1 << 16
NULL_STREAM = 0x1FFF
FIRST_STREAMS = (0, 17)
"""The tables of programs and of services."""
RUN = 8
"""Bytes of one value that hardly a packet ends in by chance."""


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
    stream, begins = stream_of(packet)
    return before <= (4 if length == 192 else 0) and begins and stream in FIRST_STREAMS


def stream_of(packet: bytes) -> tuple[int, bool]:
    """The number of the stream that a packet belongs to, and whether a table or a picture begins in it."""
    return (packet[1] & 0x1F) << 8 | packet[2], bool(packet[1] & 0x40)


def runs_into(packet: bytes, value: int) -> bool:
    """Whether the padding of this value that follows a packet begins inside of it already.

    What fills a packet that is empty, or that holds a table, is no such padding; tables are filled with ones.
    """
    if not packet.endswith(bytes([value]) * RUN):
        return False
    stream, begins = stream_of(packet)
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
