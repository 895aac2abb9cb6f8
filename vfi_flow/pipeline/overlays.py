"""What lies still on top of a moving picture: burnt-in subtitles, displays, logos, letterbox bars.

Optical flow spreads from what moves to what lies on top of it, and tears it. But what was the same before and after
an interval was the same inside it: there a new pixel may not leave the range of the two source pixels around it.
Letters are also taken out of the frames that the model sees, or it would show parts of them beside the true ones; bars
are cut off.
"""

from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from vfi_flow.media.sides import Sides
from vfi_flow.pipeline.bars import BLACK, SMALLEST, Crop, bars_of, certain, crop_of, edge_of
from vfi_flow.pipeline.filling import filled
from vfi_flow.pipeline.masks import BLOCK, around, blocks_of, grown, joined, neighbours, to_pixels, widened

FRAMES = 4
"""Frames in a row over which a pixel has to be still, the two around the interval among them."""
STRIP = 32
"""Rows looked at together, so that they stay in the processor's cache."""

# Levels are 8-bit code values; the range of a pixel's neighbours stands for its edge, along which compression leaves
# more noise. Chosen on 7 fast clips of 384x216 with overlays and 12 clips without, base model with 0 steps. PSNR
# without and with protection, in brackets after CRF 23:
#   captions, in the letters      17.1 -> 32.8 dB (15.2 -> 22.2); holding the source's pixels: 31.6 (22.9)
#   captions, 8 pixels around     20.3 -> 23.9    (19.7 -> 22.5)
#   boxes with text               44.8 -> 48.8    (35.9 -> 35.8)
#   letterbox bars                50.6 -> exact   (43.6 -> 45.2)
#   logos that one sees through   29.1 -> 29.1    (26.5 -> 26.5): their pixels are not still
#   clips without overlays        -0.015 to +0.001, one of a still camera +0.53
STRICT, STRICT_SHIFT = 6, 3
LOOSE, LOOSE_SHIFT = 10, 2
"""A pixel is still within `STRICT` + range / 8; next to others that are, within `LOOSE` + range / 4."""
MOVES = 16
"""Level from which on a pixel has moved."""
EDGE = 60
"""Range from which on stillness is evidence: a flat place looks still whatever it does."""
EDGE_PIXELS = 8
"""Still edge pixels that a block needs."""
SUPPORT = 4
"""Still pixels, of nine, that have to be around each one."""
MOVING_BLOCK, MOVING_SHARE, RADIUS = 0.3, 0.25, 6
"""A block moves where so many of its pixels do; around an overlay so many blocks do, up to `RADIUS` blocks away, and
more than have still edges. Otherwise it is still ground, before which something passes that one must not wipe away."""
STILL_BLOCK = 0.9
"""Part of a block that is still, from which on an overlay may extend over it although it shows no edges."""
LETTERS, LETTERS_MOVING = 0.16, 0.45
"""Shares of blocks with still edges around a block of a text, and of moving blocks right beside it. That is more than
an overlay needs: letters are taken out of the frames, and still ground must not be."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """The pixels that have to stay between those of two frames; all sizes are those of the cropped frames."""

    places: np.ndarray
    """(N,) into the flattened picture."""
    weights: np.ndarray
    """(N, 1) in 1..9; 9 inside, less along the soft edge."""
    lowest: np.ndarray
    highest: np.ndarray
    """(N, channels)"""
    hole: np.ndarray | None = None
    """(H, W): letters, which are taken out of the frames before the model sees them; None where there are none."""
    crop: Crop | None = None
    """What of the frames the model sees; None: all."""

    def without(self, frame: np.ndarray) -> np.ndarray:
        """`frame` as the model sees it: without bars, and with letters filled from around, so that the ground's motion
        carries none along."""
        picture = frame if self.crop is None else self.crop.hidden.inside(frame)
        return picture if self.hole is None else filled(picture, self.hole)

    def keep(self, picture: np.ndarray, tau: float) -> np.ndarray:
        """What the model has made at `tau` with the overlay's pixels kept within their range, and with the bars."""
        kept = picture.copy()
        pixels = kept.reshape(-1, picture.shape[-1])
        made = pixels[self.places].astype(np.int32)
        change = made.clip(self.lowest, self.highest) - made
        pixels[self.places] = made + (change * self.weights + 4) // 9
        return kept if self.crop is None else self.crop.restored(kept, tau)


