"""Source frames in all the forms that the stages of a job need, and the time that each stage takes."""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

import av
import numpy as np

from vfi_flow.media.frame import SourceFrame
from vfi_flow.media.pixels.colour import Converter
from vfi_flow.media.repeats import block_means
from vfi_flow.media.thumbnail import thumbnail

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PreparedFrame:
    """A source frame in all the forms that later stages need; its own `picture` is not touched again."""

    source: SourceFrame
    picture: av.VideoFrame
    """In the result's pixel format."""
    rgb: np.ndarray | None
    small: np.ndarray | None
    """For the detection of cuts."""
    blocks: np.ndarray | None = None
    """For the detection of repeats."""


class StageClock:
    """Seconds spent inside each stage, by all threads; stages overlap, so the sum may exceed the time on the wall."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._lock = Lock()

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
                self._add(stage, start)
            yield item

    @contextmanager
    def during(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self._add(stage, start)

    def _add(self, stage: str, start: float) -> None:
        with self._lock:
            self.seconds[stage] += time.perf_counter() - start


def prepare(
    frames: Iterable[SourceFrame],
    converter: Converter,
    clock: StageClock,
    *,
    with_rgb: bool,
    with_small: bool,
    with_blocks: bool,
) -> Iterator[PreparedFrame]:
    """Source frames in all the forms that are asked for, made before any other thread sees the picture."""
    for frame in frames:
        with clock.during("convert"):
            rgb = converter.to_rgb(frame.picture) if with_rgb else None
            small = thumbnail(frame.picture) if with_small else None
            blocks = block_means(frame.picture) if with_blocks else None
            prepared = PreparedFrame(frame, converter.to_target(frame.picture), rgb, small, blocks)
        yield prepared
