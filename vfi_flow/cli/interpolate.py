"""`vfi-flow interpolate`: one video in, one video with more frames out."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NoReturn

from vfi_flow.cli.adapting import adapted_model, add_adapt_option
from vfi_flow.cli.model_options import add_model_options, open_interpolator
from vfi_flow.cli.option_types import parse_threads, read_by
from vfi_flow.cli.options import (
    add_encoding_options,
    add_reading_options,
    add_time_options,
    job_from,
    read_source,
    read_target,
)
from vfi_flow.cli.progress import CHOICES, FOR_PEOPLE, progress_display
from vfi_flow.cli.stderr import say
from vfi_flow.cli.stdout import own_stdout
from vfi_flow.cli.stops import heard_by, stop_on_signal, stops_as_interrupts
from vfi_flow.media.endpoints import Source, Target
from vfi_flow.media.pipe import OutputPipe
from vfi_flow.media.streams import STRETCHED, Fate
from vfi_flow.pipeline.output_frames import ONE_BY_ONE, Calls, CutFill, Interpolate
from vfi_flow.pipeline.plan import Job, Plan, describe_plan, make_plan
from vfi_flow.pipeline.report import Report, check_place, describe_result, write_report
from vfi_flow.pipeline.run import run as run_job

EXAMPLES = """examples:
  vfi-flow interpolate in.mp4 out.mp4                    twice as many frames
  vfi-flow interpolate in.mkv out.mkv -r 60000/1001      to a rate
  vfi-flow interpolate in.mp4 out.mp4 --slow 4           four times as long, at the same rate
  ffmpeg -i in.mkv -f yuv4mpegpipe - | vfi-flow interpolate - - | ffmpeg -i - out.mkv
  vfi-flow interpolate in/%06d.png out/%06d.png -framerate 24
  vfi-flow interpolate in.mp4 out.mp4 -ss 1:00 -t 10     ten seconds of it
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "interpolate",
        usage="%(prog)s [options] INPUT OUTPUT",
        help="make a video with more frames",
        description="Make the frames between the frames of a video; everything else in the file is kept.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="INPUT", help="a video file, pictures (%%06d.png), - for standard input")
    parser.add_argument(
        "output",
        metavar="OUTPUT",
        help="the new file (.mp4, .mkv, .mov, .webm, .ts, .avi, .gif, .apng, .webp), pictures, -",
    )
    parser.add_argument("-i", action="store_true", help="may stand before INPUT, as in ffmpeg's command lines")
    add_time_options(parser)
    add_model_options(parser)
    add_adapt_option(parser)
    add_reading_options(parser)
    add_picture_options(parser)
    add_encoding_options(parser)
    add_job_options(parser)
    parser.set_defaults(run=run)


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


def picture_job(arguments: argparse.Namespace, job: Job) -> Job:
    """`job` with what the command line says about cuts, repeats, overlays and resuming."""
    listed = Path(arguments.scenes) if arguments.scenes not in ("auto", "off") else None
    return replace(
        job,
        find_cuts=arguments.scenes == "auto",
        scene_list=listed,
        cut_fill=CutFill(arguments.cut_fill),
        bridge_repeats=arguments.dedup == "auto",
        protect=arguments.protect == "auto",
        neighbours=arguments.neighbours == "on",
        resume=arguments.resume,
    )


def add_job_options(parser: argparse.ArgumentParser) -> None:
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


def run(arguments: argparse.Namespace) -> int:
    source, output = read_source(arguments), read_target(arguments.output, arguments.format)
    if not isinstance(output, OutputPipe):
        return run_to(arguments, source, output)
    with own_stdout() as descriptor:
        return run_to(arguments, source, OutputPipe(partial(os.write, descriptor), output.format_name))


def run_to(arguments: argparse.Namespace, source: Source, output: Target) -> int:
    job = picture_job(arguments, job_from(arguments, source, output))
    if arguments.report is not None:
        check_place(arguments.report, job)
    with stops_as_interrupts():
        with heard_by(source):
            plan = make_plan(job)
        report = run_plan(arguments, plan)
    tell(report)
    if arguments.progress in FOR_PEOPLE:
        say(describe_result(report))
    if arguments.report is not None:
        write_report(report, arguments.report)
    return 0


def run_plan(arguments: argparse.Namespace, plan: Plan) -> Report:
    for note in plan.notes:
        say(note)
    with interpolator_for(arguments, plan) as (interpolate, engine, calls):
        if arguments.progress in FOR_PEOPLE:
            say(describe_plan(plan))
        with (
            progress_display(arguments.progress, plan.info.path.name, plan.frames) as show,
            stop_on_signal(plan) as stop,
        ):
            return run_job(plan, interpolate, engine, show, stop, calls)


@contextmanager
def interpolator_for(
    arguments: argparse.Namespace, plan: Plan
) -> Iterator[tuple[Interpolate, dict[str, object], Calls]]:
    """What makes the new frames, what the report says of it, and how it is called.

    Nothing is loaded where there are none to make.
    """
    if not plan.makes_new_frames:
        yield no_frames, {}, ONE_BY_ONE
        return
    model, record = None, {}
    if arguments.adapt is not None:
        adapted = adapted_model(arguments, plan)
        say(adapted.sentence)
        model, record = adapted.model, {"adapted": adapted.record}
    with open_interpolator(arguments, model) as interpolator:
        engine = {
            "name": interpolator.model_name,
            "hash": interpolator.model_hash,
            "engine": interpolator.engine,
            "steps": arguments.steps,
            "strength": interpolator.strength,
            "seed": arguments.seed,
            "tile": interpolator.tile_side(plan.info.height, plan.info.width) or "off",
            "scale": interpolator.scale,
        }
        at_once = arguments.parallel or interpolator.calls_at_once(plan.info.height, plan.info.width)
        yield interpolator, {**engine, **record}, Calls(at_once, interpolator.any_size)


def no_frames(frame0: object, frame1: object, taus: object, **others: object) -> NoReturn:
    raise AssertionError("asked for frames of a job that makes none")


def tell(report: Report) -> None:
    """One line for every stream that was left behind and every warning that came up on the way."""
    for stream in report.plan.streams:
        if stream.fate is Fate.DROPPED:
            say(f"{report.plan.job.source}: {stream.kind} stream ({stream.codec}) left out: {stream.reason}")
        elif stream.encoder and stream.reason != STRETCHED:
            kind = f"{stream.kind} stream ({stream.codec})"
            say(f"{report.plan.job.source}: {kind} becomes {stream.encoder}: {stream.reason}")
    for warning in report.warnings[len(report.plan.notes) :]:
        say(warning)
