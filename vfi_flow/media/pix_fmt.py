"""Which pixel format a result gets: the source's where the encoder has it, otherwise the one that loses least."""

from dataclasses import dataclass
from functools import cache

import av

from vfi_flow.errors import ComponentError, UsageError
from vfi_flow.media import animations
from vfi_flow.media.container import Y4M
from vfi_flow.media.endpoints import Target
from vfi_flow.media.frame import VideoInfo
from vfi_flow.media.images import PIX_FMTS, ImageSequence
from vfi_flow.media.pipe import OutputPipe
from vfi_flow.media.pixels.samples import bits_of, chroma_halvings, has_alpha, is_float, readable_format

Y4M_PIX_FMTS = (
    *("yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p", "gray"),
    *("yuv420p10le", "yuv422p10le", "yuv444p10le", "gray10le"),
    *("yuv420p12le", "yuv422p12le", "yuv444p12le", "gray12le"),
    *("yuv420p16le", "yuv422p16le", "yuv444p16le", "gray16le"),
)

EVEN_SIZES_ONLY = ("libx264", "libx265", "libsvtav1")
"""Encoders that refuse a size which the chroma planes do not divide."""

UNUSABLE = {"libx265": ("yuva420p", "yuva420p10le"), "libvpx-vp9": ("yuva422p", "yuva444p", "gbrap")}
"""Formats with alpha that an encoder names, but refuses to open with or to give back (tried out, FFmpeg 8)."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What a pixel format can hold."""

    model: str
    """rgb, yuv or grey."""
    alpha: bool
    bits: int
    halvings: tuple[int, int]
    """How often the width and the height of chroma were halved."""


@cache
def traits_of(pix_fmt: str) -> Traits:
    if pix_fmt == "pal8":
        return Traits("rgb", True, 8, (0, 0))
    found = av.VideoFormat(pix_fmt, 64, 64)
    colours = sum(not component.is_alpha for component in found.components)
    model = "rgb" if found.is_rgb else "grey" if colours == 1 else "yuv"
    halvings = chroma_halvings(pix_fmt) if model == "yuv" else (0, 0)
    return Traits(model, has_alpha(pix_fmt), bits_of(pix_fmt), halvings)


def choose_pix_fmt(codec: av.Codec, wanted: str | None, info: VideoInfo, output: Target) -> str:
    """`wanted` or the source's format where the encoder has it, otherwise the one that loses least."""
    supported = supported_formats(codec, output)
    if wanted is not None:
        return checked_pix_fmt(wanted, supported, codec, info)
    if not supported:
        return info.pix_fmt if convertible(info.pix_fmt) else "rgba"
    if info.pix_fmt in supported and fits(info.pix_fmt, codec.name, info.width, info.height):
        return info.pix_fmt
    possible = [name for name in supported if convertible(name) and fits(name, codec.name, info.width, info.height)]
    return min(possible or supported, key=lambda name: loss(info.pix_fmt, name))


def supported_formats(codec: av.Codec, output: Target) -> list[str]:
    """What `output` can hold in this codec, the encoder's favourites first; empty: anything."""
    if isinstance(output, OutputPipe) and output.format_name == Y4M:
        return list(Y4M_PIX_FMTS)
    if isinstance(output, ImageSequence):
        return list(PIX_FMTS[codec.name])
    if codec.name in animations.PIX_FMTS:
        return list(animations.PIX_FMTS[codec.name])
    names = [found.name for found in codec.video_formats or [] if found.components]  # a GPU's own formats have none
    return [name for name in names if name not in (*UNUSABLE.get(codec.name, ()), "pal8")]


def checked_pix_fmt(name: str, supported: list[str], codec: av.Codec, info: VideoInfo) -> str:
    try:
        name = av.VideoFormat(name).name  # ffmpeg's yuv420p10 is yuv420p10le or yuv420p10be by machine
    except ValueError:
        raise UsageError(f"no pixel format named {name!r}; {codec.name} has {', '.join(supported)}") from None
    if supported and name not in supported:
        raise ComponentError(f"{codec.name} has no pixel format {name}; it has {', '.join(supported)}")
    if not convertible(name):
        raise UsageError(f"-pix_fmt {name} is not supported; use a planar format of as many bits")
    if not fits(name, codec.name, info.width, info.height):
        raise UsageError(f"{codec.name} cannot store {info.width}x{info.height} as {name}; use -pix_fmt yuv444p")
    return name


def convertible(pix_fmt: str) -> bool:
    """Whether new frames can be brought into this format."""
    if pix_fmt == "pal8":  # it can be read only
        return False
    return readable_format(pix_fmt) is not None or (bits_of(pix_fmt) <= 8 and not has_alpha(pix_fmt))


def loss(source: str, target: str) -> tuple[int, ...]:
    """What is lost when `source` is stored as `target`, the worst first, and then what is wasted."""
    old, new = traits_of(source), traits_of(target)
    colour_lost = old.model != "grey" and new.model == "grey"
    pairs = list(zip(old.halvings, new.halvings, strict=True)) if old.model != "grey" else []
    return (
        old.alpha and not new.alpha,
        colour_lost,
        sum(max(0, after - before) for before, after in pairs),
        max(0, old.bits - new.bits),
        old.model != new.model,
        new.alpha and not old.alpha,
        max(0, new.bits - old.bits),
        sum(max(0, before - after) for before, after in pairs) if pairs else -sum(new.halvings),
    )


def is_same(source: str, target: str) -> bool:
    """Whether both hold the same numbers, in whatever order; grey in colour planes counts as grey."""
    old, new = traits_of(source), traits_of(target)
    return old == new or (old.model == "grey" and (old.bits, old.alpha) == (new.bits, new.alpha))


def is_same_float(source: str, target: str) -> bool:
    """Whether both are floats of the same channels: OpenEXR stores them as halves where these are enough."""
    old, new = traits_of(source), traits_of(target)
    return is_float(source) and is_float(target) and (old.model, old.alpha) == (new.model, new.alpha)


def note_on(codec: str, info: VideoInfo, pix_fmt: str) -> str | None:
    """The sentence about what the result cannot hold; None where it holds all."""
    if is_same(info.pix_fmt, pix_fmt) or (codec == "exr" and is_same_float(info.pix_fmt, pix_fmt)):
        return None
    if has_alpha(info.pix_fmt) and not has_alpha(pix_fmt):
        return f"{codec} cannot store transparency ({info.pix_fmt}); {pix_fmt} is written without it"
    size = "" if fits(info.pix_fmt, codec, info.width, info.height) else f"{info.width}x{info.height} "
    return f"{codec} cannot store {size}{info.pix_fmt}; {pix_fmt} is written"


def fits(pix_fmt: str, codec: str, width: int, height: int) -> bool:
    """Whether the encoder takes this size in this format."""
    across, down = chroma_halvings(pix_fmt)
    return codec not in EVEN_SIZES_ONLY or (width % 2**across == 0 and height % 2**down == 0)
