"""Sound in a format without times, as AVI: it begins with the picture, and every packet follows the one before."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

NOTICED = Fraction(1, 20)
"""Seconds by which sound must be early or late to be noticed."""

INSTEAD = "AVI has no times; use .mkv or .mp4"


@dataclass(slots=True)
class UntimedSound:
    """Follows the packets of one stream, to say how far from its picture it is heard."""

    picture: Fraction
    """When the video begins."""
    frame: Fraction
    """Seconds of one."""
    offset: Fraction = Fraction(0)
    """By how much the sound begins after the picture, if that is noticed."""
    gaps: Fraction = Fraction(0)
    """Seconds in which there is no sound between two packets."""
    _end: Fraction | None = None

    def add(self, start: Fraction, duration: Fraction) -> None:
        """A packet that should be heard at `start`."""
        slack = max(NOTICED, self.frame, duration)
        if self._end is None:
            self.offset = start - self.picture if abs(start - self.picture) > slack else Fraction(0)
        elif start - self._end > slack:
            self.gaps += start - self._end
        self._end = start + duration

    def sentences(self, name: str) -> Iterator[str]:
        if self.offset:
            where, heard = ("after", "early") if self.offset > 0 else ("before", "late")
            seconds = f"{float(abs(self.offset)):.2f} s"
            yield f"{name} begins {seconds} {where} the picture and is heard so much too {heard}: {INSTEAD}"
        if self.gaps:
            yield f"{name} has gaps of {float(self.gaps):.2f} s and is heard so much too early behind them: {INSTEAD}"
