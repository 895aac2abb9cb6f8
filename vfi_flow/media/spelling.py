"""Times, factors and rates as people write them, ffmpeg's names included."""

import re
from fractions import Fraction

import av

from vfi_flow.media.pipe import RawFrames
from vfi_flow.media.timing import NTSC, standards_near
from vfi_flow.spelling import parse_size

UNITS = {"ms": Fraction(1, 1000), "us": Fraction(1, 1_000_000), "s": Fraction(1)}

MOST_DIGITS = 40

MOST_PLACES = 6
"""Further places of a rate are taken for noise of a calculation."""

NAMED_RATES = {
    "ntsc": 30 * NTSC,
    "pal": Fraction(25),
    "qntsc": 30 * NTSC,
    "qpal": Fraction(25),
    "sntsc": 30 * NTSC,
    "spal": Fraction(25),
    "film": Fraction(24),
    "ntsc-film": 24 * NTSC,
}
"""Names that ffmpeg has for frame rates."""


def parse_seconds(text: str) -> Fraction:
    """Seconds of ffmpeg's time syntax, `12.5`, `500ms` or `[HH:]MM:SS[.mmm]`; ValueError with a sentence otherwise."""
    for suffix, unit in UNITS.items():
        if re.fullmatch(rf"\d*\.?\d+{suffix}", text):
            return Fraction(text.removesuffix(suffix)) * unit
    parts = text.split(":")
    well_formed = 1 <= len(parts) <= 3 and all(part.isdecimal() for part in parts[:-1])
    last, _, fraction = parts[-1].partition(".")
    if not well_formed or not (last or fraction) or not (last or "0").isdecimal() or not (fraction or "0").isdecimal():
        raise ValueError(f"{text!r} is not a time; write seconds (12.5) or HH:MM:SS.mmm (00:01:02.500)")
    seconds = Fraction(0)
    for part in (*parts[:-1], f"{last or 0}.{fraction or 0}"):
        seconds = seconds * 60 + Fraction(part)
    return seconds


def parse_raw(text: str) -> RawFrames:
    """What `1920x1080:yuv420p` says of frames without a header; ValueError with a sentence otherwise."""
    size, _, pix_fmt = text.partition(":")
    try:
        width, height = parse_size(size if pix_fmt else "")
    except ValueError:
        raise ValueError(
            f"{text!r} does not say what the frames are; write WIDTHxHEIGHT:FORMAT (1920x1080:yuv420p)"
        ) from None
    try:
        return RawFrames(width, height, av.VideoFormat(pix_fmt).name)
    except ValueError:
        raise ValueError(f"no pixel format named {pix_fmt!r}; for example yuv420p, yuv420p10le, rgb24") from None


def parse_ratio(text: str) -> Fraction:
    """Positive number written as `60`, `2.5` or `60000/1001`; ValueError with a sentence otherwise."""
    try:
        # With an exponent, or of thousands of digits, it would take long and is no rate and no factor.
        value = Fraction(text if len(text) <= MOST_DIGITS and "e" not in text.lower() else "no number")
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{text!r} is not a number; write 60, 2.5 or 60000/1001") from None
    if value <= 0:
        raise ValueError(f"{text} is not above 0")
    return value


def parse_rate(text: str) -> Fraction:
    """Frames per second: a name (`ntsc`, `film`), a number or a fraction; ValueError with a sentence otherwise.

    A decimal number with two or more places that is an NTSC rate rounded, as 23.976 and 29.97 are, means that rate.
    """
    if text.lower() in NAMED_RATES:
        return NAMED_RATES[text.lower()]
    try:
        rate = parse_ratio(text)
    except ValueError as error:
        raise ValueError(f"{error} or {', '.join(NAMED_RATES)}" if text[:1].isalpha() else str(error)) from None
    places = min(len(text.partition(".")[2]), MOST_PLACES)
    _, ntsc = standards_near(rate)
    return ntsc if places >= 2 and round(ntsc, places) == round(rate, places) else rate
