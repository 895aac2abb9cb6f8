"""What a job will make, worked out before anything is decoded, interpolated or written."""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from numbers import Rational
from pathlib import Path
from typing import get_args

from vfi_flow.errors import UsageError
from vfi_flow.media import animations
from vfi_flow.media.chunks import JOINABLE
from vfi_flow.media.container import form_of
from vfi_flow.media.deinterlace import Deinterlace
from vfi_flow.media.encoder import Encoder, EncoderOptions
from vfi_flow.media.encoder_choice import KEEP_CAPTIONS, choose_encoder
from vfi_flow.media.endpoints import Source, Target
from vfi_flow.media.frame import VideoInfo, Window
from vfi_flow.media.pipe import InputPipe
from vfi_flow.media.pixels.samples import has_alpha
from vfi_flow.media.reader import VideoReader, describe
from vfi_flow.media.scene_list import SceneList, read_scene_list
from vfi_flow.media.streams import COVER, Fate, StreamChoice, choose_streams
from vfi_flow.media.timecode import with_retimed
from vfi_flow.media.timing import (
    Division,
    Multiply,
    Resample,
    Slow,
    common_unit,
    frame_count,
    storable_unit,
    unit_with_room,
)
from vfi_flow.media.writer import check_rate, is_quicktime
from vfi_flow.pipeline.output_files import check_chunks, check_output, chunks_of, where_it_leads
from vfi_flow.pipeline.output_frames import CutFill

FASTEST = 100_000
"""Frames per second, or times as many of them: nobody's camera, and more would fill any memory."""

SLOWEST = Fraction(1, 1_000_000)
"""Frames per second; encoders cannot count slower ones."""


@dataclass(frozen=True, slots=True)
class Job:
    """One video to be made from another; everything the user chose but the model."""

    source: Source
    output: Target
    factor: Fraction | None = None
    """Times as many frames; excludes `rate` and `slow`; 2 where none of them is given."""
    rate: Fraction | None = None
    """Frames per second."""
    slow: Fraction | None = None
    """Times as long, at the rate of the source."""
    window: Window = field(default_factory=Window)
    encoder: EncoderOptions = field(default_factory=EncoderOptions)
    audio: bool = True
    find_cuts: bool = True
    scene_list: Path | None = None
    """A list of cuts that is obeyed instead of looking for cuts."""
    cut_fill: CutFill = CutFill.HOLD
    bridge_repeats: bool = True
    """Repeats of a frame are replaced by what lies between it and the next picture."""
    protect: bool = True
    """What lies still on a moving picture keeps the pixels of the source."""
    neighbours: bool = True
    """Motion between two frames need not be even: the frames around them show how it changes."""
    overwrite: bool = False
    resume: bool = False
    """Go on with what an interrupted job has left; start from the beginning where it left nothing."""
    threads: int | None = None
    ignore_errors: bool = False
    """Hold the frame before where the source is damaged or a frame is missing."""
    deinterlace: Deinterlace = Deinterlace.OFF


@dataclass(frozen=True, slots=True)
class Plan:
    job: Job
    info: VideoInfo
    division: Multiply | Resample | Slow
    encoder: Encoder
    unit: Fraction
    """Clock of the result; every planned time is a whole number of it."""
    rate: Fraction
    """Mean frame rate of the result."""
    frames: int | None
    """Expected frames, as far as the source's header tells the truth; None where it does not tell."""
    duration: Fraction | None
    """Length of the result, as expected."""
    streams: tuple[StreamChoice, ...]
    """What becomes of the other streams."""
    tags: tuple[str, ...]
    """Names of the file's tags that the result is made ready for."""
    scenes: SceneList | None
    """The cuts to obey; None where they are looked for, or ignored."""
    notes: tuple[str, ...]
    """Sentences that the user should read before the work starts."""
    chunks: Path | None = None
    """Folder in which parts of the result outlive an interruption; None: it is made in one go."""

    @property
    def looks_for_cuts(self) -> bool:
        return self.job.find_cuts and self.scenes is None

    @property
    def makes_new_frames(self) -> bool:
        return makes_new_frames(self.division)


def make_plan(job: Job, may_write: bool = True) -> Plan:
    """The plan for `job`, or the error that would have ended it: nothing is written, one frame is decoded.

    `may_write` False: only to be looked at, so the result's name need not be free.
    """
    check_job(job)
    job = replace(job, output=where_it_leads(job.output))
    with reader_for(job) as reader:
        if may_write:
            check_output(job.output, job.source, job.overwrite)
        info = reader.info()
        scenes = None if job.scene_list is None else read_scene_list(job.scene_list)
        if scenes is not None:
            scenes.check_fits(info, job.window, job.deinterlace.pictures)
        form = form_of(job.output)
        streams = choose_streams(reader.container, reader.stream, form, job.audio, job.slow or Fraction(1))
        # A cover lies in the list for players, which FFmpeg leaves out for tags of any names.
        has_cover = any(stream.kind == COVER and stream.fate is Fate.COPIED for stream in streams)
        tags = () if has_cover else tuple(reader.container.metadata)
        reader.check_whole()
    division = choose_division(job, info)
    rate = division.rate_from(info.rate)
    if rate < SLOWEST:
        raise UsageError(f"less than a frame in {1 / SLOWEST} seconds is no video")
    info = replace(info, metadata=with_retimed(info.metadata, info.rate, rate, job.window.start))
    encoder = choose_encoder(job.encoder, info, job.output, rate)
    obstacle = why_in_one_go(job, encoder)
    if obstacle and job.resume:
        raise UsageError(f"--resume: {obstacle}, so an interrupted job starts again from the beginning")
    check_rate(job.output, rate)
    chunks = None
    if isinstance(job.output, Path) and not obstacle and makes_new_frames(division):  # without, it takes no time
        chunks = chunks_of(job.output)
        if may_write:
            check_chunks(job.output, job.overwrite, job.resume)
    return Plan(
        job=job,
        info=info,
        division=division,
        encoder=encoder,
        unit=choose_unit(division, info, job.output),
        rate=rate,
        frames=expected_frames(division, info),
        duration=None if info.duration is None else info.duration * division.stretch,
        streams=tuple(streams),
        tags=tags,
        scenes=scenes,
        notes=tuple(notes_on(info, encoder, division)),
        chunks=chunks,
    )


