"""Whole pictures out of interlaced ones, in which odd and even lines belong to two moments."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from enum import StrEnum
from fractions import Fraction
from itertools import chain

import av

from vfi_flow.errors import UsageError
from vfi_flow.media.filters import filters_for
from vfi_flow.media.moment import Moment, Timed

UNIT = Fraction(1, 1000)
"""Of the filter's own clock, on which frames are only numbered."""


class Deinterlace(StrEnum):
    OFF = "off"
    AUTO = "auto"
    """Pictures that are marked as interlaced, at the rate of the file."""
    ON = "on"
    """Every picture, at the rate of the file."""
    FIELDS = "fields"
    """Every picture becomes two: the first field, and halfway to the next picture the second."""

    @property
    def pictures(self) -> int:
        """Made of one."""
        return 2 if self is Deinterlace.FIELDS else 1


def deinterlaced(frames: Iterable[Timed], mode: Deinterlace) -> Iterator[Timed]:
    """`frames` without lines of two moments, by FFmpeg's bwdif; it looks at the picture before and after, too."""
    graph: av.filter.Graph | None = None
    waiting: deque[Timed] = deque()
    made = 0
    for number, frame in enumerate(chain(frames, [None])):
        if frame is not None:
            picture = frame.moment.picture
            graph = graph or bwdif(picture, mode)
            picture.pts, picture.time_base = number, UNIT
            waiting.append(frame)
        if graph is None:
            return
        graph.push(None if frame is None else frame.moment.picture)
        for picture in pulled(graph):
            is_second = made % mode.pictures == 1
            yield placed(picture, waiting, mode, is_second)
            made += 1
            if made % mode.pictures == 0:
                waiting.popleft()


def pulled(graph: av.filter.Graph) -> Iterator[av.VideoFrame]:
    """What the filter has finished."""
    with suppress(av.BlockingIOError, av.EOFError):
        while True:
            picture = graph.pull()
            assert isinstance(picture, av.VideoFrame)
            yield picture


def placed(picture: av.VideoFrame, waiting: Sequence[Timed], mode: Deinterlace, is_second: bool) -> Timed:
    """`picture`, made of the first that is waiting, at its time; a second field halfway to the next one's."""
    (source, duration), following = waiting[0], waiting[1].moment.time if len(waiting) > 1 else None
    stamp, time = source.stamp, source.time
    if mode is not Deinterlace.FIELDS:
        return Timed(Moment(stamp, time, picture), duration)
    half = (duration if following is None else following - time) / 2
    return Timed(Moment(None if stamp is None else 2 * stamp + is_second, time + is_second * half, picture), half)


def bwdif(picture: av.VideoFrame, mode: Deinterlace) -> av.filter.Graph:
    """A filter graph for pictures like `picture`."""
    options = {
        "mode": "send_field" if mode is Deinterlace.FIELDS else "send_frame",
        "deint": "interlaced" if mode is Deinterlace.AUTO else "all",
    }
    try:
        return filters_for(picture, UNIT, ("bwdif", options))
    except av.FFmpegError:
        size = f"{picture.width}x{picture.height}"
        raise UsageError(f"pictures of {size} {picture.format.name} are too small for --deinterlace") from None
