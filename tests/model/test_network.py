"""The whole network, untrained: what holds for any weights, and what holds at the start of training."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from tiny_network import as_image, moving_texture, standard_noise, tiny_network  # noqa: E402
from tolerances import BATCH_FLOAT32, BFLOAT16_LEVEL  # noqa: E402

from vfi_flow.model.composition import LARGEST_DEVIATION, SMALLEST_DEVIATION  # noqa: E402
from vfi_flow.model.config import TINY  # noqa: E402
from vfi_flow.model.network import InterpolationNetwork  # noqa: E402
from vfi_flow.motion.resize import double, halve  # noqa: E402

HALF, FULL = torch.full((1, 1, 1, 1), 0.5), torch.ones(1)


@pytest.fixture(scope="module")
def network() -> InterpolationNetwork:
    return tiny_network()


@pytest.fixture
def fresh() -> InterpolationNetwork:
    """As training starts it: nothing is known of the residual."""
    torch.manual_seed(0)
    return InterpolationNetwork(TINY).eval()


@pytest.fixture(scope="module")
def pair() -> "tuple[torch.Tensor, torch.Tensor]":
    return as_image(moving_texture(48, 64)), as_image(moving_texture(48, 64, dx=3))


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


@pytest.mark.parametrize("steps", [0, 1, 2])
@pytest.mark.parametrize(("height", "width"), [(16, 16), (16, 80), (96, 32)])
def test_every_multiple_of_sixteen_gives_a_frame_of_that_size(network, height, width, steps):
    noise = standard_noise(1, 3, height, width)
    frame0, frame1 = standard_noise(2, 1, 3, height, width, seed=1).sigmoid()

    made = network(frame0, frame1, HALF, noise, FULL, steps)

    assert (made.shape, made.dtype) == (frame0.shape, torch.float32)
    assert 0 <= made.min() <= made.max() <= 1


def test_the_border_of_a_plain_frame_looks_like_its_middle(network):
    plain = torch.tensor([0.8, 0.3, 0.6]).view(1, 3, 1, 1).expand(1, 3, 48, 64)

    for features in network.encode(plain)[-4:]:
        torch.testing.assert_close(features, features[:, :, :1, :1].expand_as(features), rtol=0, atol=1e-6)


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_each_sample_of_a_batch_is_made_as_if_alone(network, steps):
    frame0 = torch.cat([as_image(moving_texture(32, 48, seed=i)) for i in range(3)])
    frame1 = torch.cat([as_image(moving_texture(32, 48, dx=2 * i, seed=i)) for i in range(3)])
    tau, strength = torch.tensor([0.25, 0.5, 0.9]).view(3, 1, 1, 1), torch.tensor([1, 0.5, 0]).view(3, 1, 1, 1)
    noise = standard_noise(3, 3, 32, 48)

    together = network(frame0, frame1, tau, noise, strength, steps)

    for i in range(3):
        one = slice(i, i + 1)
        alone = network(frame0[one], frame1[one], tau[one], noise[one], strength[one], steps)
        assert torch.allclose(together[one], alone, rtol=0, atol=BATCH_FLOAT32)


@pytest.mark.parametrize("steps", [1, 2])
def test_a_fresh_network_returns_the_mean_with_the_detail_it_lacks_from_any_noise(fresh, pair, steps):
    mean = fresh.mean(*map(fresh.encode, pair), HALF)
    expected = (mean.mean + mean.shrunk).clamp(0, 1)

    for seed in range(2):
        assert torch.equal(fresh(*pair, HALF, 3 * standard_noise(1, 3, 48, 64, seed=seed), FULL, steps), expected)


def test_the_mean_lacks_detail_in_which_the_frames_disagree_and_drawing_brings_it_back(network):
    frames = standard_noise(2, 1, 3, 48, 64).sigmoid()
    mean = network.mean(*map(network.encode, frames), HALF)

    assert (mean.sharp - mean.mean).abs().mean() > 0.02
    assert (mean.sharp - mean.mean).mean().abs() < 0.002  # no brightness goes with it
    torch.testing.assert_close(mean.mean + mean.shrunk, mean.sharp)  # everywhere something happens


@pytest.mark.parametrize("steps", [1, 2])
def test_strength_scales_what_is_added_to_the_mean(network, pair, steps):
    noise = standard_noise(1, 3, 48, 64)
    mean, half, full = (network(*pair, HALF, noise, torch.tensor([strength]), steps) for strength in (0.0, 0.5, 1.0))

    assert torch.equal(mean, network(*pair, HALF, noise, FULL, 0))
    assert (full - mean).abs().max() > 0.02
    unclamped = (full > 0) & (full < 1)
    assert torch.allclose((half - mean)[unclamped] * 2, (full - mean)[unclamped], rtol=0, atol=BATCH_FLOAT32)


def test_where_nothing_happens_nothing_is_drawn(network, pair):
    frame0 = pair[0]
    frame1 = frame0.clone()
    frame1[..., 32:] = pair[1][..., 32:]
    mean = network.mean(network.encode(frame0), network.encode(frame1), HALF)

    detail = network.detail(mean, standard_noise(1, 3, 48, 64), 1)

    assert not detail[..., :29].any()
    assert detail[..., 36:].abs().max() > 0


def test_another_noise_gives_another_frame(network, pair):
    first, second = (network(*pair, HALF, standard_noise(1, 3, 48, 64, seed=seed), FULL, 1) for seed in (0, 1))

    assert (first - second).abs().max() > 0.02


def test_zero_steps_do_not_look_at_the_noise(network, pair):
    nothing = torch.full((1,), torch.nan)

    assert network(*pair, HALF, nothing, nothing, 0).isfinite().all()


@pytest.mark.parametrize(("steps", "evaluations"), [(0, 0), (1, 1), (2, 3)])
def test_n_steps_ask_the_velocity_network_as_often_as_documented(network, pair, steps, evaluations):
    times = []
    hook = network.velocity.register_forward_hook(lambda module, inputs, output: times.append(inputs[1].item()))

    network(*pair, HALF, standard_noise(1, 3, 48, 64), FULL, steps)
    hook.remove()

    assert len(times) == evaluations
    assert all(0 < t < 1 for t in times)


def test_features_of_a_frame_serve_every_tau(network, pair):
    features = [network.encode(frame) for frame in pair]
    noise = standard_noise(1, 3, 48, 64)

    for tau in (0.2, 0.7):
        place = torch.full((1, 1, 1, 1), tau)
        assert torch.equal(network.synthesise(*features, place, noise, FULL, 1), network(*pair, place, noise, FULL, 1))


@pytest.mark.parametrize(("tau", "share"), [(1e-4, 1.0), (1 - 1e-4, 0.0)])
def test_close_to_a_frame_that_frame_alone_counts(fresh, pair, tau, share):
    mean = fresh.mean(*map(fresh.encode, pair), torch.full((1, 1, 1, 1), tau))

    assert torch.allclose(mean.blend, torch.tensor(share), atol=0.01)


@pytest.mark.parametrize("tau", [0.1, 0.5, 0.8])
def test_without_evidence_the_mean_is_the_linear_blend(fresh, tau):
    """Plain frames of two colours: no motion is seen nor expected, and silent convolutions have no opinion."""
    for level in (fresh.registration.at_16, fresh.registration.at_8, fresh.registration.at_4):
        level.prior.fill_(100.0)
        level.head.weight.zero_(), level.head.bias.zero_()
    fresh.fusion.head.weight.zero_(), fresh.fusion.head.bias.zero_()
    frame0, frame1 = torch.full((1, 3, 32, 32), 0.2), torch.full((1, 3, 32, 32), 0.9)

    made = fresh(frame0, frame1, torch.full((1, 1, 1, 1), tau), torch.zeros(1), FULL, 0)

    assert torch.allclose(made, torch.tensor(0.2 + tau * 0.7), atol=BATCH_FLOAT32)


@pytest.mark.parametrize("tau", [0.25, 0.5])
def test_what_motion_does_not_explain_may_be_a_crossfade(fresh, pair, tau):
    """Wide open, the crossfade's share hides the warped frames altogether."""
    place = torch.full((1, 1, 1, 1), tau)
    fresh.fusion.head.weight.zero_()
    followed = fresh(*pair, place, torch.zeros(1), FULL, 0)
    fresh.fusion.head.bias[-4:] = 50
    unfollowed = fresh(*pair, place, torch.zeros(1), FULL, 0)

    blend = pair[0] + tau * (pair[1] - pair[0])
    assert torch.allclose(unfollowed, blend, atol=BATCH_FLOAT32)
    assert (followed - blend).abs().max() > 0.02


