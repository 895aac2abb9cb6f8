"""Motion that is not even in time, from the motion before and after."""

import pytest

torch = pytest.importorskip("torch")

from vfi_flow.motion.acceleration import JERK, STEADY_BESIDE, STEADY_BETWEEN, TRUST, accelerated  # noqa: E402

WIDE = 1e6
"""Pixels; in so wide a frame no change of the motion is large."""


def flow_between(start: float, end: float, tau: float):
    """(1, 4, H, W): flows of a picture that moves to the right from `start` to `end`, at an even pace."""
    still = torch.zeros(1, 1, 24, 32)
    return torch.cat([still - tau * (end - start), still, still + (1 - tau) * (end - start), still], 1)


def path(time: float, speed: float = 3.0, acceleration: float = 2.0) -> float:
    """Where the picture is at `time`; the pair lies between 0 and 1."""
    return speed * time + acceleration * time**2 / 2


def path_of(flow, before, after, tau: float, intervals: tuple[float, float], width: float = WIDE):
    place = torch.full((1, 1, 1, 1), tau)
    return accelerated(flow, before, after, place, torch.tensor(intervals).view(1, 2, 1, 1), torch.tensor([width]))


def followed(*motion, width: float = WIDE):
    return path_of(*motion, width=width).flow


@pytest.mark.parametrize("tau", [0.25, 0.5, 0.8])
@pytest.mark.parametrize(("before", "after"), [(1.0, 1.0), (2.0, 1.0), (0.5, 1.5), (1.0, 0.0), (0.0, 1.0)])
def test_what_speeds_up_evenly_is_followed_as_far_as_it_is_trusted(tau, before, after):
    unknown = torch.full((1, 4, 24, 32), 9.0)
    made = followed(
        flow_between(path(0), path(1), tau),
        flow_between(path(-before), path(0), 0.5) if before else unknown,
        flow_between(path(1), path(1 + after), 0.5) if after else unknown,
        tau,
        (before, after),
    )

    even = path(0) + tau * (path(1) - path(0))
    reached = even + TRUST * (path(tau) - even)
    expected = torch.tensor([path(0) - reached, 0, path(1) - reached, 0]).view(1, 4, 1, 1).expand_as(made)
    torch.testing.assert_close(made, expected, atol=1e-5, rtol=0)


def test_without_neighbours_the_flow_stays_as_it_is():
    flow = torch.randn(1, 4, 24, 32, generator=torch.Generator().manual_seed(0))

    assert torch.equal(followed(flow, torch.ones_like(flow), 2 * torch.ones_like(flow), 0.5, (0.0, 0.0)), flow)


def test_even_motion_stays_even():
    flow = flow_between(0, 4, 0.5)

    torch.testing.assert_close(followed(flow, flow, flow, 0.5, (1.0, 1.0)), flow, atol=1e-6, rtol=0)


def test_the_motion_of_the_neighbours_is_looked_up_along_the_path():
    """A thing and the ground beside it: what stands still stays, whatever passes it."""
    moving, faster = 8.0, 16.0
    flow, after = torch.zeros(1, 4, 24, 64), torch.zeros(1, 4, 24, 64)
    flow[:, 0, :, 10:20], flow[:, 2, :, 10:20] = -moving / 2, moving / 2
    # As fast as in this pair, it is 8 pixels further in the middle of the next.
    after[:, 0, :, 18:28], after[:, 2, :, 18:28] = -faster / 2, faster / 2

    change = followed(flow, flow, after, 0.5, (0.0, 1.0)) - flow

    expected = torch.full((1, 24, 10), TRUST * (faster - moving) / 8)
    torch.testing.assert_close(change[:, 0, :, 10:20], expected, atol=1e-4, rtol=0)
    assert change[:, 1::2].abs().max() == 0
    assert change[:, :, :, :10].abs().max() == 0 and change[:, :, :, 28:].abs().max() == 0


@pytest.mark.parametrize(("neighbours", "share"), [((1.0, 1.0), STEADY_BETWEEN), ((1.0, 0.0), STEADY_BESIDE)])
def test_a_change_that_is_large_for_the_frame_counts_less(neighbours, share):
    """Half where it is a certain share of the width; with neighbours on both sides more is trusted than on one."""
    change = 4.0
    flows = [flow_between(0, 2 + n * change, 0.5) for n in range(3)]

    def ahead(width):
        return float((followed(flows[1], flows[0], flows[2], 0.5, neighbours, width=width) - flows[1])[0, 0, 12, 16])

    assert ahead(change / share) == pytest.approx(ahead(WIDE) / 2, rel=1e-4)
    assert ahead(WIDE) == pytest.approx(TRUST * change / 8, rel=1e-4)


@pytest.mark.parametrize(
    ("speeds", "expected"),
    [((3, 3, 3), 0.0), ((1, 3, 5), 0.0), ((3, 3, 3.375), 0.5), ((0, 3, 9), 1.0)],
    ids=["even", "speeding up evenly", "nearly even", "jerking"],
)
def test_only_what_changes_otherwise_before_than_after_may_be_uneven_between(speeds, expected):
    """Each pixel of difference stands for JERK pixels of the motion."""
    before, flow, after = (flow_between(0, speed, 0.5) for speed in speeds)

    uneven = path_of(flow, before, after, 0.5, (1.0, 1.0)).uneven

    assert JERK == 4
    torch.testing.assert_close(uneven, torch.full((1, 1, 24, 32), expected), atol=2e-3, rtol=0)


@pytest.mark.parametrize("intervals", [(1.0, 0.0), (0.0, 1.0), (0.0, 0.0)])
def test_all_may_be_uneven_where_one_side_is_not_known(intervals):
    flow = flow_between(0, 3, 0.5)

    assert (path_of(flow, flow, flow, 0.5, intervals).uneven == 1).all()
    assert (path_of(flow, flow, 2 * flow, 0.5, intervals).jerk == 0).all()


@pytest.mark.parametrize(("tau", "share"), [(0.5, 1.0), (0.25, 0.75), (0.001, 0.004)])
@pytest.mark.parametrize(
    ("speeds", "expected"), [((3, 3, 3), 0.0), ((1, 3, 5), 0.0), ((0, 3, 9), 3.0), ((5, 3, 5), 4.0)]
)
def test_jerk_is_what_changes_otherwise_and_counts_most_in_the_middle(speeds, expected, tau, share):
    before, after = (flow_between(0, speeds[side], 0.5) for side in (0, 2))

    jerk = path_of(flow_between(0, speeds[1], tau), before, after, tau, (1.0, 1.0)).jerk

    torch.testing.assert_close(jerk, torch.full((1, 1, 24, 32), share * expected), atol=2e-3, rtol=0)


def test_single_places_do_not_make_a_jerk():
    """Where motion is wrong, neighbours are wrong in other directions; what a camera does, all places do."""
    flow = torch.zeros(1, 4, 96, 96)
    wrong = 8 * torch.randn(1, 2, 96, 96, generator=torch.Generator().manual_seed(0))

    jerk = path_of(flow, flow, torch.cat([-wrong / 2, wrong / 2], 1), 0.5, (1.0, 1.0)).jerk

    assert jerk.max() < 1
