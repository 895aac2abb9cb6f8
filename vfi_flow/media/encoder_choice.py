"""Which encoder a result gets, decided before any work is done."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
from av.codec.codec import UnknownCodecError
from av.container import OutputContainer

from vfi_flow.errors import ComponentError, UsageError
from vfi_flow.media import animations
from vfi_flow.media.container import RAW, Y4M, gives_back, open_unwritten
from vfi_flow.media.encoder import LARGEST_RATE_DENOMINATOR, Encoder, EncoderOptions, try_out
from vfi_flow.media.endpoints import Target
from vfi_flow.media.frame import VideoInfo
from vfi_flow.media.images import CODECS, ImageSequence
from vfi_flow.media.pipe import OutputPipe
from vfi_flow.media.pix_fmt import choose_pix_fmt, fits, note_on, traits_of
from vfi_flow.media.pixels.colour import FULL, LIMITED, Colour, colour_in
from vfi_flow.media.pixels.light import HLG, PQ, light_options
from vfi_flow.media.pixels.samples import bits_of, has_alpha, is_float
from vfi_flow.media.raw_video import check_raw

DEFAULT_CODEC, DEFAULT_BITS = "libx264", 10
"""What is used where nothing speaks against it, and the bits that it can store."""

# Near-transparent settings: the new frames shall not be told from the old ones by their compression.
DEFAULT_OPTIONS: dict[str, dict[str, str]] = {
    "libx264": {"crf": "16", "preset": "medium"},
    "libx265": {"crf": "18", "preset": "medium", "a53cc": "1", "x265-params": "log-level=error"},
    "libsvtav1": {"crf": "24", "preset": "8"},
    "mjpeg": {"qmin": "1", "qmax": "1"},
    "tiff": {"compression_algo": "deflate"},
    "exr": {"compression": "zip16"},
    "libwebp": {"quality": "90"},
    "libvpx-vp9": {"crf": "24", "b": "0", "row-mt": "1", "cpu-used": "4"},
}

OF_THE_SOURCE = {
    *("time_base", "aspect", "video_size", "pixel_format", "chroma_sample_location"),
    *("color_range", "colorspace", "color_primaries", "color_trc"),
}
"""Options of FFmpeg's encoders that say what the frames are like."""

KEEP_CAPTIONS = ("libx264", "libx265", "mpeg2video")
"""Encoders that write the closed captions beside a frame (CTA-708) into the stream."""

ALPHA_CODECS = {"mov": "prores_ks", "webm": "libvpx-vp9", "matroska": "ffv1", "avi": "ffv1"}
"""Encoder of transparent video by format; the other formats have none."""

LIMITED_RANGE_ONLY = ("prores", "prores_ks", "prores_aw", "mpeg1video", "mpeg2video")
"""Encoders of formats that have no words for the range, which decoders take for limited."""

USUAL_LOCATION = "left"
"""What every decoder of 4:2:0 assumes where nothing is said."""

RAW_FORMATS = (Y4M, "nut", RAW)

Y4M_CODECS = ("rawvideo", "wrapped_avframe")

PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo")
"""Of libx264 and libx265, which print more than one sentence about any other."""

LOOK_AHEAD = {
    "libx264": dict(zip(PRESETS, (0, 0, 10, 20, 30, 40, 50, 60, 60, 60), strict=True)),
    "libx265": dict(zip(PRESETS, (5, 10, 15, 15, 15, 20, 25, 40, 40, 60), strict=True)),
}
"""Frames that an encoder reads before it packs the first one, by preset."""
LOOK_AHEAD_PIXELS, LEAST_LOOK_AHEAD = 40 * 1920 * 1080, 10
"""Pixels of all these frames, and how few they are of large frames. At 3840x2160, preset medium, x264 takes 1.4 GB
with 40 frames and 0.6 GB with 10, x265 1.5 GB with 20. Four clips at 10 lost 0.01 to 0.8 of 47 dB, and 0.2 to 6 % of
their size."""


