"""The last whole picture, shown once more for every one that is damaged or missing."""

from collections.abc import Iterator
from fractions import Fraction

import av

from vfi_flow.media.moment import Moment, Stamp

MOST_IN_A_ROW = 10_000
"""Pictures that are held to fill a gap; a longer one comes from a wrong time stamp."""


class Hold:
    """Fills places in a row of pictures. Before the first picture nothing is there to be held, so that one is."""

    def __init__(self, rate: Fraction, tick: Fraction) -> None:
        """Pictures that are held without a time of their own come at `rate`, rounded to `tick`."""
        self._frame_time = max(1, round(1 / rate / tick)) * tick if (1 / rate) % tick else 1 / rate
        self.has_gaps = False
        """Pictures may be missing anywhere without a trace: gaps of more than a frame are filled, too."""
        self._has_gap = False
        """One may be missing between the last picture and the next."""
        self.held = 0
        self.lost = 0
        """Times that something was missing and nothing told when."""
        self.last: Fraction | None = None
        self._interval = Fraction(0)
        self._picture: av.VideoFrame | None = None
        self._early: list[tuple[Stamp, Fraction]] = []

    def moments(self, stamp: Stamp, time: Fraction | None, picture: av.VideoFrame | None) -> Iterator[Moment]:
        """What is shown up to `time`, where `picture` should be; None: it is not there, or nobody knows where."""
        if time is None:
            self._has_gap = True
            self.lost += picture is None
        elif picture is None and self._picture is None:
            if not self._early or time > self._early[-1][1]:
                self._early.append((stamp, time))
        else:
            yield from self._shown(stamp, time, picture)

    def _shown(self, stamp: Stamp, time: Fraction, picture: av.VideoFrame | None) -> Iterator[Moment]:
        for early_stamp, early in [(s, t) for s, t in self._early if t < time]:
            assert picture is not None
            yield self._moment(early_stamp, early, picture, is_held=True)
            self._picture = picture
        self._early = []
        if self.has_gaps or self._has_gap:
            yield from self.up_to(time)
        shown = picture or self._picture
        assert shown is not None
        yield self._moment(stamp, time, shown, is_held=picture is None)
        self._picture = shown
        self._has_gap &= picture is None

    def end(self, length: Fraction) -> Fraction:
        """When the last picture is over, as far as the rate, the picture before and the file's word `length` tell."""
        return Fraction(0) if self.last is None else self.last + max(self._frame_time, self._interval, length)

    def up_to(self, end: Fraction) -> Iterator[Moment]:
        """The last picture again for every frame that has room before `end`, if that is not absurdly far away."""
        if self.last is None or end - self.last > self._frame_time * MOST_IN_A_ROW:
            return
        while self._picture is not None and end - self.last > self._frame_time * 3 / 2:
            yield self._moment(None, self.last + self._frame_time, self._picture, is_held=True)

    def _moment(self, stamp: Stamp, time: Fraction, picture: av.VideoFrame, is_held: bool) -> Moment:
        self.held += is_held
        self._interval = time - self.last if self.last is not None else Fraction(0)
        self.last = time
        return Moment(stamp, time, picture)
