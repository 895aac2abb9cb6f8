"""Frames too large for memory are made of overlapping tiles, as small as they must be and as large as they may be."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from numbers import Integral
from operator import itemgetter
from threading import RLock
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vfi_flow.errors import UsageError
from vfi_flow.inference.engine import Engine, Image
from vfi_flow.inference.frame_cache import FrameCache
from vfi_flow.inference.padding import pad_frame
from vfi_flow.inference.pair import Pair
from vfi_flow.inference.scale import Halvings
from vfi_flow.model.config import ALIGNMENT

OVERLAP = 192
"""Pixels that neighbouring tiles share, at least."""
MARGIN = 80
"""Pixels along an inner edge of a tile that are not used: what crosses the edge has no partner in the tile."""
SMALLEST = 512
"""Pixels; still smaller tiles would be mostly overlap."""
SHRINK = 0.75
"""The side of the tiles after running out of memory, of that before."""
TAUS_AT_ONCE = 2
"""New frames that grow together, so that the features of a tile serve both; each takes 12 bytes a pixel meanwhile."""

TileOption = Literal["auto", "off"] | int
"""auto: whole frames where memory allows, off: always whole frames, a number: the longest side of a tile in pixels."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a tile lies along one axis of the frame, and what share of the frame it makes there."""

    place: slice
    weight: NDArray[np.float32]
    """(length,) in [0, 1]; at every pixel of the axis the weights of all spans add up to 1."""


def spans(length: int, side: int) -> list[Span]:
    """The spans along an axis of `length` pixels, none longer than `side`; both are multiples of ALIGNMENT."""
    if length <= side:
        return [Span(slice(0, length), np.ones(length, np.float32))]
    count = math.ceil((length - OVERLAP) / (side - OVERLAP))
    even = (length + (count - 1) * OVERLAP) / count
    size = math.ceil(even / ALIGNMENT) * ALIGNMENT
    starts = [number * (length - size) // (count - 1) // ALIGNMENT * ALIGNMENT for number in range(count)]
    places = [slice(start, start + size) for start in starts]
    ramps = [ramp(size, begins_inside=place.start > 0, ends_inside=place.stop < length) for place in places]
    total = np.zeros(length, np.float32)
    for place, weight in zip(places, ramps, strict=True):
        total[place] += weight
    return [Span(place, weight / total[place]) for place, weight in zip(places, ramps, strict=True)]


def ramp(size: int, *, begins_inside: bool, ends_inside: bool) -> NDArray[np.float32]:
    """(size,): 0 within MARGIN of an edge that lies inside the frame, rising from there to 1 over what is shared."""
    from_edge = np.arange(size, dtype=np.float32) + 0.5
    rise = np.clip((from_edge - MARGIN) / (OVERLAP - 2 * MARGIN), 0, 1)
    weight = np.ones(size, np.float32)
    if begins_inside:
        weight *= rise
    if ends_inside:
        weight *= rise[::-1]
    return weight


class TileChoice:
    """How large tiles are for frames of one size: chosen once, and smaller after the engine ran out of memory.

    For any number of threads.
    """

    def __init__(self, option: TileOption, affordable: Callable[[int], int | None]) -> None:
        """`affordable` says how many pixels of frames of so many the engine can make at once; None: nobody knows."""
        if option not in ("auto", "off") and (not isinstance(option, Integral) or option < SMALLEST):
            raise UsageError(f"tile must be auto, off or a number of pixels from {SMALLEST} up, got {option!r}")
        self._option, self._affordable = option, affordable
        self._sides: dict[tuple[int, int], int | None] = {}
        self._lock = RLock()

    def side(self, height: int, width: int) -> int | None:
        """The longest side of a tile of a padded frame of that size, a multiple of ALIGNMENT; None: the whole frame."""
        with self._lock:
            if (height, width) not in self._sides:
                self._sides[height, width] = self._first_side(height, width)
            return self._sides[height, width]

    def _first_side(self, height: int, width: int) -> int | None:
        # Of a part of frames that have been made the memory is there already, and is not free any more.
        wholes = [whole for whole in self._sides if whole[0] >= height and whole[1] >= width]
        side = self._sides[min(wholes)] if wholes else self._wanted_side(height * width)
        return side if side is not None and side < max(height, width) else None

    def _wanted_side(self, frame_pixels: int) -> int | None:
        if self._option == "off":
            return None
        if isinstance(self._option, Integral):
            return int(self._option) // ALIGNMENT * ALIGNMENT
        pixels = self._affordable(frame_pixels)
        if pixels is None or pixels >= frame_pixels:
            return None
        # In steps, so that a little more or less free memory does not change the result.
        side = SMALLEST
        while (2 * side) ** 2 <= pixels:
            side *= 2
        return side

    def shrink(self, height: int, width: int, failed: int | None) -> bool:
        """Smaller tiles than the `failed` ones (None: whole frames) from now on; False where there are none, or they
        are not wanted. Several calls may have failed with the same ones."""
        with self._lock:
            if self.side(height, width) != failed:
                return True
            now = failed or max(height, width)
            if self._option == "off" or now <= SMALLEST:
                return False
            self._sides[height, width] = max(SMALLEST, int(now * SHRINK) // ALIGNMENT * ALIGNMENT)
            return True


def tiled_images(
    engine: Engine,
    pair: Pair,
    taus: Sequence[float],
    noise: NDArray[np.float32],
    strength: float,
    side: int,
    halvings: Halvings,
) -> Iterator[Image]:
    """The new images (padded H, padded W, 3) at `taus`, no tile of them longer than `side`.

    `noise` is (1, 3, padded H, padded W), or (1, 3, 1, 1) where there are no steps to use it; `halvings` are those of
    the whole frame.
    """
    frame_width, pair = pair.frame0.shape[1], pair.changed(pad_frame)
    height, width = pair.frame0.shape[:2]
    for first in range(0, len(taus), TAUS_AT_ONCE):
        some = taus[first : first + TAUS_AT_ONCE]
        images = [np.zeros((height, width, 3), np.float32) for _ in some]
        for rows, columns in product(spans(height, side), spans(width, side)):
            place = rows.place, columns.place
            tile = pair.changed(itemgetter(place))
            part = noise if noise.shape[2:] == (1, 1) else np.ascontiguousarray(noise[:, :, *place])
            weight = rows.weight[:, None, None] * columns.weight[None, :, None]
            made = FrameCache(engine, halvings).images(tile, some, part, strength, frame_width)
            for image, new in zip(images, made, strict=True):
                image[place] += weight * new
        yield from images
