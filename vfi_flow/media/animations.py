"""Animated pictures, read chunk by chunk: what FFmpeg rounds (APNG) or does not read (WebP)."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

from vfi_flow.errors import InputError
from vfi_flow.media.endpoints import Source, Target

SUFFIXES = (".gif", ".apng", ".webp")

CODECS = {"gif": "gif", "apng": "apng", "webp": "libwebp"}
"""Encoder by format."""

FOR_EVER = 0
"""How often an animation plays, as people expect of one."""

MOST_PLAYS = 65535
"""That the formats can count; who asks for more means for ever."""

GIF_PLAYS = b"\x21\xff\x0bNETSCAPE2.0\x03\x01"
"""What stands before the number of repeats; a GIF without it plays once."""

PIX_FMTS = {"gif": ("bgr0", "bgra"), "libwebp": ("bgra",)}
"""What new frames are made in; a palette comes after that, and libwebp makes its own YUV."""

WEBP_FLAGS = 15
"""Place of the byte in ANMF that says what becomes of the pictures before and of this one."""

DOES_NOT_BLEND, IS_DISPOSED = 0x02, 0x01

FASTEST_GIF = 50
"""Frames per second: a GIF counts hundredths of a second, and players show a single one for ten."""


@dataclass(frozen=True, slots=True)
class Durations:
    """How long each frame is shown, in seconds."""

    frames: tuple[Fraction, ...]

    @property
    def starts(self) -> list[Fraction]:
        return [Fraction(0), *accumulate(self.frames[:-1])] if self.frames else []


def durations(path: Path) -> Durations:
    """Of an APNG or WebP animation; InputError for a file that is none."""
    data = path.read_bytes()
    try:
        if path.suffix.lower() == ".apng":
            return Durations(tuple(apng_durations(data)))
        return Durations(tuple(webp_durations(data)))
    except (IndexError, ZeroDivisionError, ValueError) as error:
        raise InputError(f"{path}: the file is damaged") from error


def plays(source: Source) -> int:
    """How often an animation plays; `FOR_EVER` for what is none."""
    if not isinstance(source, Path) or source.suffix.lower() not in (*SUFFIXES, ".png"):
        return FOR_EVER
    data = source.read_bytes()
    if data.startswith(b"GIF8"):
        _, found, after = data.partition(GIF_PLAYS)
        repeats = int.from_bytes(after[:2], "little")
        return 1 if not found else repeats and repeats + 1
    try:
        if data.startswith(b"RIFF"):
            [start] = [start for kind, start, length in riff_chunks(data) if kind == b"ANIM" and length >= 6]
            return int.from_bytes(data[start + 4 : start + 6], "little")
        [start] = [start for kind, start, length in png_chunks(data) if kind == b"acTL" and length == 8]
        return int.from_bytes(data[start + 4 : start + 8], "big")
    except ValueError:
        return FOR_EVER


def plays_option(path: Target, count: int) -> dict[str, str]:
    """The option by which the muxer of an animation writes that it plays `count` times; none for other files."""
    count = count if count <= MOST_PLAYS else FOR_EVER
    match path.suffix.lower() if isinstance(path, Path) else "":
        case ".gif":  # it counts repeats, and none of them is -1
            return {"loop": str(FOR_EVER if count == FOR_EVER else count - 1 or -1)}
        case ".apng":
            return {"plays": str(count)}
        case ".webp":
            return {"loop": str(count)}
    return {}


def apng_durations(data: bytes) -> Iterator[Fraction]:
    """Of every fcTL chunk (PNG, third edition, 11.3.2), or 0 for a picture that does not move."""
    moves = False
    for kind, start, length in png_chunks(data):
        if kind == b"fcTL" and length == 26:
            numerator = int.from_bytes(data[start + 20 : start + 22], "big")
            denominator = int.from_bytes(data[start + 22 : start + 24], "big") or 100
            moves = True
            yield Fraction(numerator, denominator)
    if not moves:
        yield Fraction(0)


def without_blending(path: Path) -> None:
    """Have every picture of an animated WebP replace the one before: FFmpeg lays them over each other."""
    with path.open("r+b") as file:
        data = file.read()
        for kind, start, _ in riff_chunks(data):
            if kind == b"ANMF":
                file.seek(start + WEBP_FLAGS)
                file.write(bytes([data[start + WEBP_FLAGS] | DOES_NOT_BLEND]))


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and length of the content of every chunk."""
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("no PNG")
    offset = 8
    while offset + 12 <= len(data):
        length = int.from_bytes(data[offset : offset + 4], "big")
        yield data[offset + 4 : offset + 8], offset + 8, length
        offset += 12 + length


def webp_durations(data: bytes) -> Iterator[Fraction]:
    """Of every ANMF chunk, or 0 for the one picture of a file that does not move (RFC 9649, 2.7)."""
    moves = False
    for kind, start, length in riff_chunks(data):
        if kind == b"ANMF" and length >= 16:
            moves = True
            yield Fraction(int.from_bytes(data[start + 12 : start + 15], "little"), 1000)
    if not moves:
        yield Fraction(0)


def riff_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and length of the content of every chunk."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise ValueError("no WebP")
    if int.from_bytes(data[4:8], "little") + 8 > len(data):
        raise ValueError("the file is truncated")
    offset = 12
    while offset + 8 <= len(data):
        length = int.from_bytes(data[offset + 4 : offset + 8], "little")
        if offset + 8 + length > len(data):
            raise ValueError("the file is truncated")
        yield data[offset : offset + 4], offset + 8, length
        offset += 8 + length + length % 2
