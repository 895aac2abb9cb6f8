"""Frames of a video with their times, for training and measuring."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from vfi_flow.errors import InputError
from vfi_flow.media.cropping import crop_of, shown
from vfi_flow.media.description import described
from vfi_flow.media.opening import open_input, pick_video, reason
from vfi_flow.training.baselines import Frame

SUFFIXES = frozenset(
    (".3gp", ".avi", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".ogv", ".ts", ".webm", ".wmv", ".y4m")
) | {".flv", ".mpeg", ".mts"}
"""Of files in a folder that are taken for videos."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """One frame of a video."""

    pts: int
    """Presentation time in units of `time_base`; the first frame of a video need not be 0."""
    time_base: Fraction
    rgb: Frame | None
    """(H, W, 3) uint8 RGB, gamma-encoded; None: not wanted."""

    @property
    def seconds(self) -> Fraction:
        return self.pts * self.time_base


def decode(clip: Path, wanted: Collection[int] | None = None, *, ahead: bool = False) -> Iterator[Decoded]:
    """Every frame of a video, in order; InputError names the video and the reason if it cannot be read.

    Args:
        wanted: numbers of the frames that are turned into RGB, from 0; None: all.
        ahead: FFmpeg decodes the next frames meanwhile, on all cores; not for use where something is timed.
    """
    with open_video(clip, ahead=ahead) as (container, stream):
        crop = crop_of(described(container, stream))
        for number, frame in enumerate(container.decode(stream)):
            pts, time_base = frame.pts, frame.time_base
            if pts is None or time_base is None:  # raw streams have no clock
                pts, time_base = number, 1 / Fraction(stream.average_rate or 25)
            rgb = None
            if wanted is None or number in wanted:
                whole = frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
                rgb = np.ascontiguousarray(shown(whole, crop))
            yield Decoded(pts, time_base, rgb)


@contextmanager
def open_video(clip: Path, *, ahead: bool) -> Iterator[tuple[InputContainer, VideoStream]]:
    """`clip` and its video stream; what goes wrong inside the block is an InputError with its name."""
    with open_input(clip) as opened:
        stream = pick_video(opened.container, clip)
        if ahead:
            stream.thread_type = "AUTO"
        try:
            yield opened.container, stream
        except (av.FFmpegError, ValueError) as error:  # ValueError: a pixel format that has no way to RGB
            raise InputError(f"{clip}: cannot be read as a video ({reason(error)})") from error
