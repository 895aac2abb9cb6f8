"""Repeated frames: the same picture once more, whatever grain and compression made of it.

Animation on twos and threes, 30 pictures a second in a recording at 60, frames that a capture missed.
"""

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

BLOCK = 8
"""Pixels; means over so many tell little of grain and much of an edge that moved by half a pixel."""

OUTLIERS = 3
"""Blocks that may differ by more."""

# Measured on 12 real clips shown on twos, libx264 at CRF 23: repeats differ by up to 4 code values, with grain of 3 and
# 6 code values on every frame by up to 5 and 8; true neighbours differ by at least 9, usually by 12 to 180. On twos,
# threes, 30 and 24 in 60, 24 in 30 and irregular runs: precision 1, recall 1 (grain of 6: 0.87 to 0.97). On the clips
# as they are, without repeats, plain and with both grains: none reported in 1137 frames.
MOST_CHANGE = 8.0
"""Code values between blocks of a frame and its repeat."""
STANDS_OUT = 2.0
"""How many times as large the changes around a group of repeats must be: slow motion is no group of repeats."""


def block_means(picture: av.VideoFrame) -> np.ndarray:
    """(ceil(H / 8), ceil(W / 8)) int16 luma in 0..255, each value the mean of its area."""
    width, height = -(-picture.width // BLOCK), -(-picture.height // BLOCK)
    small = VideoReformatter().reformat(picture, width, height, "gray", interpolation=Interpolation.AREA, threads=1)
    return small.to_ndarray().astype(np.int16)


def change(left: np.ndarray, right: np.ndarray) -> float:
    """By how many code values the blocks of two frames differ, the worst few of them left out."""
    differences = np.abs(left - right).ravel()
    place = max(0, differences.size - 1 - OUTLIERS)
    return float(np.partition(differences, place)[place])


def may_be_repeat(change: float) -> bool:
    """Whether a frame that differs so much from the one before may show the same picture."""
    return change <= MOST_CHANGE


def stands_out(change: float, inside: float) -> bool:
    """Whether `change` leads to another picture, where repeats of the same one differ by up to `inside`."""
    return change > MOST_CHANGE and change >= STANDS_OUT * inside
