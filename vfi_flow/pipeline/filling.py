"""A picture with a hole in it, filled smoothly from what is around the hole."""

import numpy as np

MARGIN = 16
"""Pixels around the hole that are looked at."""


def filled(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """`image` (H, W, channels) uint8 or uint16 with the pixels of `hole` (H, W) replaced."""
    rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
    if len(rows) == 0:
        return image
    part = np.s_[
        max(0, rows[0] - MARGIN) : rows[-1] + MARGIN + 1, max(0, columns[0] - MARGIN) : columns[-1] + MARGIN + 1
    ]
    result = image.copy()
    smooth = pull_push(image[part].astype(np.float32), ~hole[part])
    result[part][hole[part]] = np.rint(smooth[hole[part]]).astype(image.dtype)
    return result


def pull_push(image: np.ndarray, known: np.ndarray) -> np.ndarray:
    """`image` (H, W, channels) float32 with what is not `known` (H, W) taken from coarser and coarser means.

    Gortler et al. 1996, The Lumigraph, section 3.4.3. Where nothing is known at all, the image comes back as it is.
    """
    if known.all() or not known.any():
        return image
    height, width = known.shape
    even = ((0, height % 2), (0, width % 2))
    weight = np.pad(known, even).astype(np.float32)
    total = np.pad(image, (*even, (0, 0))) * weight[..., None]
    count = fours(weight)
    coarse = pull_push(fours(total) / np.maximum(count, 1)[..., None], count > 0)
    return np.where(known[..., None], image, doubled(coarse)[:height, :width])


def fours(array: np.ndarray) -> np.ndarray:
    """Sums of 2x2 neighbours: half the height and width."""
    rows = array[::2] + array[1::2]
    return rows[:, ::2] + rows[:, 1::2]


def doubled(image: np.ndarray) -> np.ndarray:
    """Twice the height and width, bilinear."""
    return doubled_rows(doubled_rows(image).swapaxes(0, 1)).swapaxes(0, 1)


def doubled_rows(image: np.ndarray) -> np.ndarray:
    padded = np.pad(image, ((1, 1), (0, 0), (0, 0)), mode="edge")
    rows = np.empty((2 * len(image), *image.shape[1:]), image.dtype)
    rows[::2] = 0.75 * image + 0.25 * padded[:-2]
    rows[1::2] = 0.75 * image + 0.25 * padded[2:]
    return rows
