"""All options of a job, which `interpolate` does and `probe` plans, and the job that they describe."""

import argparse
from pathlib import Path

from vfi_flow.cli.adapting import add_adapt_option
from vfi_flow.cli.model_options import add_model_options
from vfi_flow.cli.option_types import parse_threads
from vfi_flow.cli.options import (
    add_encoding_options,
    add_reading_options,
    add_time_options,
    encoder_options_from,
    window_from,
)
from vfi_flow.cli.progress import CHOICES
from vfi_flow.media.deinterlace import Deinterlace
from vfi_flow.media.endpoints import Source, Target
from vfi_flow.pipeline.output_frames import CutFill
from vfi_flow.pipeline.plan import Job
from vfi_flow.spelling import read_by


def add_job_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-i", action="store_true", help="may stand before INPUT, as in ffmpeg's command lines")
    add_time_options(parser)
    add_model_options(parser)
    add_adapt_option(parser)
    add_reading_options(parser)
    add_picture_options(parser)
    add_encoding_options(parser)
    add_running_options(parser)


def add_picture_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is interpolated")
    group.add_argument(
        "--scenes",
        default="auto",
        metavar="auto|off|FILE.json",
        help="cuts: auto (default) finds them, off ignores them, FILE.json is a list from 'vfi-flow scenes'",
    )
    group.add_argument(
        "--cut-fill",
        choices=[str(fill) for fill in CutFill],
        default=str(CutFill.HOLD),
        help="at a cut: hold the last frame (default), or blend to the next one",
    )
    group.add_argument(
        "--dedup",
        choices=("auto", "off"),
        default="auto",
        help="repeated frames: auto (default) replaces them by new ones, off keeps them",
    )
    group.add_argument(
        "--protect",
        choices=("auto", "off"),
        default="auto",
        help="static subtitles, displays and bars over motion keep their pixels (default: auto)",
    )
    group.add_argument(
        "--neighbours",
        choices=("on", "off"),
        default="on",
        help="model acceleration with the frames before and after (default), or off: uniform motion",
    )


def add_running_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("job")
    group.add_argument(
        "--resume",
        action="store_true",
        help="go on with a job that was interrupted, with the same options; without one, start from the beginning",
    )
    group.add_argument(
        "--parallel",
        type=read_by(parse_threads),
        metavar="N",
        help="frame pairs processed at once (default: one per core, at most 1.2 GB)",
    )
    group.add_argument("--progress", choices=CHOICES, default="auto", help="auto: a bar on a terminal")
    group.add_argument("--report", metavar="FILE.json", type=Path, help="write what was done, as JSON")


def job_from(arguments: argparse.Namespace, source: Source, output: Target) -> Job:
    """The job that the command line describes."""
    listed = Path(arguments.scenes) if arguments.scenes not in ("auto", "off") else None
    return Job(
        source=source,
        output=output,
        factor=arguments.factor,
        rate=arguments.rate,
        slow=arguments.slow,
        window=window_from(arguments),
        encoder=encoder_options_from(arguments),
        audio=not arguments.an and (arguments.slow is None or arguments.slow_audio == "stretch"),
        overwrite=arguments.overwrite,
        threads=arguments.threads,
        ignore_errors=arguments.ignore_errors,
        deinterlace=Deinterlace(arguments.deinterlace),
        find_cuts=arguments.scenes == "auto",
        scene_list=listed,
        cut_fill=CutFill(arguments.cut_fill),
        bridge_repeats=arguments.dedup == "auto",
        protect=arguments.protect == "auto",
        neighbours=arguments.neighbours == "on",
        resume=arguments.resume,
    )
