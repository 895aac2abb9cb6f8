"""The numbers inside a picture, as arrays that can be read and written, whatever way FFmpeg packs them."""

import re
from dataclasses import dataclass
from functools import cache

import av
import numpy as np
from numpy.typing import NDArray

# Channels in the order in which they lie in the one plane of a packed format; "-" is one that means nothing.
PACKED = {
    "rgb24": "rgb",
    "bgr24": "bgr",
    "rgba": "rgba",
    "bgra": "bgra",
    "argb": "argb",
    "abgr": "abgr",
    "rgb48": "rgb",
    "bgr48": "bgr",
    "rgba64": "rgba",
    "bgra64": "bgra",
    "rgb0": "rgb-",
    "bgr0": "bgr-",
    "0rgb": "-rgb",
    "0bgr": "-bgr",
    "ya8": "ya",
    "ya16": "ya",
}

SEMI_PLANAR = re.compile(r"p([024])(10|12|16)|nv(12|16|24|20)")
"""Luma in one plane, both chroma channels in another; where there are fewer than 16 bits, they are the upper ones."""

PLANAR = re.compile(r"(yuvj?|yuva|gbr|gbra|gray)(\d{3})?p?(f16|f32|8|9|10|12|14|16)?")

REPACKED = {
    "pal8": "rgba",
    "nv21": "nv12",
    "yuyv422": "yuv422p",
    "uyvy422": "yuv422p",
    "y210": "yuv422p10le",
    "y212": "yuv422p12le",
    "y216": "yuv422p16le",
    "xv30": "yuv444p10le",
    "xv36": "yuv444p12le",
    "x2rgb10": "gbrp10le",
    "x2bgr10": "gbrp10le",
    "vuya": "yuva444p",
    "ayuv64": "yuva444p16le",
}
"""Formats whose numbers swscale moves into one that can be looked into, none of them changed."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the numbers of a pixel format lie and what they mean."""

    pix_fmt: str
    channels: str
    """One letter each: r g b, y u v or y alone; a for alpha. In the order in which they lie."""
    planes: tuple[str, ...]
    """The same letters as they share planes: ("y", "uv")."""
    bits: int
    """8 to 16 of whole numbers, 16 or 32 of floats."""
    dtype: np.dtype[np.generic]
    halvings_x: int = 0
    """How often the width of the chroma planes was halved."""
    halvings_y: int = 0
    shift: int = 0
    """Empty bits below each number."""

    @property
    def is_float(self) -> bool:
        return self.dtype.kind == "f"

    @property
    def is_rgb(self) -> bool:
        return "r" in self.channels

    @property
    def is_grey(self) -> bool:
        return not self.is_rgb and "u" not in self.channels


@cache
def layout_of(pix_fmt: str) -> Layout | None:
    """The layout of a format; None for one that cannot be looked into."""
    name = pix_fmt.removesuffix("le").removesuffix("be")
    order = ">" if pix_fmt.endswith("be") else "<"
    bits = bits_of(pix_fmt)
    dtype = np.dtype("u1" if bits == 8 else f"{order}{'f' if is_float(pix_fmt) else 'u'}{bits_in_memory(bits) // 8}")
    if name in PACKED:
        return Layout(pix_fmt, PACKED[name].replace("-", ""), (PACKED[name],), bits, dtype)
    across, down = chroma_halvings(pix_fmt)
    if SEMI_PLANAR.fullmatch(name):
        shift = 16 - bits if name.startswith("p") else 0
        return Layout(pix_fmt, "yuv", ("y", "uv"), bits, dtype, across, down, shift)
    match = PLANAR.fullmatch(name)
    if match is None:
        return None
    family = match[1].rstrip("j")
    channels = {"gray": "y", "yuv": "yuv", "yuva": "yuva", "gbr": "gbr", "gbra": "gbra"}[family]
    return Layout(pix_fmt, channels, tuple(channels), bits, dtype, across, down)


@cache
def chroma_halvings(pix_fmt: str) -> tuple[int, int]:
    """How often the width and the height of chroma were halved."""
    probe = av.VideoFormat(pix_fmt, 64, 64)
    across, down = ((64 // size(64)).bit_length() - 1 for size in (probe.chroma_width, probe.chroma_height))
    return across, down


@cache
def bits_of(pix_fmt: str) -> int:
    """Bits of the deepest channel; 8 for a palette."""
    return max(component.bits for component in av.VideoFormat(pix_fmt).components)


def bits_in_memory(bits: int) -> int:
    return 16 if bits <= 16 else 32


def is_float(pix_fmt: str) -> bool:
    """Whether numbers are floats, which stand for linear light."""
    return "f16" in pix_fmt or "f32" in pix_fmt


@cache
def kind_of_samples(pix_fmt: str) -> tuple[bool, bool, bool]:
    """What decides the type and the channels of arrays: more than 8 bits, transparency, floats."""
    return bits_of(pix_fmt) > 8, has_alpha(pix_fmt), is_float(pix_fmt)


def has_alpha(pix_fmt: str) -> bool:
    """Whether pictures of this format may be transparent; those with a palette are taken to be."""
    return pix_fmt == "pal8" or any(component.is_alpha for component in av.VideoFormat(pix_fmt).components)


def readable_format(pix_fmt: str) -> str | None:
    """`pix_fmt` or the format with the same numbers that has a layout; None where there is none."""
    if layout_of(pix_fmt) is not None:
        return pix_fmt
    return REPACKED.get(pix_fmt.removesuffix("le").removesuffix("be"))


def views(picture: av.VideoFrame) -> dict[str, NDArray[np.generic]]:
    """Every channel of a picture as an array (height, width) of that channel; writing to one writes to the picture."""
    layout = layout_of(picture.format.name)
    assert layout is not None, picture.format.name
    channels = {}
    for names, plane in zip(layout.planes, picture.planes, strict=True):
        values = np.frombuffer(plane, np.uint8)[: plane.height * plane.line_size]  # type: ignore[call-overload]
        rows = values.reshape(plane.height, -1).view(layout.dtype)
        for place, name in enumerate(names):
            if name != "-":
                channels[name] = rows[:, place : plane.width * len(names) : len(names)]
    return channels
