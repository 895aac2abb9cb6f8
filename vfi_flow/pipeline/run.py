"""One job from the first frame to the proved result under its own name."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from vfi_flow.media.chunks import ChunkFolder
from vfi_flow.media.container import keeps_times
from vfi_flow.media.endpoints import Source
from vfi_flow.media.frame import Window
from vfi_flow.media.images import ImageSequence
from vfi_flow.media.pipe import InputPipe
from vfi_flow.media.pixels.colour import Converter
from vfi_flow.media.pixels.samples import has_alpha, is_float
from vfi_flow.media.reader import VideoReader
from vfi_flow.media.remux import StreamCopier
from vfi_flow.media.scene_list import ListedCuts
from vfi_flow.media.scenes import CutDetector
from vfi_flow.media.timecode import with_retimed
from vfi_flow.media.timing import to_pts
from vfi_flow.media.writer import VideoWriter
from vfi_flow.pipeline.lost_metadata import untold
from vfi_flow.pipeline.output_files import unfinished
from vfi_flow.pipeline.output_frames import ONE_BY_ONE, Calls, Interpolate, OutputFrame, output_frames
from vfi_flow.pipeline.output_lock import alone
from vfi_flow.pipeline.plan import Plan, reader_for
from vfi_flow.pipeline.prefetch import ahead
from vfi_flow.pipeline.report import Report
from vfi_flow.pipeline.result import Written, verify
from vfi_flow.pipeline.resuming import kept_chunks
from vfi_flow.pipeline.source_state import unchanging
from vfi_flow.pipeline.spans import Span, spans, with_neighbours, with_overlays
from vfi_flow.pipeline.stages import PreparedFrame, StageClock, prepare

DECODED_AHEAD = 3
MADE_AHEAD = 3
"""Frames that wait between two stages; with the encoder's own look-ahead this is all that is ever in memory."""


@dataclass(frozen=True, slots=True)
class Progress:
    frames: int
    planned: int | None
    """None: nobody knows."""
    seconds: Fraction
    """Time of the frame that was written last."""
    resumed: int = 0
    """Frames among them that an earlier run made."""

    @classmethod
    def none(cls, planned: int | None) -> "Progress":
        return cls(0, planned, Fraction(0))


@dataclass(slots=True)
class Found:
    """What came up in the source."""

    cuts: list[Fraction] = field(default_factory=list)
    listed: ListedCuts | None = None
    """Where a list says what begins a scene."""
    repeats: int = 0
    overlays: int = 0
    end: Fraction = Fraction(0)
    """Of its last frame."""

    def counted(self, spans: Iterable[Span]) -> Iterator[Span]:
        for span in spans:
            self.repeats += len(span.frames) - 1
            last = span.frames[-1].source
            self.end = last.seconds + last.duration
            yield span

    def watched(self, spans: Iterable[Span]) -> Iterator[Span]:
        for span in spans:
            self.overlays += span.overlay is not None
            yield span

    def warnings(self, plan: Plan) -> list[str]:
        """Of the list of cuts."""
        return self.listed.warnings(plan.job.window == Window()) if self.listed is not None else []


def run(
    plan: Plan,
    interpolate: Interpolate,
    engine: Mapping[str, Any] | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
    calls: Calls = ONE_BY_ONE,
) -> Report:
    """Make what `plan` says. The result appears under its name complete and verified, or not at all.

    Three threads: one decodes and converts, one interpolates, this one encodes and writes. `calls` of `interpolate` at
    the same time have threads of their own. When `stop` says so, what has been made is kept where it can be, for a job
    with `resume`, and KeyboardInterrupt is raised.
    """
    started, clock, found = time.perf_counter(), StageClock(), Found()
    with (
        alone(plan.job.output),
        kept_chunks(plan, engine or {}) as chunks,
        unfinished(plan.job.output, plan.job.overwrite) as partial,
        unchanging(plan.job.source),
    ):
        with (
            reader_for(plan.job) as reader,
            made_frames(plan, reader, interpolate, found, clock, chunks, calls) as frames,
            VideoWriter(partial, plan.info, plan.encoder, plan.unit, plan.rate, chunks, plan.tags) as writer,
            StreamCopier(
                plan.job.source,
                plan.job.window,
                writer,
                plan.streams,
                plan.division.stretch,
                lambda tags: with_retimed(tags, plan.info.rate, plan.rate, plan.job.window.start),
            ) as copier,
        ):
            if isinstance(plan.job.source, InputPipe):
                plan.job.source.forget()
            writer.start()
            keeps = keeps_times(writer.container)
            written = write_all(plan, frames, found, writer, copier, clock, on_progress, stop)
        with clock.during("verify"):
            verify(plan, written, writer, copier)
            lost = untold(plan, copier, partial)
    warnings = [*plan.notes, *reader.warnings, *found.warnings(plan), *copier.warnings]
    warnings += [*uneven_times(plan, written, keeps), *lost]
    resumed = chunks.stored_frames if chunks is not None else 0
    return report_on(plan, found, written, copier, clock, started, resumed, warnings, engine or {})


