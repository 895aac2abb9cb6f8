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
    promised = promised_end(container, video)
    window_end = None if window.length is None else clock.origin + window.length
    if isinstance(source, Path):
        for damage in damages(source, container, video):
            if window_end is None or matters(damage.seconds, window_end, promised):
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
    end = times[-1] + max([shown, *(after - before for before, after in pairwise(times[-2:]))])
    return broken_off(source, container, end, packet_bytes) or broken_promise(promised, end, clock.slack)


def matters(seconds: Fraction | None, window_end: Fraction, promised: Fraction | None) -> bool:
    """Whether damage at this time, or at an unknown one, can touch what lies before the end of a window."""
    return seconds < window_end if seconds is not None else promised is not None and window_end > promised
