"""Everything that is not the video: sound, subtitles, fonts, chapters and tags, copied packet by packet."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.container import OutputContainer
from av.stream import Discard, Stream

from vfi_flow.media.audio_clock import AudioClock, audio_clock_for
from vfi_flow.media.frame import Window
from vfi_flow.media.opening import COARSE_FORMATS, MICROSECOND, clock_origin, fraction, open_input, reason
from vfi_flow.media.streams import Fate, StreamChoice, add_copy
from vfi_flow.media.timing import to_pts

FILE_TAGS = ("major_brand", "minor_version", "compatible_brands", "encoder")
"""Metadata of a file that its muxer writes anew."""

SEEK_MARGIN = Fraction(1)


@dataclass(slots=True)
class CopiedStream:
    kind: str
    codec: str
    language: str | None
    packets: int = 0


class StreamCopier(AbstractContextManager["StreamCopier"]):
    """Copies the other streams of `source` into `output`, always as far as the video has come.

    The file is opened a second time: sound and pictures then wait for each other nowhere.
    """

    def __init__(self, source: Path, window: Window, output: OutputContainer, choices: Sequence[StreamChoice]) -> None:
        self.window, self.output = window, output
        self.copied: dict[int, CopiedStream] = {}
        self.warnings: list[str] = []
        self._targets: dict[int, Stream] = {}
        self._clocks: dict[int, AudioClock] = {}
        self.container = open_input(source)
        self._origin = clock_origin(self.container, window)
        for choice in choices:
            if choice.fate is Fate.COPIED:
                self._add(self.container.streams[choice.index], choice)
        for stream in self.container.streams:
            if stream.index not in self._targets:
                stream.discard = Discard.all
        self._copy_tags()
        self._packets = self._read()
        self._next = next(self._packets, None)
        self.start = self._next[0] if self._next is not None else Fraction(0)
        """Time of the first packet; sound with encoder delay starts before 0."""

    def copy_until(self, seconds: Fraction | None) -> None:
        """Write all packets that start up to `seconds` on the job's clock; None: all that are left."""
        while self._next is not None and (seconds is None or self._next[0] <= seconds):
            _, packet = self._next
            index = packet.stream.index
            packet.stream = self._targets[index]
            try:
                self.output.mux(packet)
            except (av.FFmpegError, ValueError) as error:
                self.warnings.append(f"a {self.copied[index].kind} packet was left out: {reason(error)}")
            else:
                self.copied[index].packets += 1
            self._next = next(self._packets, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.container.close()

    def _add(self, stream: Stream, choice: StreamChoice) -> None:
        target = add_copy(self.output, stream)
        self.copied[stream.index] = CopiedStream(choice.kind, choice.codec, choice.language)
        if stream.type == "attachment":
            return
        self._targets[stream.index] = target
        clock = audio_clock_for(stream, fraction(stream.time_base) or MICROSECOND)
        if clock is not None and self.output.format.name not in COARSE_FORMATS:
            self._clocks[stream.index] = clock
            target.time_base = clock.sample

    def _copy_tags(self) -> None:
        tags = {key: value for key, value in self.container.metadata.items() if key not in FILE_TAGS}
        self.output.metadata.update(tags)
        self.output.set_chapters([c for c in map(self._moved_chapter, self.container.chapters()) if c is not None])

    def _moved_chapter(self, chapter: Any) -> Any:
        """The chapter on the job's clock, cut to the window; None where it lies outside."""
        unit = fraction(chapter["time_base"]) or MICROSECOND
        start, end = chapter["start"] * unit - self._origin, chapter["end"] * unit - self._origin
        length = self.window.length if self.window.length is not None else end
        start, end = max(start, Fraction(0)), min(end, length)
        if end <= start:
            return None
        return {**chapter, "start": to_pts(start, unit), "end": to_pts(end, unit), "time_base": unit}

    def _read(self) -> "Iterator[tuple[Fraction, av.Packet[Any]]]":
        """(time, packet) of all packets in the window, on the job's clock."""
        if not self._targets:
            return
        if self.window.start > 0:
            try:
                self.container.seek(int((self._origin - SEEK_MARGIN) / MICROSECOND))
            except av.FFmpegError:
                self.container.seek(0)
        packets = self.container.demux([self.container.streams[index] for index in self._targets])
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError) as error:
                self.warnings.append(f"copying sound and subtitles stopped: {reason(error)}")
                return
            if packet is None:
                return
            if packet.size == 0 or (packet.pts is None and packet.dts is None):
                continue
            unit = fraction(packet.time_base) or MICROSECOND
            shift = to_pts(self._origin, unit)
            packet.pts = packet.pts - shift if packet.pts is not None else None
            packet.dts = packet.dts - shift if packet.dts is not None else None
            time = (packet.pts if packet.pts is not None else packet.dts or 0) * unit
            if self.window.start > 0 and time < 0:
                continue
            if self.window.length is not None and time >= self.window.length:
                continue
            if packet.stream.index in self._clocks:
                self._clocks[packet.stream.index].set(packet, time)
            yield time, packet
