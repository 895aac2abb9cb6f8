"""Motion that is not even in time, from the motion before and after."""

import pytest

torch = pytest.importorskip("torch")

from vfi_flow.motion.acceleration import (  # noqa: E402
    JERK,
    STEADY_BESIDE,
    STEADY_BETWEEN,
    TRUST,
    Bend,
    Neighbours,
    alike,
    bend,
)
from vfi_flow.motion.intervals import is_alike  # noqa: E402

WIDE = 1e6
"""Pixels; in so wide a frame no change of the motion is large."""


def moved(start: float, end: float):
    """(1, 2, H, W): motion of a picture that moves to the right from `start` to `end`."""
    still = torch.zeros(1, 1, 24, 32)
    return torch.cat([still + end - start, still], 1)


def path(time: float, speed: float = 3.0, acceleration: float = 2.0) -> float:
    """Where the picture is at `time`; the pair lies between 0 and 1."""
    return speed * time + acceleration * time**2 / 2


def bent(motion, before, after, tau: float, intervals: tuple[float, float], width: float = WIDE) -> Bend:
    neighbours = Neighbours(before, after, torch.tensor(intervals).view(1, 2, 1, 1), torch.tensor([width]))
    return bend(motion, neighbours, torch.full((1, 1, 1, 1), tau))


