"""ODE solvers that carry a sample along a velocity field, from noise (t = 0) to data (t = 1).

Plain arithmetic: the same code runs on torch tensors and numpy arrays, traces into a graph because the loops
unroll, and needs neither library to be imported.

Each solver takes `velocity(x, t)`, the start `x`, and the grid `times`; t is handed on as the grid holds it. Python
floats keep the dtype of x (numpy's own float64 scalars would widen a float32 array).
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy
    import torch

Array = TypeVar("Array", "torch.Tensor", "numpy.ndarray")


def euler(velocity: Callable[[Array, float], Array], x: Array, times: Sequence[float]) -> Array:
    """x carried along `velocity(x, t)` from times[0] to times[-1]; Euler's method, order 1, one call per step."""
    for t, t_next in pairwise(times):
        x = x + (t_next - t) * velocity(x, t)
    return x


def midpoint(velocity: Callable[[Array, float], Array], x: Array, times: Sequence[float]) -> Array:
    """x carried along `velocity(x, t)` from times[0] to times[-1]; midpoint rule, order 2, two calls per step.

    The calls of a step are at its beginning and its middle, so `velocity` may be singular at times[-1].
    """
    for t, t_next in pairwise(times):
        dt = t_next - t
        halfway = x + dt / 2 * velocity(x, t)
        x = x + dt * velocity(halfway, t + dt / 2)
    return x


def heun(velocity: Callable[[Array, float], Array], x: Array, times: Sequence[float]) -> Array:
    """x carried along `velocity(x, t)` from times[0] to times[-1]; Heun's method, order 2, two calls per step.

    Calls `velocity` at times[-1]: end the grid before t = 1 if the velocity comes from an endpoint prediction.
    """
    for t, t_next in pairwise(times):
        dt = t_next - t
        v = velocity(x, t)
        x = x + dt / 2 * (v + velocity(x + dt * v, t_next))
    return x


def rk4(velocity: Callable[[Array, float], Array], x: Array, times: Sequence[float]) -> Array:
    """x carried along `velocity(x, t)` from times[0] to times[-1]; classical Runge-Kutta, order 4, four calls per step.

    Calls `velocity` at times[-1], as `heun` does.
    """
    for t, t_next in pairwise(times):
        dt = t_next - t
        v1 = velocity(x, t)
        v2 = velocity(x + dt / 2 * v1, t + dt / 2)
        v3 = velocity(x + dt / 2 * v2, t + dt / 2)
        v4 = velocity(x + dt * v3, t_next)
        x = x + dt / 6 * (v1 + 2 * v2 + 2 * v3 + v4)
    return x


def sample_from_endpoint(endpoint: Callable[[Array, float], Array], noise: Array, steps: int) -> Array:
    """A residual of unit scale, made from standard Gaussian `noise` by `steps` midpoint steps along the linear path.

    `endpoint(r, t)` is the expected end of the path through r at t, so velocity(r, t) = (endpoint(r, t) - r) / (1 - t).

    Of a residual around the conditional mean endpoint(r, 0) = 0, so the first slope is -r without asking the network.
    That saves the first call: 1 step costs 1 call, n steps cost 2 n - 1, and no call is at
    t = 1, where the velocity is 0 / 0. `schedule.endpoint_times(steps)` lists the times of the calls.

        steps = 1    t   0 ------ 1/2 ------ 1       r at 1/2 is noise / 2, the result 2 endpoint(noise / 2, 1/2)
                         known    call

    Why midpoint: one Euler step returns endpoint(noise, 0) = 0, the mean again, and two Euler steps half of the true
    spread of a Gaussian residual; one midpoint step all of it. 0 steps return zeros, the mean itself.
    """
    if steps < 0:
        raise ValueError(f"steps must be 0 or more, got {steps}")
    if steps == 0:
        return 0 * noise
    r = noise
    for step in range(steps):
        t, t_middle = step / steps, (2 * step + 1) / (2 * steps)
        slope = -r if step == 0 else (endpoint(r, t) - r) / (1 - t)
        halfway = r + (t_middle - t) * slope
        r = r + (endpoint(halfway, t_middle) - halfway) / (1 - t_middle) / steps
    return r
