"""The result frame by frame: source frames, new ones between them, held ones where nothing is to be made."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import count
from typing import Protocol

import av
import numpy as np

from vfi_flow.inference.pair import Neighbour, Pair
from vfi_flow.media.pixels.colour import Converter
from vfi_flow.media.timing import Division
from vfi_flow.pipeline.spans import Place, Span, rgb_of
from vfi_flow.pipeline.stages import PreparedFrame, StageClock

FRAMES_PER_CALL = 8
"""New frames asked for at once; bounds the memory of a slow motion with hundreds of frames between two."""


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
    interval_end: Fraction
    """When the source shows its next frame or ends."""


def output_frames(
    spans: Iterable[Span],
    division: Division,
    interpolate: Interpolate,
    converter: Converter,
    clock: StageClock,
    cut_fill: CutFill = CutFill.HOLD,
    is_stored: Callable[[int], bool] = lambda frame: False,
) -> Iterator[OutputFrame]:
    """The result frame by frame.

    A frame on top of a source frame is that source frame. After the last one the frame before is held; between two
    frames with a cut between them as well, unless they are to be blended. Of frames whose number `is_stored`, nothing
    but the time is made.
    """
    numbers = count()
    for span in spans:
        places = [(place, is_stored(number)) for place, number in zip(span.places(division), numbers, strict=False)]
        kind, make = Kind.GENERATED, interpolate
        if span.is_cut and cut_fill is CutFill.BLEND:
            kind, make = Kind.BLENDED, blend
        elif not span.is_bridge:
            kind = Kind.HELD
        missing = [place for place, stored in places if place.tau > 0 and not stored]
        new = iter(()) if kind is Kind.HELD else new_pictures(span, missing, make, converter, clock)
        for place, stored in places:
            shown = Kind.SOURCE if place.tau == 0 else kind
            if stored:
                picture = None
            elif place.tau == 0:
                picture = span.left.picture
            else:
                picture = span.frames[place.shown].picture if kind is Kind.HELD else next(new)
            yield OutputFrame(picture, place.seconds, shown, place.interval_end)


def new_pictures(
    span: Span, places: Sequence[Place], make: Interpolate, converter: Converter, clock: StageClock
) -> Iterator[av.VideoFrame]:
    """Pictures for `places`, all between two frames, `FRAMES_PER_CALL` of them made at once."""
    if not places:
        return
    pair, pts = pair_of(span), span.left.source.pts
    if span.overlay is not None:
        with clock.during("protect"):
            pair = pair.changed(span.overlay.without)
    taus = [float(place.tau) for place in places]
    for first in range(0, len(taus), FRAMES_PER_CALL):
        batch = taus[first : first + FRAMES_PER_CALL]
        with clock.during("interpolate"):
            arrays = make(pair.frame0, pair.frame1, taus=batch, pts=pts, before=pair.before, after=pair.after)
        for array in arrays:
            if span.overlay is not None:
                with clock.during("protect"):
                    array = span.overlay.keep(array)
            with clock.during("convert"):
                picture = converter.from_rgb(array)
            yield picture


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
    """The weighted mean of both frames at every pixel."""
    before, after = frame0.astype(np.float32), frame1.astype(np.float32)
    return [np.rint(before + np.float32(tau) * (after - before)).astype(frame0.dtype) for tau in taus]
