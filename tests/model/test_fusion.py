"""What fusion makes of motion, whatever its weights: borders, and less detail where it is fast."""

import math
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from tiny_network import as_image, moving_texture, tiny_network  # noqa: E402

from vfi_flow.model.config import TINY  # noqa: E402
from vfi_flow.model.network import InterpolationNetwork  # noqa: E402
from vfi_flow.model.registration import MotionAtTau  # noqa: E402

HALF = torch.full((1, 1, 1, 1), 0.5)
FRAME0, FRAME1 = as_image(moving_texture(64, 96)), as_image(moving_texture(64, 96, dx=24))
CROSSFADE = -3
"""Channel of the head, before the two of kept detail."""


@pytest.fixture
def network():
    return tiny_network()


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def moving(network, motion: float, jerk: float = 0.0, unexplained: float = 0.0) -> MotionAtTau:
    """FRAME0 and FRAME1 half-way, as moving to the left by `motion` pixels everywhere."""
    flow, zero = torch.zeros(1, 4, 32, 48), torch.zeros(1, 1, 32, 48)
    flow[:, 0], flow[:, 2] = motion / 4, -motion / 4  # half of it to either frame, on a grid of half the size
    context = torch.zeros(1, network.config.levels[-1].context, 32, 48)
    return MotionAtTau(
        flow, zero, context, zero + 1, zero + jerk / network.config.flow_scale, zero[..., :1, :1] + unexplained
    )


def fused(network, motion: float) -> "torch.Tensor":
    """The mean of FRAME0 and FRAME1 half-way."""
    return network.fused(network.encode(FRAME0), network.encode(FRAME1), HALF, moving(network, motion)).mean


def test_less_of_a_crossfade_where_motion_leaves_a_frame(network):
    made = []
    for bias in (-20.0, 1.0, 20.0):
        network.fusion.head.bias[CROSSFADE] = bias
        made.append(fused(network, motion=24.0))
    followed, between, unfollowed = made
    share = ((between - followed).abs().mean(dim=(0, 1, 2)) / (unfollowed - followed).abs().mean(dim=(0, 1, 2))).numpy()

    assert share[20:76].min() > 0.65 and share[20:76].max() < 0.8
    assert max(share[:3].max(), share[-3:].max()) < 0.25


def test_what_no_motion_explains_is_blended_and_nothing_is_drawn_on_it(network):
    place = torch.full((1, 1, 1, 1), 0.25)
    features = network.encode(FRAME0), network.encode(FRAME1)

    made = network.fused(*features, place, moving(network, motion=24.0, unexplained=1.0))
    doubted = network.fused(*features, place, moving(network, motion=24.0, unexplained=0.5))

    blend = 0.75 * FRAME0 + 0.25 * FRAME1
    torch.testing.assert_close(made.mean, blend, atol=1e-4, rtol=0)
    assert made.spread.abs().max() == made.shrunk.abs().max() == 0
    assert doubted.spread.max() > 0


def test_the_faster_the_motion_the_less_of_the_finest_detail(network):
    flows = [torch.zeros(1, 4, 64, 96) + torch.tensor([-v, 0, v, 0]).view(1, 4, 1, 1) for v in (0.0, 2.0, 20.0)]

    still, slow, fast = (
        (network.fusion.detail_slope * network.fusion.speed(flow, torch.ones(1, 1, 32, 48)))[:, 0].mean()
        for flow in flows
    )

    assert abs(still) < 0.01
    assert still > slow + 0.2 > fast + 1


def test_motion_that_is_known_to_be_even_takes_no_detail(network):
    motion = torch.zeros(1, 4, 64, 96) + torch.tensor([-20.0, 0, 20, 0]).view(1, 4, 1, 1)
    half = torch.full((1, 1, 32, 48), 0.5)

    even, partly, any_way = (network.fusion.speed(motion, 2 * n * half)[..., 16, 24].item() for n in (0, 0.5, 1))

    assert even < 1e-3
    assert partly == pytest.approx(network.fusion.speed(motion / 2, 2 * half)[..., 16, 24].item(), abs=1e-3)
    assert any_way > partly + 0.5


@pytest.mark.parametrize("downscale", [1, 2])
def test_where_motion_is_shaken_detail_counts_less(downscale):
    """Both octaves by the same, whatever grid motion is found on: a quarter of the odds for SHAKEN pixels."""
    network = InterpolationNetwork(replace(TINY, downscale=downscale)).eval()
    frames = [frame.repeat(1, 1, downscale, downscale) for frame in (FRAME0, FRAME1)]
    features = [network.encode(frame) for frame in frames]

    still, shaken = (
        network.fusion(*features, HALF, moving(network, 8.0, jerk)).detail for jerk in (0.0, network.fusion.SHAKEN)
    )

    torch.testing.assert_close(still - shaken, torch.full_like(still, math.log(4)))
