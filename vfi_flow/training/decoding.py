"""Frames of a video with their times, for training and measuring: PyAV decodes; where it is missing, OpenCV does."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vfi_flow.errors import InputError
from vfi_flow.training.baselines import load_cv2
from vfi_flow.training.frame import Frame

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

SUFFIXES = frozenset(
    (
        *(".3gp", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv"),
        *(".ts", ".webm", ".wmv", ".y4m"),
    )
)
"""Of files in a folder that are taken for videos."""


def find_videos(folder: Path) -> list[Path]:
    """The videos of a folder and of its subfolders, by name."""
    if folder.is_file():
        raise InputError(f"{folder} is a file; expected a folder of videos")
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of videos")
    paths = sorted(path for path in files_in(folder) if path.suffix.lower() in SUFFIXES and path.is_file())
    if not paths:
        raise InputError(f"{folder}: no video in this folder (looked for {', '.join(sorted(SUFFIXES))})")
    return paths


def files_in(folder: Path) -> Iterator[Path]:
    """All that lies in a folder and in its subfolders, also those behind links; each folder once."""
    seen = set()
    for root, folders, names in os.walk(folder, followlinks=True):
        if (real := os.path.realpath(root)) in seen:
            folders.clear()
            continue
        seen.add(real)
        yield from (Path(root, name) for name in names)


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
        ahead: PyAV decodes the next frames meanwhile, on all cores; not for use where something is timed.
    """
    try:
        import av  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "av":
            raise
        return decode_with_opencv(clip, wanted)
    return decode_with_pyav(clip, wanted, ahead=ahead)


def decode_with_pyav(clip: Path, wanted: Collection[int] | None = None, *, ahead: bool = False) -> Iterator[Decoded]:
    from vfi_flow.media.cropping import crop_of, shown
    from vfi_flow.media.description import described

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
def open_video(clip: Path, *, ahead: bool) -> "Iterator[tuple[InputContainer, VideoStream]]":
    """`clip` and its video stream in PyAV; what goes wrong inside the block is an InputError with its name."""
    import av

    from vfi_flow.media.opening import open_input, pick_video, reason

    with open_input(clip) as opened:
        stream = pick_video(opened.container, clip)
        if ahead:
            stream.thread_type = "AUTO"
        try:
            yield opened.container, stream
        except (av.FFmpegError, ValueError) as error:  # ValueError: a pixel format that has no way to RGB
            raise InputError(f"{clip}: cannot be read as a video ({reason(error)})") from error


def decode_with_opencv(clip: Path, wanted: Collection[int] | None = None) -> Iterator[Decoded]:
    """OpenCV tells times in milliseconds; they are counted in microseconds. Cropping in the container is not seen."""
    if not clip.is_file():
        raise InputError(f"{clip}: no such file")
    cv2 = load_cv2()
    capture = cv2.VideoCapture(str(clip.absolute()))
    try:
        number = 0
        while capture.grab():
            pts = round(1000 * capture.get(cv2.CAP_PROP_POS_MSEC))
            rgb = None
            if wanted is None or number in wanted:
                readable, bgr = capture.retrieve()
                if not readable:
                    raise InputError(f"{clip}: frame {number} cannot be read")
                rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
            yield Decoded(pts, Fraction(1, 1_000_000), rgb)
            number += 1
        if number == 0:
            raise InputError(f"{clip}: not a video that OpenCV can read")
    finally:
        capture.release()
