"""Options that several commands share: which part of a video, how fast, how encoded."""

import argparse
import os
import re
import sys
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from functools import partial
from io import FileIO
from pathlib import Path

from vfi_flow.cli.option_types import parse_threads
from vfi_flow.errors import UsageError
from vfi_flow.media.container import PIPE_FORMATS, Y4M
from vfi_flow.media.deinterlace import Deinterlace
from vfi_flow.media.encoder import EncoderOptions
from vfi_flow.media.endpoints import Source, Target
from vfi_flow.media.frame import Window
from vfi_flow.media.images import USUAL_RATE, ImageSequence, is_pattern
from vfi_flow.media.pipe import InputPipe, OutputPipe
from vfi_flow.media.spelling import parse_rate, parse_ratio, parse_raw, parse_seconds
from vfi_flow.spelling import parse_count, read_by


def add_time_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("time")
    speed = group.add_mutually_exclusive_group()
    speed.add_argument("-x", "--factor", type=read_by(parse_ratio), help="times as many frames: 2 (default), 2.5, 5/2")
    speed.add_argument("-r", "--rate", type=read_by(parse_rate), help="frames per second: 60, 60000/1001, 59.94, ntsc")
    speed.add_argument(
        "--slow", type=read_by(parse_slow), metavar="N", help="slow motion: N times as long at the same rate"
    )
    group.add_argument(
        "--slow-audio", choices=("stretch", "drop"), default="stretch", help="its sound (default: stretch)"
    )
    add_part_options(group)


def add_part_options(group: argparse._ArgumentGroup) -> None:
    """Which part of a video is meant."""
    group.add_argument("-framerate", type=read_by(parse_rate), help="of pictures or --raw that come in (default: 25)")
    group.add_argument(
        "--raw", metavar="WxH:FORMAT", type=read_by(parse_raw), help="raw frames on standard input: 1920x1080:yuv420p"
    )
    group.add_argument("-ss", metavar="T", type=read_by(parse_seconds), help="start here: seconds or HH:MM:SS.mmm")
    end = group.add_mutually_exclusive_group()
    end.add_argument("-to", metavar="T", type=read_by(parse_seconds), help="stop here")
    end.add_argument("-t", metavar="T", type=read_by(parse_seconds), help="stop after this long")


def add_encoding_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("result")
    group.add_argument("-c:v", dest="codec", metavar="NAME", help="video encoder (default: libx264 where it fits)")
    group.add_argument(
        "-crf", "--crf", metavar="N", type=read_by(parse_crf), help="quality, lower is better (default for libx264: 16)"
    )
    group.add_argument(
        "-b:v", dest="b", metavar="RATE", type=read_by(parse_bits), help="bits a second instead: 5M, 800k"
    )
    group.add_argument("-preset", "--preset", metavar="NAME", help="encoder preset (default for libx264: medium)")
    group.add_argument(
        "-tune", "--tune", metavar="NAME", help="what the encoder is tuned for (libx264: film, animation, grain)"
    )
    group.add_argument("-profile:v", dest="profile", metavar="NAME", help="profile of the encoder (prores_ks: hq)")
    group.add_argument(
        "-g", metavar="N", type=read_by(parse_count), help="frames from one key frame to the next, at most"
    )
    group.add_argument(
        "--encoder-option",
        metavar="NAME=VALUE",
        type=read_by(parse_option),
        action="append",
        default=[],
        help="any other option that FFmpeg has for the encoder (cq=19); may be given several times",
    )
    group.add_argument("-pix_fmt", metavar="NAME", help="pixel format (default: that of the input)")
    group.add_argument("-f", dest="format", choices=PIPE_FORMATS, help="of standard output (default: yuv4mpegpipe)")
    group.add_argument("-an", action="store_true", help="leave the sound out")
    group.add_argument("--threads", type=read_by(parse_threads), metavar="N", help="CPU threads of every stage")
    existing = group.add_mutually_exclusive_group()
    existing.add_argument("-y", "--overwrite", action="store_true", help="replace the output if it exists")
    existing.add_argument("-n", action="store_true", help="never do that (default)")


def read_source(arguments: argparse.Namespace) -> Source:
    """What INPUT means: a file, numbered pictures, or `-` for standard input."""
    text, framerate, raw = arguments.source, arguments.framerate, arguments.raw
    path = Path(text)
    if raw is not None and text != "-":
        raise UsageError(f"--raw is for standard input (-); {text} is a file")
    if is_pattern(path):
        return ImageSequence(path, framerate or USUAL_RATE)
    if framerate is not None and raw is None:
        raise UsageError(f"-framerate is for numbered pictures (frames/%06d.png) and --raw; {text} is not such a name")
    with suppress(OSError):  # a name that is too long is told of where it is opened
        if path.is_fifo():  # as a shell writes <(command)
            return InputPipe(FileIO(path))
    if text != "-":
        return path
    if sys.stdin is None:
        raise UsageError("standard input is closed; pipe a video into it")
    if sys.stdin.isatty():
        raise UsageError("standard input is a terminal; pipe a video into it")
    frames = None if raw is None else replace(raw, rate=framerate or raw.rate)
    return InputPipe(FileIO(sys.stdin.fileno(), closefd=False), frames)


def read_target(text: str, format_name: str | None) -> Target:
    """What OUTPUT means: a file, numbered pictures, or `-` for standard output."""
    if text != "-":
        if format_name is not None:
            raise UsageError(f"-f {format_name} is for standard output (-); a file has the format of its ending")
        return ImageSequence(Path(text)) if is_pattern(Path(text)) else Path(text)
    if sys.stdout is None:
        raise UsageError("standard output is closed; pipe it into another program or a file")
    if sys.stdout.isatty():
        raise UsageError("standard output is a terminal; pipe it into another program or a file")
    return OutputPipe(partial(os.write, sys.stdout.fileno()), format_name or Y4M)


def window_from(arguments: argparse.Namespace) -> Window:
    """The part of the video that the command line describes."""
    start = arguments.ss or Fraction(0)
    return Window(start, arguments.to if arguments.t is None else start + arguments.t)


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("reading")
    group.add_argument(
        "--deinterlace",
        choices=[str(mode) for mode in Deinterlace],
        default=str(Deinterlace.OFF),
        help="auto: frames marked as interlaced, on: all, fields: two frames of each, at twice the rate (default: off)",
    )
    group.add_argument(
        "--ignore-errors",
        action="store_true",
        help="read what a damaged file still holds; repeat the previous frame for missing ones",
    )


def encoder_options_from(arguments: argparse.Namespace) -> EncoderOptions:
    named = {name: getattr(arguments, name) for name in ("b", "tune", "profile", "g")}
    others = {name: str(value) for name, value in named.items() if value is not None} | dict(arguments.encoder_option)
    return EncoderOptions(
        arguments.codec, arguments.crf, arguments.preset, arguments.pix_fmt, arguments.threads, others
    )


def parse_option(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals or not value:
        raise ValueError(f"{text!r} is not an option; write NAME=VALUE (cq=19)")
    return name, value


def parse_bits(text: str) -> str:
    if not re.fullmatch(r"\d+(\.\d+)?[kKMG]?", text) or not float(text.rstrip("kKMG")):
        raise ValueError(f"{text!r} is not a number of bits a second; write 5M or 800k")
    return text


def parse_slow(text: str) -> Fraction:
    if (value := parse_ratio(text)) < 1:
        raise ValueError(f"{text} is below 1; a slow motion takes longer than its source")
    return value


def parse_crf(text: str) -> str:
    """The number as it was written; what range it has is the encoder's business."""
    try:
        float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None
    return text