EXACT_IN_HALF = 10
"""Bits that a half float holds of light just below 1.0."""


def choose_encoder(options: EncoderOptions, info: VideoInfo, output: Target, rate: Fraction | None = None) -> Encoder:
    """The encoder for `output` at this `rate` (None: that of the source), proved by opening it.

    Nothing is written yet.
    """
    codec = find_codec(options, output, info)
    asked = {k: v for k, v in (("crf", options.crf), ("preset", options.preset)) if v is not None} | {**options.others}
    if own := sorted(OF_THE_SOURCE & options.others.keys()):
        raise UsageError(f"{own[0]} is no option to choose: it is that of the source")
    settings = combined(DEFAULT_OPTIONS.get(codec.name, {}), asked)
    if codec.name in ("libx264", "libx265") and settings["preset"] not in PRESETS:
        raise UsageError(f"{codec.name} has no preset {settings['preset']!r}; it has {', '.join(PRESETS)}")
    pix_fmt = choose_pix_fmt(codec, options.pix_fmt, info, output)
    if options.pix_fmt is None and codec.name == "ffv1" and is_float(pix_fmt):
        pix_fmt = without_floats(info.pix_fmt)
    colour = colour_in(pix_fmt, info.colour, info.height, codec.name == "mjpeg", from_floats=is_float(info.pix_fmt))
    notes = [note_on(codec.name, info, pix_fmt)] if options.pix_fmt is None else []
    if codec.name in LIMITED_RANGE_ONLY and colour.range == FULL:
        colour = replace(colour, range=LIMITED)
        notes.append(f"{codec.name} cannot store full range; the video is converted to limited range")
    settings.update(colour_options(codec.name, settings, colour, pix_fmt))
    settings.update(look_ahead_options(codec.name, settings, info.width * info.height))
    if codec.name == "exr" and bits_of(info.pix_fmt) <= (16 if is_float(info.pix_fmt) else EXACT_IN_HALF):
        settings["format"] = "half"
    if codec.name in ("libx264", "libx265") and isinstance(output, Path) and output.suffix.lower() == ".avi":
        settings["bf"] = "0"  # AVI stores frames in the order of decoding and no times
    if colour.light is not None and not light_options(codec.name, colour.light):
        notes.append(f"{codec.name} cannot store HDR10 metadata; use -c:v libx265 or libsvtav1 to keep it")
    encoder = Encoder(
        codec.name,
        settings,
        pix_fmt,
        colour,
        options.threads,
        tuple(note for note in notes if note is not None),
    )
    try_out(encoder, info, output, asked, (rate or info.rate).limit_denominator(LARGEST_RATE_DENOMINATOR))
    if codec.name == "rawvideo":
        check_raw(output, pix_fmt, info.width, info.height)
    return encoder


def without_floats(pix_fmt: str) -> str:
    """What FFV1 holds of floats: it names formats of them, too, and does not open with these (FFmpeg 8)."""
    if has_alpha(pix_fmt):
        return "gbrap16le"
    return "gray16le" if traits_of(pix_fmt).model == "grey" else "gbrp16le"


def combined(usual: Mapping[str, str], asked: Mapping[str, str]) -> dict[str, str]:
    """The options that were asked for, and of the usual ones what goes with them."""
    settings = dict(usual)
    if {"b", "qp"} & asked.keys():
        for name in ("crf", "qmin", "qmax"):  # or the encoder would aim at these
            settings.pop(name, None)
    for name, value in asked.items():
        is_list = name.endswith("-params") and name in settings
        settings[name] = f"{settings[name]}:{value}" if is_list else value
    return settings


