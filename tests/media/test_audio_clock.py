"""The clock of sound that a container counts in milliseconds."""

from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace

import pytest

from vfi_flow.media.audio_clock import AudioClock

TICK = Fraction(1, 1000)


@pytest.mark.parametrize("samples", [40, 80, 960, 1024])
def test_packets_have_their_exact_times_or_those_beside_them_and_never_the_same(samples):
    """TrueHD has packets of 40 samples at 48 kHz: two of them share a millisecond now and then."""
    clock, times = AudioClock(TICK, samples, 48000), []
    meant = [Fraction(samples * number, 48000) for number in range(500)]

    for time in meant:
        packet = SimpleNamespace()
        clock.set(packet, round(time / TICK) * TICK)
        times.append(packet.pts * packet.time_base)

    assert all(before < after for before, after in pairwise(times))
    assert max(abs(time - wanted) for time, wanted in zip(times, meant, strict=True)) <= max(
        TICK, Fraction(samples, 48000)
    )
    if samples > 48:
        assert times == meant


def test_a_clock_that_jumps_back_is_followed():
    """And not taken for packets that share a tick: sound stays where the container puts it."""
    clock, times = AudioClock(TICK, 1024, 48000), []
    for time in (Fraction(10624, 1000), Fraction(10645, 1000), Fraction(4267, 1000), Fraction(4288, 1000)):
        packet = SimpleNamespace()
        clock.set(packet, time)
        times.append(packet.pts * packet.time_base)

    assert times[2] == pytest.approx(Fraction(4267, 1000), abs=0.012) and times[2] < times[3] < times[0] < times[1]
