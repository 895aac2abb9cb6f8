"""How the packets of one stream get from the input into the result: as they are, or decoded, stretched and encoded."""

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from typing import Any, NamedTuple, Protocol, Self

import av
from av.audio.stream import AudioStream
from av.stream import Stream

from vfi_flow.media.audio_clock import AudioClock
from vfi_flow.media.opening import MICROSECOND, fraction
from vfi_flow.media.timing import to_pts

FRAME_SAMPLES = 1024
"""Sound without frames of its own, as PCM, is written in blocks of this size, as mov files are read."""

LONGEST_PACKET = Fraction(60)
"""Seconds of sound that are believed."""

TAIL_SECONDS = 1
"""Silence after the end: the filters keep back a little less than a tenth of a second."""

SHORTEST_GAP = 0.01
"""Seconds that are filled with silence: a packet has 20 or more, clocks of milliseconds err by one."""

LEAD = 7
"""Milliseconds of the source that atempo is early by: voices and tones by 2 to 7, noise by 10 to 15 (48 kHz)."""

SLOWEST_TEMPO = Fraction(1, 2)
"""Of one atempo filter; slower needs several in a row."""


class Lane(Protocol):
    @property
    def target(self) -> Stream:
        """The stream of the result."""

    def packets(self, packet: "av.Packet[Any]", time: Fraction) -> "Iterator[av.Packet[Any]]":
        """What is written for `packet`, which the input shows or plays at `time` on the job's clock."""

    def rest(self) -> "Iterator[av.Packet[Any]]":
        """What is left to write when the input has ended."""


class CopyLane:
    """Every packet as it is, at `stretch` times its time.

    Where mp4 leaves out a part in the middle, it comes all the same, hidden, before what follows it: with times that
    have been, at which nothing can be written again.

        in      0  1  2  3  4  (-2) (-1) (0) (1) (2) (3) (4)  5  6  7
        out     0  1  2  3  4                                 5  6  7
    """

    def __init__(self, target: Stream, clock: AudioClock | None, stretch: Fraction) -> None:
        self.target, self._clock, self._stretch = target, clock, stretch
        self._last: Fraction | None = None
        self._last_pts: int | None = None
        self._adts: int | None = None
        self.changes_at: Fraction | None = None
        """Where AAC gets another rate or other channels, of which only transport streams can tell; None: nowhere."""

    def packets(self, packet: "av.Packet[Any]", time: Fraction) -> "Iterator[av.Packet[Any]]":
        if packet.is_discard and self._last is not None and time <= self._last:
            return
        self._last = time
        adts = adts_parameters(packet)
        self._adts = self._adts or adts
        if adts is not None and adts != self._adts and self.changes_at is None:
            self.changes_at = time * self._stretch
        if self._clock is not None:
            self._clock.set(packet, time)
        packet.pts, packet.dts = self._stretched(packet.pts), self._stretched(packet.dts)
        packet.duration = self._stretched(packet.duration) or 0
        if isinstance(self.target, AudioStream):
            self._mend_duration(packet)
        yield packet

    def rest(self) -> "Iterator[av.Packet[Any]]":
        return iter(())

    def _mend_duration(self, packet: "av.Packet[Any]") -> None:
        """Sound of no duration, or of one that no packet has, lasts as long as from the packet before to this one.

        mp4 does not play the last packet where it has none. At the end of Ogg FFmpeg's may be below 0, and wraps.
        """
        longest = LONGEST_PACKET / (fraction(packet.time_base) or MICROSECOND)
        if self._last_pts is not None and packet.pts is not None and not 0 < (packet.duration or 0) <= longest:
            distance = packet.pts - self._last_pts
            packet.duration = distance if 0 < distance <= longest else 0
        self._last_pts = packet.pts

    def _stretched(self, ticks: int | None) -> int | None:
        return None if ticks is None else to_pts(ticks * self._stretch, Fraction(1))


def adts_parameters(packet: "av.Packet[Any]") -> int | None:
    """What the header of AAC in a transport stream says of rate and channels; None where there is no such header.

    They are its bits 18 to 21 and 23 to 25 (ISO/IEC 13818-7, 6.2).
    """
    context = packet.stream.codec_context if packet.stream is not None else None
    head = int.from_bytes(memoryview(packet)[:4], "big")
    return head & 0x3DC0 if context is not None and context.name == "aac" and head >> 20 == 0xFFF else None


class Sound(NamedTuple):
    """What decoded sound is like."""

    sample_rate: int
    sample_format: str
    layout: str
    unit: Fraction
    """Seconds in which its time stamps count."""

    @classmethod
    def of(cls, frame: av.AudioFrame) -> Self:
        unit = fraction(frame.time_base) or Fraction(1, frame.sample_rate)
        return cls(frame.sample_rate, frame.format.name, frame.layout.name, unit)


