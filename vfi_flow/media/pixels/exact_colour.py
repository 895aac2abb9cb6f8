"""Colour conversion in floats, for what swscale does not do exactly: more than 8 bits, and transparency.

swscale's 16-bit RGB takes 65280 for white in one direction and 65535 in the other: from a full-range source new frames
would come back 0.4 code values (of 8 bits) brighter than the frames beside them. Here the way there and back is exact
up to rounding; it costs 8 to 10 ms a frame of 1280x720 each way, on one core (2026-11).
"""

import av
import numpy as np
from numpy.typing import NDArray

from vfi_flow.media.pixels.samples import Layout, layout_of, readable_format, views

Plane = NDArray[np.float32]

FULL = 2

RED_AND_BLUE = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
"""Shares of red and blue in luma, by matrix (ISO/IEC 23091-2, table 4)."""


def floats_of(picture: av.VideoFrame, range_: int) -> dict[str, Plane]:
    """Channels as floats: r, g, b, y and a in [0, 1], u and v in [-0.5, 0.5] and as small as they are stored."""
    name = readable_format(picture.format.name)
    assert name is not None
    if name != picture.format.name:
        picture = picture.reformat(format=name, threads=1)  # with more, rows get lost now and then
    layout = layout_of(name)
    assert layout is not None
    channels = {}
    for channel, numbers in views(picture).items():
        zero, span = levels(channel, layout, range_)
        values = numbers.astype(np.float32)
        if zero:
            values -= np.float32(zero * (1 << layout.shift))
        values *= np.float32(1 / (span * (1 << layout.shift)))
        channels[channel] = values
    return channels


def picture_of(channels: dict[str, Plane], pix_fmt: str, range_: int) -> av.VideoFrame:
    """A picture of format `pix_fmt` from channels of the same names; chroma is made as small as the format has it."""
    name = readable_format(pix_fmt)
    assert name is not None
    layout = layout_of(name)
    assert layout is not None
    height, width = channels["y" if "y" in layout.channels else "r"].shape
    picture = av.VideoFrame(width, height, name)
    fill(picture, channels, range_)
    return picture if name == pix_fmt else picture.reformat(format=pix_fmt, threads=1)


def fill(picture: av.VideoFrame, channels: dict[str, Plane], range_: int) -> None:
    """Write channels into a picture whose format has a layout."""
    layout = layout_of(picture.format.name)
    assert layout is not None
    for channel, numbers in views(picture).items():
        values = channels.get(channel)
        if values is None:  # a grey picture in a format with colour, an opaque one in a format with alpha
            values = np.full(numbers.shape, 1 if channel == "a" else 0, np.float32)
        if channel in "uv":
            values = reduced(values, numbers.shape[0], numbers.shape[1])
        write(numbers, values, *levels(channel, layout, range_), layout)


def levels(channel: str, layout: Layout, range_: int) -> tuple[float, float]:
    """The numbers that stand for 0 and how many more stand for 1."""
    if layout.is_float:
        return 0.0, 1.0
    unit, top = 1 << (layout.bits - 8), (1 << layout.bits) - 1
    if channel in "rgba" or (channel == "y" and range_ == FULL):
        return 0.0, float(top)
    if channel == "y":
        return 16.0 * unit, 219.0 * unit
    return 128.0 * unit, float(top) if range_ == FULL else 224.0 * unit


def write(numbers: NDArray[np.generic], values: Plane, zero: float, span: float, layout: Layout) -> None:
    """Quantise `values` into `numbers`: scale, round, clip."""
    scaled = values * np.float32(span)
    if not layout.is_float:
        scaled += np.float32(zero)
        np.rint(scaled, out=scaled)
        np.clip(scaled, 0, (1 << layout.bits) - 1, out=scaled)
        scaled *= np.float32(1 << layout.shift)
    numbers[...] = scaled


def with_rgb(channels: dict[str, Plane], matrix: int) -> dict[str, Plane]:
    """The same picture as r, g, b (and a)."""
    if "r" in channels:
        return channels
    alpha = {"a": channels["a"]} if "a" in channels else {}
    luma = channels["y"]
    if "u" not in channels:
        return {"r": luma, "g": luma, "b": luma, **alpha}
    red, blue = RED_AND_BLUE[matrix]
    green = 1 - red - blue
    u, v = (enlarged(channels[name], *luma.shape) for name in "uv")
    r = luma + np.float32(2 - 2 * red) * v
    b = luma + np.float32(2 - 2 * blue) * u
    g = luma - np.float32(red * (2 - 2 * red) / green) * v
    g -= np.float32(blue * (2 - 2 * blue) / green) * u
    return {"r": r, "g": g, "b": b, **alpha}