def test_as_training_starts_the_crossfade_is_nearly_shut(fresh):
    assert fresh.fusion.head.bias[-3].sigmoid() < 0.02


def test_the_deviation_stays_between_its_bounds(network, pair):
    deviation = network.mean(*map(network.encode, pair), HALF).deviation

    assert deviation.shape == (1, 1, 48, 64)
    assert SMALLEST_DEVIATION <= deviation.min() <= deviation.max() <= LARGEST_DEVIATION


def test_every_motion_of_the_registration_lives_on_its_own_grid(network, pair):
    registration = network.registration(*map(network.encode, pair))

    assert sorted(scale for scale, _ in registration.motions) == [2, 4, 4, 8, 8, 16]
    for (scale, motion), (same, flow) in zip(registration.motions, registration.flows_at(HALF / 2), strict=True):
        assert motion.shape == (1, 2, 48 // scale, 64 // scale)
        assert same == scale and flow.shape == (1, 4, 48 // scale, 64 // scale)
        torch.testing.assert_close(3 * flow[:, :2], -flow[:, 2:])


def test_motion_is_found_on_half_the_frame_where_the_preset_says_so(network, pair):
    coarse = of_half(network)
    halves = (F.avg_pool2d(frame, 2)[..., :16, :] for frame in pair)
    frames = [F.interpolate(half, scale_factor=2) for half in halves]

    whole = coarse.registration(*map(coarse.encode, frames))
    halved = network.registration(*(network.encode(F.avg_pool2d(frame, 2)) for frame in frames))

    assert [2 * scale for scale, _ in halved.motions] == [scale for scale, _ in whole.motions]
    torch.testing.assert_close(whole.motion, halved.motion)


@pytest.mark.parametrize("steps", [0, 1])
def test_equal_frames_give_that_frame_where_motion_is_found_on_half_of_it(network, steps):
    frame = as_image(moving_texture(48, 80))
    coarse = of_half(network)
    torch.nn.init.zeros_(coarse.fusion.head.weight)
    torch.nn.init.zeros_(coarse.fusion.head.bias)

    made = coarse(frame, frame, HALF, standard_noise(1, 3, 48, 80), FULL, steps)

    assert (made - frame)[..., 8:-8, 8:-8].abs().mean() < 0.01


def test_on_half_of_the_frame_noise_stays_standard_and_detail_is_drawn_no_finer(network, pair):
    coarse = of_half(network)
    noise = standard_noise(1, 3, 48, 64)
    mean = coarse.mean(*map(coarse.encode, pair), HALF)

    start, residual = coarse.velocity.noise(noise), coarse.residual(mean, noise, steps=1)

    assert start.shape == (1, 3, 24, 32) and start.std().item() == pytest.approx(1, abs=0.05)
    assert residual.shape == noise.shape
    finer = residual[..., 8:-8, 8:-8] - double(halve(residual))[..., 8:-8, 8:-8]
    assert finer.square().mean() < 0.15 * residual.square().mean()


def of_half(network: InterpolationNetwork) -> InterpolationNetwork:
    """The same weights with motion on frames of half the size."""
    coarse = InterpolationNetwork(replace(TINY, downscale=2))
    coarse.load_state_dict(network.state_dict())
    return coarse.eval()


def test_every_parameter_learns_from_the_frame(network, pair):
    with torch.enable_grad():
        made = network(*pair, HALF, standard_noise(1, 3, 48, 64), FULL / 2, 1)
        gradients = torch.autograd.grad(made.square().mean(), list(network.parameters()), allow_unused=True)

    names = [name for name, _ in network.named_parameters()]
    assert [
        name for name, gradient in zip(names, gradients, strict=True) if gradient is None or not gradient.any()
    ] == []


def test_bfloat16_convolutions_leave_flow_and_frame_in_float32(network, pair):
    mean = network.mean(*map(network.encode, pair), HALF)
    with torch.autocast("cpu", torch.bfloat16):
        rough = network.mean(*map(network.encode, pair), HALF)

    assert {value.dtype for value in (rough.mean, rough.deviation, rough.flow, rough.blend)} == {torch.float32}
    assert rough.features.dtype == torch.bfloat16
    assert (rough.mean - mean.mean).abs().mean() < BFLOAT16_LEVEL
