"""Exact time: where the new frames lie between the old ones, in rational seconds."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count, takewhile
from typing import Protocol

LARGEST_DENOMINATOR = 2**31 - 1
"""FFmpeg stores a time base as two 32-bit integers."""

FALLBACK_TIME_BASE = Fraction(1, 1_000_000)
"""Where no common unit of all times fits into `LARGEST_DENOMINATOR`: microseconds, rounded to nearest."""

COARSE_ENOUGH = 1_000_000
"""Units per second in which mp4 and mov have room for any pause of a video: 35 minutes are less than 2^31 of them."""

ROOM_FOR_PAUSES = 2**30
"""Units of a whole video, among which no pause is too long for mp4 and mov."""

NTSC = Fraction(1000, 1001)
"""What the rates of NTSC are multiples of."""

RATE_ROUNDING = Fraction(5, 1_000_000)
"""Containers round frame rates at least this well; 24 and 24000/1001 are 200 times further apart."""


@dataclass(frozen=True, slots=True)
class Instant:
    """One output frame and what it is made from."""

    left: int
    """Index of the source frame that is on screen there, 0 for the first."""
    tau: Fraction
    """Place between source frame `left` and the next one, in [0, 1); 0 means the source frame itself."""
    seconds: Fraction
    """Time on the output's clock."""


class Division(Protocol):
    """A rule that places output frames; stateless, so any part of a video can be cut without the rest."""

    @property
    def stretch(self) -> Fraction:
        """How many times as long the output is; its clock is the source's times this."""

    def between(self, left: int, start: Fraction, end: Fraction) -> Iterator[Instant]:
        """Output frames for [start, end), the source's time in which its frame `left` is on screen."""

    def unit(self, source_unit: Fraction) -> Fraction:
        """Largest time that divides every output time, if `source_unit` divides every source time."""

    def rate_from(self, source_rate: Fraction) -> Fraction:
        """Mean rate of the output."""

    def end(self, last: Fraction, source_end: Fraction) -> Fraction:
        """When the output that starts its last frame at `last` is over."""


@dataclass(frozen=True, slots=True)
class Multiply:
    """`factor` times as many frames; every interval of the source is divided by itself, so its clock is kept.

    Output k stands at k / factor, counted in source frames. For 5/2:

        in   |-----------------------|-----------------------|
        out  |---------|---------|---------|---------|-------|
        tau  0        .4        .8        .2        .6       0
    """

    factor: Fraction
    stretch = Fraction(1)

    def between(self, left: int, start: Fraction, end: Fraction) -> Iterator[Instant]:
        for k in range(math.ceil(left * self.factor), math.ceil((left + 1) * self.factor)):
            tau = k / self.factor - left
            yield Instant(left, tau, start + tau * (end - start))

    def unit(self, source_unit: Fraction) -> Fraction:
        return source_unit / self.factor.numerator

    def rate_from(self, source_rate: Fraction) -> Fraction:
        return source_rate * self.factor

    def end(self, last: Fraction, source_end: Fraction) -> Fraction:
        return source_end


@dataclass(frozen=True, slots=True)
class Resample:
    """A constant rate from `origin` on, whatever the source's clock does."""

    rate: Fraction
    origin: Fraction
    """Time of the first output frame: that of the first source frame."""
    until: Fraction | None = None
    """No output frame begins then or later; None: as long as there are source frames."""
    stretch = Fraction(1)

    def between(self, left: int, start: Fraction, end: Fraction) -> Iterator[Instant]:
        end_of_frames = end if self.until is None else min(end, self.until)
        first = math.ceil((start - self.origin) * self.rate)
        times = takewhile(lambda seconds: seconds < end_of_frames, (self.origin + k / self.rate for k in count(first)))
        for seconds in times:
            yield Instant(left, (seconds - start) / (end - start), seconds)

    def unit(self, source_unit: Fraction) -> Fraction:
        return common_unit(1 / self.rate, self.origin)

    def rate_from(self, source_rate: Fraction) -> Fraction:
        return self.rate

    def end(self, last: Fraction, source_end: Fraction) -> Fraction:
        return last + 1 / self.rate


