"""The solvers have the order they claim, on both array libraries; the endpoint sampler costs what it says."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from tolerances import ROUNDING_FLOAT64, SOLVER_ORDER
from torch import nn

from vfi_flow.flow_matching.schedule import endpoint_times, uniform_times
from vfi_flow.flow_matching.solver import euler, heun, midpoint, rk4, sample_from_endpoint

SOLVERS = [(euler, 1, 1), (midpoint, 2, 2), (heun, 2, 2), (rk4, 4, 4)]
"""Solver, order, calls per step."""

ARRAYS = [
    pytest.param(np.asarray, id="numpy"),
    pytest.param(lambda x: torch.tensor(x, dtype=torch.float64), id="torch"),
]


def nonlinear(x, t):
    """x' = (1 + t) (1 - x^2), so x(t) = tanh(t + t^2 / 2) from x(0) = 0: nonlinear, and it needs the right t."""
    return (1 + t) * (1 - x * x)


def error(solver, steps, array):
    return abs(float(solver(nonlinear, array([0.0]), uniform_times(steps))[0]) - math.tanh(1.5))


@pytest.mark.parametrize("array", ARRAYS)
@pytest.mark.parametrize(("solver", "order", "calls"), SOLVERS)
def test_halving_the_step_divides_the_error_by_two_to_the_order(solver, order, calls, array):
    gained = math.log2(error(solver, 32, array) / error(solver, 64, array))

    assert gained == pytest.approx(order, abs=SOLVER_ORDER)


@pytest.mark.parametrize(("solver", "order", "calls"), SOLVERS)
def test_a_step_costs_as_many_calls_as_its_docstring_says(solver, order, calls):
    times = []

    def velocity(x, t):
        times.append(t)
        return -x

    solver(velocity, np.ones(2), uniform_times(5))

    assert len(times) == 5 * calls
    assert (max(times) == 1) == (solver in (heun, rk4))


@pytest.mark.parametrize(("solver", "order", "calls"), SOLVERS)
def test_steps_of_different_length_end_at_the_same_solution(solver, order, calls):
    grid = [0.0, 0.01, 0.03, 0.1, 0.2, 0.25, 0.4, 0.5, 0.7, 0.75, 0.9, 1.0]

    result = solver(nonlinear, np.zeros(1), grid)

    assert abs(result[0] - math.tanh(1.5)) < error(solver, 5, np.asarray)  # its longest step is 1/5


@pytest.mark.parametrize(("solver", "order", "calls"), SOLVERS)
def test_a_tensor_of_times_equals_a_list_and_dtype_stays(solver, order, calls):
    x = torch.linspace(-0.5, 0.5, 6).reshape(2, 3)

    listed = solver(nonlinear, x, uniform_times(4))
    tensor = solver(nonlinear, x, torch.tensor(uniform_times(4)))

    assert listed.shape == x.shape
    assert listed.dtype == torch.float32
    assert solver(nonlinear, x.numpy(), uniform_times(4)).dtype == np.float32
    torch.testing.assert_close(listed, tensor)


# ---- the sampler of an endpoint prediction --------------------------------------------------------------------------


def gaussian_endpoint(r, t):
    """E[x_1 | x_t = r] of the linear path where x_1 is standard Gaussian like the noise."""
    return t * r / (t * t + (1 - t) ** 2)


def velocity_of(endpoint):
    return lambda r, t: (endpoint(r, t) - r) / (1 - t)


@pytest.mark.parametrize("array", ARRAYS)
@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_n_steps_call_the_endpoint_2n_minus_1_times_and_never_at_the_end(steps, array):
    times = []

    def endpoint(r, t):
        times.append(t)
        return 0.5 * r

    sample_from_endpoint(endpoint, array([[1.0, -2.0]]), steps)

    assert len(times) == 2 * steps - 1
    assert times == sorted(times)
    assert times == endpoint_times(steps)
    assert times[0] > 0
    assert times[-1] < 1


def test_the_first_call_of_one_step_sees_half_the_noise_and_the_result_is_twice_its_endpoint():
    seen = []

    def endpoint(r, t):
        seen.append((r, t))
        return r + 3

    noise = np.array([2.0, -4.0])
    result = sample_from_endpoint(endpoint, noise, 1)

    [(r, t)] = seen
    np.testing.assert_array_equal(r, noise / 2)
    assert t == 0.5
    np.testing.assert_array_equal(result, 2 * (noise / 2 + 3))


@pytest.mark.parametrize("array", ARRAYS)
def test_no_steps_return_the_mean_which_is_zero_without_a_call(array):
    def endpoint(r, t):
        raise AssertionError("called")

    result = sample_from_endpoint(endpoint, array([[1.0, -2.0]]), 0)

    assert type(result) is type(array([0.0]))
    assert (result == 0).all()


def test_negative_steps_are_refused():
    with pytest.raises(ValueError, match="steps must be 0 or more, got -1"):
        sample_from_endpoint(gaussian_endpoint, np.zeros(1), -1)


@pytest.mark.parametrize("steps", [1, 2, 3, 8])
def test_the_sampler_is_the_midpoint_rule_wherever_the_mean_is_zero(steps):
    noise = np.random.default_rng(0).standard_normal(100)

    def bimodal(r, t):
        return np.tanh(r * t / (1 - t) ** 2)  # x_1 = -1 or 1

    for endpoint in (gaussian_endpoint, bimodal):
        expected = midpoint(velocity_of(endpoint), noise, uniform_times(steps))
        np.testing.assert_allclose(sample_from_endpoint(endpoint, noise, steps), expected, atol=ROUNDING_FLOAT64)


def test_one_call_gives_a_gaussian_residual_its_variance_where_euler_gives_less():
    """The exact endpoint of a Gaussian is linear in r, so every solver multiplies the noise by one number: the std."""
    noise = np.random.default_rng(0).standard_normal(1000)

    def std(sample):
        np.testing.assert_allclose(sample, noise * (sample @ noise) / (noise @ noise), atol=ROUNDING_FLOAT64)
        return (sample @ noise) / (noise @ noise)

    by_euler = {n: std(euler(velocity_of(gaussian_endpoint), noise, uniform_times(n))) for n in (1, 2, 4)}

    assert std(sample_from_endpoint(gaussian_endpoint, noise, 1)) == pytest.approx(1)
    assert std(sample_from_endpoint(gaussian_endpoint, noise, 2)) == pytest.approx(0.98, abs=0.005)
    assert by_euler[1] == pytest.approx(0)
    assert by_euler[2] == pytest.approx(0.5)
    assert by_euler[4] == pytest.approx(0.72, abs=0.005)


# ---- what the sampler is used in ------------------------------------------------------------------------------------


class Sampler(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = nn.Linear(3, 3)

    def forward(self, noise):
        return sample_from_endpoint(lambda r, t: self.network(r) * t, noise, steps=2)


def test_the_loop_unrolls_into_a_graph_with_one_copy_of_the_network_per_call():
    sampler = Sampler()

    graph = torch.fx.symbolic_trace(sampler)
    noise = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))

    assert sum(node.op == "call_module" for node in graph.graph.nodes) == 3
    torch.testing.assert_close(graph(noise), sampler(noise))


def test_importing_the_solvers_loads_neither_torch_nor_numpy():
    code = "import sys, vfi_flow.flow_matching.solver; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
