"""Masks of pixels and of blocks of pixels: what is beside, around and connected with what is set."""

from collections.abc import Callable

import numpy as np

Grid = np.ndarray
"""(ceil(H / 8), ceil(W / 8)), one value for each block of pixels."""

BLOCK = 8
GROWTH = 12
"""Blocks from the edges of an overlay to its middle."""


def neighbours(mask: np.ndarray) -> np.ndarray:
    """(H, W) uint8: how many of the nine pixels around and at each one are set."""
    return joined(mask.view(np.uint8), np.add)


def widened(mask: np.ndarray) -> np.ndarray:
    """`mask` and the eight places around each of its places."""
    return joined(mask, np.logical_or)


def joined(image: np.ndarray, join: Callable[..., np.ndarray]) -> np.ndarray:
    """`join` over the nine places around and at each one; outside there is nothing."""
    rows = image.copy()
    join(rows[1:], image[:-1], out=rows[1:])
    join(rows[:-1], image[1:], out=rows[:-1])
    result = rows.copy()
    join(result[:, 1:], rows[:, :-1], out=result[:, 1:])
    join(result[:, :-1], rows[:, 1:], out=result[:, :-1])
    return result


def blocks_of(mask: np.ndarray) -> Grid:
    """Share of each block that is set, float32; blocks that reach over the sides are filled up with nothing."""
    height, width = mask.shape
    padded = np.pad(mask, ((0, -height % BLOCK), (0, -width % BLOCK))).view(np.uint8)
    columns = padded.reshape(-1, BLOCK, padded.shape[1]).sum(axis=1, dtype=np.uint8)
    return columns.reshape(len(columns), -1, BLOCK).sum(axis=2, dtype=np.float32) / BLOCK**2


def to_pixels(grid: Grid, shape: tuple[int, ...]) -> np.ndarray:
    return grid.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)[: shape[0], : shape[1]]


def around(grid: Grid, radius: int) -> np.ndarray:
    """Mean of the blocks up to `radius` away; at the sides the last ones count more often."""
    size = 2 * radius + 1
    padded = np.pad(grid.astype(np.float32), ((radius + 1, radius), (radius + 1, radius)), mode="edge")
    sums = padded.cumsum(axis=0).cumsum(axis=1)
    return (sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]) / size**2


def grown(seeds: Grid, ground: Grid) -> Grid:
    """`seeds` and what of `ground` is connected with them."""
    region = seeds
    for _ in range(GROWTH):
        larger = region | (widened(region) & ground)
        if (larger == region).all():
            break
        region = larger
    return region
