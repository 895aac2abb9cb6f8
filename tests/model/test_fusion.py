"""What fusion does with evidence that needs no weights: borders, frames that do not count, detail that disagrees."""

import pytest

torch = pytest.importorskip("torch")

from tiny_network import as_image, moving_texture, standard_noise, tiny_network  # noqa: E402

from vfi_flow.model.registration import Registration  # noqa: E402

HALF = torch.full((1, 1, 1, 1), 0.5)
FRAME0, FRAME1 = as_image(moving_texture(64, 96)), as_image(moving_texture(64, 96, dx=24))
AT_HALF = (1, 2, 32, 48)
STILL = torch.zeros(1, 4, 64, 96)
CROSSFADE = -3
"""Channel of the head, before the two of kept detail."""


@pytest.fixture
def network():
    return tiny_network()


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def fused(network, motion: float) -> "torch.Tensor":
    """The mean of FRAME0 and FRAME1 half-way, registered as moving to the left by `motion` pixels everywhere."""
    flow = torch.zeros(1, 4, 32, 48)
    flow[:, 0], flow[:, 2] = motion / 4, -motion / 4  # half of it to either frame, on a grid of half the size
    context = torch.zeros(1, network.config.levels[-1].context, 32, 48)
    registration = Registration(flow, torch.zeros(1, 1, 32, 48), context, ())
    return network.fusion(network.encode(FRAME0), network.encode(FRAME1), HALF, registration).mean


def test_less_of_a_crossfade_where_motion_leaves_a_frame(network):
    made = []
    for bias in (-20.0, 1.0, 20.0):
        network.fusion.head.bias[CROSSFADE] = bias
        made.append(fused(network, motion=24.0))
    followed, between, unfollowed = made
    share = ((between - followed).abs().mean(dim=(0, 1, 2)) / (unfollowed - followed).abs().mean(dim=(0, 1, 2))).numpy()

    assert share[20:76].min() > 0.65 and share[20:76].max() < 0.8
    assert max(share[:3].max(), share[-3:].max()) < 0.25


def kept(network, frame0, frame1, blend: float = 0.5, flow=STILL, learned: float = 0.0) -> "torch.Tensor":
    return network.fusion.kept(frame0, frame1, torch.full((1, 1, 64, 96), blend), flow, torch.full(AT_HALF, learned))


def test_what_differs_from_a_frame_that_does_not_count_is_kept(network):
    both, alone = (kept(network, FRAME0, FRAME1, blend)[:, 0].mean() for blend in (0.5, 0.999))

    assert both < 0.6
    assert alone > 0.9


def test_the_faster_the_motion_the_less_of_the_finest_detail(network):
    noisy = [FRAME0 + 0.02 * standard_noise(*FRAME0.shape, seed=seed) for seed in (1, 2)]
    shares = [
        kept(network, *noisy, flow=STILL + torch.tensor([-speed, 0, speed, 0]).view(1, 4, 1, 1))
        for speed in (0.0, 2.0, 20.0)
    ]

    still, slow, fast = (share[:, 0].mean() for share in shares)
    assert still > slow + 0.05 > fast + 0.1


def test_training_can_keep_all_detail_or_none(network):
    assert kept(network, FRAME0, FRAME1, learned=30.0).min() > 0.99
    assert kept(network, FRAME0, FRAME0, learned=-40.0).max() < 0.01
