"""What is interpolated between what: from one picture of the source to the next one."""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, pairwise

import numpy as np

from vfi_flow.media.repeats import change, may_be_repeat, stands_out
from vfi_flow.media.timing import Division
from vfi_flow.motion.intervals import is_alike
from vfi_flow.pipeline.overlays import FRAMES, Overlay, Shot
from vfi_flow.pipeline.stages import PreparedFrame, StageClock

MOST_REPEATS = 5
"""Repeats of one picture that are bridged; as many frames wait in memory."""

LONGEST_BRIDGE = Fraction(1, 4)
"""Seconds from one picture to the next: twos to fours of animation take 1/12 to 1/6."""


@dataclass(frozen=True, slots=True)
class Place:
    """One output frame inside a span."""

    shown: int
    """Which of the span's frames the source shows there."""
    tau: Fraction
    """0 at the span's first frame, 1 at its right one."""
    seconds: Fraction


@dataclass(frozen=True, slots=True)
class Span:
    """The time from one source frame to the next one that is something else."""

    frames: tuple[PreparedFrame, ...]
    """The first one, from which it is interpolated, and its repeats, which are replaced."""
    right: PreparedFrame | None
    """To which it is interpolated; None after the last frame."""
    is_cut: bool = False
    """`right` belongs to another scene."""
    overlay: Overlay | None = None
    """What has to stay as it is."""
    before: PreparedFrame | None = None
    after: PreparedFrame | None = None
    """The frame before `left` and the one after `right`: of the same scene, and at a similar distance."""

    @property
    def left(self) -> PreparedFrame:
        return self.frames[0]

    @property
    def length(self) -> Fraction:
        """Seconds from `left` to `right`."""
        assert self.right is not None
        return self.right.source.seconds - self.left.source.seconds

    @property
    def is_bridge(self) -> bool:
        """Whether there is something to interpolate."""
        return self.right is not None and not self.is_cut

    def places(self, division: Division) -> Iterator[Place]:
        """The output frames, in order."""
        start = self.left.source.seconds
        last = self.frames[-1].source
        end = last.seconds + last.duration if self.right is None else self.right.source.seconds
        starts = [frame.source.seconds for frame in self.frames]
        for number, (begin, over) in enumerate(pairwise([*starts, end])):
            for instant in division.between(self.frames[number].source.index, begin, over):
                moment = begin + instant.tau * (over - begin)
                yield Place(number, (moment - start) / (end - start), instant.seconds)


Judge = Callable[[PreparedFrame, PreparedFrame], bool]


def spans(frames: Iterable[PreparedFrame], is_cut: Judge, bridges_repeats: bool = False) -> Iterator[Span]:
    """The spans of a video; `is_cut` sees all neighbours in order.

    With `bridges_repeats` a frame and its repeats are one span: of A A' B B' (A' repeats A), what lies between A and B
    is made from these two.

        time    0     1     2     3     4
        frame   A     A'    B     B'    C
        spans   |-----------|-----------|
        tau     0    1/2    0    1/2    0

    A picture that stays longer than `MOST_REPEATS` or `LONGEST_BRIDGE` stands still for a reason: it is treated frame
    by frame, and no more than its first few frames are ever kept.
    """
    group: Group | None = None
    for frame in frames:
        if group is None:
            group = Group([frame])
            continue
        cut = is_cut(group.frames[-1], frame)
        level = change_between(group.frames[-1], frame) if bridges_repeats and not cut else math.inf
        if not may_be_repeat(level):
            yield from group.closed(frame, cut, level)
            group = Group([frame], before=level)
        elif group.is_full:
            yield from separate(group.frames, frame)
            group = Group([frame], stands_still=True)
        else:
            group.add(frame, level)
    if group is not None:
        yield from separate(group.frames, None)


@dataclass(slots=True)
class Group:
    """A frame and those after it that may be its repeats."""

    frames: list[PreparedFrame]
    before: float = math.inf
    """Change that led to the first one."""
    inside: float = 0.0
    """Largest change from one to the next."""
    stands_still: bool = False
    """More of the same went before."""

    @property
    def is_full(self) -> bool:
        return self.stands_still or len(self.frames) > MOST_REPEATS

    def add(self, frame: PreparedFrame, level: float) -> None:
        self.frames.append(frame)
        self.inside = max(self.inside, level)

    def closed(self, right: PreparedFrame, is_cut: bool, after: float) -> Iterator[Span]:
        """The spans up to `right`, which is something else: one where the frames are repeats."""
        long = right.source.seconds - self.frames[0].source.seconds > LONGEST_BRIDGE
        if is_cut or long or self.stands_still or not stands_out(min(self.before, after), self.inside):
            yield from separate(self.frames, right, is_cut)
        else:
            yield Span(tuple(self.frames), right)


def with_overlays(spans: Iterable[Span], clock: StageClock, crops: bool = True) -> Iterator[Span]:
    """`spans` with their overlays; up to `FRAMES` - 2 spans wait for what comes after them."""
    shot, waiting = Shot(crops), deque[tuple[int, Span]]()

    def first() -> Span:
        number, span = waiting.popleft()
        if span.right is None or not span.is_bridge:
            return span
        with clock.during("protect"):
            return replace(span, overlay=shot.overlay(number, rgb_of(span.left), rgb_of(span.right)))

    for span in spans:
        if shot.count == 0:
            shot.add(rgb_of(span.left))
        waiting.append((shot.count - 1, span))
        if span.right is not None and span.is_bridge:
            with clock.during("protect"):
                shot.add(rgb_of(span.right))
            if len(waiting) > FRAMES - 2:
                yield first()
        else:
            while waiting:
                yield first()
            shot = Shot(crops)


def with_neighbours(spans: Iterable[Span]) -> Iterator[Span]:
    """`spans` with the frames before and after them; each waits for the one after it."""
    last, span = None, None
    for following in chain(spans, [None]):
        if span is not None:
            before = last.left if last is not None and tells(last, span) else None
            after = following.right if following is not None and tells(following, span) else None
            yield replace(span, before=before, after=after)
        last, span = span, following


def tells(one: Span, other: Span) -> bool:
    """Whether the motion in a span says something of that in the one before or after it."""
    return one.is_bridge and other.is_bridge and is_alike(one.length / other.length)


def rgb_of(frame: PreparedFrame) -> np.ndarray:
    assert frame.rgb is not None
    return frame.rgb


def separate(frames: list[PreparedFrame], right: PreparedFrame | None, is_cut: bool = False) -> Iterator[Span]:
    """A span from each of `frames` to the next one, the last one to `right`."""
    for left, following in pairwise(frames):
        yield Span((left,), following)
    yield Span((frames[-1],), right, is_cut)


def change_between(left: PreparedFrame, right: PreparedFrame) -> float:
    assert left.blocks is not None and right.blocks is not None
    return change(left.blocks, right.blocks)