def with_yuv(channels: dict[str, Plane], matrix: int) -> dict[str, Plane]:
    """The same picture as y, u, v (and a), chroma in full size."""
    if "y" in channels:
        return channels
    alpha = {"a": channels["a"]} if "a" in channels else {}
    red, blue = RED_AND_BLUE[matrix]
    r, g, b = channels["r"], channels["g"], channels["b"]
    luma = np.float32(red) * r
    luma += np.float32(1 - red - blue) * g
    luma += np.float32(blue) * b
    u, v = b - luma, r - luma
    u *= np.float32(1 / (2 - 2 * blue))
    v *= np.float32(1 / (2 - 2 * red))
    return {"y": luma, "u": u, "v": v, **alpha}


# Chroma lies on the left of two luma columns and between two luma rows, as MPEG-2, H.264 and HEVC assume:
#
#     luma     o   o   o   o          columns: c[i] at 2i           rows: c[i] between 2i and 2i + 1
#     chroma   x       x


def enlarged(plane: Plane, height: int, width: int) -> Plane:
    """Chroma at the size of luma, linearly interpolated."""
    for rows in sizes_between(plane.shape[0], height):
        above, below = np.concatenate([plane[:1], plane[:-1]]), np.concatenate([plane[1:], plane[-1:]])
        larger = np.empty((2 * plane.shape[0], plane.shape[1]), np.float32)
        larger[0::2] = np.float32(0.75) * plane + np.float32(0.25) * above
        larger[1::2] = np.float32(0.75) * plane + np.float32(0.25) * below
        plane = larger[:rows]
    for columns in sizes_between(plane.shape[1], width):
        right = np.concatenate([plane[:, 1:], plane[:, -1:]], axis=1)
        larger = np.empty((plane.shape[0], 2 * plane.shape[1]), np.float32)
        larger[:, 0::2] = plane
        larger[:, 1::2] = np.float32(0.5) * (plane + right)
        plane = larger[:, :columns]
    return plane


def sizes_between(small: int, large: int) -> list[int]:
    """Lengths on the way from `small` to `large`, each twice the one before or one less; the last is `large`."""
    sizes = [large]
    while -(-sizes[0] // 2) > small:
        sizes.insert(0, -(-sizes[0] // 2))
    return sizes if small < large else []


def reduced(plane: Plane, height: int, width: int) -> Plane:
    """Chroma of `enlarged` size made as small as the format has it; the mean stays."""
    while plane.shape[0] > height:
        even, odd = plane[0::2], plane[1::2]
        if len(odd) < len(even):
            odd = np.concatenate([odd, plane[-1:]])
        plane = np.float32(0.5) * (even + odd)
    while plane.shape[1] > width:
        even, odd = plane[:, 0::2], plane[:, 1::2]
        if odd.shape[1] < even.shape[1]:
            odd = np.concatenate([odd, plane[:, -1:]], axis=1)
        left = np.concatenate([even[:, :1], odd[:, :-1]], axis=1)
        plane = np.float32(0.5) * even + np.float32(0.25) * (left + odd)
    return plane


def to_array(channels: dict[str, Plane], alpha: bool) -> NDArray[np.uint16]:
    """(H, W, 3) or, with `alpha`, (H, W, 4) of r, g, b, a."""
    height, width = channels["r"].shape
    array = np.empty((height, width, 4 if alpha else 3), np.uint16)
    top = np.float32(65535)
    for place, name in enumerate("rgba" if alpha else "rgb"):
        values = channels[name] * top if name in channels else np.full((height, width), top)
        np.rint(values, out=values)
        array[..., place] = np.clip(values, 0, top, out=values)
    return array


def from_array(array: NDArray[np.uint16]) -> dict[str, Plane]:
    """Channels of (H, W, 3 or 4)."""
    scale = np.float32(1 / 65535)
    return {name: array[..., place] * scale for place, name in zip(range(array.shape[2]), "rgba", strict=False)}


def in_model_of(channels: dict[str, Plane], matrix: int, pix_fmt: str, target_matrix: int) -> dict[str, Plane]:
    """`channels` as `pix_fmt` has them; through RGB only where the colour model or the matrix changes."""
    layout = layout_of(readable_format(pix_fmt) or "")
    assert layout is not None
    if layout.is_rgb:
        return with_rgb(channels, matrix)
    if "r" in channels or (matrix != target_matrix and "u" in channels):
        return with_yuv(with_rgb(channels, matrix), target_matrix)
    if "u" in channels and not layout.is_grey:
        return with_chroma_for(channels, layout)
    return channels


def with_chroma_for(channels: dict[str, Plane], layout: Layout) -> dict[str, Plane]:
    """Chroma in full size, unless it has the size of `layout` already."""
    height, width = channels["y"].shape
    wanted = -(-height // (1 << layout.halvings_y)), -(-width // (1 << layout.halvings_x))
    if channels["u"].shape == wanted:
        return channels
    return {**channels, **{name: enlarged(channels[name], height, width) for name in "uv"}}
