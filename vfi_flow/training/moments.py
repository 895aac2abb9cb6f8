"""When the frames of a training sample or of a measured place are shown."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

COARSE = 1 / 32
"""By how much of the time between two frames a clock of whole milliseconds misses the middle at 120 frames a second."""


class Moments(NamedTuple):
    """Times of five frames in a row, in any unit; one that is not known has the time of the one next to it."""

    before: Fraction | float
    frame0: Fraction | float
    middle: Fraction | float
    frame1: Fraction | float
    after: Fraction | float

    @property
    def tau(self) -> float:
        """Where the middle lies between `frame0` at 0 and `frame1` at 1."""
        return float((self.middle - self.frame0) / (self.frame1 - self.frame0))

    @property
    def intervals(self) -> tuple[float, float]:
        """Time from `before` to `frame0` and from `frame1` to `after`, where `frame0` to `frame1` is 1."""
        unit = self.frame1 - self.frame0
        return float((self.frame0 - self.before) / unit), float((self.after - self.frame1) / unit)

    def reversed(self) -> "Moments":
        return Moments(*(-moment for moment in self[::-1]))


def increasing(times: Sequence[Fraction | float]) -> bool:
    return all(first < second for first, second in pairwise(times))
