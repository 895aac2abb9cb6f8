"""A source that goes on is left soon after the window, and never before everything of it has come."""

import itertools
import random
from fractions import Fraction

import pytest

from vfi_flow.media.window_end import LONGEST_LAG, SHORTEST_LAG, WindowEnd

VIDEO, SOUND, SUBTITLE = range(3)

END = Fraction(7)

LONG = Fraction(60)


def packets(
    lags: dict[int, Fraction], starts: dict[int, Fraction] | None = None, ends: dict[int, Fraction] | None = None
) -> list[tuple[int, Fraction]]:
    """(stream, time) in the order of a file in which each stream comes later than it should by its lag."""
    steps = {VIDEO: Fraction(1, 25), SOUND: Fraction(1, 40), SUBTITLE: Fraction(3)}
    found = []
    for stream, step in steps.items():
        start, end = (starts or {}).get(stream, Fraction(0)), (ends or {}).get(stream, LONG)
        times = (start + n * step for n in itertools.count())
        found += [(stream, time) for time in itertools.takewhile(end.__gt__, times)]
    return sorted(found, key=lambda packet: (packet[1] + lags.get(packet[0], Fraction(0)), packet[0]))


def read(stream_packets: list[tuple[int, Fraction]], is_pipe: bool) -> list[tuple[int, Fraction]]:
    """Those up to the one after which nothing more is expected."""
    window, taken = WindowEnd(END, VIDEO, [SOUND], is_pipe), []
    for packet in stream_packets:
        taken.append(packet)
        if window.is_past(*packet):
            break
    return taken


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("is_pipe", [False, True], ids=["file", "pipe"])
def test_everything_of_the_window_is_read_though_streams_lag_and_start_late(seed, is_pipe):
    rng = random.Random(seed)
    most = SHORTEST_LAG if is_pipe else LONGEST_LAG
    lags = {stream: Fraction(rng.random()) * most for stream in (VIDEO, SOUND, SUBTITLE)}
    starts = {rng.choice([VIDEO, SOUND, SUBTITLE]): Fraction(rng.randrange(10))}
    everything = packets(lags, starts)

    taken = read(everything, is_pipe)

    assert [p for p in taken if p[1] < END] == [p for p in everything if p[1] < END]
    assert max(time for _, time in taken) < LONG / 2


@pytest.mark.parametrize(("is_pipe", "beyond"), [(False, LONGEST_LAG), (True, SHORTEST_LAG)], ids=["file", "pipe"])
def test_nobody_waits_for_subtitles_that_do_not_come(is_pipe, beyond):
    taken = read(packets({}, ends={SUBTITLE: Fraction(1)}), is_pipe)

    assert END + beyond <= taken[-1][1] < END + beyond + Fraction(1, 20)


def test_of_a_pipe_nobody_waits_for_a_sound_that_has_ended_either():
    silent = packets({}, ends={SOUND: Fraction(1)})

    assert read(silent, is_pipe=True)[-1] == (VIDEO, END + LONGEST_LAG)
    assert read(silent, is_pipe=False) == silent


def test_without_an_end_everything_is_read():
    window = WindowEnd(None, VIDEO, [SOUND], is_pipe=True)

    assert not any(window.is_past(*packet) for packet in packets({}))