def check_job(job: Job) -> None:
    """UsageError for what no job can be; a program's mistakes too, which types would have told."""
    speeds = [speed for speed in (job.factor, job.rate, job.slow) if speed is not None]
    if len(speeds) > 1:
        raise UsageError("a factor (-x), a rate (-r) and a slow motion (--slow) exclude each other; give one of them")
    for speed in speeds:
        if not isinstance(speed, Rational) or speed <= 0:
            raise UsageError(f"a factor, a rate or a slow motion is a Fraction above 0, got {speed!r}")
        if speed > FASTEST:
            raise UsageError(f"a factor, a rate or a slow motion is at most {FASTEST}")
    for name, place, kinds in (("source", job.source, get_args(Source)), ("output", job.output, get_args(Target))):
        if not isinstance(place, kinds):
            raise UsageError(f"{name} is a {', '.join(kind.__name__ for kind in kinds)}, got {place!r}")


def why_in_one_go(job: Job, encoder: Encoder) -> str | None:
    """Why the result cannot be made in parts that are kept; None where it can."""
    if isinstance(job.source, InputPipe):
        return f"{job.source} cannot be read a second time"
    if not isinstance(job.output, Path):
        return f"{job.output} is not one video file"
    if job.output.suffix.lower() in animations.SUFFIXES:
        return f"{job.output} is an animation, which is made in one go"
    if encoder.codec not in JOINABLE or (encoder.codec == "libvpx-vp9" and has_alpha(encoder.pix_fmt)):
        alpha = " with transparency" if encoder.codec in JOINABLE else ""
        return f"{encoder.codec}{alpha} is not known to make videos that can be joined"
    return None


def reader_for(job: Job) -> VideoReader:
    return VideoReader(job.source, job.window, job.threads, job.ignore_errors, job.deinterlace)


def choose_division(job: Job, info: VideoInfo) -> Multiply | Resample | Slow:
    if job.rate is not None:
        return Resample(Fraction(job.rate), info.first_seconds, job.window.length)
    if job.slow is not None:
        return Slow(Fraction(job.slow))
    return Multiply(Fraction(2 if job.factor is None else job.factor))


def choose_unit(division: Division, info: VideoInfo, output: Target) -> Fraction:
    """The result's clock: the coarsest one on which all times are exact, if its format has room for that."""
    unit = storable_unit(common_unit(division.unit(info.unit), info.first_seconds * division.stretch))
    if not is_quicktime(output):
        return unit
    duration = None if info.duration is None else info.duration * division.stretch
    return unit_with_room(unit, division.rate_from(info.rate), duration)


def makes_new_frames(division: Multiply | Resample | Slow) -> bool:
    return isinstance(division, Resample) or division.factor.numerator != 1


def expected_frames(division: Division, info: VideoInfo) -> int | None:
    if info.frames is None or info.duration is None:
        return None
    return frame_count(division, info.frames, info.duration)


def notes_on(info: VideoInfo, encoder: Encoder, division: Multiply | Resample | Slow) -> list[str]:
    notes = list(encoder.notes)
    if info.colour.assumed:
        name = "BT.709" if info.colour.matrix == 1 else "BT.601"
        notes.append(f"{info.path}: no colour matrix in the file; {name} is assumed and written into the result")
    if info.interlaced:
        notes.append(f"{info.path}: the video is interlaced; it is treated as progressive; see --deinterlace")
    if info.has_captions and encoder.codec not in KEEP_CAPTIONS:
        notes.append(
            f"{info.path}: {encoder.codec} is not known to keep the closed captions; use -c:v libx264 or libx265"
        )
    elif info.has_captions and (isinstance(division, Resample) or division.factor.denominator != 1):
        notes.append(
            f"{info.path}: of the closed captions only those beside frames that stay are kept; use -x 2, 3, ..."
        )
    if info.dynamic_light is not None:
        notes.append(f"{info.path}: {info.dynamic_light} is not kept; players show the result as without it")
    return notes


def describe_plan(plan: Plan) -> str:
    """One line for people: sizes, rates and counts."""
    info = plan.info
    part = "" if plan.job.window == Window() else f", {describe(plan.job.window)}"
    rate = f"{float(info.rate):.6g} -> {float(plan.rate):.6g} frames per second"
    if isinstance(plan.division, Slow):
        rate = f"{float(plan.division.stretch):.6g} times as long at {float(plan.rate):.6g} frames per second"
    count = "number of frames unknown" if plan.frames is None else f"about {info.frames} -> {plan.frames} frames"
    return f"{info.path.name}: {info.width}x{info.height}, {rate}, {count}{part}"
