"""What a job will make, worked out before anything is decoded, interpolated or written."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from vfi_flow.errors import UsageError
from vfi_flow.media.container import form_of
from vfi_flow.media.deinterlace import Deinterlace
from vfi_flow.media.encoder import Encoder, EncoderOptions, choose_encoder
from vfi_flow.media.endpoints import Source, Target
from vfi_flow.media.frame import VideoInfo, Window
from vfi_flow.media.images import CODECS, ImageSequence
from vfi_flow.media.pipe import OutputPipe
from vfi_flow.media.reader import VideoReader, describe
from vfi_flow.media.scene_list import SceneList, read_scene_list
from vfi_flow.media.streams import StreamChoice, choose_streams
from vfi_flow.media.timing import Division, Multiply, Resample, Slow, common_unit, frame_count, storable_unit
from vfi_flow.pipeline.making import CutFill
from vfi_flow.pipeline.placing import check_output


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
    overwrite: bool = False
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
    scenes: SceneList | None
    """The cuts to obey; None where they are looked for, or ignored."""
    notes: tuple[str, ...]
    """Sentences that the user should read before the work starts."""

    @property
    def looks_for_cuts(self) -> bool:
        return self.job.find_cuts and self.scenes is None

    @property
    def makes_new_frames(self) -> bool:
        return isinstance(self.division, Resample) or self.division.factor.numerator != 1


def make_plan(job: Job, may_write: bool = True) -> Plan:
    """The plan for `job`, or the error that would have ended it: nothing is written, one frame is decoded.

    `may_write` False: only to be looked at, so the result's name need not be free.
    """
    if [job.factor, job.rate, job.slow].count(None) < 2:
        raise UsageError("a factor (-x), a rate (-r) and a slow motion (--slow) exclude each other; give one of them")
    with reader_for(job) as reader:
        if may_write:
            check_output(job.output, job.source, job.overwrite)
        info = reader.info()
        scenes = None if job.scene_list is None else read_scene_list(job.scene_list)
        if scenes is not None:
            scenes.check_fits(info, job.window)
        form = form_of(job.output)
        streams = choose_streams(reader.container, reader.stream, form, job.audio, job.slow or Fraction(1))
        reader.check_whole()
    division = choose_division(job, info)
    encoder = choose_encoder(job.encoder, info, job.output)
    return Plan(
        job=job,
        info=info,
        division=division,
        encoder=encoder,
        unit=storable_unit(common_unit(division.unit(info.unit), info.first_seconds * division.stretch)),
        rate=division.rate_from(info.rate),
        frames=expected_frames(division, info),
        duration=None if info.duration is None else info.duration * division.stretch,
        streams=tuple(streams),
        scenes=scenes,
        notes=tuple(notes_on(info, encoder, job.output)),
    )


def reader_for(job: Job) -> VideoReader:
    return VideoReader(job.source, job.window, job.threads, job.ignore_errors, job.deinterlace)


def choose_division(job: Job, info: VideoInfo) -> Multiply | Resample | Slow:
    if job.rate is not None:
        return Resample(job.rate, info.first_seconds)
    if job.slow is not None:
        return Slow(job.slow)
    return Multiply(job.factor or Fraction(2))


def expected_frames(division: Division, info: VideoInfo) -> int | None:
    if info.frames is None or info.duration is None:
        return None
    return frame_count(division, info.frames, info.duration)


def notes_on(info: VideoInfo, encoder: Encoder, output: Target) -> list[str]:
    notes = list(encoder.notes)
    if info.colour.assumed:
        name = "BT.709" if info.colour.matrix == 1 else "BT.601"
        notes.append(f"{info.path}: no colour matrix in the file; {name} is assumed and written into the result")
    if info.display_matrix and not keeps_rotation(output, info.path):
        notes.append(f"{output}: this format cannot say that the picture is turned; it is written as it is stored")
    if info.interlaced:
        notes.append(f"{info.path}: the video is interlaced; it is treated as progressive; see --deinterlace")
    return notes


def keeps_rotation(output: Target, source: Source) -> bool:
    """Whether FFmpeg's muxers and picture encoders write down that the picture is turned (tried out, FFmpeg 8)."""
    match output:
        case OutputPipe():
            return output.format_name == "matroska"
        case ImageSequence():
            codec = CODECS.get(output.suffix)
            return codec == "tiff" or (codec == "png" and isinstance(source, ImageSequence))
        case Path():
            return output.suffix.lower() != ".ts"


def describe_plan(plan: Plan) -> str:
    """One line for people: sizes, rates and counts."""
    info = plan.info
    part = "" if plan.job.window == Window() else f", {describe(plan.job.window)}"
    count = "number of frames unknown" if plan.frames is None else f"about {info.frames} -> {plan.frames} frames"
    return (
        f"{info.path.name}: {info.width}x{info.height}, {float(info.rate):.6g} -> {float(plan.rate):.6g} "
        f"frames per second, {count}{part}"
    )