def look_ahead_options(codec: str, settings: dict[str, str], pixels: int) -> dict[str, str]:
    """Of large frames fewer are kept in memory."""
    if codec not in LOOK_AHEAD or "rc-lookahead" in settings or "rc-lookahead=" in settings.get("x265-params", ""):
        return {}
    most = max(LEAST_LOOK_AHEAD, LOOK_AHEAD_PIXELS // pixels)
    if LOOK_AHEAD[codec][settings["preset"]] <= most:
        return {}
    if codec == "libx265":
        return {"x265-params": f"{settings['x265-params']}:rc-lookahead={most}"}
    return {"rc-lookahead": str(most)}


def is_hdr(colour: Colour) -> bool:
    return colour.transfer in (PQ, HLG) or colour.light is not None


def colour_options(codec: str, settings: dict[str, str], colour: Colour, pix_fmt: str) -> dict[str, str]:
    """Options for what a codec's context has no attribute for: HDR10's metadata, the place of chroma."""
    found = {}
    if colour.light is not None:
        for name, value in light_options(codec, colour.light).items():
            found[name] = f"{settings[name]}:{value}" if name in settings else value
    untold = USUAL_LOCATION if codec != "rawvideo" else "center"  # y4m means that where FFmpeg is told nothing
    if colour.chroma_location not in (None, untold) and traits_of(pix_fmt).halvings == (1, 1):
        found["chroma_sample_location"] = str(colour.chroma_location)
    return found


def find_codec(options: EncoderOptions, output: Target, info: VideoInfo) -> av.Codec:
    """The encoder by name, or the first that fits: for transparency, HDR or 12 bits, libx264, its own choice."""
    with open_unwritten(output) as container:
        format_name = container.format.name
        names = [options.codec] if options.codec is not None else default_codecs(container, output, options, info)
        for name in names:
            try:
                codec = av.Codec(name, "w")
            except UnknownCodecError:
                raise ComponentError(
                    f"no encoder named {name!r}; for example libx264, libx265, libsvtav1, ffv1 are there"
                ) from None
            if codec.type != "video":
                raise UsageError(f"{name} encodes {codec.type}, not video")
            if codec.name not in possible_codecs(output, codec.name):  # some muxers refuse them when it is too late
                continue
            if not gives_back(format_name, codec.canonical_name):
                continue
            try:
                container.add_stream(codec.name, rate=25)
            except ValueError:
                continue
            return codec
    raise ComponentError(f"{output}: {format_name} cannot hold {names[-1]} video; use -c:v or another format")


def possible_codecs(output: Target, codec: str) -> tuple[str, ...]:
    """All encoders for formats that hold few; otherwise `codec` may be right."""
    if isinstance(output, ImageSequence):
        return (CODECS[output.suffix],)
    if isinstance(output, Path) and (name := animations.CODECS.get(output.suffix.lower()[1:])):
        return (name,)
    if isinstance(output, OutputPipe) and output.format_name == Y4M:
        return Y4M_CODECS
    return (codec,)


def suits_av1(width: int, height: int) -> bool:
    """Whether SVT-AV1 opens at this size (tried out, version 4.1)."""
    return min(width, height) >= 4 and fits("yuv420p10le", "libsvtav1", width, height)


def default_codecs(container: OutputContainer, output: Target, options: EncoderOptions, info: VideoInfo) -> list[str]:
    """The first of these that fits is used. What goes through a pipe of raw frames stays raw."""
    name = container.format.name
    if isinstance(output, ImageSequence):
        return [CODECS[output.suffix]]
    if name in RAW_FORMATS:
        return ["rawvideo"]
    if name in animations.CODECS:
        return [animations.CODECS[name]]
    if options.pix_fmt is None and has_alpha(info.pix_fmt) and name in ALPHA_CODECS:
        return [ALPHA_CODECS[name]]
    if name == "webm" and options.pix_fmt is None and bits_of(info.pix_fmt) > 8 and suits_av1(info.width, info.height):
        return ["libsvtav1"]  # libvpx is built for 8 bits
    deeper = options.pix_fmt is None and DEFAULT_BITS < bits_of(info.pix_fmt) <= 12  # of 16 bits both lose
    usual = "libx265" if is_hdr(info.colour) or deeper else DEFAULT_CODEC
    return [usual, DEFAULT_CODEC, "libvpx-vp9" if name == "webm" else container.default_video_codec]
