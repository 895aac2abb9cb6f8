"""What a result does not tell of its source, because its format has no words for it and its muxer kept quiet."""

import io
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition, Stream

from vfi_flow.errors import VfiFlowError
from vfi_flow.media import timecode
from vfi_flow.media.encoder import Encoder
from vfi_flow.media.encoder_choice import USUAL_LOCATION
from vfi_flow.media.endpoints import Target
from vfi_flow.media.frame import VideoInfo, Window
from vfi_flow.media.images import ImageSequence
from vfi_flow.media.pipe import InputPipe, OutputPipe
from vfi_flow.media.pix_fmt import traits_of
from vfi_flow.media.pixels.colour import BT601, Colour, Converter
from vfi_flow.media.reader import VideoReader
from vfi_flow.media.remux import CopiedStream, StreamCopier
from vfi_flow.media.tags import QUICKTIME_LANGUAGES, lasting_tags, roles_of
from vfi_flow.media.writer import VideoWriter
from vfi_flow.pipeline.plan import Plan

USUAL_PRIMARIES, USUAL_TRANSFERS = (1, 2, 5, 6), (1, 2, 4, 5, 6, 13)
"""Those of ordinary video, unspecified among them, by the codes of H.273: players take one for another."""

PIXEL_SHAPE_TOLERANCE = 0.01
"""A GIF stores the shape of its pixels in 64ths."""

IMMERSIVE_WORDS = {
    "Spherical Mapping": "that it is a 360 degree video",
    "Stereo 3D": "that it has an image for each eye",
}

UNIMPORTANT_TAGS = ("creation_time", "encoder", "handler_name", "language", "alpha_mode", "stereo_mode")
"""Said elsewhere, or about the file and not about what it shows."""


def untold(plan: Plan, copier: StreamCopier, result: Target) -> list[str]:
    """A sentence about what `result`, complete under this name, does not tell; none where it tells all."""
    return untold_in_pipe(plan, result) if isinstance(result, OutputPipe) else untold_in_file(plan, copier, result)


def untold_in_file(plan: Plan, copier: StreamCopier, finished: Path | ImageSequence) -> list[str]:
    """The same of a file, read back. Of pictures nobody expects to hold more than the picture."""
    with suppress(VfiFlowError, av.FFmpegError), VideoReader(finished, Window()) as reader:
        found = reader.info()
        lost = [*of_picture(plan.info, plan.encoder, found)]
        if len(reader.container.chapters()) < copier.chapters:
            lost.append("the chapters")
        if isinstance(finished, ImageSequence):
            return sentence(str(plan.job.output), lost)
        others = [stream for stream in reader.container.streams if stream is not reader.stream]
        if languages(stream for stream in copier.copied.values() if stream.kind != "data") - languages(others):
            lost.append("the languages")
        if titles(stream.title for stream in copier.copied.values()) - titles(map(title_of, others)):
            lost.append("the titles of sound and text")
        lost += of_roles((stream.roles for stream in copier.copied.values()), map(roles_of, others))
        lost += of_tags(copier.tags, tags_of(reader.container), "the tag")
        wanted, kept = (lasting_tags(tags, "") for tags in (plan.info.metadata, found.metadata))
        lost += of_tags(wanted, kept, "the video's tag")
        return sentence(str(plan.job.output), lost)
    return []


def untold_in_pipe(plan: Plan, sent: OutputPipe) -> list[str]:
    """The same of what was sent, found with one frame in memory."""
    black = Converter(plan.info.colour, plan.encoder.pix_fmt, plan.encoder.colour).from_rgb(
        np.zeros((plan.info.height, plan.info.width, 3), np.uint8)
    )
    buffer = io.BytesIO()
    pipe = OutputPipe(buffer.write, sent.format_name)
    with suppress(VfiFlowError, av.FFmpegError):
        with VideoWriter(pipe, plan.info, plan.encoder, plan.unit, plan.rate) as writer:
            writer.start()
            writer.write(black, 0)
            writer.finish(1)
        buffer.seek(0)
        with VideoReader(InputPipe(buffer), Window()) as reader:
            lost = [*of_picture(plan.info, plan.encoder, reader.info())]
        return sentence(str(sent), lost, "" if sent.format_name == "matroska" else "; -f matroska does")
    return []


def of_picture(source: VideoInfo, encoder: Encoder, found: VideoInfo) -> Iterator[str]:
    if source.display_matrix and not found.display_matrix:
        yield "that the picture is turned"
    wanted, is_ = source.sample_aspect_ratio or Fraction(1), found.sample_aspect_ratio or Fraction(1)
    if abs(is_ / wanted - 1) > PIXEL_SHAPE_TOLERANCE:
        yield f"the shape of the pixels ({wanted.numerator}:{wanted.denominator}; .mp4 does)"
    yield from (IMMERSIVE_WORDS[name] for name in source.immersive if name not in found.immersive)
    traits = traits_of(encoder.pix_fmt)
    yield from of_colour(encoder.colour, found.colour, traits.model == "yuv")
    place = encoder.colour.chroma_location
    if traits.halvings == (1, 1) and place not in (None, USUAL_LOCATION, found.colour.chroma_location):
        yield f"where chroma lies ({place})"


def of_colour(wanted: Colour, found: Colour, has_matrix: bool) -> Iterator[str]:
    if has_matrix and wanted.matrix != found.matrix and not {wanted.matrix, found.matrix} <= {*BT601}:
        yield "the colour matrix"
    if wanted.range != found.range:
        yield "the range of values"
    if wanted.primaries not in USUAL_PRIMARIES and wanted.primaries != found.primaries:
        yield "the colour primaries"
    if wanted.transfer not in USUAL_TRANSFERS and wanted.transfer != found.transfer:
        yield "the transfer curve"


def languages(streams: Iterable[CopiedStream | Stream]) -> Counter[str]:
    """How often each is spoken or written, whichever of its codes in ISO 639-2 is used."""
    known = [language for stream in streams if (language := stream.language) and language != "und"]
    return Counter(QUICKTIME_LANGUAGES.get(language, language) for language in known)


def title_of(stream: Stream) -> str | None:
    return lasting_tags(stream.metadata, "").get("title")


def titles(streams: Iterable[str | None]) -> Counter[str]:
    """How often each is there."""
    return Counter(title for title in streams if title)


def of_roles(wanted: Iterable[Disposition], found: Iterable[Disposition]) -> Iterator[str]:
    lost = Counter(role.name for roles in wanted for role in roles)
    lost -= Counter(role.name for roles in found for role in roles)
    if lost:
        yield f"what tracks are meant for ({', '.join(sorted(map(str, lost)))})"


def tags_of(container: InputContainer) -> dict[str, str]:
    """Of the file, and a time code that is a track or a tag of one."""
    beside = (pair for stream in container.streams for pair in stream.metadata.items())
    return {**container.metadata, **{key: value for key, value in beside if key.lower() == timecode.TAG}}


def of_tags(wanted: dict[str, str], found: dict[str, str], name: str) -> Iterator[str]:
    known = {key.lower() for key in found}
    lost = [key for key in wanted if key.lower() not in known and key.lower() not in UNIMPORTANT_TAGS]
    if lost:
        yield f"{name}{'s' if len(lost) > 1 else ''} {', '.join(sorted(lost))}"


def sentence(output: str, lost: list[str], hint: str = "") -> list[str]:
    if not lost:
        return []
    listed = lost[0] if len(lost) == 1 else f"{', '.join(lost[:-1])} and {lost[-1]}"
    return [f"{output}: this format does not keep {listed}{hint}"]