@pytest.mark.parametrize("tau", [0.25, 0.5, 0.8])
@pytest.mark.parametrize(("before", "after"), [(1.0, 1.0), (2.0, 1.0), (0.5, 1.5), (1.0, 0.0), (0.0, 1.0)])
def test_what_speeds_up_evenly_is_followed_as_far_as_it_is_trusted(tau, before, after):
    """Where it is less far than it would be at an even pace, both frames are so much further ahead."""
    unknown = torch.full((1, 2, 24, 32), 18.0)
    ahead = bent(
        moved(path(0), path(1)),
        moved(path(-before), path(0)) if before else unknown,
        moved(path(1), path(1 + after)) if after else unknown,
        tau,
        (before, after),
    ).ahead

    even = path(0) + tau * (path(1) - path(0))
    expected = torch.tensor([TRUST * (even - path(tau)), 0]).view(1, 2, 1, 1).expand_as(ahead)
    torch.testing.assert_close(ahead, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("intervals", [(0.49, 2.01), (1e-6, 1e6), (-1.0, -1.0)])
def test_neighbours_much_nearer_or_further_than_the_two_frames_say_nothing(intervals):
    motion, other = (torch.randn(1, 2, 24, 32, generator=torch.Generator().manual_seed(n)) for n in (0, 1))

    for found, expected in zip(
        bent(motion, other, other, 0.5, intervals), bent(motion, other, other, 0.5, (0.0, 0.0)), strict=True
    ):
        assert torch.equal(found, expected)


def test_what_says_nothing_is_the_same_in_the_package_and_in_its_graphs():
    intervals = [0.1, 0.499, 0.5, 1.0, 2.0, 2.001, 9.0]

    assert [bool(interval) for interval in alike(torch.tensor(intervals))] == [is_alike(each) for each in intervals]


def test_without_neighbours_nothing_is_ahead():
    motion = torch.randn(1, 2, 24, 32, generator=torch.Generator().manual_seed(0))

    assert (bent(motion, torch.ones_like(motion), 2 * torch.ones_like(motion), 0.5, (0.0, 0.0)).ahead == 0).all()


def test_even_motion_stays_even():
    motion = moved(0, 4)

    ahead = bent(motion, motion, motion, 0.5, (1.0, 1.0)).ahead

    torch.testing.assert_close(ahead, torch.zeros_like(ahead), atol=1e-6, rtol=0)


def test_the_motion_of_the_neighbours_is_looked_up_along_the_path():
    """A thing and the ground beside it: what stands still stays, whatever passes it."""
    moving, faster = 8.0, 16.0
    motion, after = torch.zeros(1, 2, 24, 64), torch.zeros(1, 2, 24, 64)
    motion[:, 0, :, 10:20] = moving
    # As fast as in this pair, it is 8 pixels further in the middle of the next.
    after[:, 0, :, 18:28] = faster

    ahead = bent(motion, motion, after, 0.5, (0.0, 1.0)).ahead

    expected = torch.full((1, 24, 10), TRUST * (faster - moving) / 8)
    torch.testing.assert_close(ahead[:, 0, :, 10:20], expected, atol=1e-4, rtol=0)
    assert ahead[:, 1].abs().max() == 0
    assert ahead[:, :, :, :10].abs().max() == 0 and ahead[:, :, :, 28:].abs().max() == 0


@pytest.mark.parametrize(("tau", "interval", "back"), [(0.5, 1.0, 8), (0.25, 1.0, 6), (0.5, 2.0, 12)])
def test_the_motion_before_is_looked_up_along_the_path_too(tau, interval, back):
    """In the middle of the pair before the thing was so many pixels further back than it is at `tau`."""
    moving, slower = 8.0, 4.0
    motion, before = torch.zeros(1, 2, 24, 64), torch.zeros(1, 2, 24, 64)
    motion[:, 0, :, 30:40] = moving
    before[:, 0, :, 30 - back : 40 - back] = interval * slower

    ahead = bent(motion, before, motion, tau, (interval, 0.0)).ahead

    to_before = (1 + interval) / 2
    expected = torch.full((1, 24, 10), TRUST * tau * (1 - tau) / 2 * (moving - slower) / to_before)
    torch.testing.assert_close(ahead[:, 0, :, 30:40], expected, atol=1e-4, rtol=0)
    assert ahead[:, :, :, : 30 - back].abs().max() == 0 and ahead[:, :, :, 40:].abs().max() == 0


@pytest.mark.parametrize(("neighbours", "share"), [((1.0, 1.0), STEADY_BETWEEN), ((1.0, 0.0), STEADY_BESIDE)])
def test_a_change_that_is_large_for_the_frame_counts_less(neighbours, share):
    """Half where it is a certain share of the width; with neighbours on both sides more is trusted than on one."""
    change = 4.0
    motions = [moved(0, 2 + n * change) for n in range(3)]

    def ahead(width):
        return float(bent(motions[1], motions[0], motions[2], 0.5, neighbours, width).ahead[0, 0, 12, 16])

    assert ahead(change / share) == pytest.approx(ahead(WIDE) / 2, rel=1e-4)
    assert ahead(WIDE) == pytest.approx(TRUST * change / 8, rel=1e-4)


@pytest.mark.parametrize(
    ("speeds", "expected"),
    [((3, 3, 3), 0.0), ((1, 3, 5), 0.0), ((3, 3, 3.375), 0.5), ((0, 3, 9), 1.0)],
    ids=["even", "speeding up evenly", "nearly even", "jerking"],
)
def test_only_what_changes_otherwise_before_than_after_may_be_uneven_between(speeds, expected):
    """Each pixel of difference stands for JERK pixels of the motion."""
    before, motion, after = (moved(0, speed) for speed in speeds)

    uneven = bent(motion, before, after, 0.5, (1.0, 1.0)).uneven

    assert JERK == 4
    torch.testing.assert_close(uneven, torch.full((1, 1, 24, 32), expected), atol=2e-3, rtol=0)


@pytest.mark.parametrize("intervals", [(1.0, 0.0), (0.0, 1.0), (0.0, 0.0)])
def test_all_may_be_uneven_where_one_side_is_not_known(intervals):
    motion = moved(0, 3)

    assert (bent(motion, motion, motion, 0.5, intervals).uneven == 1).all()
    assert (bent(motion, motion, 2 * motion, 0.5, intervals).jerk == 0).all()


@pytest.mark.parametrize(("tau", "share"), [(0.5, 1.0), (0.25, 0.75), (0.001, 0.004)])
@pytest.mark.parametrize(
    ("speeds", "expected"), [((3, 3, 3), 0.0), ((1, 3, 5), 0.0), ((0, 3, 9), 3.0), ((5, 3, 5), 4.0)]
)
def test_jerk_is_what_changes_otherwise_and_counts_most_in_the_middle(speeds, expected, tau, share):
    before, motion, after = (moved(0, speed) for speed in speeds)

    jerk = bent(motion, before, after, tau, (1.0, 1.0)).jerk

    torch.testing.assert_close(jerk, torch.full((1, 1, 24, 32), share * expected), atol=2e-3, rtol=0)


def test_single_places_do_not_make_a_jerk():
    """Where motion is wrong, neighbours are wrong in other directions; what a camera does, all places do."""
    still = torch.zeros(1, 2, 96, 96)
    wrong = 8 * torch.randn(1, 2, 96, 96, generator=torch.Generator().manual_seed(0))

    jerk = bent(still, still, wrong, 0.5, (1.0, 1.0)).jerk

    assert jerk.max() < 1
