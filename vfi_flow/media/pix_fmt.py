"""Which pixel format a result gets: the source's where the encoder has it, otherwise the one that loses least."""

import av

from vfi_flow.errors import ComponentError, InputError, UsageError
from vfi_flow.media.container import Y4M
from vfi_flow.media.endpoints import Target
from vfi_flow.media.frame import VideoInfo
from vfi_flow.media.images import PIX_FMTS, ImageSequence
from vfi_flow.media.pipe import OutputPipe

Y4M_PIX_FMTS = ("yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p", "gray")

EVEN_SIZES_ONLY = ("libx264", "libx265", "libsvtav1")
"""Encoders that refuse a size which the chroma planes do not divide."""

STAND_INS = {
    "yuvj420p": "yuv420p",
    "yuvj422p": "yuv422p",
    "yuvj444p": "yuv444p",
    "nv12": "yuv420p",
    "nv21": "yuv420p",
    "nv16": "yuv422p",
    "yuyv422": "yuv422p",
    "uyvy422": "yuv422p",
    "gray": "yuv420p",
}
"""Formats that hold the same numbers in another order, for encoders that lack the first."""


def choose_pix_fmt(codec: av.Codec, wanted: str | None, info: VideoInfo, output: Target) -> str:
    """`wanted` or the source's format where the encoder has it, otherwise the nearest that loses nothing."""
    supported = [video_format.name for video_format in codec.video_formats or []]
    if isinstance(output, OutputPipe) and output.format_name == Y4M:
        supported = list(Y4M_PIX_FMTS)
    if isinstance(output, ImageSequence):
        supported = list(PIX_FMTS[codec.name])
    if wanted is not None:
        return checked_pix_fmt(wanted, supported, codec, info)
    if not is_eight_bit_opaque(info.pix_fmt):
        raise InputError(
            f"{info.path}: {info.pix_fmt} video is not supported yet (8 bits a channel without transparency are); "
            f"pass -pix_fmt yuv420p to convert it to 8 bits"
        )
    for name in [info.pix_fmt, STAND_INS.get(info.pix_fmt), *nearest(info.pix_fmt)]:
        if name in supported and fits(name, codec.name, info.width, info.height):
            return str(name)
    return supported[0] if supported else info.pix_fmt


def checked_pix_fmt(name: str, supported: list[str], codec: av.Codec, info: VideoInfo) -> str:
    try:
        eight_bit = is_eight_bit_opaque(name)
    except ValueError:
        raise UsageError(f"no pixel format named {name!r}; {codec.name} has {', '.join(supported)}") from None
    if supported and name not in supported:
        raise ComponentError(f"{codec.name} has no pixel format {name}; it has {', '.join(supported)}")
    if not eight_bit:
        raise UsageError(f"-pix_fmt {name} is not supported yet; use a format of 8 bits without transparency")
    if not fits(name, codec.name, info.width, info.height):
        raise UsageError(f"{codec.name} cannot store {info.width}x{info.height} as {name}; use -pix_fmt yuv444p")
    return name


def is_eight_bit_opaque(pix_fmt: str) -> bool:
    components = av.VideoFormat(pix_fmt).components
    return all(c.bits <= 8 and not c.is_alpha for c in components)


def nearest(pix_fmt: str) -> list[str]:
    """Formats to try in this order where an encoder lacks `pix_fmt`; those that keep all of its chroma come first."""
    source = av.VideoFormat(pix_fmt, 64, 64)
    if source.is_rgb:
        return ["gbrp", "rgb24", "bgr0", "yuv444p", "yuvj444p", "yuv422p", "yuv420p"]
    if source.chroma_width(64) < 64 and source.chroma_height(64) < 64:
        return ["yuv420p", "yuvj420p", "yuv422p", "yuv444p"]
    if source.chroma_width(64) < 64:
        return ["yuv422p", "yuvj422p", "yuv444p", "yuv420p"]
    return ["yuv444p", "yuvj444p", "yuv422p", "yuv420p"]


def fits(pix_fmt: str, codec: str, width: int, height: int) -> bool:
    """Whether the encoder takes this size in this format."""
    probe = av.VideoFormat(pix_fmt, 64, 64)
    step_x, step_y = 64 // probe.chroma_width(64), 64 // probe.chroma_height(64)
    return codec not in EVEN_SIZES_ONLY or (width % step_x == 0 and height % step_y == 0)
