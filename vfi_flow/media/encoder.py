"""Which encoder and pixel format a result gets, decided and tried out before any work is done."""

import os
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
from av.codec.codec import UnknownCodecError
from av.video.stream import VideoStream

from vfi_flow.errors import ComponentError, InputError, OutputError, UsageError
from vfi_flow.media.colour import Colour, colour_in
from vfi_flow.media.frame import VideoInfo
from vfi_flow.media.opening import reason

DEFAULT_CODEC = "libx264"

# Near-transparent settings: the new frames shall not be told from the old ones by their compression.
DEFAULT_OPTIONS: dict[str, dict[str, str]] = {
    "libx264": {"crf": "16", "preset": "medium"},
    "libx265": {"crf": "18", "preset": "medium", "x265-params": "log-level=error"},
    "libsvtav1": {"crf": "24", "preset": "8"},
    "libvpx-vp9": {"crf": "24", "b": "0", "row-mt": "1", "cpu-used": "4"},
}

CONTAINERS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".ts")
"""Endings of containers that keep every time stamp; AVI, for one, has none."""

EVEN_SIZES_ONLY = ("libx264", "libx265", "libsvtav1")
"""Encoders that refuse a size which the chroma planes do not divide."""

PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo")
"""Of libx264 and libx265, which print more than one sentence about any other."""

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


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """What the user asked for; None: the default."""

    codec: str | None = None
    crf: str | None = None
    preset: str | None = None
    pix_fmt: str | None = None
    threads: int | None = None


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


def choose_encoder(options: EncoderOptions, info: VideoInfo, output: Path) -> Encoder:
    """The encoder for `output`, proved by opening it; nothing is written yet."""
    codec = find_codec(options, output)
    settings = dict(DEFAULT_OPTIONS.get(codec.name, {}))
    settings.update({k: v for k, v in (("crf", options.crf), ("preset", options.preset)) if v is not None})
    if codec.name in ("libx264", "libx265") and settings["preset"] not in PRESETS:
        raise UsageError(f"{codec.name} has no preset {settings['preset']!r}; it has {', '.join(PRESETS)}")
    pix_fmt = choose_pix_fmt(codec, options, info)
    notes = []
    if pix_fmt != info.pix_fmt and options.pix_fmt is None and STAND_INS.get(info.pix_fmt) != pix_fmt:
        notes.append(f"{codec.name} cannot store {info.width}x{info.height} {info.pix_fmt}; {pix_fmt} is written")
    encoder = Encoder(
        codec.name, settings, pix_fmt, colour_in(pix_fmt, info.colour, info.height), options.threads, tuple(notes)
    )
    try_out(encoder, info, output)
    return encoder


def find_codec(options: EncoderOptions, output: Path) -> av.Codec:
    """The encoder by name, or the first of libx264 and the container's own choice that fits into the container."""
    with open_unwritten(output) as container:
        if options.codec is None:
            names = [DEFAULT_CODEC, "libvpx-vp9" if output.suffix == ".webm" else container.default_video_codec]
        else:
            names = [options.codec]
        for name in names:
            try:
                codec = av.Codec(name, "w")
            except UnknownCodecError:
                raise ComponentError(
                    f"no encoder named {name!r}; for example libx264, libx265, libsvtav1, ffv1 are there"
                ) from None
            if codec.type != "video":
                raise UsageError(f"{name} encodes {codec.type}, not video")
            try:
                container.add_stream(codec.name, rate=25)
            except ValueError:
                continue
            return codec
    raise ComponentError(f"{output}: a {output.suffix} file cannot hold {names[-1]} video; use -c:v or another ending")


def open_unwritten(output: Path, options: dict[str, str] | None = None) -> av.container.OutputContainer:
    """The output container by its file name; no file is made before the first packet."""
    if output.suffix.lower() not in CONTAINERS:
        raise OutputError(f"{output}: videos with the ending {output.suffix!r} are not written; use .mp4, .mkv or .mov")
    return av.open(str(output), "w", container_options=options or {})


def choose_pix_fmt(codec: av.Codec, options: EncoderOptions, info: VideoInfo) -> str:
    """The source's format where the encoder has it, otherwise the nearest that loses nothing."""
    supported = [video_format.name for video_format in codec.video_formats or []]
    if options.pix_fmt is not None:
        return checked_pix_fmt(options.pix_fmt, supported, codec, info)
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
        return ["gbrp", "rgb24", "bgr0", "yuv444p", "yuv422p", "yuv420p"]
    if source.chroma_width(64) < 64 and source.chroma_height(64) < 64:
        return ["yuv420p", "yuv422p", "yuv444p"]
    return ["yuv422p", "yuv444p", "yuv420p"] if source.chroma_width(64) < 64 else ["yuv444p", "yuv422p", "yuv420p"]


def fits(pix_fmt: str, codec: str, width: int, height: int) -> bool:
    """Whether the encoder takes this size in this format."""
    probe = av.VideoFormat(pix_fmt, 64, 64)
    step_x, step_y = 64 // probe.chroma_width(64), 64 // probe.chroma_height(64)
    return codec not in EVEN_SIZES_ONLY or (width % step_x == 0 and height % step_y == 0)


def configure(stream: VideoStream, encoder: Encoder, info: VideoInfo, unit: Fraction) -> None:
    """Everything an encoder is told before it opens: size, clock, colour, shape of the pixels."""
    context = stream.codec_context
    context.width, context.height, context.pix_fmt = info.width, info.height, encoder.pix_fmt
    context.time_base = unit
    if encoder.threads:
        context.thread_count = encoder.threads
    context.colorspace, context.color_range = encoder.colour.matrix, encoder.colour.range
    context.color_primaries, context.color_trc = encoder.colour.primaries, encoder.colour.transfer
    if info.sample_aspect_ratio:
        context.sample_aspect_ratio = info.sample_aspect_ratio
    if encoder.codec == "libsvtav1":
        os.environ.setdefault("SVT_LOG", "1")  # errors only; the library knows no other way to be quiet


def try_out(encoder: Encoder, info: VideoInfo, output: Path) -> None:
    """Open the encoder and forget it; ComponentError where it does not open or does not know an option."""
    what = f"{encoder.codec} ({info.width}x{info.height} {encoder.pix_fmt})"
    with open_unwritten(output) as container:
        stream = container.add_stream(encoder.codec, rate=25, options=dict(encoder.options))
        assert isinstance(stream, VideoStream)
        try:
            configure(stream, encoder, info, Fraction(1, 25))
            stream.codec_context.open()
        except (av.FFmpegError, OSError, ValueError) as error:
            chosen = " ".join(f"-{k} {v}" for k, v in encoder.options.items() if k in ("crf", "preset"))
            raise ComponentError(f"{what} does not open with {chosen or 'its defaults'}: {reason(error)}") from None
        if unknown := sorted(set(stream.codec_context.options) & {"crf", "preset"}):
            raise UsageError(f"{encoder.codec} has no option {' and '.join('-' + name for name in unknown)}")
