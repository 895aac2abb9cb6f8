"""How long every frame is on screen: a file's own word counts only where nothing follows."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import chain

from vfi_flow.media.moment import Timed

LONGEST_WHOLE = Fraction(1, 10)
"""Seconds that a frame of an even video may last and is not cut: its result would be uneven at the end."""


def shown(frames: Iterable[Timed], start: Fraction, end: Fraction | None, usual: Fraction) -> Iterator[Timed]:
    """Those of `frames`, which are in order, that begin in [`start`, `end`), each until the next one begins.

    What a file says of a frame need not fit: it may count from decoding to decoding. A long one that is on screen at
    `start` begins there; `usual` is the mean duration of the file's frames.
    """
    frame: Timed | None = None
    for following in chain(frames, [None]):
        if frame is not None:
            begin = frame.moment.time
            over = begin + frame.duration if following is None else following.moment.time
            if begin >= start:
                yield Timed(frame.moment, over - begin)
            elif over > start and is_long(over - begin, usual):
                yield Timed(replace(frame.moment, time=start), over - start)
        if following is not None and end is not None and following.moment.time >= end:
            return
        frame = following


def cut(duration: Fraction, rest: Fraction, usual: Fraction, tick: Fraction) -> Fraction:
    """`duration` of a frame that begins `rest` before the window ends; longer than `rest` by less than a `tick`.

    `usual` is the mean duration of the file's frames. One that is not long stays whole.
    """
    return min(duration, math.ceil(rest / tick) * tick) if is_long(duration, usual) else duration


def is_long(duration: Fraction, usual: Fraction) -> bool:
    """Whether a frame is more than one of many in an even video."""
    return duration > min(usual * 3 / 2, LONGEST_WHOLE)
