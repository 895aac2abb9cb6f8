"""The result frame by frame: source frames, new ones between them, held ones where nothing is to be made."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import partial
from itertools import count
from typing import Protocol

import av
import numpy as np

from vfi_flow.errors import ComponentError
from vfi_flow.inference.pair import Neighbour, Pair
from vfi_flow.media.pixels.colour import Converter
from vfi_flow.media.timing import Division
from vfi_flow.pipeline.blending import blended
from vfi_flow.pipeline.ordered_pool import at_once
from vfi_flow.pipeline.overlays import Overlay
from vfi_flow.pipeline.spans import Place, Span, rgb_of
from vfi_flow.pipeline.stages import PreparedFrame, StageClock

FRAMES_PER_CALL = 4
"""New frames asked for at once; a job that is to end waits for them. Fewer would let cores wait at `-x 4`."""


class Interpolate(Protocol):
    """What makes the frames between two frames, all (H, W, 3 or 4) uint8 or uint16 RGB(A), gamma-encoded."""

    def __call__(
        self,
        frame0: np.ndarray,
        frame1: np.ndarray,
        taus: Sequence[float],
        *,
        pts: int = 0,
        before: Neighbour | None = None,
        after: Neighbour | None = None,
    ) -> Sequence[np.ndarray]:
        """One frame per tau; `pts` names the pair, so that its noise does not depend on the order of calls."""


@dataclass(frozen=True, slots=True)
class Calls:
    """How an `Interpolate` likes to be called."""

    at_once: int = 1
    any_size: bool = True
    """Frames of another size than before take no longer: it is given those of a shot without their bars."""


ONE_BY_ONE = Calls()


class Kind(StrEnum):
    SOURCE = "source"
    """A decoded frame, pixels untouched."""
    GENERATED = "generated"
    HELD = "held"
    """The frame before once more: across a cut, or after the last frame."""
    BLENDED = "blended"
    """The weighted mean of the frames around a cut."""


class CutFill(StrEnum):
    """What is shown between the last frame of a scene and the first one of the next."""

    HOLD = "hold"
    BLEND = "blend"


@dataclass(frozen=True, slots=True)
class OutputFrame:
    picture: av.VideoFrame | None
    """None: an earlier run has encoded it."""
    seconds: Fraction
    kind: Kind


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown at a place."""

    place: Place
    kind: Kind
    picture: av.VideoFrame | None = None
    is_new: bool = False
    """Has to be made. What has not, and has no picture either, an earlier run has encoded."""


@dataclass(frozen=True, slots=True)
class Part:
    """Frames of the result that follow each other, and what makes the new ones among them."""

    shown: Sequence[Shown]
    overlay: Overlay | None
    """What the new ones have to keep."""


def output_frames(
    spans: Iterable[Span],
    division: Division,
    interpolate: Interpolate,
    converter: Converter,
    clock: StageClock,
    cut_fill: CutFill = CutFill.HOLD,
    is_stored: Callable[[int], bool] = lambda frame: False,
    calls: int = 1,
) -> Iterator[OutputFrame]:
    """The result frame by frame; `calls` of `interpolate` run at the same time.

    A frame on top of a source frame is that source frame. After the last one the frame before is held; between two
    frames with a cut between them as well, unless they are to be blended. Of frames whose number `is_stored`, nothing
    but the time is made.
    """
    asked = parts(spans, division, interpolate, clock, cut_fill, is_stored)
    with closing(at_once(asked, calls)) as answers:
        for part, arrays in answers:
            made = iter(arrays)
            for shown in part.shown:
                picture = shown.picture
                if shown.is_new:
                    tau = float(shown.place.tau)
                    picture = finished(next(made), tau, part.overlay, converter, clock)
                yield OutputFrame(picture, shown.place.seconds, shown.kind)


