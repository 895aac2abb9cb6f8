"""What becomes of every stream that is not the video, decided before any work is done."""

from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from functools import partial

from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.stream import AttachmentStream, Disposition, Stream
from av.video.stream import VideoStream

from vfi_flow.media.container import PICTURES_ONLY, Form
from vfi_flow.media.opening import PLAYLIST
from vfi_flow.media.sound_encoder import hide_bit_rate, layout_of, sound_encoder
from vfi_flow.media.tags import describe_like
from vfi_flow.media.text import text_encoder

COVER = "cover picture"
"""What kind of stream it is."""

COVERS = {"mjpeg": ("jpg", "image/jpeg"), "png": ("png", "image/png")}
"""Ending and type of cover pictures, by codec."""

COVER_FORMATS = ("mp4", "ipod", "matroska")

STRETCHED = "stretched"
"""Why sound is encoded again that could be copied, as the user asked."""


class Fate(StrEnum):
    COPIED = "copied"
    CONVERTED = "converted"
    DROPPED = "dropped"
    """It cannot be kept."""
    LEFT_OUT = "left out"
    """As the user asked."""


@dataclass(frozen=True, slots=True)
class StreamChoice:
    """One stream of the input and what is done with it."""

    index: int
    kind: str
    codec: str
    language: str | None
    fate: Fate
    reason: str = ""
    """Why it is dropped or converted."""
    encoder: str = ""
    """Of a stream that is converted."""


def choose_streams(
    container: InputContainer, video: Stream, form: Form, audio: bool, stretch: Fraction
) -> list[StreamChoice]:
    """A choice for every stream but `video`, for a result of this form that is `stretch` times as long.

    Of a playlist with several sizes of the video, the others and their sound are no streams of it.
    """
    chapters = len(container.chapters())
    others = [s for s in container.streams if s is not video and not is_chapter_track(s, chapters)]
    if container.format.name == PLAYLIST:
        others = [stream for stream in others if variant_of(stream) in (None, variant_of(video))]
    return [choose(stream, form, audio, stretch) for stream in others]


def choose(stream: Stream, form: Form, audio: bool, stretch: Fraction) -> StreamChoice:
    codec = codec_of(stream)
    choice = StreamChoice(stream.index, kind_of(stream), codec, stream.language, Fate.COPIED)
    if isinstance(stream, AudioStream) and not audio:
        return replace(choice, fate=Fate.LEFT_OUT)
    if form.name in PICTURES_ONLY:
        return replace(choice, fate=Fate.DROPPED, reason="pictures hold nothing else")
    if isinstance(stream, AudioStream) and stream.codec_context is not None and stretch != 1:
        encoder = sound_encoder(stream, form)
        if encoder is None:
            return replace(choice, fate=Fate.DROPPED, reason=f"no encoder for sound in {form.name}")
        return replace(choice, fate=Fate.CONVERTED, reason=STRETCHED, encoder=encoder)
    if is_timecode(stream):
        return replace(choice, fate=Fate.CONVERTED, reason="as a tag of the video")
    if reason := cannot_hold(form, stream):
        if encoder := other_encoder(stream, form):
            return replace(choice, fate=Fate.CONVERTED, reason=f"{form.name} cannot hold it as it is", encoder=encoder)
        return replace(choice, fate=Fate.DROPPED, reason=reason)
    return choice


def other_encoder(stream: Stream, form: Form) -> str | None:
    """An encoder that writes `stream` in another way, which this form holds."""
    if stream.codec_context is None:
        return None
    if isinstance(stream, AudioStream):
        return sound_encoder(stream, form)
    return text_encoder(stream, form)


def is_timecode(stream: Stream) -> bool:
    """Whether it is the track that mp4 and mov make of the video's time code, which goes with the video's tags."""
    return stream.type == "data" and any(key.lower() == "timecode" for key in stream.metadata)


def is_chapter_track(stream: Stream, chapters: int) -> bool:
    """Whether it is the text that mp4 and mov have beside their chapters, which are kept as such."""
    return stream.type == "data" and stream.codec_context is None and 0 < chapters == stream.frames


def variant_of(stream: Stream) -> str | None:
    """Which of the sizes of a playlist's video a stream belongs to, by bit rate; None where it is for all of them."""
    return stream.metadata.get("variant_bitrate")


def codec_of(stream: Stream) -> str:
    return stream.codec_context.name if stream.codec_context is not None else stream.type


def kind_of(stream: Stream) -> str:
    return COVER if stream.disposition & Disposition.attached_pic else stream.type


def add_copy(output: OutputContainer, stream: Stream) -> Stream:
    """A stream of `output` for the packets of `stream`, with its language, title and disposition."""
    if isinstance(stream, AttachmentStream):
        return output.add_attachment(stream.name or "attachment", stream.mimetype or "", stream.data)
    target = output.add_stream_from_template(stream)
    if isinstance(stream, AudioStream) and isinstance(target, AudioStream):
        target.codec_context.layout = layout_of(stream)
        hide_bit_rate(target, output)
    describe_like(stream, target, output)
    return target


def add_cover(output: OutputContainer, stream: Stream, picture: bytes) -> None:
    """`picture`, the packet of the cover `stream`, as an attachment, which is what Matroska calls a cover."""
    ending, mimetype = COVERS[codec_of(stream)]
    output.add_attachment(stream.metadata.get("filename", f"cover.{ending}"), mimetype, picture)


def has_size(stream: Stream) -> bool:
    """Whether FFmpeg knows how large the pictures of a stream are: it does not where it could not read one."""
    return isinstance(stream, VideoStream) and stream.codec_context is not None and stream.codec_context.width > 0


def cannot_hold(form: Form, stream: Stream) -> str | None:
    """Why a copy of `stream` does not fit, found by writing a header that goes nowhere; None where it does."""
    if stream.disposition & Disposition.attached_pic:
        if form.name not in COVER_FORMATS or codec_of(stream) not in COVERS:
            return f"{form.name} holds no such picture"
        # Matroska attaches a picture as it is, in mp4 it is a track that has a size.
        return None if form.name == "matroska" or has_size(stream) else "FFmpeg cannot read it"
    if stream.type not in ("audio", "subtitle", "attachment"):
        return f"a {kind_of(stream)} stream is not copied yet"
    if stream.type == "attachment":
        return None if form.name == "matroska" else f"{form.name} holds no attachments"
    if stream.codec_context is None:
        return "its codec is unknown"
    if form.holds(stream.codec_context.codec.canonical_name, partial(add_copy, stream=stream)):
        return None
    return f"{form.name} cannot hold it"
