"""Sound packets from a container that counts milliseconds, put back on the clock of their samples."""

from fractions import Fraction
from typing import Any

import av
from av.audio.stream import AudioStream
from av.stream import Stream

from vfi_flow.media.timing import constant_rate_time, to_pts


class AudioClock:
    """Exact times for the packets of one sound stream.

    AAC packets of 1024 samples at 48 kHz, 21 1/3 ms, arrive from Matroska 21, 21 and 22 ms apart. Copied like that into
    a container with an exact clock, every packet would claim another number of samples than it holds.
    """

    def __init__(self, tick: Fraction, packet_samples: int, sample_rate: int) -> None:
        self.tick, self.samples = tick, packet_samples
        self.sample = Fraction(1, sample_rate)
        self.packet_rate = Fraction(sample_rate, packet_samples)
        self._first: Fraction | None = None
        self._last: Fraction | None = None

    def set(self, packet: "av.Packet[Any]", time: Fraction) -> None:
        """Give `packet`, which the container says is heard at `time`, its exact time in samples."""
        if self._first is None:
            self._first = to_pts(time, self.sample) * self.sample
        exact = constant_rate_time(time, self._first, self.packet_rate, self.tick)
        if self._last is not None and 0 <= self._last - exact < self.tick + 1 / self.packet_rate:
            exact = self._last + 1 / self.packet_rate  # packets shorter than a tick share its time
        self._last = exact
        packet.pts = packet.dts = to_pts(exact, self.sample)
        packet.duration, packet.time_base = self.samples, self.sample


def audio_clock_for(stream: Stream, tick: Fraction) -> AudioClock | None:
    """A clock for streams that need one: sound in packets of one size, counted more coarsely than in samples."""
    if not isinstance(stream, AudioStream):
        return None
    samples, rate = stream.codec_context.frame_size, stream.codec_context.sample_rate
    return AudioClock(tick, samples, rate) if samples and rate and tick > Fraction(1, rate) else None