class StretchLane:
    """Sound `stretch` times as long at the same pitch, encoded again.

    Gaps in the input are filled with silence first, so that what is heard keeps its place to the end.
    """

    def __init__(self, source: AudioStream, target: AudioStream, stretch: Fraction) -> None:
        self.source, self.target, self._stretch = source, target, stretch
        self._graph: av.filter.Graph | None = None
        self._first: Sound | None = None
        self._as_first: tuple[Sound, av.AudioResampler] | None = None
        self._stretched = av.AudioFifo()
        self._start = self._end = Fraction(0)
        self._samples = 0

    def packets(self, packet: "av.Packet[Any]", time: Fraction) -> "Iterator[av.Packet[Any]]":
        for frame in self.source.codec_context.decode(packet):
            self._push(frame, time)
        while self._stretched.samples >= FRAME_SAMPLES:
            yield from self._block(FRAME_SAMPLES)

    def rest(self) -> "Iterator[av.Packet[Any]]":
        if self._graph is None:
            return
        for frame in self.source.codec_context.decode(None):
            self._push(frame, self._end)
        self._graph.push(None)
        self._pull()
        length = to_pts((self._end - self._start) * self._stretch, Fraction(1, self._stretched.sample_rate))
        while size := min(FRAME_SAMPLES, max(0, length - self._samples), self._stretched.samples):
            yield from self._block(size)
        yield from self.target.encode(None)

    def _push(self, frame: av.AudioFrame, time: Fraction) -> None:
        if frame.pts is not None:
            time = frame.pts * (fraction(frame.time_base) or Fraction(1, frame.sample_rate))
        if self._graph is None:
            layout = self.target.codec_context.layout.name
            self._graph = stretching(frame, self._stretch, layout, is_early=time < 0)
            self._first = Sound.of(frame)
            self._start = max(time, Fraction(0))
        self._end = time + Fraction(frame.samples, frame.sample_rate)
        for part in self._like_first(frame):
            self._graph.push(part)
        self._pull()

    def _like_first(self, frame: av.AudioFrame) -> list[av.AudioFrame]:
        """`frame` with the rate and the channels of the first one, as the graph takes it: recordings change."""
        sound = Sound.of(frame)
        if sound == self._first:
            return [frame]
        assert self._first is not None
        if self._as_first is None or self._as_first[0] != sound:
            first = self._first
            self._as_first = sound, av.AudioResampler(first.sample_format, first.layout, first.sample_rate)
        parts = self._as_first[1].resample(frame)
        for part in parts:
            if part.pts is not None:
                part.pts = to_pts(part.pts * (fraction(part.time_base) or sound.unit), self._first.unit)
                part.time_base = self._first.unit
        return parts

    def _pull(self) -> None:
        """Move what the filters have ready to where it waits for the encoder."""
        assert self._graph is not None
        with suppress(av.BlockingIOError, av.EOFError):
            while True:
                frame = self._graph.pull()
                assert isinstance(frame, av.AudioFrame)
                frame.pts = None  # counted in samples from here on
                self._stretched.write(frame)

    def _block(self, size: int) -> "Iterator[av.Packet[Any]]":
        """The next `size` samples in packets."""
        frame = self._stretched.read(size)
        assert frame is not None
        unit = Fraction(1, frame.sample_rate)
        frame.pts, frame.time_base = to_pts(self._start * self._stretch, unit) + self._samples, unit
        self._samples += size
        yield from self.target.encode(frame)


def stretching(frame: av.AudioFrame, stretch: Fraction, layout: str, is_early: bool) -> av.filter.Graph:
    """A filter graph for frames like `frame`, whose channels become those of `layout`.

    `is_early`: they begin before 0, in what an encoder needs in front of the sound; that is cut off.
    """
    graph = av.filter.Graph()
    rate, sample_format, own_layout, unit = Sound.of(frame)
    nodes = [
        graph.add_abuffer(sample_rate=rate, format=sample_format, layout=own_layout, time_base=unit),
        graph.add("aresample", f"async=1:min_hard_comp={SHORTEST_GAP}{':first_pts=0' if is_early else ''}"),
        graph.add("apad", f"pad_dur={TAIL_SECONDS}"),
        *([graph.add("adelay", f"{LEAD}:all=1")] if stretch != 1 else []),
        *(graph.add("atempo", str(float(tempo))) for tempo in tempos(1 / stretch)),
        *([graph.add("aformat", f"channel_layouts={layout}")] if layout != own_layout else []),
        graph.add("abuffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    return graph


def tempos(tempo: Fraction) -> list[Fraction]:
    """Factors of `tempo`, none slower than a filter can; none at all where it stays as it is."""
    found = []
    while tempo < SLOWEST_TEMPO:
        found.append(SLOWEST_TEMPO)
        tempo /= SLOWEST_TEMPO
    return found if tempo == 1 else [*found, tempo]