@dataclass(frozen=True, slots=True)
class Slow:
    """As many new frames as `Multiply` makes, and a clock that goes slower by the same factor: the rate stays."""

    factor: Fraction

    @property
    def stretch(self) -> Fraction:
        return self.factor

    def between(self, left: int, start: Fraction, end: Fraction) -> Iterator[Instant]:
        for instant in Multiply(self.factor).between(left, start, end):
            yield replace(instant, seconds=instant.seconds * self.factor)

    def unit(self, source_unit: Fraction) -> Fraction:
        return source_unit / self.factor.denominator

    def rate_from(self, source_rate: Fraction) -> Fraction:
        return source_rate

    def end(self, last: Fraction, source_end: Fraction) -> Fraction:
        return source_end * self.factor


def frame_count(division: Division, frames: int, duration: Fraction) -> int:
    """Output frames of `frames` source frames that last `duration` together."""
    if isinstance(division, Resample):
        if division.until is not None:
            duration = min(duration, division.until - division.origin)
        return math.ceil(duration * division.rate)
    assert isinstance(division, Multiply | Slow)
    return math.ceil(frames * division.factor)


def common_unit(*times: Fraction) -> Fraction:
    """Largest positive time of which all `times` are multiples; zeros are left out, at least one is not zero."""
    unit = Fraction(0)
    for time in times:
        # gcd(a/b, c/d) = gcd(a d, c b) / (b d)
        numerator = math.gcd(unit.numerator * time.denominator, time.numerator * unit.denominator)
        unit = Fraction(numerator, unit.denominator * time.denominator)
    assert unit > 0
    return unit


def storable_unit(unit: Fraction) -> Fraction:
    """`unit` if FFmpeg can count in it, otherwise `FALLBACK_TIME_BASE`."""
    fits = unit.denominator <= LARGEST_DENOMINATOR and unit.numerator <= LARGEST_DENOMINATOR
    return unit if fits else FALLBACK_TIME_BASE


def unit_with_room(unit: Fraction, rate: Fraction, duration: Fraction | None) -> Fraction:
    """`unit`, or a coarser one where a video of this `duration` (None: unknown) may have a pause of too many units.

    mp4 and mov count in 31 bits from the decoding of a frame to its showing, which may lie several pauses apart. Times
    at the constant `rate` stay exact, or as far apart as they were; others are rounded by half a microsecond.
    """
    if unit.denominator <= COARSE_ENOUGH or (duration is not None and duration / unit < ROOM_FOR_PAUSES):
        return unit
    times = COARSE_ENOUGH // rate.numerator
    return Fraction(1, times * rate.numerator or COARSE_ENOUGH)


def to_pts(seconds: Fraction, unit: Fraction) -> int:
    """`seconds` counted in `unit`, rounded to nearest (exact where `seconds` is a multiple of it)."""
    return math.floor(seconds / unit + Fraction(1, 2))


def constant_rate_time(seconds: Fraction, origin: Fraction, rate: Fraction, tick: Fraction) -> Fraction:
    """The time that a coarse container clock meant by `seconds`.

    Matroska and FLV count milliseconds, so 24000/1001 frames per second arrive as 0, 42, 83, 125 ms. A time less than
    one `tick` from a multiple of 1 / `rate` after `origin` is that multiple; any other is left alone.
    """
    if (1 / rate) % tick == 0:
        return seconds
    ideal = origin + Fraction(round((seconds - origin) * rate)) / rate
    return ideal if abs(ideal - seconds) < tick else seconds


def standard_rate(rate: Fraction) -> Fraction:
    """The whole or NTSC rate that a rounded one stands for: Matroska's 19001/317 is 60000/1001."""
    return next((each for each in standards_near(rate) if abs(rate / each - 1) < RATE_ROUNDING), rate)


def standards_near(rate: Fraction) -> tuple[Fraction, Fraction]:
    """The nearest whole rate and the nearest NTSC rate."""
    whole, ntsc = (max(1, round(rate / step)) * step for step in (Fraction(1), NTSC))
    return whole, ntsc
