"""Places of a clip where a true frame is dropped and made again, and the frames around them.

Clips are decoded twice: once to know how many frames there are, once to fetch the wanted ones, so that memory stays
at a few frames however long a clip is.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np

from vfi_flow.errors import InputError, UsageError
from vfi_flow.inference.pair import Neighbour, Pair
from vfi_flow.training.decoding import decode, find_videos
from vfi_flow.training.frame import Frame


@dataclass(frozen=True, slots=True)
class Triplet:
    """A dropped frame and those that stay around it; (H, W, 3) uint8 RGB."""

    index: int
    """Number of the dropped frame in its clip, from 0."""
    frame0: Frame
    truth: Frame
    frame1: Frame
    before: Frame | None = None
    after: Frame | None = None
    """The next ones that stay at both sides, as far away as the two are from each other, where the clip has them."""

    @property
    def pair(self) -> Pair:
        before, after = (None if frame is None else Neighbour(frame) for frame in (self.before, self.after))
        return Pair(self.frame0, self.frame1, before, after)

    def changed(self, change: Callable[[Frame], Frame]) -> "Triplet":
        """The same of changed frames."""
        before, after = (None if frame is None else change(frame) for frame in (self.before, self.after))
        return Triplet(self.index, change(self.frame0), change(self.truth), change(self.frame1), before, after)


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


def clip_names(paths: Sequence[Path]) -> dict[Path, str]:
    """What clips are called: by the shortest of stem, name and path that is not that of two."""
    spellings = [[path.stem for path in paths], [path.name for path in paths], list(map(str, paths))]
    counts = [Counter(names) for names in spellings]
    return {
        path: next(names[place] for names, count in zip(spellings, counts, strict=True) if count[names[place]] == 1)
        for place, path in enumerate(paths)
    }


def spread(frames: int, spacing: Spacing, count: int | None) -> list[int]:
    """Frame numbers to drop in a clip of `frames` frames: `count` of them, evenly spaced from the first place that
    has both neighbours to the last; None: as many as there are when each kept frame serves two neighbours."""
    first, last = spacing.before, frames - 1 - spacing.after
    if last < first:
        return []
    if count is None:
        return list(range(first, last + 1, spacing.before + spacing.after))
    count = min(count, last - first + 1)  # a short clip has fewer places than asked for
    return sorted({int(place) for place in np.linspace(first, last, count).round()})


def triplets(clip: Path, places: Sequence[int], spacing: Spacing) -> Iterator[Triplet]:
    """The frames around the places, in order; a frame is forgotten as soon as no later place needs it."""
    waiting = [Around.at(place, spacing) for place in sorted(set(places))]
    wanted = {number for around in waiting for number in around.numbers}
    kept: dict[int, Frame] = {}
    for number, frame in read_frames(clip, wanted):
        kept[number] = frame
        while waiting and waiting[0].after <= number:
            yield waiting.pop(0).triplet(kept, clip)
            needed = {number for around in waiting for number in around.numbers}
            kept = {number: array for number, array in kept.items() if number in needed}
    for around in waiting:  # the clip ends after the pair
        if around.frame1 not in kept:
            raise InputError(f"{clip}: frame {around.frame1} cannot be read")
        yield around.triplet(kept, clip)


@dataclass(frozen=True, slots=True)
class Around:
    """Numbers of a dropped frame and of those that stay around it."""

    before: int
    frame0: int
    place: int
    frame1: int
    after: int

    @classmethod
    def at(cls, place: int, spacing: Spacing) -> "Around":
        frame0, frame1 = place - spacing.before, place + spacing.after
        step = spacing.before + spacing.after
        return cls(frame0 - step, frame0, place, frame1, frame1 + step)

    @property
    def numbers(self) -> tuple[int, ...]:
        return self.before, self.frame0, self.place, self.frame1, self.after

    def triplet(self, frames: Mapping[int, Frame], clip: Path) -> Triplet:
        frame0, truth, frame1 = (frames[number] for number in (self.frame0, self.place, self.frame1))
        before, after = (frames.get(number) for number in (self.before, self.after))
        if len({frame.shape for frame in (before, frame0, truth, frame1, after) if frame is not None}) > 1:
            raise InputError(f"{clip}: the frame size changes at frame {self.place}")
        return Triplet(self.place, frame0, truth, frame1, before, after)


def spread_over(folder: Path, count: int) -> list[Triplet]:
    """`count` frames and their neighbours, evenly chosen from the videos of a folder; fewer where they are short.

    Raises InputError for a folder without videos, for a video that cannot be read and where none is long enough.
    """
    clips = find_videos(folder)
    chosen = [clips[index] for index in sorted({int(n) for n in np.linspace(0, len(clips) - 1, count).round()})]
    each, between = -(-count // len(chosen)), Spacing(1, 1)
    found: list[Triplet] = []
    for clip in chosen:
        found += triplets(clip, spread(len(frame_times(clip)), between, each), between)
    if not found:
        raise InputError(f"{folder}: none of these videos has three frames")
    return found[:count]


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
