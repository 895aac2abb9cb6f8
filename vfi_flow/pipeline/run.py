"""One job from the first frame to the proved result under its own name."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from vfi_flow.errors import InputError, OutputError, VerificationError
from vfi_flow.media.colour import Converter
from vfi_flow.media.reader import VideoReader
from vfi_flow.media.remux import StreamCopier
from vfi_flow.media.scenes import CutDetector
from vfi_flow.media.timing import to_pts
from vfi_flow.media.verify import read_back
from vfi_flow.media.writer import VideoWriter, partial_path
from vfi_flow.pipeline.ahead import ahead
from vfi_flow.pipeline.plan import Plan
from vfi_flow.pipeline.report import Report
from vfi_flow.pipeline.stages import Interpolate, OutputFrame, PreparedFrame, StageClock, output_frames, prepare

DECODED_AHEAD = 3
MADE_AHEAD = 3
"""Frames that wait between two stages; with the encoder's own look-ahead this is all that is ever in memory."""

FORMATS_WITHOUT_NEGATIVE_TIME = (".mkv", ".webm")
"""Where sound starts before 0 (encoder delay), these move all streams so that it starts at 0."""

FORMATS_WITH_OFFSET = (".ts",)
"""The muxer moves the whole clock; the distance between times is checked, not the first time."""


@dataclass(frozen=True, slots=True)
class Progress:
    frames: int
    planned: int
    seconds: Fraction
    """Time of the frame that was written last."""

    @classmethod
    def none(cls, planned: int) -> "Progress":
        return cls(0, planned, Fraction(0))


@dataclass(slots=True)
class Written:
    """What went into the encoder."""

    kinds: Counter[str]
    first: Fraction | None = None
    last: Fraction = Fraction(0)
    end: Fraction = Fraction(0)


def run(
    plan: Plan,
    interpolate: Interpolate,
    engine: Mapping[str, Any] | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Report:
    """Make what `plan` says. The result appears under its name complete and verified, or not at all.

    Three threads: one decodes and converts, one interpolates, this one encodes and writes.
    """
    started, clock = time.perf_counter(), StageClock()
    cuts: list[Fraction] = []
    with unfinished(plan.job.output, plan.job.overwrite) as partial:
        with (
            VideoReader(plan.job.source, plan.job.window, plan.job.threads) as reader,
            made_frames(plan, reader, interpolate, cuts, clock) as frames,
            VideoWriter(partial, plan.info, plan.encoder, plan.unit, plan.rate) as writer,
            StreamCopier(
                plan.job.source, plan.job.window, writer.container, plan.streams, plan.division.stretch
            ) as copier,
        ):
            written = write_all(plan, frames, writer, copier, clock, on_progress)
        with clock.during("verify"):
            verify(plan, written, copier, partial)
    return Report(
        plan=plan,
        frames=dict(written.kinds),
        first_seconds=written.first or Fraction(0),
        end_seconds=written.end,
        cuts=cuts,
        copied=list(copier.copied.values()),
        stage_seconds=dict(clock.seconds),
        wall_seconds=time.perf_counter() - started,
        warnings=[*plan.notes, *reader.warnings, *copier.warnings],
        engine=engine or {},
    )


@contextmanager
def unfinished(output: Path, overwrite: bool) -> Iterator[Path]:
    """Name for the growing result; renamed to `output` when the block ends well, removed when it does not."""
    partial = partial_path(output)
    try:
        yield partial
        if output.exists() and not overwrite:
            raise OutputError(f"{output} was made by somebody else meanwhile; pass --overwrite to replace it")
        try:
            os.replace(partial, output)
        except OSError as error:
            raise OutputError(f"{output}: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def made_frames(
    plan: Plan, reader: VideoReader, interpolate: Interpolate, cuts: list[Fraction], clock: StageClock
) -> Iterator[Iterator[OutputFrame]]:
    """The result's frames; decoding and interpolation each run ahead in a thread. `cuts` collects the cuts' times.

    When the block ends, both threads have: nobody decodes from a file that is being closed.
    """
    converter = Converter(plan.info.colour, plan.encoder.pix_fmt, plan.encoder.colour)
    finds_cuts = plan.job.find_cuts and plan.makes_new_frames
    detector = CutDetector()

    def is_cut(left: PreparedFrame, right: PreparedFrame) -> bool:
        if left.small is None or right.small is None or not detector.is_cut(left.small, right.small):
            return False
        cuts.append(right.source.seconds * plan.division.stretch)
        return True

    decoded = clock.around("decode", reader.frames())
    prepared = prepare(decoded, converter, clock, with_rgb=plan.makes_new_frames, with_small=finds_cuts)
    with closing(ahead(prepared, DECODED_AHEAD, "decode")) as waiting:
        made = output_frames(waiting, plan.division, interpolate, is_cut, converter, clock)
        with closing(ahead(made, MADE_AHEAD, "interpolate")) as frames:
            yield frames


def write_all(
    plan: Plan,
    frames: Iterator[OutputFrame],
    writer: VideoWriter,
    copier: StreamCopier,
    clock: StageClock,
    on_progress: Callable[[Progress], None],
) -> Written:
    """Encode every frame, the other streams keeping up with it."""
    written = Written(Counter())
    for frame in clock.around("wait for frames", frames):
        with clock.during("encode"):
            writer.write(frame.picture, to_pts(frame.seconds, plan.unit))
        with clock.during("copy"):
            copier.copy_until(frame.seconds)
        written.first = frame.seconds if written.first is None else written.first
        written.last, written.end = frame.seconds, plan.division.end(frame.seconds, frame.interval_end)
        written.kinds[frame.kind] += 1
        on_progress(Progress(written.kinds.total(), plan.frames, frame.seconds))
    with clock.during("copy"):
        copier.copy_until(None)
    with clock.during("encode"):
        writer.finish(to_pts(written.end, plan.unit))
    return written


def verify(plan: Plan, written: Written, copier: StreamCopier, finished: Path) -> None:
    """VerificationError where the finished file does not hold what was written into it."""
    try:
        found = read_back(finished)
    except InputError as error:
        raise VerificationError(f"{plan.job.output}: the finished file cannot be read back: {error}") from error
    differences = []
    frames = written.kinds.total()
    if found.frames != frames:
        differences.append(f"{found.frames} frames instead of {frames}")
    if found.first is not None and found.last is not None and written.first is not None:
        moved = clock_shift(plan.job.output, copier, found.first - written.first)
        for name, is_, ought in (("first", found.first, written.first), ("last", found.last, written.last)):
            if abs(is_ - (ought + moved)) > found.tick:
                differences.append(f"the {name} frame at {float(is_):.6f} s instead of {float(ought + moved):.6f} s")
    for kind in ("audio", "subtitle"):
        expected = sum(stream.packets for stream in copier.copied.values() if stream.kind == kind)
        if found.packets.get(kind, 0) != expected:
            differences.append(f"{found.packets.get(kind, 0)} {kind} packets instead of {expected}")
    if differences:
        raise VerificationError(f"{plan.job.output}: the finished file has {'; '.join(differences)}; it was not kept")


def clock_shift(output: Path, copier: StreamCopier, observed: Fraction) -> Fraction:
    """How far the container moved the times of all its streams, of the ways in which it may."""
    suffix = output.suffix.lower()
    if suffix in FORMATS_WITH_OFFSET:
        return observed
    may_move = suffix in FORMATS_WITHOUT_NEGATIVE_TIME and copier.start < 0
    allowed = (Fraction(0), -copier.start) if may_move else (Fraction(0),)
    return min(allowed, key=lambda shift: abs(shift - observed))
