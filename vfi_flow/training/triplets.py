"""Dropped frames and the frames around them.

A clip is decoded twice: once to look it through, once to fetch the wanted frames, so that memory stays at a few frames
however long it is.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vfi_flow.errors import InputError
from vfi_flow.inference.pair import Neighbour, Pair
from vfi_flow.training.decoding import decode, find_videos
from vfi_flow.training.frame import Frame
from vfi_flow.training.moments import COARSE, Moments, increasing
from vfi_flow.training.places import Footage, Spacing, look_through


@dataclass(frozen=True, slots=True)
class Triplet:
    """A dropped frame and those that stay around it; (H, W, 3) uint8 RGB."""

    index: int
    """Number of the dropped frame in its clip, from 0."""
    pair: Pair
    """The frames next to it, and those as many frames further, where the clip has them."""
    truth: Frame
    tau: float = 0.5
    """Where the dropped frame lies in time between the two, 0 to 1."""

    def changed(self, change: Callable[[Frame], Frame]) -> "Triplet":
        """The same of changed frames."""
        return replace(self, pair=self.pair.changed(change), truth=change(self.truth))


class Around(NamedTuple):
    """Numbers of a dropped frame, of its neighbours, and of the frames as far again before and after those two."""

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

    def of_one_scene(self, footage: Footage) -> list[int]:
        """Less the outer ones that the clip does not have or that a cut parts from the two; in order."""
        outer = ((self.before, self.frame0, self.before), (self.frame1, self.after, self.after))
        existing = range(len(footage.times))
        known = [number for first, last, number in outer if number in existing and footage.joined(first, last)]
        return sorted([*known, self.frame0, self.place, self.frame1])


class Timed(NamedTuple):
    """A frame and when it is shown, in any unit."""

    frame: Frame
    time: Fraction | int


def triplets(clip: Path, footage: Footage, places: Sequence[int], spacing: Spacing) -> Iterator[Triplet]:
    """The frames around the places, in order; a frame is forgotten as soon as no later place needs it."""
    waiting = [Around.at(place, spacing) for place in sorted(set(places))]
    needed = [around.of_one_scene(footage) for around in waiting]
    kept: dict[int, Timed] = {}
    for number, frame in read_frames(clip, {number for numbers in needed for number in numbers}):
        kept[number] = frame
        while needed and needed[0][-1] <= number:
            yield whole(waiting.pop(0), {number: kept[number] for number in needed.pop(0)}, clip)
            still = {number for numbers in needed for number in numbers}
            kept = {number: frame for number, frame in kept.items() if number in still}
    if needed:
        raise InputError(f"{clip}: frame {needed[0][-1]} cannot be read")


def whole(around: Around, frames: Mapping[int, Timed], clip: Path) -> Triplet:
    if len({timed.frame.shape for timed in frames.values()}) > 1:
        raise InputError(f"{clip}: the frame size changes at frame {around.place}")
    return triplet_of(around, frames)


def triplet_of(around: Around, frames: Mapping[int, Timed]) -> Triplet:
    """The frames of a place, of which those before and after the two need not be known.

    Where clocks only round, or do not increase, frames are counted instead.
    """
    before, frame0, place, frame1, after = around
    first, last = (known if known in frames else near for known, near in ((before, frame0), (after, frame1)))
    counted = Moments(first, frame0, place, frame1, last)
    on_clock = Moments(*(frames[number].time for number in (first, frame0, place, frame1, last)))
    moments = on_clock if increasing([frames[number].time for number in sorted(frames)]) else counted
    neighbours = [
        Neighbour(frames[number].frame, interval) if number in frames else None
        for number, interval in zip((before, after), moments.intervals, strict=True)
    ]
    pair = Pair(frames[frame0].frame, frames[frame1].frame, *neighbours)
    rounded = abs(moments.tau - counted.tau) <= COARSE
    return Triplet(place, pair, frames[place].frame, counted.tau if rounded else moments.tau)


def spread_over(folder: Path, count: int) -> list[Triplet]:
    """`count` frames and their neighbours, evenly chosen from the videos of a folder; fewer where they are short.

    Raises InputError for a folder without videos, for a video that cannot be read and where none is long enough.
    """
    clips = find_videos(folder)
    chosen = [clips[index] for index in sorted({int(n) for n in np.linspace(0, len(clips) - 1, count).round()})]
    each, between = -(-count // len(chosen)), Spacing(1, 1)
    found: list[Triplet] = []
    for clip in chosen:
        footage = look_through(clip)
        found += triplets(clip, footage, footage.places(between, each), between)
    if not found:
        raise InputError(f"{folder}: none of these videos has three frames of one scene")
    return found[:count]


def read_frames(clip: Path, wanted: Collection[int]) -> Iterator[tuple[int, Timed]]:
    """(number, frame) of the wanted frames of a clip, in order; decoding ends behind the last of them."""
    last = max(wanted, default=-1)
    for number, frame in enumerate(decode(clip, wanted)):
        if frame.rgb is not None:
            yield number, Timed(frame.rgb, frame.seconds)
        if number >= last:
            return
