"""Test pictures whose numbers follow from the textbook, in any YUV format."""

import av
import numpy as np

from vfi_flow.media.pixels.samples import bits_of, views

FULL = 2

LUMA_WEIGHTS = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
"""Shares of red and blue by matrix: BT.709, 601, 2020."""

BARS = [(0.75 * r, 0.75 * g, 0.75 * b) for r, g, b in np.array(np.unravel_index(range(7, -1, -1), (2, 2, 2))).T]


def numbers_of(rgb: np.ndarray, matrix: int, colour_range: int, pix_fmt: str) -> list[int]:
    """Y, Cb, Cr (and full alpha) of r, g, b in [0, 1]: ITU-R BT.601, 709 and 2020, rounded."""
    bits = bits_of(pix_fmt)
    red, blue = LUMA_WEIGHTS[matrix]
    luma = red * rgb[0] + (1 - red - blue) * rgb[1] + blue * rgb[2]
    chroma = (rgb[2] - luma) / (2 - 2 * blue), (rgb[0] - luma) / (2 - 2 * red)
    unit, top = 1 << (bits - 8), (1 << bits) - 1
    if colour_range == FULL:
        numbers = [round(luma * top), *(round(c * top + 128 * unit) for c in chroma)]
    else:
        numbers = [round((16 + 219 * luma) * unit), *(round((128 + 224 * c) * unit) for c in chroma)]
    return [min(number, top) for number in numbers] + ([top] if "a" in pix_fmt else [])


def bars(pix_fmt: str, matrix: int, colour_range: int, width: int = 320, height: int = 32) -> av.VideoFrame:
    """Eight vertical bars at 75 %: white, yellow, cyan, green, magenta, red, blue, black."""
    picture = av.VideoFrame(width, height, pix_fmt)
    for place, rgb in enumerate(BARS):
        for channel, number in zip(
            views(picture).values(), numbers_of(np.array(rgb), matrix, colour_range, pix_fmt), strict=True
        ):
            step = channel.shape[1] // len(BARS)
            channel[:, place * step : (place + 1) * step] = number
    picture.colorspace, picture.color_range = matrix, colour_range
    return picture
