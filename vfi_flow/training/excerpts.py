"""A few dozen short excerpts of one video, spread over its length: as much of it as memory holds."""

import logging
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from vfi_flow.errors import InputError
from vfi_flow.training.decoding import open_video
from vfi_flow.training.shots import Shot, split

LENGTH = 24
"""Frames of an excerpt."""

log = logging.getLogger(__name__)


def read_excerpts(video: Path, start: Fraction, end: Fraction | None, gigabytes: float) -> list[Shot]:
    """Shots of `video` between `start` and `end` (seconds from its beginning; None: its end).

    What fits into `gigabytes` as decoded RGB is read whole; of a longer part, excerpts at even distances.
    """
    shots: list[Shot] = []
    try:
        with open_video(video, ahead=True) as (container, stream):
            room = int(gigabytes * 1e9 / max(1, 3 * stream.width * stream.height))
            for frames, pts in _excerpts(container, stream, start, end, room):
                if len(frames) >= 3:
                    shots += split(video.stem, np.stack(frames), np.array(pts, np.int64))
    except InputError as reason:
        if not shots:
            raise
        log.warning("%s; what came before is used", reason)
    return shots


Excerpt = tuple[list[np.ndarray], list[int]]


def _excerpts(
    container: InputContainer, stream: VideoStream, start: Fraction, end: Fraction | None, room: int
) -> Iterator[Excerpt]:
    base, origin = stream.time_base or Fraction(1, 1000), stream.start_time or 0
    length = _length(container, stream)
    if length is not None:  # or excerpts of a later end would lie behind the video's
        end = length if end is None else min(end, length)
    rate = Fraction(stream.average_rate or 25)
    if end is None or (end - start) * rate <= room:
        first = origin + round(start / base)
        if start:
            container.seek(first, stream=stream)
        yield _frames(container, stream, first, None if end is None else origin + round(end / base), room)
        return
    count = max(1, room // LENGTH)
    starts = [origin + round((start + (end - start) * number / count) / base) for number in range(count + 1)]
    for first, last in pairwise(starts):
        container.seek(first, stream=stream)
        yield _frames(container, stream, first, last, LENGTH)


def _length(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """Seconds, as far as the header tells."""
    if stream.duration is not None and stream.time_base is not None:
        return stream.duration * stream.time_base
    return None if container.duration is None else Fraction(container.duration, av.time_base)


def _frames(container: InputContainer, stream: VideoStream, first: int, last: int | None, count: int) -> Excerpt:
    """At most `count` frames from time stamp `first` on, before `last`; all of one size."""
    frames: list[np.ndarray] = []
    pts: list[int] = []
    for frame in container.decode(stream):
        if frame.pts is None or frame.pts < first:
            continue
        if len(frames) == count or (last is not None and frame.pts >= last):
            break
        picture = frame.to_ndarray(format="rgb24")
        if frames and (picture.shape != frames[0].shape or frame.pts <= pts[-1]):
            break
        frames.append(picture)
        pts.append(frame.pts)
    return frames, pts
