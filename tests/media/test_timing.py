"""The time line is exact: properties on random rational clocks."""

import math
import random
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import pairwise

import pytest

from vfi_flow.media.timing import (
    Division,
    Instant,
    Multiply,
    Resample,
    Slow,
    common_unit,
    constant_rate_time,
    frame_count,
    standard_rate,
    storable_unit,
    to_pts,
    unit_with_room,
)

FACTORS = [Fraction(2), Fraction(5, 2), Fraction(7, 3), Fraction(1), Fraction(1, 2), Fraction(3, 4), Fraction(8)]
RATES = [Fraction(60), Fraction(60000, 1001), Fraction(24), Fraction(7, 3), Fraction(120)]


def random_clock(seed: int) -> tuple[list[Fraction], Fraction]:
    """Times of a variable-rate video and its end; the first time is seldom 0."""
    rng = random.Random(seed)
    ticks = [rng.randrange(0, 5000)]
    for _ in range(rng.randrange(0, 25)):
        ticks.append(ticks[-1] + rng.randrange(1, 9000))
    return [Fraction(tick, 90000) for tick in ticks], Fraction(ticks[-1] + rng.randrange(1, 9000), 90000)


def divide(division: Division, times: Iterable[Fraction], end: Fraction) -> Iterator[Instant]:
    """All output frames of source frames at `times` (strictly increasing); the last one is on screen until `end`."""
    left = -1
    start: Fraction | None = None
    for left, time in enumerate(times):
        if start is not None:
            yield from division.between(left - 1, start, time)
        start = time
    if start is not None:
        yield from division.between(left, start, end)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("factor", FACTORS, ids=str)
def test_a_factor_makes_exactly_that_many_frames_inside_their_own_intervals(factor, seed):
    times, end = random_clock(seed)

    instants = list(divide(Multiply(factor), times, end))

    assert len(instants) == math.ceil(len(times) * factor) == frame_count(Multiply(factor), len(times), end - times[0])
    assert all(a.seconds < b.seconds for a, b in pairwise(instants))
    assert instants[0] == Instant(0, Fraction(0), times[0])
    for instant in instants:
        following = [*times, end][instant.left + 1]
        assert 0 <= instant.tau < 1
        assert instant.seconds == times[instant.left] + instant.tau * (following - times[instant.left])
        assert instant.seconds < end


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("rate", RATES, ids=str)
def test_a_rate_samples_the_true_times_and_ends_within_one_output_frame(rate, seed):
    times, end = random_clock(seed)
    division = Resample(rate, times[0])

    instants = list(divide(division, times, end))

    assert [i.seconds for i in instants] == [times[0] + k / rate for k in range(len(instants))]
    assert 0 <= times[0] + len(instants) / rate - end < 1 / rate
    assert len(instants) == frame_count(division, len(times), end - times[0])
    for instant in instants:
        following = [*times, end][instant.left + 1]
        assert times[instant.left] <= instant.seconds < following
        assert instant.tau == (instant.seconds - times[instant.left]) / (following - times[instant.left])


@pytest.mark.parametrize("seed", range(12))
def test_every_output_time_is_a_whole_number_of_units(seed):
    times, end = random_clock(seed)
    for division in (*map(Multiply, FACTORS), *map(Slow, FACTORS), *(Resample(rate, times[0]) for rate in RATES)):
        unit = division.unit(Fraction(1, 90000))

        assert all((instant.seconds / unit).denominator == 1 for instant in divide(division, times, end))


def test_ntsc_film_to_ntsc_sixty_reuses_every_second_source_frame():
    times = [Fraction(1001 * k, 24000) for k in range(4)]

    instants = list(divide(Resample(Fraction(60000, 1001), Fraction(0)), times, Fraction(4004, 24000)))

    assert [i.tau for i in instants] == [Fraction(n, 5) for n in (0, 2, 4, 1, 3, 0, 2, 4, 1, 3)]
    assert [i.left for i in instants] == [0, 0, 0, 1, 1, 2, 2, 2, 3, 3]


def test_one_frame_is_held_and_no_frame_gives_none():
    assert [i.tau for i in divide(Multiply(Fraction(2)), [Fraction(5)], Fraction(6))] == [0, Fraction(1, 2)]
    assert list(divide(Multiply(Fraction(2)), [], Fraction(6))) == []


def test_the_common_unit_divides_all_times_and_is_the_largest_that_does():
    assert common_unit(Fraction(1, 24), Fraction(1, 60)) == Fraction(1, 120)
    assert common_unit(Fraction(1001, 24000), Fraction(0)) == Fraction(1001, 24000)
    assert common_unit(Fraction(3, 4), Fraction(-1, 2)) == Fraction(1, 4)


def test_a_unit_too_fine_for_a_container_falls_back_to_microseconds():
    assert storable_unit(Fraction(1, 90000 * 7)) == Fraction(1, 630000)
    assert storable_unit(Fraction(1, 2**40)) == Fraction(1, 1_000_000)


@pytest.mark.parametrize("rate", [Fraction(48000, 1001), Fraction(50), Fraction(120000, 1001)], ids=str)
def test_a_clock_with_room_for_pauses_keeps_a_constant_rate_exact(rate):
    unit = unit_with_room(Fraction(1, 90_000_000), rate, Fraction(7200))

    assert unit.denominator <= 1_000_000 and (1 / rate / unit).denominator == 1


def test_a_clock_is_not_made_coarser_without_need():
    fine, uneven = Fraction(1, 90_000_000), Fraction(540_000_001, 1_300_333_333)

    assert unit_with_room(fine, Fraction(50), Fraction(5)) == fine
    assert unit_with_room(Fraction(1, 630_000), uneven, Fraction(10**6)) == Fraction(1, 630_000)
    assert unit_with_room(fine, uneven, None) == Fraction(1, 1_000_000)


def test_pts_round_to_nearest_and_are_exact_where_they_can_be():
    assert [to_pts(Fraction(k, 60), Fraction(1, 1000)) for k in range(4)] == [0, 17, 33, 50]
    assert to_pts(Fraction(7, 60), Fraction(1, 60)) == 7
    assert to_pts(Fraction(-1, 3), Fraction(1, 3)) == -1


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60)], ids=str)
@pytest.mark.parametrize("rounding", [round, math.floor, math.ceil])
def test_milliseconds_of_a_constant_rate_become_its_exact_times(rate, rounding):
    tick = Fraction(1, 1000)
    stored = [rounding(k / rate * 1000) * tick for k in range(500)]

    assert [constant_rate_time(s, Fraction(0), rate, tick) for s in stored] == [k / rate for k in range(500)]


def test_a_fine_clock_and_a_variable_rate_are_left_alone():
    assert constant_rate_time(Fraction(513, 15360), Fraction(0), Fraction(30), Fraction(1, 15360)) == Fraction(
        513, 15360
    )
    assert constant_rate_time(Fraction(50, 1000), Fraction(0), Fraction(30), Fraction(1, 1000)) == Fraction(50, 1000)


@pytest.mark.parametrize(
    ("rounded", "rate"),
    [("19001/317", "60000/1001"), ("2997/100", "30000/1001"), ("25", "25"), ("47/2", "47/2"), ("1/3", "1/3")],
)
def test_a_rounded_rate_is_the_standard_rate_it_stands_for(rounded, rate):
    assert standard_rate(Fraction(rounded)) == Fraction(rate)
