"""Whether a file is all there, as far as that shows without decoding it."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from vfi_flow.media.damage.ending import broken_off, broken_promise, promised_end
from vfi_flow.media.damage.integrity import damages
from vfi_flow.media.frame import Window
from vfi_flow.media.frame_clock import FrameClock
from vfi_flow.media.images import ImageSequence

TAIL = Fraction(1)
"""Seconds before the end from which on its packets are looked at."""


def flaw(
    source: Path | ImageSequence, container: InputContainer, video: VideoStream, clock: FrameClock, window: Window
) -> str:
    """What is damaged or missing in `window`, for a sentence; "" where nothing is. The file is left at its end."""
    promised = end = promised_end(container, video)
    window_end = None if window.length is None else clock.origin + window.length
    if isinstance(source, Path):
        for damage in damages(source, container, video):
            if window_end is None:
                return damage.what
            if damage.seconds is None and end is None:
                end = last_readable(container, video, clock)
            if matters(damage.seconds, window_end, end):
                return damage.what
    if promised is None or (window_end is not None and window_end <= promised):
        return ""
    times, shown, packet_bytes = [clock.start], Fraction(0), 1
    try:
        container.seek(int(max(promised - TAIL, clock.start) / clock.tick), stream=video)
        for packet in container.demux(video):
            if packet.pts is not None:
                times.append(packet.pts * clock.tick)
                shown, packet_bytes = (packet.duration or 0) * clock.tick, packet.size
    except (av.FFmpegError, OSError):
        return ""  # what cannot be seeked in is judged when it is decoded
    times.sort()
    found = times[-1] + max([shown, *(after - before for before, after in pairwise(times[-2:]))])
    return broken_off(source, container, found, packet_bytes) or broken_promise(promised, found, clock.slack)


def last_readable(container: InputContainer, video: VideoStream, clock: FrameClock) -> Fraction:
    """When the last picture is shown that can be read from a damaged file that does not say where it ends."""
    last = clock.start
    try:
        for packet in container.demux(video):
            if packet.pts is not None:
                last = max(last, packet.pts * clock.tick)
    except (av.FFmpegError, OSError):
        pass  # this is where it ends
    return last


def matters(seconds: Fraction | None, window_end: Fraction, end: Fraction | None) -> bool:
    """Whether damage at this time, or at an unknown one, can touch what lies before the end of a window.

    Of an unknown one only the `end` of the video, or of what can be read of it, tells.
    """
    return seconds < window_end if seconds is not None else end is not None and window_end > end
