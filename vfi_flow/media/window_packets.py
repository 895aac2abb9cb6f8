"""The packets of a file that lie in a window of it, on the job's clock."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from typing import Any

import av
from av.container import InputContainer
from av.stream import Discard
from av.subtitles.stream import SubtitleStream

from vfi_flow.media.decoding import MOST_FAILURES
from vfi_flow.media.endpoints import Source
from vfi_flow.media.frame import Window
from vfi_flow.media.opening import MICROSECOND, clock_origin, fraction, pick_video, reason
from vfi_flow.media.pipe import InputPipe
from vfi_flow.media.streams import codec_of
from vfi_flow.media.timing import to_pts
from vfi_flow.media.window_end import WindowEnd

BEGIN_AT_KEY = ("truehd", "mlp")
"""Sound that is read from a key packet on; others begin with any packet."""

UNTIL_THE_NEXT = ("pgssub", "dvbsub")
"""Texts as pictures without a duration: each is shown until the next packet."""

COARSE_UNIT = Fraction(1, 1000)
"""Clocks above this are too coarse to be moved by whole ticks: those of AVI count blocks of sound."""

SEEK_MARGIN, TEXT_MARGIN = Fraction(1), Fraction(10)
"""Seconds before a window from which on is read: for sound, and for texts that are on screen when it begins.