def report_on(
    plan: Plan,
    found: Found,
    written: Written,
    copier: StreamCopier,
    clock: StageClock,
    started: float,
    resumed: int,
    warnings: list[str],
    engine: Mapping[str, Any],
) -> Report:
    """What was done, in a job that `started` at that time of `time.perf_counter` and ends now."""
    return Report(
        plan=plan,
        frames=dict(written.kinds),
        first_seconds=written.first or Fraction(0),
        end_seconds=written.end,
        cuts=found.cuts,
        repeats=found.repeats,
        overlays=found.overlays,
        kept=copier.copied,
        resumed=resumed,
        stage_seconds=dict(clock.seconds),
        wall_seconds=time.perf_counter() - started,
        warnings=warnings,
        engine=engine,
    )


def uneven_times(plan: Plan, written: Written, keeps_times: bool) -> list[str]:
    """The warning of frames whose times the format of the result has evened, if there are any."""
    if keeps_times or written.drift <= 1 / plan.rate:
        return []
    return [f"{plan.job.output}: the times of unevenly spaced frames are lost in this format; use -r RATE or another"]


@contextmanager
def made_frames(
    plan: Plan,
    reader: VideoReader,
    interpolate: Interpolate,
    found: Found,
    clock: StageClock,
    chunks: ChunkFolder | None = None,
    calls: Calls = ONE_BY_ONE,
) -> Iterator[Iterator[OutputFrame]]:
    """The result's frames; decoding and interpolation each run ahead in a thread. `found` collects what comes up.

    When the block ends, both threads have: nobody decodes from a file that is being closed.
    """
    to_pictures = isinstance(plan.job.output, ImageSequence)
    converter = Converter(plan.info.colour, plan.encoder.pix_fmt, plan.encoder.colour, shares_side_data=to_pictures)
    found.listed = listed_cuts(plan)
    judge = cut_judge(plan, found.listed)

    def is_cut(left: PreparedFrame, right: PreparedFrame) -> bool:
        if not judge(left, right):
            return False
        found.cuts.append(right.source.seconds * plan.division.stretch)
        return True

    decoded = clock.around("decode", reader.frames())
    new_frames = plan.makes_new_frames
    # Repeats are looked for in 8 bits of luma: light beyond white looks the same there, and so does a fading alpha.
    tells_repeats = not is_float(plan.info.pix_fmt) and not has_alpha(plan.encoder.pix_fmt)
    bridges = new_frames and plan.job.bridge_repeats and tells_repeats
    prepared = prepare(
        decoded,
        converter,
        clock,
        with_rgb=new_frames,
        with_small=new_frames and plan.looks_for_cuts,
        with_blocks=bridges,
    )
    with closing(ahead(prepared, DECODED_AHEAD, "decode")) as waiting:
        between = found.counted(spans(waiting, is_cut, bridges))
        if new_frames and plan.job.protect:
            between = found.watched(with_overlays(between, clock, crops=calls.any_size))
        if new_frames and plan.job.neighbours:
            between = with_neighbours(between)
        is_stored = chunks.holds if chunks is not None else lambda frame: False
        fill = plan.job.cut_fill
        made = output_frames(between, plan.division, interpolate, converter, clock, fill, is_stored, calls.at_once)
        with closing(ahead(made, MADE_AHEAD, "interpolate", lambda: stop_reading(plan.job.source))) as frames:
            yield frames


def stop_reading(source: Source) -> None:
    """Let nobody wait for bytes any more."""
    if isinstance(source, InputPipe):
        source.stop()


def listed_cuts(plan: Plan) -> ListedCuts | None:
    if plan.scenes is None or not plan.makes_new_frames:
        return None
    return ListedCuts(plan.scenes, plan.job.window.start, plan.job.deinterlace.pictures)


def cut_judge(plan: Plan, listed: ListedCuts | None) -> Callable[[PreparedFrame, PreparedFrame], bool]:
    """What says of two neighbours whether the second one begins a scene: the list, the detector, or nobody."""
    if not plan.makes_new_frames:
        return lambda left, right: False
    if listed is not None:
        return lambda left, right: listed.is_cut(left.source, right.source)
    detector = CutDetector()
    return lambda left, right: (
        left.small is not None and right.small is not None and detector.is_cut(left.small, right.small)
    )


def write_all(
    plan: Plan,
    frames: Iterator[OutputFrame],
    found: Found,
    writer: VideoWriter,
    copier: StreamCopier,
    clock: StageClock,
    on_progress: Callable[[Progress], None],
    stop: Callable[[], bool],
) -> Written:
    """Encode every frame, the other streams keeping up with it."""
    written, resumed = Written(Counter()), 0

    def end_if_told() -> None:
        if stop():
            with clock.during("encode"):
                writer.keep()
            raise KeyboardInterrupt

    for frame in clock.around("wait for frames", frames):
        with clock.during("encode"):
            writer.write(frame.picture, to_pts(frame.seconds, plan.unit))
        with clock.during("copy"):
            copier.copy_until(frame.seconds)
        written.first = frame.seconds if written.first is None else written.first
        written.last = frame.seconds
        written.drift = max(written.drift, abs(written.last - written.first - written.kinds.total() / plan.rate))
        written.kinds[frame.kind] += 1
        resumed += frame.picture is None
        on_progress(Progress(written.kinds.total(), plan.frames, frame.seconds, resumed))
        end_if_told()
    written.end = plan.division.end(written.last, found.end)
    with clock.during("copy"):
        copier.copy_until(None)
    end_if_told()  # or sound may be missing: FFmpeg drops an interrupt that comes when it asks a pipe for bytes
    with clock.during("encode"):
        writer.finish(to_pts(written.end, plan.unit))
    return written
