"""What becomes of every stream that is not the video, decided before any work is done."""

import io
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

import av
from av.container import InputContainer, OutputContainer
from av.stream import AttachmentStream, Disposition, Stream

from vfi_flow.media.writer import lasting_tags


class Fate(StrEnum):
    COPIED = "copied"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class StreamChoice:
    """One stream of the input and what is done with it."""

    index: int
    kind: str
    codec: str
    language: str | None
    fate: Fate
    reason: str = ""
    """Why it is dropped."""


def choose_streams(
    container: InputContainer, video: Stream, output: OutputContainer, audio: bool
) -> list[StreamChoice]:
    """A choice for every stream but `video`; sound that nobody wants (`audio` is False) is not mentioned."""
    wanted = [s for s in container.streams if s is not video and (audio or s.type != "audio")]
    return [choose(stream, output.format.name) for stream in wanted]


def choose(stream: Stream, format_name: str) -> StreamChoice:
    codec = stream.codec_context.name if stream.codec_context is not None else stream.type
    reason = cannot_hold(format_name, stream)
    fate = Fate.DROPPED if reason else Fate.COPIED
    return StreamChoice(stream.index, kind_of(stream), codec, stream.language, fate, reason or "")


def kind_of(stream: Stream) -> str:
    return "cover picture" if stream.disposition & Disposition.attached_pic else stream.type


def add_copy(output: OutputContainer, stream: Stream) -> Stream:
    """A stream of `output` for the packets of `stream`, with its language, title and disposition."""
    if isinstance(stream, AttachmentStream):
        return output.add_attachment(stream.name or "attachment", stream.mimetype or "", stream.data)
    target = output.add_stream_from_template(stream)
    describe_like(stream, target, output)
    return target


def describe_like(stream: Stream, target: Stream, output: OutputContainer) -> None:
    """Give `target` the language, title and disposition of `stream`."""
    target.metadata.update(lasting_tags(stream.metadata, output.format.name))
    target.disposition = stream.disposition


def cannot_hold(format_name: str, stream: Stream) -> str | None:
    """Why the format cannot hold a copy of `stream`, found by writing a header to memory; None where it can."""
    if stream.type not in ("audio", "subtitle", "attachment"):
        return f"a {kind_of(stream)} stream is not copied yet"
    if stream.type == "attachment":
        return None if format_name == "matroska" else f"{format_name} holds no attachments"
    if stream.codec_context is None:
        return "its codec is unknown"
    trial = av.open(io.BytesIO(), "w", format=format_name)
    try:
        add_copy(trial, stream)
        trial.start_encoding()
    except (av.FFmpegError, ValueError, OSError):
        return f"{format_name} cannot hold it"
    finally:
        with suppress(av.FFmpegError, ValueError):  # a file without packets need not be complete
            trial.close()
    return None