class Shot:
    """Frames between two cuts, looked at in groups; only what the next intervals need is kept."""

    def __init__(self, crops: bool = True) -> None:
        """`crops`: the model does not see what has been a bar since the first frame."""
        self._crops = crops
        self._bars: Sides | None = None
        self._edges: dict[Sides, Sides] = {}
        self._frames: deque[np.ndarray] = deque(maxlen=FRAMES)
        self._ranges: dict[int, np.ndarray] = {}
        self.count = 0
        """Frames that were added."""

    def add(self, frame: np.ndarray) -> None:
        """The next frame, (H, W, channels) uint8 or uint16."""
        self._frames.append(frame)
        self.count += 1
        if len(self._frames) == FRAMES:
            self._ranges[self.count - FRAMES] = spread(*self._frames)

    def overlay(self, number: int, left: np.ndarray, right: np.ndarray) -> Overlay | None:
        """What lies still between frames `number` and `number` + 1, which are `left` and `right`.

        To be asked for in order, when the frames after `right` are there as far as the shot has them: `FRAMES` - 2.
        """
        for old in [start for start in self._ranges if start <= number + 1 - FRAMES]:
            del self._ranges[old]
        groups = [spread for start, spread in self._ranges.items() if start <= number]
        if not groups:
            return None
        spread_of_all = groups[0] if len(groups) == 1 else np.minimum.reduce(groups)
        crop = self._crop(left, right, spread_of_all) if self._crops else None
        if crop is None:
            found = overlay_between(left, right, spread_of_all)
            return found if len(found.places) else None
        return replace(overlay_between(*map(crop.hidden.inside, (left, right, spread_of_all))), crop=crop)

    def _crop(self, left: np.ndarray, right: np.ndarray, spread_of_all: np.ndarray) -> Crop | None:
        grey = grey_of(left)
        black = bars_of(spread_of_all, grey, BLACK)
        if black is None:
            return None
        self._bars = black if self._bars is None else self._bars.common(black)
        bars = self._bars.where(certain(black, spread_of_all, grey))
        if not bars or min(bars.size_inside(*grey.shape)) < SMALLEST:
            return None
        if bars not in self._edges:  # one that changes all the time would be seen
            self._edges[bars] = edge_of(bars, grey, grey_of(right))
        return crop_of(bars, left, right, self._edges[bars])


def overlay_between(left: np.ndarray, right: np.ndarray, spread_of_all: np.ndarray) -> Overlay:
    """The overlay of two frames, bars of any colour included.

    `spread_of_all` is the smallest spread of the groups of frames that hold both.

    1. Blocks with still edges in the middle of more motion belong to an overlay. Those next to them and without a
       moving pixel do too: the inside of a box.
    2. In these blocks every still pixel counts, near the edges with a wider tolerance. So the mask is exact to the
       pixel, and what is doubtful in one frame does not come and go.
    3. Around edges it is wider by a pixel, which is part letter and part ground, and ends softly; bars end sharply.
    4. Where blocks with edges are dense, they are letters.
    """
    grey, hole = grey_of(left), None
    core = np.zeros(grey.shape, bool)
    moves = blocks_of(spread(left, right) >= MOVES) >= MOVING_BLOCK
    moving = around(moves, RADIUS)
    near = moving >= MOVING_SHARE
    if near.any():
        edges = joined(grey, np.maximum) - joined(grey, np.minimum)
        strict = spread_of_all <= STRICT + (edges >> STRICT_SHIFT)
        strict &= neighbours(strict) >= SUPPORT
        is_edge = edges >= EDGE
        seeds = blocks_of(strict & is_edge) * BLOCK**2 >= EDGE_PIXELS
        seeds &= near & (moving >= around(seeds, RADIUS))
        if seeds.any():
            close = widened(seeds)
            close_pixels = to_pixels(close, grey.shape)
            inside = to_pixels(grown(close, blocks_of(strict) >= STILL_BLOCK), grey.shape)
            loose = spread_of_all <= LOOSE + (edges >> LOOSE_SHIFT)
            still = (strict & inside) | (loose & close_pixels)
            still &= neighbours(still) >= SUPPORT
            still |= widened(still & is_edge & close_pixels)
            core = still
            letters = seeds & (around(seeds, RADIUS) >= LETTERS) & (around(moves, 1) >= LETTERS_MOVING)
            hole = still & to_pixels(grown(letters, close), grey.shape) if letters.any() else None
    weights = np.where(core, 9, neighbours(core))
    for bar in (bars_of(spread_of_all, grey) or Sides()).parts(weights):
        bar[:] = 9
    return overlay_of(weights, left, right, hole)


def overlay_of(weights: np.ndarray, left: np.ndarray, right: np.ndarray, hole: np.ndarray | None = None) -> Overlay:
    """The overlay of the pixels that have a weight, (H, W) in 0..9."""
    weights = weights.ravel()
    places = np.flatnonzero(weights)
    one, other = (frame.reshape(-1, frame.shape[-1])[places] for frame in (left, right))
    lowest, highest = np.minimum(one, other), np.maximum(one, other)
    return Overlay(places, weights[places].astype(np.int32)[:, None], lowest, highest, hole)


def spread(*frames: np.ndarray) -> np.ndarray:
    """(H, W) uint8: the largest difference between any two of `frames`, of all channels, in 8-bit levels."""
    height, width, channels = frames[0].shape
    result = np.empty((height, width), np.uint8)
    for top in range(0, height, STRIP):
        strips = [frame[top : top + STRIP] for frame in frames]
        difference = to_bytes(np.maximum.reduce(strips) - np.minimum.reduce(strips))
        largest = difference[..., 0]
        for channel in range(1, channels):
            largest = np.maximum(largest, difference[..., channel])
        result[top : top + STRIP] = largest
    return result


def grey_of(frame: np.ndarray) -> np.ndarray:
    """(H, W) uint8: green stands for the brightness."""
    return to_bytes(frame[..., min(1, frame.shape[-1] - 1)])


def to_bytes(array: np.ndarray) -> np.ndarray:
    """8-bit levels of uint8 or uint16."""
    return np.ascontiguousarray(array) if array.dtype == np.uint8 else (array >> 8).astype(np.uint8)
