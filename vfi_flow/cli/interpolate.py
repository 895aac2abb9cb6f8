"""`vfi-flow interpolate`: one video in, one video with more frames out."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import NoReturn

from vfi_flow.cli.adapting import adapted_model
from vfi_flow.cli.job_options import add_job_options, job_from
from vfi_flow.cli.model_options import open_interpolator
from vfi_flow.cli.options import read_source, read_target
from vfi_flow.cli.progress import FOR_PEOPLE, progress_display
from vfi_flow.cli.stderr import say
from vfi_flow.cli.stdout import own_stdout
from vfi_flow.cli.stops import heard_by, stop_on_signal, stops_as_interrupts
from vfi_flow.media.endpoints import Source, Target
from vfi_flow.media.pipe import OutputPipe
from vfi_flow.media.streams import STRETCHED, Fate
from vfi_flow.pipeline.output_frames import ONE_BY_ONE, Calls, Interpolate
from vfi_flow.pipeline.plan import Plan, describe_plan, make_plan
from vfi_flow.pipeline.report import Report, check_place, describe_result, write_report
from vfi_flow.pipeline.run import run as run_job

EXAMPLES = """examples:
  vfi-flow interpolate in.mp4 out.mp4                    twice as many frames
  vfi-flow interpolate in.mkv out.mkv -r 60000/1001      to a rate
  vfi-flow interpolate in.mp4 out.mp4 --slow 4           four times as long
  ffmpeg -i in.mkv -f yuv4mpegpipe - |
    vfi-flow interpolate - - | ffmpeg -i - out.mkv
  vfi-flow interpolate in/%06d.png out/%06d.png -framerate 24
  vfi-flow interpolate in.mp4 out.mp4 -ss 1:00 -t 10     ten seconds of it
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "interpolate",
        usage="%(prog)s [options] INPUT OUTPUT",
        help="make a video with more frames",
        description="Make the frames between the frames of a video; all else in the file is kept.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="INPUT", help="a video file, pictures (%%06d.png), - for standard input")
    parser.add_argument(
        "output",
        metavar="OUTPUT",
        help="the new file (.mp4, .mkv, .mov, .webm, .ts, .avi, .gif, .apng, .webp), pictures, -",
    )
    add_job_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    source, output = read_source(arguments), read_target(arguments.output, arguments.format)
    if not isinstance(output, OutputPipe):
        return run_to(arguments, source, output)
    with own_stdout() as descriptor:
        return run_to(arguments, source, OutputPipe(partial(os.write, descriptor), output.format_name))


def run_to(arguments: argparse.Namespace, source: Source, output: Target) -> int:
    job = job_from(arguments, source, output)
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
