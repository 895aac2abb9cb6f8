"""A decoded picture and when it is shown, on the clock of its file."""

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import av

Stamp = int | None
"""A time stamp in units of the stream; None where the container has none."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A picture at its time on the file's clock."""

    stamp: Stamp
    time: Fraction
    """Seconds."""
    picture: av.VideoFrame


class Timed(NamedTuple):
    """A picture and how long it is on screen."""

    moment: Moment
    duration: Fraction
    """Seconds."""
