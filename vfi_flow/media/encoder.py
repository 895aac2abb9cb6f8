"""An encoder with its options: how it is told what it will get, and whether it works."""

import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction

import av
from av.video.stream import VideoStream

from vfi_flow.errors import ComponentError, UsageError
from vfi_flow.media.container import open_unwritten
from vfi_flow.media.endpoints import Target
from vfi_flow.media.frame import VideoInfo
from vfi_flow.media.opening import reason
from vfi_flow.media.pixels.colour import Colour
from vfi_flow.media.scheduling import ordinary_priority
from vfi_flow.media.timing import NTSC

HARDWARE = {
    "_nvenc": "an NVIDIA GPU with its driver",
    "_qsv": "an Intel GPU with its driver",
    "_amf": "an AMD GPU with its driver",
    "_vaapi": "a GPU with a VA-API driver",
    "_v4l2m2m": "a V4L2 encoder device",
    "_videotoolbox": "a Mac",
    "_mf": "Windows' Media Foundation",
}
"""What encoders outside the CPU need, by the end of their names."""

LARGEST_RATE_DENOMINATOR = 1_000_000

USUAL_RATES = (*map(Fraction, (24, 25, 30, 50, 60)), *(n * NTSC for n in (24, 30, 60)))
"""Those of MPEG-1 and MPEG-2, whose encoders know no other."""


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """What the user asked for; None: the default."""

    codec: str | None = None
    crf: str | None = None
    preset: str | None = None
    pix_fmt: str | None = None
    threads: int | None = None
    others: Mapping[str, str] = field(default_factory=dict)
    """Any other options by FFmpeg's names, such as `tune` or `b`, the bits a second."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """A choice that was opened once and works."""

    codec: str
    options: dict[str, str]
    pix_fmt: str
    colour: Colour
    threads: int | None = None
    notes: tuple[str, ...] = field(default=())
    """Sentences about what had to be changed."""


def configure(stream: VideoStream, encoder: Encoder, info: VideoInfo, unit: Fraction) -> None:
    """Everything an encoder is told before it opens: size, clock, colour, shape of the pixels."""
    context = stream.codec_context
    context.width, context.height = info.width, info.height
    context.pix_fmt = "pal8" if encoder.codec == "gif" else encoder.pix_fmt  # a `Palette` stands before it
    context.time_base = unit
    if encoder.threads:
        context.thread_count = encoder.threads
    context.colorspace, context.color_range = encoder.colour.matrix, encoder.colour.range
    context.color_primaries, context.color_trc = encoder.colour.primaries, encoder.colour.transfer
    if info.sample_aspect_ratio:
        context.sample_aspect_ratio = info.sample_aspect_ratio
    if encoder.codec == "libsvtav1":
        os.environ.setdefault("SVT_LOG", "1")  # errors only; the library knows no other way to be quiet


def try_out(encoder: Encoder, info: VideoInfo, output: Target, asked: Collection[str], rate: Fraction) -> None:
    """Open the encoder and forget it; ComponentError where it does not open or does not know an option `asked` for."""
    what = f"{encoder.codec} ({info.width}x{info.height} {encoder.pix_fmt})"
    try:
        unknown = opened(encoder, info, output, rate) & {*asked}
    except (av.FFmpegError, OSError, ValueError) as error:
        chosen = " ".join(f"-{k} {v}" for k, v in encoder.options.items() if k in {"crf", "preset", *asked})
        plain = replace(encoder, options={k: v for k, v in encoder.options.items() if k not in asked})
        if asked and opens(plain, info, output, rate):
            raise UsageError(f"{what} does not open with {chosen}: {reason(error)}") from None
        if (other := other_rate(encoder, info, output, rate)) is not None:
            raise UsageError(
                f"{encoder.codec} cannot count {rate} frames per second; use -r {other} or another -c:v"
            ) from None
        if device := next((name for part, name in HARDWARE.items() if encoder.codec.endswith(part)), None):
            raise ComponentError(
                f"{encoder.codec} needs {device}, and none was found ({reason(error)}); use libx264 or libx265"
            ) from None
        raise ComponentError(f"{what} does not open with {chosen or 'its defaults'}: {reason(error)}") from None
    if unknown:
        raise UsageError(f"{encoder.codec} has no option {' and '.join('-' + name for name in sorted(unknown))}")


def opened(encoder: Encoder, info: VideoInfo, output: Target, rate: Fraction) -> set[str]:
    """Names of the options that the encoder did not know when it was opened; an error where it does not open."""
    with open_unwritten(output) as container:
        stream = container.add_stream(encoder.codec, rate=rate, options=dict(encoder.options))
        assert isinstance(stream, VideoStream)
        configure(stream, encoder, info, 1 / rate)
        with ordinary_priority():
            stream.codec_context.open()
        return set(stream.codec_context.options)


def other_rate(encoder: Encoder, info: VideoInfo, output: Target, rate: Fraction) -> Fraction | None:
    """The usual rate next to this one at which the encoder opens; None where it opens at none."""
    for other in sorted({Fraction(max(1, round(rate))), *USUAL_RATES} - {rate}, key=lambda usual: abs(usual - rate)):
        if opens(encoder, info, output, other):
            return other
    return None


def opens(encoder: Encoder, info: VideoInfo, output: Target, rate: Fraction) -> bool:
    with suppress(av.FFmpegError, OSError, ValueError):
        opened(encoder, info, output, rate)
        return True
    return False
