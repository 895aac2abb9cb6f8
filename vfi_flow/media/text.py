"""Subtitles of text that must be written in another way: from ASS or SubRip to mov_text and back."""

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import Any

import av
from av.container import OutputContainer
from av.stream import Stream
from av.subtitles.stream import SubtitleStream

from vfi_flow.media.container import Form
from vfi_flow.media.tags import describe_like
from vfi_flow.media.timing import to_pts

TEXTS = ("ass", "ssa", "subrip", "srt", "mov_text", "webvtt", "text")
"""Decoders of subtitles that are text, not pictures."""

TEXT_ENCODERS = ("mov_text", "subrip", "webvtt")
"""Tried in this order where a container does not hold a text as it is; none keeps all styles."""

MILLISECOND = Fraction(1, 1000)

NOTHING = b"\0\0"
"""A mov_text packet that ends the text before it; muxers write it where it is needed."""


def says_something(packet: "av.Packet[Any]", codec: str) -> bool:
    return codec != "mov_text" or packet.size > len(NOTHING)


def text_encoder(stream: Stream, form: Form) -> str | None:
    """An encoder for the text of `stream` that fits into the format."""
    if not isinstance(stream, SubtitleStream) or stream.codec_context.name not in TEXTS:
        return None
    for name in TEXT_ENCODERS:
        if form.holds(name, partial(add_text, stream=stream, encoder=name)):
            return name
    return None


def add_text(output: OutputContainer, stream: SubtitleStream, encoder: str) -> SubtitleStream:
    """A stream of `output` for the text of `stream`, written anew by `encoder`."""
    stream.codec_context.open(strict=False)  # the decoder then knows the styles, which the encoder asks for
    target = output.add_stream(encoder)
    assert isinstance(target, SubtitleStream)
    target.time_base = target.codec_context.time_base = MILLISECOND
    target.codec_context.subtitle_header = stream.codec_context.subtitle_header
    describe_like(stream, target, output)
    target.codec_context.open(strict=False)
    return target


class TextLane:
    """Every text in the words of another codec, at `stretch` times its time."""

    def __init__(self, source: SubtitleStream, target: SubtitleStream, stretch: Fraction) -> None:
        self.source, self.target, self._stretch = source, target, stretch

    def packets(self, packet: "av.Packet[Any]", time: Fraction) -> "Iterator[av.Packet[Any]]":
        length = (packet.duration or 0) * Fraction(packet.time_base or MILLISECOND)
        text = self.source.codec_context.decode2(packet)
        if text is None or not list(text):
            return
        written = self.target.codec_context.encode_subtitle(text)
        written.time_base = MILLISECOND
        written.pts = written.dts = to_pts(time * self._stretch, MILLISECOND)
        written.duration = to_pts(length * self._stretch, MILLISECOND)
        yield written

    def rest(self) -> "Iterator[av.Packet[Any]]":
        return iter(())
