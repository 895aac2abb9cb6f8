"""Everything that is not the video: sound, subtitles, fonts, chapters and tags, packet by packet."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from types import TracebackType
from typing import Any, Self

import av
from av.audio.stream import AudioStream
from av.stream import Disposition, Stream
from av.subtitles.stream import SubtitleStream

from vfi_flow.media import timecode
from vfi_flow.media.audio_clock import audio_clock_for
from vfi_flow.media.container import AVI, MPEGTS
from vfi_flow.media.endpoints import Source
from vfi_flow.media.frame import Window
from vfi_flow.media.lanes import CopyLane, Lane, StretchLane
from vfi_flow.media.opening import COARSE_FORMATS, MICROSECOND, fraction, open_input, reason
from vfi_flow.media.sound_encoder import add_sound
from vfi_flow.media.streams import Fate, StreamChoice, add_copy, add_cover, codec_of
from vfi_flow.media.tags import lasting_tags, roles_of
from vfi_flow.media.text import TextLane, add_text, says_something
from vfi_flow.media.timing import to_pts
from vfi_flow.media.untimed import UntimedSound
from vfi_flow.media.verify import amount_of
from vfi_flow.media.window_packets import WindowPackets, unit_of
from vfi_flow.media.writer import VideoWriter, is_quicktime

FILE_TAGS = ("major_brand", "minor_version", "compatible_brands", "encoder")
"""Metadata of a file that its muxer writes anew."""

PRIMING = Fraction(1, 10)
"""Seconds before the beginning in which an encoder may have begun; what is hidden further ahead was cut off."""

ONCE = Fraction(1)
"""Stretch of a result that is as long as its source."""


@dataclass(slots=True)
class CopiedStream:
    kind: str
    codec: str
    language: str | None
    title: str | None
    roles: Disposition
    """Of those in `tags.ROLES`."""
    packets: int = 0
    """Written into the result."""
    amount: int = 0
    """The same as `amount_of` counts."""


class StreamCopier(AbstractContextManager["StreamCopier"]):
    """Copies the other streams of `source` into what `writer` writes, always as far as the video has come.

    The file is opened a second time: sound and pictures then wait for each other nowhere.
    """

    def __init__(
        self,
        source: Source,
        window: Window,
        writer: VideoWriter,
        choices: Sequence[StreamChoice],
        stretch: Fraction = ONCE,
        retag: Callable[[dict[str, str]], dict[str, str]] = dict,
    ) -> None:
        """`choices` says what to do with every stream; all times are multiplied by `stretch`.

        `retag` makes the tags of the result of those of the file.
        """
        self.window, self.writer, self.stretch = window, writer, stretch
        self.output = writer.container
        self.copied: dict[int, CopiedStream] = {}
        self._complaints: list[str] = []
        self._left_out: Counter[tuple[int, str]] = Counter()
        self._lanes: dict[int, Lane] = {}
        self._untimed: dict[int, UntimedSound] = {}
        self._input = open_input(source)
        self.container = self._input.container
        self._source = source
        self._covers: list[av.Packet[Any]] = []
        self._next: tuple[Fraction, av.Packet[Any] | None] | None = None
        self.start = Fraction(0)
        """Time of the earliest packet; sound with encoder delay starts before 0."""
        self.starts: dict[int, Fraction] = {}
        """Time of the first packet of every stream that has any, by its index."""
        with ExitStack() as unless_complete:
            unless_complete.callback(self._input.close)
            for choice in choices:
                if choice.fate in (Fate.COPIED, Fate.CONVERTED):
                    self._add(self.container.streams[choice.index], choice)
            self._packets = WindowPackets(source, self.container, window, self._lanes, self._is_hidden)
            self._copy_tags(retag)
            self._coming = iter(self._packets)
            if self._lanes:
                self._next = next(self._coming, None)
                unless_complete.pop_all()

    @property
    def warnings(self) -> list[str]:
        """Sentences about what is not in the result."""
        packets = (
            f"{count} packets of {self.copied[index].kind} stream {index} were left out: {why}"
            for (index, why), count in self._left_out.items()
        )
        moved = chain.from_iterable(
            sound.sentences(f"{self.copied[index].kind} stream {index}") for index, sound in self._untimed.items()
        )
        return [*self._complaints, *self._packets.complaints, *packets, *moved, *self._changed(), *self._absent()]

    def _changed(self) -> Iterator[str]:
        """A sentence for every sound whose change in the middle is lost."""
        for index, lane in self._lanes.items():
            if isinstance(lane, CopyLane) and lane.changes_at is not None and self.output.format.name != MPEGTS:
                yield (
                    f"{self.copied[index].kind} stream {index} has another rate or other channels from "
                    f"{float(lane.changes_at):.2f} s on and sounds wrong from there on in this format; .ts can tell"
                )

    def _absent(self) -> Iterator[str]:
        """A sentence for every stream without a packet: in mp4 there is no such stream then."""
        told = {index for index, _ in self._left_out}
        for index in [index for index in self._lanes if index not in told and index not in self.starts]:
            where = "" if self.window == Window() else " in this part"
            yield f"{self.copied[index].kind} stream {index} has no packet{where}; in the result it is missing or empty"

    def copy_until(self, seconds: Fraction | None) -> None:
        """Write all packets that start up to `seconds` in the result; None: all that are left.

        The first call says when the video begins.
        """
        if seconds is not None and self.output.format.name == AVI and not self._untimed:
            sounds = [index for index, lane in self._lanes.items() if isinstance(lane.target, AudioStream)]
            self._untimed = {index: UntimedSound(seconds, 1 / self.writer.rate) for index in sounds}
        while self._covers:
            self.writer.mux_other(self._covers.pop())
        while self._next is not None and (seconds is None or self._next[0] * self.stretch <= seconds):
            time, packet = self._next
            if packet is not None and says_something(packet, codec_of(packet.stream)):
                index = packet.stream.index
                self._write(index, self._lanes[index].packets(packet, time))
            self._next = next(self._coming, None)
        if seconds is None:
            for index, lane in self._lanes.items():
                self._write(index, lane.rest())

    def _write(self, index: int, packets: "Iterator[av.Packet[Any]]") -> None:
        try:
            for packet in packets:
                packet.stream = self._lanes[index].target
                start, duration = (ticks * unit_of(packet) for ticks in (packet.pts or 0, packet.duration or 0))
                self.writer.mux_other(packet)
                self.start = min(self.start, start)
                self.starts.setdefault(index, start)
                if index in self._untimed and packet.size:
                    self._untimed[index].add(start, duration)
                self.copied[index].packets += packet.size > 0  # FLAC ends with an empty one that has the checksum
                self.copied[index].amount += amount_of(packet, self.copied[index].codec)
        except (av.FFmpegError, ValueError) as error:
            self._left_out[index, reason(error)] += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._input.close()

    def _add(self, stream: Stream, choice: StreamChoice) -> None:
        title = lasting_tags(stream.metadata, self.output.format.name).get("title")
        codec = choice.encoder or choice.codec
        self.copied[stream.index] = CopiedStream(choice.kind, codec, choice.language, title, roles_of(stream))
        if choice.fate is Fate.CONVERTED:
            if isinstance(stream, AudioStream):
                sound = add_sound(self.output, stream, choice.encoder)
                self._lanes[stream.index] = StretchLane(stream, sound, self.stretch)
            elif isinstance(stream, SubtitleStream):
                text = add_text(self.output, stream, choice.encoder)
                self._lanes[stream.index] = TextLane(stream, text, self.stretch)
            return
        if stream.disposition & Disposition.attached_pic:
            self._add_cover(stream)
            return
        target = add_copy(self.output, stream)
        if stream.type == "attachment":
            return
        clock = audio_clock_for(stream, fraction(stream.time_base) or MICROSECOND)
        if clock is not None and self.output.format.name in COARSE_FORMATS:
            clock = None
        if clock is not None:
            target.time_base = clock.sample
        self._lanes[stream.index] = CopyLane(target, clock, self.stretch)

    def _add_cover(self, stream: Stream) -> None:
        with open_input(self._source) as opened:
            packets = opened.container.demux(opened.container.streams[stream.index])
            picture = next((packet for packet in packets if packet.size), None)
            if picture is None:
                self._complaints.append("the cover picture is empty and was left out")
            elif self.output.format.name == "matroska":
                add_cover(self.output, stream, bytes(picture))
            else:
                picture.stream = add_copy(self.output, stream)
                picture.pts = picture.dts = 0
                self._covers.append(picture)

    def _copy_tags(self, retag: Callable[[dict[str, str]], dict[str, str]]) -> None:
        tags = retag(self.container.metadata)
        self.tags = {key: value for key, value in tags.items() if key.lower() not in FILE_TAGS}
        self.output.metadata.update(self.tags)
        chapters = [c for c in map(self._moved_chapter, self.container.chapters()) if c is not None]
        self.output.set_chapters(chapters)
        self.chapters = len(chapters)
        has_sound = any(isinstance(lane.target, AudioStream) for lane in self._lanes.values())
        if chapters and not has_sound and is_quicktime(self.writer.path):
            # FFmpeg's mov muxer lets a track refer to one other: without sound the time code would take the chapters'
            # place, and those be a track of subtitles.
            for metadata in (self.output.metadata, self.writer.stream.metadata):
                for key in [key for key in metadata if key.lower() == timecode.TAG]:
                    del metadata[key]

    def _moved_chapter(self, chapter: Any) -> Any:
        """The chapter on the job's clock, cut to the window; None where it lies outside."""
        unit = fraction(chapter["time_base"]) or MICROSECOND
        start, end = (chapter[name] * unit - self._packets.origin for name in ("start", "end"))
        length = self.window.length if self.window.length is not None else end
        start, end = max(start, Fraction(0)), min(end, length)
        if end <= start:
            return None
        start, end = start * self.stretch, end * self.stretch
        return {**chapter, "start": to_pts(start, unit), "end": to_pts(end, unit), "time_base": unit}

    def _is_hidden(self, packet: "av.Packet[Any]", time: Fraction) -> bool:
        """Whether sound before the beginning, which mp4 and mov can hide, would be heard in the result.

        AVI moves the video for it, by whole frames.
        """
        if time >= 0 or not isinstance(packet.stream, AudioStream) or is_quicktime(self.writer.path):
            return False
        was_cut_off = packet.is_discard and time + (packet.duration or 0) * unit_of(packet) < -PRIMING
        return was_cut_off or self.output.format.name == AVI
