"""`vfi-flow probe`: what `interpolate` would make of a video, without making it."""

import argparse
import json
import shutil
from dataclasses import asdict, replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from vfi_flow.cli.job_options import add_job_options, job_from
from vfi_flow.cli.model_options import open_interpolator
from vfi_flow.cli.options import read_source, read_target
from vfi_flow.cli.stdout import check_stdout
from vfi_flow.cli.stops import heard_by
from vfi_flow.media.container import CONTAINERS
from vfi_flow.media.endpoints import Source, Target
from vfi_flow.media.images import ImageSequence
from vfi_flow.media.pipe import InputPipe, OutputPipe
from vfi_flow.media.streams import StreamChoice
from vfi_flow.pipeline.estimate import estimate_bytes, estimate_seconds
from vfi_flow.pipeline.output_files import folder_of
from vfi_flow.pipeline.plan import Plan, make_plan
from vfi_flow.pipeline.report import describe_input, size_text

UNKNOWN_LANGUAGE = "und"

FORMAT_VERSION = 1
"""Rises when a field of the JSON changes its meaning; fields are added, never removed."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "probe",
        usage="%(prog)s [options] INPUT [OUTPUT]",
        help="show what interpolate would make, without making it",
        description="Print the plan for a video: streams, rates, frames, length, disk, time. Nothing is written; a few "
        "test frames are made and encoded, to estimate time and size. All options of interpolate are understood.",
    )
    parser.add_argument("source", metavar="INPUT", help="a video file, or - for standard input")
    parser.add_argument(
        "output", metavar="OUTPUT", nargs="?", help="the file that is planned (default: one like INPUT)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines for people")
    parser.add_argument("--no-trial", action="store_true", help="skip the time, which takes a few test frames")
    add_job_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    check_stdout()
    named = arguments.output is not None
    source = read_source(arguments)
    output = read_target(arguments.output, arguments.format) if named else planned_target(source)
    with heard_by(source):
        plan = make_plan(job_from(arguments, source, output), may_write=named)
    found = as_json(plan, estimate_bytes(plan), free_bytes(output), trial(arguments, plan))
    print(json.dumps(found, indent=2) if arguments.json else as_lines(plan, found))
    return 0


def trial(arguments: argparse.Namespace, plan: Plan) -> dict[str, Any]:
    """What makes the new frames, and about how many seconds it takes for them; empty where it is not tried."""
    if arguments.no_trial or not plan.makes_new_frames:
        return {}
    with open_interpolator(arguments) as interpolator:
        calls = arguments.parallel or interpolator.calls_at_once(plan.info.height, plan.info.width)
        needed = estimate_seconds(plan, interpolator, calls)
        seconds = None if needed is None else round(needed, 1)
        return {"engine": interpolator.engine, "seconds": seconds, "adapt_minutes": arguments.adapt}


def planned_target(source: Source) -> Target:
    """A name beside `source` with its ending where such files are written, otherwise a Matroska file."""
    if isinstance(source, InputPipe):
        return Path("out.mkv")
    if isinstance(source, ImageSequence):
        return replace(source, pattern=source.pattern.with_name(f"{source.pattern.stem}.vfi{source.pattern.suffix}"))
    ending = source.suffix if source.suffix.lower() in CONTAINERS else ".mkv"
    return source.with_name(f"{source.stem}.vfi{ending}")


def free_bytes(output: Target) -> int | None:
    if isinstance(output, OutputPipe):
        return None
    try:
        return shutil.disk_usage(folder_of(output)).free
    except OSError:
        return None


def as_json(plan: Plan, video_bytes: int | None, free: int | None, tried: dict[str, Any]) -> dict[str, Any]:
    """Plain values; times in seconds as numbers, rates exact as "60000/1001"."""
    info, encoder = plan.info, plan.encoder
    return {
        "probe_version": FORMAT_VERSION,
        "input": {
            **describe_input(info),
            "frames": info.frames,
            "duration_seconds": seconds(info.duration),
        },
        "output": {
            "path": str(plan.job.output),
            "codec": encoder.codec,
            "options": encoder.options,
            "pix_fmt": encoder.pix_fmt,
            "rate": str(plan.rate),
            "frames": plan.frames,
            "duration_seconds": seconds(plan.duration),
            "video_bytes": video_bytes,
            "free_bytes": free,
            "engine": tried.get("engine"),
            "model_seconds": tried.get("seconds"),
            "adapt_minutes": tried.get("adapt_minutes"),
        },
        "streams": [asdict(stream) for stream in plan.streams],
        "notes": list(plan.notes),
    }


def seconds(duration: Fraction | None) -> float | None:
    return None if duration is None else round(float(duration), 6)


def as_lines(plan: Plan, found: dict[str, Any]) -> str:
    before, after = found["input"], found["output"]
    options = " ".join(f"-{name} {value}" for name, value in after["options"].items() if name in ("crf", "preset"))
    disk = "unknown" if after["video_bytes"] is None else f"about {size_text(after['video_bytes'])} for the video"
    if after["free_bytes"] is not None:
        disk += f", {size_text(after['free_bytes'])} free"
    lines = [
        f"{before['path']} -> {after['path']}",
        f"video     {before['width']}x{before['height']}, {before['codec']} {before['pix_fmt']} -> "
        f"{after['codec']} {after['pix_fmt']} {options}".rstrip(),
        f"rate      {before['rate']} -> {after['rate']} frames per second",
        "frames    unknown" if plan.frames is None else f"frames    about {before['frames']} -> {after['frames']}",
        *(
            []
            if plan.frames is None
            else [f"duration  {change_of(before['duration_seconds'], after['duration_seconds'])} s"]
        ),
        *(f"stream    {describe_choice(stream)}" for stream in plan.streams),
        f"disk      {disk}",
        *([] if after["engine"] is None else [f"time      {work_of(after)} ({after['engine']})"]),
        *(f"note      {note}" for note in plan.notes),
    ]
    return "\n".join(lines)


def change_of(before: float, after: float) -> str:
    return f"{before:g}" if before == after else f"{before:g} -> {after:g}"


def describe_choice(stream: StreamChoice) -> str:
    language = None if stream.language == UNKNOWN_LANGUAGE else stream.language
    name = ", ".join(filter(None, (stream.codec, language)))
    return f"{stream.kind} ({name}): {stream.fate}" + (f", {stream.reason}" if stream.reason else "")


def work_of(output: dict[str, Any]) -> str:
    seconds, minutes = output["model_seconds"], output["adapt_minutes"]
    span = "unknown" if seconds is None else f"about {timedelta(seconds=max(1, round(seconds)))} for the new frames"
    return span if minutes is None else f"{span}, after {minutes:g} min of fine-tuning"
