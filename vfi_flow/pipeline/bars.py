"""Letterbox bars: what lies between them is interpolated as a picture of its own.

That takes less time, and motion goes on at the bars as at the sides of a frame; seen together with them, the picture is
blurred along them. 5 clips of 640x360 with bars of 46 rows, base model with 0 steps, PSNR in dB in the 16 rows beside
the bars, where these end between two pixels and (in brackets) inside one: with the bars 26.1 (26.3), without them
27.9 (24.6), without them and one or two rows more 27.4 (27.9) and 26.9 (27.4). A clip with bars that was scaled by 4/3
and encoded: 31.5, and with one or two rows more 31.5 and 33.5. So those rows go with the bars that are part bar. Five
other clips, with two rows more always and as it is, and (in brackets) after x264 at CRF 18: 33.3 and 34.4 (31.2 and
31.4), where bars end inside a pixel 33.6 and 34.1 (30.7 and 30.9), scaled by 4/3 33.4 and 33.4 (30.9 and 31.2).
"""

from dataclasses import dataclass
from functools import reduce

import numpy as np

from vfi_flow.media.sides import Sides, from_sides
from vfi_flow.pipeline.blending import blended

BAR_RANGE = 24
"""Levels within one row of a bar."""
BAR_SPREAD = 10
"""Levels by which a pixel of a bar may change."""
BLACK = 50
"""Level up to which a bar is black; limited range is seen as it is stored, with black at 16. A sky may look like a bar,
too, but belongs to the picture."""
EDGE = 2
"""Rows beside a bar that may be part bar and part picture."""
EDGE_DIFFERS, EDGE_CONTRAST = 0.1, 8
"""By how much the mean of such a row differs from that of the rows behind it, in parts of what these are brighter than
the bar; where that is less than so many levels, nothing can be told, and the row counts as one."""
LEAST_PICTURE, NEAR = 0.25, 4
"""Share of one of so many rows beside a bar that has to be picture; in a dark sky, a light that rises is less. Encoders
leave noise in the last rows of a bar."""
SMALLEST = 32
"""Rows and columns between bars that are worth a picture of their own."""


@dataclass(frozen=True, slots=True)
class Crop:
    """What of two frames lies between their bars, and how a picture that was made of it becomes a whole one."""

    bars: Sides
    edge: Sides
    """Rows and columns beside the bars that are part bar."""
    frame0: np.ndarray
    frame1: np.ndarray
    """(H, W, channels), both with their bars."""

    @property
    def hidden(self) -> Sides:
        """What is cut off: the bars and their edge."""
        return self.bars.plus(self.edge)

    def restored(self, picture: np.ndarray, tau: float) -> np.ndarray:
        """`picture`, made at `tau`, between bars that go evenly from those of one frame to those of the other.

        Their edge is what the picture has beside it, within the range of the two frames: so it is as dark as there.
        """
        whole = np.empty_like(self.frame0)
        for made, bar0, bar1 in zip(*map(self.bars.parts, (whole, self.frame0, self.frame1)), strict=True):
            made[:] = blended(bar0, bar1, tau)
        edge = self.edge
        grown = np.pad(picture, ((edge.top, edge.bottom), (edge.left, edge.right), (0, 0)), mode="edge")
        between = self.bars.inside(whole)
        between[:] = grown
        inner = (between, grown, self.bars.inside(self.frame0), self.bars.inside(self.frame1))
        for made, beside, one, other in zip(*map(edge.parts, inner), strict=True):
            made[:] = beside.clip(np.minimum(one, other), np.maximum(one, other))
        return whole


def bars_of(spread: np.ndarray, grey: np.ndarray, brightest: int = 255) -> Sides | None:
    """The still rows and columns of one colour along the sides of a picture; None where that is the whole picture.

    Args:
        spread: (H, W) by how much each pixel changes, 8-bit levels.
        grey: (H, W) uint8.
        brightest: level that no pixel of a bar is above.
    """
    found = Sides(*(leading(*rows, brightest) for rows in zip(from_sides(grey), from_sides(spread), strict=True)))
    height, width = grey.shape
    return None if found.top == height or found.left == width else found


def leading(values: np.ndarray, spread: np.ndarray, brightest: int) -> int:
    """How many rows from the first one on are still and of one colour."""
    for number, (row, changes) in enumerate(zip(values, spread, strict=True)):
        lowest, highest = int(row.min()), int(row.max())
        if changes.max() > BAR_SPREAD or highest - lowest > BAR_RANGE or highest > brightest:
            return number
    return len(values)


def certain(bars: Sides, spread: np.ndarray, grey: np.ndarray) -> Sides:
    """Those of `bars_of` that end at a picture, and not at a light before darkness that is picture itself."""
    found = []
    sides = zip(bars.widths, *map(from_sides, (grey, bars.inside(grey), bars.inside(spread))), strict=True)
    for width, whole, inside, changes in sides:
        brightest = min(BLACK, int(whole[width - 1].min()) + BAR_RANGE)
        is_picture = (inside[:NEAR] > brightest) | (changes[:NEAR] > BAR_SPREAD)
        found.append(width if is_picture.mean(axis=1).max() >= LEAST_PICTURE else 0)
    return Sides(*found)


def edge_of(bars: Sides, *greys: np.ndarray) -> Sides:
    """How many rows and columns beside the bars, up to `EDGE`, are part bar in all of the frames `greys` (H, W)."""
    found = [Sides(*map(part_bar, bars.widths, from_sides(grey), from_sides(bars.inside(grey)))) for grey in greys]
    return reduce(Sides.common, found).where(bars)


def part_bar(width: int, whole: np.ndarray, inside: np.ndarray) -> int:
    """How many rows beside the first `width` ones of a frame are part bar."""
    level = float(whole[width - 1].mean())
    *near, first, second = (float(row.mean()) - level for row in inside[: EDGE + 2])
    usual = (first + second) / 2
    differs = [usual < EDGE_CONTRAST or abs(row - usual) > EDGE_DIFFERS * usual for row in near]
    return max((number for number, is_part in enumerate(differs, 1) if is_part), default=0)


def crop_of(bars: Sides, frame0: np.ndarray, frame1: np.ndarray, edge: Sides) -> Crop | None:
    """How two frames with these bars are cut; None where little would be left."""
    crop = Crop(bars, edge, frame0, frame1)
    return crop if min(crop.hidden.size_inside(*frame0.shape[:2])) >= SMALLEST else None
