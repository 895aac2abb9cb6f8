"""What is interpolated between what: from one picture of the source to the next one."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TypeVar

from vfi_flow.media.timing import Division
from vfi_flow.pipeline.stages import PreparedFrame

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """One output frame inside a span."""

    shown: int
    """Which of the span's frames the source shows there."""
    tau: Fraction
    """0 at the span's first frame, 1 at its right one."""
    seconds: Fraction
    interval_end: Fraction
    """When the source shows its next frame or ends."""


@dataclass(frozen=True, slots=True)
class Span:
    """The time from one source frame to the next one that is something else."""

    frames: tuple[PreparedFrame, ...]
    """The first one, from which it is interpolated."""
    right: PreparedFrame | None
    """To which it is interpolated; None after the last frame."""
    is_cut: bool = False
    """`right` belongs to another scene."""

    @property
    def left(self) -> PreparedFrame:
        return self.frames[0]

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
                yield Place(number, (moment - start) / (end - start), instant.seconds, over)


def spans(frames: Iterable[PreparedFrame], is_cut: Callable[[PreparedFrame, PreparedFrame], bool]) -> Iterator[Span]:
    """The spans of a video; `is_cut` sees all neighbours in order."""
    for left, right in with_next(frames):
        yield Span((left,), right, right is not None and is_cut(left, right))


def with_next(items: Iterable[T]) -> Iterator[tuple[T, T | None]]:
    """(item, the one after it), the last one with None."""
    iterator = iter(items)
    current = next(iterator, None)
    while current is not None:
        following = next(iterator, None)
        yield current, following
        current = following
