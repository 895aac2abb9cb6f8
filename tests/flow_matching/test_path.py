"""Paths begin in noise and end in data; the four kinds of prediction are one quantity in four units."""

import itertools
import math
from typing import get_args

import pytest
import torch
from tolerances import ROUNDING_FLOAT64

from vfi_flow.flow_matching.path import DIFFUSION, LINEAR, Kind

PATHS = [pytest.param(path, id=path.name) for path in (LINEAR, DIFFUSION)]
KINDS = get_args(Kind)


def noise_and_data(dtype=torch.float64, shape=(64, 2, 3)):
    generator = torch.Generator().manual_seed(0)
    x_0 = torch.randn(shape, generator=generator, dtype=dtype)
    return x_0, 3 * torch.rand(shape, generator=generator, dtype=dtype) - 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("path", PATHS)
def test_a_path_begins_exactly_in_the_noise_and_ends_exactly_in_the_data(path, dtype):
    x_0, x_1 = noise_and_data(dtype)

    assert torch.equal(path.at(x_0, x_1, 0.0), x_0)
    assert torch.equal(path.at(x_0, x_1, 1.0), x_1)


@pytest.mark.parametrize("path", PATHS)
def test_the_target_velocity_is_the_derivative_of_the_path(path):
    x_0, x_1 = noise_and_data()
    t = torch.linspace(0, 1, len(x_0), dtype=torch.float64)

    def at(t):
        return path.at(x_0, x_1, t)

    _, derivative = torch.autograd.functional.jvp(at, t, torch.ones_like(t))

    torch.testing.assert_close(path.target(x_0, x_1, t), derivative, rtol=0, atol=ROUNDING_FLOAT64)


def test_the_linear_path_has_constant_velocity_and_the_diffusion_path_constant_variance():
    x_0, x_1 = noise_and_data()
    t = torch.linspace(0, 1, 11, dtype=torch.float64)

    c = DIFFUSION.coefficients(t)

    assert torch.equal(LINEAR.target(x_0, x_1, 0.3), x_1 - x_0)
    torch.testing.assert_close(c.alpha**2 + c.sigma**2, torch.ones_like(t))


def test_the_two_paths_are_one_up_to_a_change_of_time_and_scale():
    """At equal alpha / sigma the diffusion point is the linear point divided by the length of (alpha, sigma)."""
    x_0, x_1 = noise_and_data()
    t_diffusion = 0.3
    ratio = math.tan(math.pi / 2 * t_diffusion)
    t_linear = ratio / (1 + ratio)

    scale = math.hypot(t_linear, 1 - t_linear)

    torch.testing.assert_close(DIFFUSION.at(x_0, x_1, t_diffusion), LINEAR.at(x_0, x_1, t_linear) / scale)


@pytest.mark.parametrize(("given", "wanted"), list(itertools.product(KINDS, KINDS)))
@pytest.mark.parametrize("path", PATHS)
def test_the_conversion_of_one_true_target_is_the_other_and_comes_back(path, given, wanted):
    x_0, x_1 = noise_and_data()
    t = torch.linspace(0.01, 0.99, len(x_0), dtype=torch.float64)
    x_t, prediction = path.at(x_0, x_1, t), path.target(x_0, x_1, t, given)

    converted = path.convert(prediction, x_t, t, given=given, wanted=wanted)
    back = path.convert(converted, x_t, t, given=wanted, wanted=given)

    torch.testing.assert_close(converted, path.target(x_0, x_1, t, wanted))
    torch.testing.assert_close(back, prediction)


@pytest.mark.parametrize("path", PATHS)
def test_predictions_that_are_not_exact_come_back_too(path):
    """A network's output need not lie on any path: the round trip holds for every value, not for true targets only."""
    x_t, prediction = noise_and_data()
    t = torch.linspace(0.01, 0.99, len(x_t), dtype=torch.float64)

    for given, wanted in itertools.permutations(KINDS, 2):
        there = path.convert(prediction, x_t, t, given=given, wanted=wanted)
        back = path.convert(there, x_t, t, given=wanted, wanted=given)
        torch.testing.assert_close(back, prediction, msg=lambda m, g=given, w=wanted: f"{g} -> {w} -> {g}: {m}")


