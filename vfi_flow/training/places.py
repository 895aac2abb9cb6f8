"""Places of a clip where a true frame is dropped and made again, and the frames around them.

Clips are decoded twice: once to know how many frames there are, once to fetch the wanted ones, so that memory stays
at a few frames however long a clip is.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np

from vfi_flow.errors import InputError, UsageError
from vfi_flow.training.baselines import Frame
from vfi_flow.training.decoding import SUFFIXES, decode


@dataclass(frozen=True, slots=True)
class Triplet:
    """A dropped frame and the two that stay around it; (H, W, 3) uint8 RGB."""

    index: int
    """Number of the dropped frame in its clip, from 0."""
    frame0: Frame
    truth: Frame
    frame1: Frame


@dataclass(frozen=True, slots=True)
class Spacing:
    """How many frames lie from `frame0` to the dropped frame and from there to `frame1`."""

    before: int
    after: int

    @property
    def tau(self) -> float:
        return self.before / (self.before + self.after)


def spacing(tau: Fraction, gap: int) -> Spacing:
    """tau = p/q takes the frames p * gap before and (q - p) * gap behind the dropped one: j - 1 and j + 1 for 1/2."""
    if not 0 < tau < 1 or tau.denominator > 8:
        raise UsageError(f"--tau must be a fraction between 0 and 1 with a denominator of at most 8, got {tau}")
    if gap < 1:
        raise UsageError(f"--gap must be at least 1, got {gap}")
    return Spacing(tau.numerator * gap, (tau.denominator - tau.numerator) * gap)


def find_clips(folder: Path) -> list[Path]:
    """The videos of a folder, by name; not those of its subfolders."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    clips = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    if not clips:
        raise InputError(f"{folder}: no videos in this folder (looked for {', '.join(sorted(SUFFIXES))})")
    return clips


def spread(frames: int, spacing: Spacing, count: int | None) -> list[int]:
    """Frame numbers to drop in a clip of `frames` frames: `count` of them, evenly spaced from the first place that
    has both neighbours to the last; None: as many as there are when each kept frame serves two neighbours."""
    first, last = spacing.before, frames - 1 - spacing.after
    if last < first:
        return []
    if count is None:
        return list(range(first, last + 1, spacing.before + spacing.after))
    # A short clip has fewer places than asked for; none of them counts twice.
    return sorted({int(place) for place in np.linspace(first, last, count).round()})


def triplets(clip: Path, places: Sequence[int], spacing: Spacing) -> Iterator[Triplet]:
    """The frames around the places, in order; a frame is forgotten as soon as no later place needs it."""
    around = {place: (place - spacing.before, place, place + spacing.after) for place in sorted(set(places))}
    wanted = {number for numbers in around.values() for number in numbers}
    kept: dict[int, Frame] = {}
    waiting = list(around)
    for number, frame in read_frames(clip, wanted):
        kept[number] = frame
        while waiting and number >= around[waiting[0]][2]:
            place = waiting.pop(0)
            frame0, truth, frame1 = (kept[i] for i in around[place])
            if not frame0.shape == truth.shape == frame1.shape:
                raise InputError(f"{clip}: the frame size changes at frame {place}")
            yield Triplet(place, frame0, truth, frame1)
            needed = {i for later in waiting for i in around[later]}
            kept = {i: array for i, array in kept.items() if i in needed}
    if waiting:
        raise InputError(f"{clip}: frame {around[waiting[0]][2]} cannot be read")


def check(clip: Path, spacing: Spacing) -> None:
    """Fails now, rather than after hours of other clips, if the clip cannot be read or has no place to measure."""
    needed = spacing.before + spacing.after + 1
    found = sum(1 for _ in islice(decode(clip, wanted=()), needed))
    if found < needed:
        raise InputError(f"{clip}: {found} frames are too few; {needed} are needed to drop one and keep its neighbours")


def frame_times(clip: Path) -> list[float]:
    """When each frame is shown, in seconds from the first."""
    seconds = [frame.seconds for frame in decode(clip, wanted=())]
    return [float(moment - seconds[0]) for moment in seconds]


def read_frames(clip: Path, wanted: Collection[int]) -> Iterator[tuple[int, Frame]]:
    """(number, frame) of the wanted frames of a clip, in order; decoding ends behind the last of them."""
    last = max(wanted, default=-1)
    for number, frame in enumerate(decode(clip, wanted)):
        if frame.rgb is not None:
            yield number, frame.rgb
        if number >= last:
            return