def parts(
    spans: Iterable[Span],
    division: Division,
    interpolate: Interpolate,
    clock: StageClock,
    cut_fill: CutFill,
    is_stored: Callable[[int], bool],
) -> Iterator[tuple[Part, Callable[[], Sequence[np.ndarray]]]]:
    """The result in parts, and what makes the new frames of each."""
    numbers = count()
    for span in spans:
        kind, make = Kind.GENERATED, interpolate
        if span.is_cut and cut_fill is CutFill.BLEND:
            kind, make = Kind.BLENDED, blend
        elif not span.is_bridge:
            kind = Kind.HELD
        places = zip(span.places(division), numbers, strict=False)
        frames = [shown_at(place, span, kind, is_stored(number)) for place, number in places]
        pair = pair_without_overlay(span, clock) if any(shown.is_new for shown in frames) else None
        for shown in in_batches(frames):
            taus = [float(each.place.tau) for each in shown if each.is_new]
            if pair is None or not taus:
                yield Part(shown, span.overlay), no_arrays
            else:
                yield Part(shown, span.overlay), partial(new_arrays, make, pair, taus, span.left.source.pts, clock)


def shown_at(place: Place, span: Span, kind: Kind, stored: bool) -> Shown:
    if place.tau == 0:
        return Shown(place, Kind.SOURCE, None if stored else span.left.picture)
    if kind is Kind.HELD:
        return Shown(place, kind, None if stored else span.frames[place.shown].picture)
    return Shown(place, kind, is_new=not stored)


def in_batches(frames: Sequence[Shown]) -> Iterator[list[Shown]]:
    """`frames` in order, at most FRAMES_PER_CALL new ones together."""
    batch: list[Shown] = []
    for shown in frames:
        if shown.is_new and sum(each.is_new for each in batch) == FRAMES_PER_CALL:
            yield batch
            batch = []
        batch.append(shown)
    if batch:
        yield batch


def no_arrays() -> Sequence[np.ndarray]:
    return ()


def new_arrays(
    make: Interpolate, pair: Pair, taus: Sequence[float], pts: int, clock: StageClock
) -> Sequence[np.ndarray]:
    with clock.during("interpolate"):
        made = list(make(pair.frame0, pair.frame1, taus=taus, pts=pts, before=pair.before, after=pair.after))
    expected = [(pair.frame0.dtype, pair.frame0.shape)] * len(taus)
    if [(array.dtype, array.shape) for array in made] != expected:
        got = ", ".join(f"{array.dtype} {array.shape}" for array in made) or "nothing"
        raise ComponentError(f"expected {len(taus)} frames {expected[0][0]} {expected[0][1]} between two, got {got}")
    return made


def finished(
    array: np.ndarray, tau: float, overlay: Overlay | None, converter: Converter, clock: StageClock
) -> av.VideoFrame:
    """A new frame as a picture, with what lies still on it."""
    if overlay is not None:
        with clock.during("protect"):
            array = overlay.keep(array, tau)
    with clock.during("convert"):
        return converter.from_rgb(array)


def pair_without_overlay(span: Span, clock: StageClock) -> Pair:
    """The frames that new ones of a span are made of."""
    if span.overlay is None:
        return pair_of(span)
    with clock.during("protect"):
        return pair_of(span).changed(span.overlay.without)


def pair_of(span: Span) -> Pair:
    """The frames that a span is made of."""
    assert span.right is not None
    before, after = neighbour(span, span.before, span.left), neighbour(span, span.after, span.right)
    return Pair(rgb_of(span.left), rgb_of(span.right), before, after)


def neighbour(span: Span, outer: PreparedFrame | None, inner: PreparedFrame) -> Neighbour | None:
    """A frame beside a span, and its distance from the end `inner` in units of the span's length."""
    if outer is None:
        return None
    return Neighbour(rgb_of(outer), float(abs(outer.source.seconds - inner.source.seconds) / span.length))


def blend(frame0: np.ndarray, frame1: np.ndarray, taus: Sequence[float], **others: object) -> list[np.ndarray]:
    """What is between two frames that have nothing to do with each other."""
    return [blended(frame0, frame1, tau) for tau in taus]
