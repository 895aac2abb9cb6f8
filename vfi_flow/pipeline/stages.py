"""The stages of a job as generators: each takes frames from the one before, a few at a time."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Protocol, TypeVar

import av
import numpy as np

from vfi_flow.media.colour import Converter
from vfi_flow.media.frame import SourceFrame
from vfi_flow.media.scenes import thumbnail
from vfi_flow.media.timing import Division, Instant

T = TypeVar("T")

FRAMES_PER_CALL = 8
"""New frames asked for at once; bounds the memory of a slow motion with hundreds of frames between two."""


class Interpolate(Protocol):
    """What makes the frames between two frames, all (H, W, 3) uint8 RGB, gamma-encoded."""

    def __call__(
        self, frame0: np.ndarray, frame1: np.ndarray, taus: Sequence[float], *, pts: int = 0
    ) -> Sequence[np.ndarray]:
        """One frame per tau; `pts` names the pair, so that its noise does not depend on the order of calls."""


class Kind(StrEnum):
    SOURCE = "source"
    """A decoded frame, pixels untouched."""
    GENERATED = "generated"
    HELD = "held"
    """The frame before once more: across a cut, or after the last frame."""


@dataclass(frozen=True, slots=True)
class PreparedFrame:
    """A source frame in all the forms that later stages need; its own `picture` is not touched again."""

    source: SourceFrame
    picture: av.VideoFrame
    """In the result's pixel format."""
    rgb: np.ndarray | None
    small: np.ndarray | None


@dataclass(frozen=True, slots=True)
class OutputFrame:
    picture: av.VideoFrame
    seconds: Fraction
    kind: Kind
    interval_end: Fraction
    """When the source shows its next frame or ends."""


class StageClock:
    """Seconds spent inside each stage; stages overlap, so the sum may exceed the time on the wall."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def around(self, stage: str, items: Iterable[T]) -> Iterator[T]:
        """`items`, with the time that each of them takes to come counted for `stage`."""
        iterator = iter(items)
        while True:
            start = time.perf_counter()
            try:
                item = next(iterator)
            except StopIteration:
                return
            finally:
                self.seconds[stage] += time.perf_counter() - start
            yield item

    @contextmanager
    def during(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] += time.perf_counter() - start


def prepare(
    frames: Iterable[SourceFrame], converter: Converter, clock: StageClock, with_rgb: bool, with_small: bool
) -> Iterator[PreparedFrame]:
    """Source frames with their RGB arrays and thumbnails, converted before any other thread sees the picture."""
    for frame in frames:
        with clock.during("convert"):
            rgb = converter.to_rgb(frame.picture) if with_rgb else None
            small = thumbnail(frame.picture) if with_small else None
            prepared = PreparedFrame(frame, converter.to_target(frame.picture), rgb, small)
        yield prepared


def output_frames(
    frames: Iterable[PreparedFrame],
    division: Division,
    interpolate: Interpolate,
    is_cut: Callable[[PreparedFrame, PreparedFrame], bool],
    converter: Converter,
    clock: StageClock,
) -> Iterator[OutputFrame]:
    """The result frame by frame; two source frames are in memory at a time.

    A frame on top of a source frame is that source frame. Between two frames with a cut between them, and after the
    last one, the frame before is held.
    """
    for left, right in with_next(frames):
        source = left.source
        end = right.source.seconds if right is not None else source.seconds + source.duration
        instants = list(division.between(source.index, source.seconds, end))
        held = right is None or is_cut(left, right)
        new = iter(()) if held else new_pictures(left, right, instants, interpolate, converter, clock)
        for instant in instants:
            if instant.tau == 0:
                yield OutputFrame(left.picture, instant.seconds, Kind.SOURCE, end)
            elif held:
                yield OutputFrame(left.picture, instant.seconds, Kind.HELD, end)
            else:
                yield OutputFrame(next(new), instant.seconds, Kind.GENERATED, end)


def new_pictures(
    left: PreparedFrame,
    right: PreparedFrame | None,
    instants: Sequence[Instant],
    interpolate: Interpolate,
    converter: Converter,
    clock: StageClock,
) -> Iterator[av.VideoFrame]:
    """Pictures for the instants between two frames, `FRAMES_PER_CALL` of them made at once."""
    assert right is not None and left.rgb is not None and right.rgb is not None
    frame0, frame1, pts = left.rgb, right.rgb, left.source.pts
    taus = [float(instant.tau) for instant in instants if instant.tau > 0]
    for first in range(0, len(taus), FRAMES_PER_CALL):
        batch = taus[first : first + FRAMES_PER_CALL]
        with clock.during("interpolate"):
            arrays = interpolate(frame0, frame1, taus=batch, pts=pts)
        for array in arrays:
            with clock.during("convert"):
                picture = converter.from_rgb(array)
            yield picture


def with_next(items: Iterable[T]) -> Iterator[tuple[T, T | None]]:
    """(item, the one after it), the last one with None."""
    iterator = iter(items)
    current = next(iterator, None)
    while current is not None:
        following = next(iterator, None)
        yield current, following
        current = following