The longer one for Ogg, too, where one stream may lie seconds before another.
"""

NEAR_THE_START = Fraction(10)
"""What is to be read from so early on is read from the start: some files cannot be sought there."""


class WindowPackets:
    """Packets of some streams of an open file, in the order of the file.

    From a pipe also (time, None) for every packet of the video: otherwise the search for the next subtitle would run
    minutes ahead of the video's reader, and all bytes between them would have to be kept. And where the window ends:
    otherwise that search would go on to the end of the source.
    """

    def __init__(
        self,
        source: Source,
        container: InputContainer,
        window: Window,
        streams: Iterable[int],
        is_hidden: Callable[["av.Packet[Any]", Fraction], bool],
    ) -> None:
        """`streams` by their index; `is_hidden` says of a packet and its time that the result must not have it."""
        self.complaints: list[str] = []
        """Sentences about what could not be read."""
        self._source, self._container, self._window, self._is_hidden = source, container, window, is_hidden
        self._is_pipe = isinstance(source, InputPipe)
        self.origin = clock_origin(container, window)
        """The file's time at which the job's clock is 0."""
        self._streams = set(streams)
        video = pick_video(container, source).index
        self._read_streams = {*self._streams, *([video] if self._is_pipe or window.length is not None else [])}
        for stream in container.streams:
            if stream.index not in self._read_streams:
                stream.discard = Discard.all
        sounds = [index for index in self._streams if container.streams[index].type == "audio"]
        self._end = WindowEnd(window.length, video, sounds, self._is_pipe)

    def __iter__(self) -> "Iterator[tuple[Fraction, av.Packet[Any] | None]]":
        """(time, packet) of all packets in the window."""
        self._seek()
        standing: dict[int, list[av.Packet[Any]]] = {}
        waiting = {index for index in self._streams if codec_of(self._container.streams[index]) in BEGIN_AT_KEY}
        for packet in self._demuxed():
            time = self._move(packet)
            if self._end.is_past(packet.stream.index, time):
                break
            if isinstance(packet.stream, SubtitleStream):
                time = self._cut_text(packet, time)
            if self._window.start > 0 and time < 0:
                if self._is_standing(packet):
                    keep_last(standing.setdefault(packet.stream.index, []), packet)
                continue
            yield from taken_over(standing)
            if self._window.length is not None and time >= self._window.length:
                continue
            if not self._is_hidden(packet, time) and not is_early(packet, waiting):
                yield time, packet if packet.stream.index in self._streams else None
        yield from taken_over(standing)

    def _seek(self) -> None:
        """To where the window's sound and texts begin at the latest; pipes are read from their start."""
        has_text = any(isinstance(self._container.streams[index], SubtitleStream) for index in self._streams)
        margin = TEXT_MARGIN if has_text or self._container.format.name == "ogg" else SEEK_MARGIN
        if self._is_pipe or self._window.start <= margin + NEAR_THE_START:
            return
        try:
            self._container.seek(int((self.origin - margin) / MICROSECOND))
        except av.FFmpegError:
            with suppress(av.FFmpegError):
                self._container.seek(0)

    def _demuxed(self) -> "Iterator[av.Packet[Any]]":
        """All that has content and a time; what cannot be read is left out."""
        streams = [self._container.streams[index] for index in self._read_streams]
        packets, failures = self._container.demux(streams), 0
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError) as error:
                packets = self._container.demux(streams)
                if isinstance(error, av.BlockingIOError):  # a transport stream without a packet in 64 KiB
                    continue
                if failures == 0:
                    self.complaints.append(f"of the sound and the subtitles something was left out: {reason(error)}")
                failures += 1
                if failures > MOST_FAILURES:
                    return
                continue
            if isinstance(self._source, InputPipe):
                self._source.raise_interrupt()
            if packet is None:
                return
            if packet.size and (packet.pts is not None or packet.dts is not None):
                yield packet

    def _move(self, packet: "av.Packet[Any]") -> Fraction:
        """Puts a packet on the job's clock; its time there."""
        unit = unit_of(packet)
        if unit > COARSE_UNIT:
            for name in ("pts", "dts", "duration"):
                value = getattr(packet, name)
                setattr(packet, name, value and to_pts(value * unit, MICROSECOND))
            unit = packet.time_base = MICROSECOND
        shift = to_pts(self.origin, unit)
        packet.pts = packet.pts - shift if packet.pts is not None else None
        packet.dts = packet.dts - shift if packet.dts is not None else None
        return (packet.pts if packet.pts is not None else packet.dts or 0) * unit

    def _cut_text(self, packet: "av.Packet[Any]", time: Fraction) -> Fraction:
        """When a text appears: one that is on screen when the window begins or ends is shown in its part of it."""
        if not packet.duration:
            return time
        unit = unit_of(packet)
        start, end = time, time + packet.duration * unit
        if self._window.start > 0 and start < 0 < end:
            start = Fraction(0)
            packet.pts = packet.dts = 0
        if self._window.length is not None:
            end = min(end, max(self._window.length, start))
        packet.duration = to_pts(end - start, unit)
        return start

    def _is_standing(self, packet: "av.Packet[Any]") -> bool:
        """Whether it is a text that stays until the next one."""
        is_text = packet.stream.index in self._streams and codec_of(packet.stream) in UNTIL_THE_NEXT
        return is_text and not packet.duration


def unit_of(packet: "av.Packet[Any]") -> Fraction:
    """Seconds that its times are counted in."""
    return fraction(packet.time_base) or MICROSECOND


def keep_last(packets: "list[av.Packet[Any]]", packet: "av.Packet[Any]") -> None:
    """Adds a packet to those of the same time, parts of one picture, or puts it into the place of older ones."""
    if packets and packets[-1].pts != packet.pts:
        packets.clear()
    packets.append(packet)


def taken_over(standing: "dict[int, list[av.Packet[Any]]]") -> "Iterator[tuple[Fraction, av.Packet[Any]]]":
    """What is on screen when a window begins is shown from its beginning on; `standing` is empty afterwards."""
    for packet in chain.from_iterable(standing.values()):
        packet.pts = packet.dts = 0
        yield Fraction(0), packet
    standing.clear()


def is_early(packet: "av.Packet[Any]", waiting: set[int]) -> bool:
    """Whether the packet's stream is among those `waiting` for a key packet; with one it leaves them."""
    if packet.is_keyframe:
        waiting.discard(packet.stream.index)
    return packet.stream.index in waiting
