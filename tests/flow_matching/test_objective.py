"""The minimum of the loss is the conditional expectation, which for Gaussian data is known in closed form."""

import pytest
import torch
from tolerances import ROUNDING_FLOAT64

from vfi_flow.flow_matching.objective import flow_matching_loss
from vfi_flow.flow_matching.path import DIFFUSION, LINEAR
from vfi_flow.flow_matching.schedule import sample_uniform

MEAN, STD = 0.7, 0.5
COUNT = 1000


def gaussian_data():
    """Noise and data whose means, variances and covariance are exact: all that a best line depends on."""
    samples = torch.randn(COUNT, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    centred = samples - samples.mean(dim=0)
    covariance = centred.T @ centred / COUNT
    x_0, x_1 = torch.linalg.solve_triangular(torch.linalg.cholesky(covariance), centred.T, upper=False)
    return x_0.reshape(-1, 1), MEAN + STD * x_1.reshape(-1, 1)


def minimum(loss):
    """Where a quadratic function of two numbers is smallest: one Newton step from zero."""
    zero = torch.zeros(2, dtype=torch.float64)
    gradient = torch.autograd.functional.jacobian(loss, zero)
    return -torch.linalg.solve(torch.autograd.functional.hessian(loss, zero), gradient)


@pytest.mark.parametrize("t", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("kind", ["velocity", "endpoint", "noise"])
@pytest.mark.parametrize("path", [LINEAR, DIFFUSION], ids=lambda path: path.name)
def test_the_best_prediction_is_the_conditional_expectation(path, kind, t):
    """x_1 ~ N(m, s^2): E[x_1 | x_t] = m + alpha s^2 / (alpha^2 s^2 + sigma^2) (x_t - alpha m), a line in x_t."""
    x_0, x_1 = gaussian_data()
    times = torch.full((COUNT,), t, dtype=torch.float64)

    offset, slope = minimum(
        lambda line: flow_matching_loss(
            lambda x_t, _: line[0] + line[1] * x_t, x_1, times, path=path, kind=kind, x_0=x_0
        )
    )

    c = path.coefficients(torch.tensor(t, dtype=torch.float64))
    variance = (c.alpha * STD) ** 2 + c.sigma**2
    x_t = torch.tensor([[-1.0], [0.0], [2.0]], dtype=torch.float64)
    endpoint = MEAN + c.alpha * STD**2 / variance * (x_t - c.alpha * MEAN)
    noise = c.sigma / variance * (x_t - c.alpha * MEAN)
    expected = {"velocity": c.d_alpha * endpoint + c.d_sigma * noise, "endpoint": endpoint, "noise": noise}[kind]
    torch.testing.assert_close(offset + slope * x_t, expected, rtol=0, atol=ROUNDING_FLOAT64)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_a_network_of_any_precision_learns_at_times_of_the_schedule(dtype):
    x_1 = torch.randn(16, 2, generator=torch.Generator().manual_seed(0)).to(dtype)
    network = torch.nn.Linear(2, 2).to(dtype)
    seen = []

    def predict(x_t, t):
        seen.append(x_t.dtype)
        return network(x_t)

    flow_matching_loss(predict, x_1, sample_uniform(16)).backward()

    assert seen == [dtype]
    assert network.weight.grad is not None and network.weight.grad.isfinite().all()


def test_the_true_target_has_no_loss_and_one_unit_beside_it_has_loss_one():
    x_0, x_1 = torch.randn(2, 16, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    t = torch.linspace(0, 1, 16)

    assert flow_matching_loss(lambda x_t, t: x_1 - x_0, x_1, t, x_0=x_0) == 0
    assert flow_matching_loss(lambda x_t, t: x_1 - x_0 + 1, x_1, t, x_0=x_0) == pytest.approx(1)


def test_a_weight_counts_elements_and_a_weight_of_zero_leaves_them_out():
    x_0, x_1 = torch.randn(2, 8, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    t = torch.rand(8, generator=torch.Generator().manual_seed(1))
    left = torch.tensor([2.0, 2.0, 0.0, 0.0])  # the left half twice, the right half never

    weighted = flow_matching_loss(lambda x_t, t: 0 * x_t, x_1, t, x_0=x_0, weight=left)
    cropped = flow_matching_loss(lambda x_t, t: 0 * x_t, x_1[..., :2], t, x_0=x_0[..., :2])

    torch.testing.assert_close(weighted, cropped)


def test_the_endpoint_loss_is_the_velocity_loss_times_the_squared_time_that_is_left():
    x_0, x_1 = torch.randn(2, 8, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    t = torch.linspace(0, 0.9, 8, dtype=torch.float64)

    def endpoint(x_t, t):
        return torch.tanh(x_t)

    def velocity(x_t, t):
        return LINEAR.convert(endpoint(x_t, t), x_t, t, given="endpoint", wanted="velocity")

    weight = (1 - t.reshape(-1, 1)) ** -2
    by_endpoint = flow_matching_loss(endpoint, x_1, t, kind="endpoint", x_0=x_0, weight=weight)

    torch.testing.assert_close(by_endpoint, flow_matching_loss(velocity, x_1, t, x_0=x_0))


def test_noise_is_drawn_where_none_is_given():
    x_1 = torch.zeros(20_000, 2)
    torch.manual_seed(0)

    loss = flow_matching_loss(lambda x_t, t: 0 * x_t, x_1, torch.zeros(20_000))

    assert loss == pytest.approx(1, abs=0.04)  # the variance of the noise, four standard errors wide


def test_a_prediction_of_another_shape_is_refused_and_not_broadcast():
    x_1, t = torch.randn(8, 1), torch.rand(8)

    with pytest.raises(ValueError, match=r"predict returned \(8,\), expected the shape of x_1, \(8, 1\)"):
        flow_matching_loss(lambda x, t: x.squeeze(1), x_1, t)