@pytest.mark.parametrize("path", PATHS)
def test_the_score_is_the_gradient_of_the_logarithm_of_the_density(path):
    """Gaussian data N(2, 0.5^2): x_t is N(2 alpha, (0.5 alpha)^2 + sigma^2), whose score autograd knows."""
    t = torch.linspace(0.05, 0.95, 7, dtype=torch.float64)
    c = path.coefficients(t)
    x_t = torch.linspace(-2, 3, 7, dtype=torch.float64, requires_grad=True)
    variance = (0.5 * c.alpha) ** 2 + c.sigma**2
    log_density = -((x_t - 2 * c.alpha) ** 2) / (2 * variance)
    (score,) = torch.autograd.grad(log_density.sum(), x_t)
    posterior_mean = 2 + 0.25 * c.alpha / variance * (x_t - 2 * c.alpha)

    converted = path.convert(posterior_mean, x_t, t, given="endpoint", wanted="score")

    torch.testing.assert_close(converted, score)


def test_the_endpoint_of_the_linear_path_gives_the_velocity_the_sampler_uses():
    r, endpoint = noise_and_data()

    velocity = LINEAR.convert(endpoint, r, 0.25, given="endpoint", wanted="velocity")

    torch.testing.assert_close(velocity, (endpoint - r) / (1 - 0.25))


@pytest.mark.parametrize("t", [0.0, 1.0])
@pytest.mark.parametrize("path", PATHS)
def test_a_velocity_is_safe_at_the_ends_and_every_conversion_is_finite_there(path, t):
    x_0, x_1 = noise_and_data(torch.float32)
    x_t = path.at(x_0, x_1, t)
    velocity = path.target(x_0, x_1, t)

    torch.testing.assert_close(path.convert(velocity, x_t, t, given="velocity", wanted="endpoint"), x_1)
    torch.testing.assert_close(path.convert(velocity, x_t, t, given="velocity", wanted="noise"), x_0)
    for given, wanted in itertools.permutations(KINDS, 2):
        prediction = path.target(x_0, x_1, t, given)
        assert path.convert(prediction, x_t, t, given=given, wanted=wanted).isfinite().all()


@pytest.mark.parametrize("path", PATHS)
def test_a_number_a_vector_and_a_column_of_times_mean_the_same(path):
    x_0, x_1 = noise_and_data()
    vector = torch.full((len(x_0),), 0.3, dtype=torch.float64)

    expected = path.at(x_0, x_1, 0.3)

    assert torch.equal(path.at(x_0, x_1, vector), expected)
    assert torch.equal(path.at(x_0, x_1, vector.reshape(-1, 1, 1)), expected)
    assert torch.equal(path.at(x_0, x_1, vector[0]), expected)


@pytest.mark.parametrize(("given", "wanted"), [("speed", "noise"), ("noise", "speed")])
def test_an_unknown_kind_is_named(given, wanted):
    x = torch.zeros(1, 1)

    with pytest.raises(ValueError, match="unknown kind of prediction 'speed'; expected one of velocity, endpoint"):
        LINEAR.convert(x, x, 0.5, given=given, wanted=wanted)


@pytest.mark.parametrize("t", [0.9999, 0.999999, 1.0])
@pytest.mark.parametrize("path", PATHS)
def test_a_score_comes_back_as_the_noise_that_it_was_at_the_end_too(path, t):
    x_0, x_1 = noise_and_data()
    score = path.target(x_0, x_1, torch.tensor(t, dtype=torch.float64), "score")

    noise = path.convert(
        score, path.at(x_0, x_1, torch.tensor(t, dtype=torch.float64)), t, given="score", wanted="noise"
    )

    torch.testing.assert_close(noise, x_0)
