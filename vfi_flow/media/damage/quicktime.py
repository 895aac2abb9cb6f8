"""Until when mp4 and mov files show a track, by their own words.

moov
  mvhd      version, dates, units per second, ...
  trak
    tkhd    version, dates, track, how many of these units it is shown, ...
    edts    if it is there, that counts from the movie's start, otherwise from the track's first frame
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from av.container import InputContainer
from av.stream import Stream

from vfi_flow.media.damage.ending import promised_end
from vfi_flow.media.endpoints import Source
from vfi_flow.media.opening import MICROSECOND, fraction
from vfi_flow.media.timing import to_pts

UNITS_PER_SECOND = {0: struct.Struct(">12xI"), 1: struct.Struct(">20xI")}
TRACK_AND_LENGTH = {0: struct.Struct(">12xI4xI"), 1: struct.Struct(">20xI4xQ")}
"""By version: the second one has 64 bits for dates and lengths."""

UNKNOWN = (0, 2**32 - 1, 2**64 - 1)
"""Lengths that are written where nobody knows, as in a file in fragments."""


HEADER_ROUNDING = Fraction(1, 1000)
"""FFmpeg and others count in milliseconds how long a track is shown."""


@dataclass(frozen=True, slots=True)
class Box:
    name: bytes
    begin: int
    """Of what it holds."""
    end: int


def boxes(file: BinaryIO, begin: int, end: int) -> Iterator[Box]:
    """The boxes between two places of a file."""
    while begin + 8 <= end:
        file.seek(begin)
        head = file.read(16)
        size, head_bytes = int.from_bytes(head[:4], "big"), 8
        if size == 1:
            size, head_bytes = int.from_bytes(head[8:], "big"), 16
        elif size == 0:
            size = end - begin
        if size < head_bytes:
            return
        yield Box(head[4:8], begin + head_bytes, min(begin + size, end))
        begin += size


def numbers(file: BinaryIO, box: Box, layouts: dict[int, struct.Struct]) -> tuple[int, ...]:
    """What a box says in the layout of its version; () where it has another version or breaks off."""
    file.seek(box.begin)
    data = file.read(min(40, box.end - box.begin))
    layout = layouts.get(data[0]) if data else None
    return layout.unpack_from(data) if layout is not None and len(data) >= layout.size else ()


def last_shown_until(source: Source, container: InputContainer, video: Stream) -> Fraction | None:
    """When the last frame of an mp4 or mov file is over, as far as its head tells; None of other formats.

    The frames themselves only say how long it is until the next one is decoded. Where they are shown in another order,
    and some stay for long, the last one shown would have the length of another one. FFmpeg adds these times up, too,
    so the end that it promises may be too early; where it is not, it is the more exact one. A pipe has no other.
    """
    if "mp4" not in container.format.name:
        return None
    tick, promised = fraction(video.time_base) or MICROSECOND, promised_end(container, video)
    end = track_end(source, video) if isinstance(source, Path) else None
    if end is None or (promised is not None and abs(promised - end) <= HEADER_ROUNDING):
        return promised
    return to_pts(end, tick) * tick


def track_end(path: Path, video: Stream) -> Fraction | None:
    """When the track `video` is over, on the file's clock; None where the file does not say."""
    with path.open("rb") as file:
        movie = next((box for box in boxes(file, 0, path.stat().st_size) if box.name == b"moov"), None)
        per_second = 0
        for part in [] if movie is None else list(boxes(file, movie.begin, movie.end)):
            if part.name == b"mvhd":
                [per_second] = numbers(file, part, UNITS_PER_SECOND) or [0]
            if part.name == b"trak" and per_second:
                track = {box.name: box for box in boxes(file, part.begin, part.end)}
                number, length = (b"tkhd" in track and numbers(file, track[b"tkhd"], TRACK_AND_LENGTH)) or (0, 0)
                if number == video.id and length not in UNKNOWN:
                    first = 0 if b"edts" in track else (video.start_time or 0)
                    return first * (fraction(video.time_base) or MICROSECOND) + Fraction(length, per_second)
    return None
