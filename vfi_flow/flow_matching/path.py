"""Probability paths from noise to data, and what a network may predict along them.

A Gaussian path mixes one sample of noise with one of data,

    x_t = alpha_t x_1 + sigma_t x_0,      x_0 ~ N(0, 1) noise,   x_1 data,   t = 0 noise, t = 1 data,

and its velocity is the derivative d x_t / dt. Two choices of alpha and sigma are here:

    LINEAR      alpha = t               sigma = 1 - t           straight lines of constant velocity x_1 - x_0
                (Lipman et al. 2023, Flow Matching for Generative Modeling, optimal-transport path, sigma_min = 0)
    DIFFUSION   alpha = sin(pi t / 2)   sigma = cos(pi t / 2)   alpha^2 + sigma^2 = 1: variance-preserving diffusion
                (Nichol & Dhariwal 2021, Improved DDPM, cosine schedule with offset 0, time turned round)

The cosine schedule rather than Ho et al.'s linear beta: it reaches pure noise and pure data exactly, and its
derivatives are finite at both ends.

Both are the same family up to a change of time and scale, so velocity, endpoint, noise and score are one quantity in
four units. `GaussianPath.convert` changes the unit:

    from velocity    always safe: the 2x2 system behind it has determinant -1 (linear) or -pi/2 (diffusion) at every t
    from endpoint    divides by sigma_t: undetermined at t = 1, where x_t says nothing about the noise
    from noise       divides by alpha_t: undetermined at t = 0, where x_t says nothing about the data
    from score       as from noise, because score = -noise / sigma_t
    to score         divides by sigma_t: infinite at t = 1

alpha and sigma are kept at `SMALLEST_DIVISOR` or more where they divide. A correct prediction makes the numerator
zero there too, so the ends give finite numbers, never NaN.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

Kind: TypeAlias = Literal["velocity", "endpoint", "noise", "score"]
"""What a network predicts: E[dx_t/dt | x_t], E[x_1 | x_t], E[x_0 | x_t], or grad log p_t(x_t)."""

SMALLEST_DIVISOR = 1e-4
"""Large beside the rounding of float32 (1e-7), small beside any step: reached only within 1e-4 of an end."""


@dataclass(frozen=True, slots=True)
class Coefficients:
    """alpha_t, sigma_t and their derivatives by t."""

    alpha: Tensor
    sigma: Tensor
    d_alpha: Tensor
    d_sigma: Tensor


def linear_coefficients(t: Tensor) -> Coefficients:
    one = torch.ones_like(t)
    return Coefficients(alpha=t, sigma=1 - t, d_alpha=one, d_sigma=-one)


def cosine_coefficients(t: Tensor) -> Coefficients:
    # cos(pi t / 2) written as a sine of 1 - t, so that sigma is exactly 0 at t = 1 in every precision.
    quarter = math.pi / 2
    alpha, sigma = torch.sin(quarter * t), torch.sin(quarter * (1 - t))
    return Coefficients(alpha, sigma, d_alpha=quarter * sigma, d_sigma=-quarter * alpha)


@dataclass(frozen=True, slots=True)
class GaussianPath:
    """A path from noise to data. In all methods x is (B, ...) and t is a number, (B,), or broadcasts against x.

    What they return has the dtype of x, also where times are float32, as `schedule` draws them, and x is not.
    """

    name: str
    coefficients: Callable[[Tensor], Coefficients]

    def at(self, x_0: Tensor, x_1: Tensor, t: Tensor | float) -> Tensor:
        """x_t, the point of the path between noise `x_0` and data `x_1`."""
        c = self._coefficients_for(x_1, t)
        return c.alpha * x_1 + c.sigma * x_0

    def target(self, x_0: Tensor, x_1: Tensor, t: Tensor | float, kind: Kind = "velocity") -> Tensor:
        """What a network that predicts `kind` is regressed on at x_t."""
        return _express(x_1, x_0, self._coefficients_for(x_1, t), kind)

    def convert(self, prediction: Tensor, x_t: Tensor, t: Tensor | float, *, given: Kind, wanted: Kind) -> Tensor:
        """`prediction`, which is of kind `given` at the point x_t, as kind `wanted`. See above for the ends of t."""
        if given == wanted:
            return prediction
        c = self._coefficients_for(x_t, t)
        endpoint, noise = _endpoint_and_noise(prediction, x_t, c, given)
        return _express(endpoint, noise, c, wanted)

    def _coefficients_for(self, x: Tensor, t: Tensor | float) -> Coefficients:
        if not isinstance(t, Tensor):
            t = torch.tensor(t, dtype=x.dtype, device=x.device)
        if t.ndim == 1:
            t = t.reshape(-1, *[1] * (x.ndim - 1))
        c = self.coefficients(t)
        return Coefficients(*(part.to(x.dtype) for part in (c.alpha, c.sigma, c.d_alpha, c.d_sigma)))


LINEAR = GaussianPath("linear", linear_coefficients)
DIFFUSION = GaussianPath("diffusion", cosine_coefficients)


def _endpoint_and_noise(prediction: Tensor, x_t: Tensor, c: Coefficients, given: Kind) -> tuple[Tensor, Tensor]:
    """(endpoint, noise) that mix to x_t and are consistent with `prediction`."""
    if given == "velocity":
        # Solve  x_t = alpha endpoint + sigma noise,  velocity = alpha' endpoint + sigma' noise.
        determinant = c.alpha * c.d_sigma - c.d_alpha * c.sigma
        endpoint = (c.d_sigma * x_t - c.sigma * prediction) / determinant
        noise = (c.alpha * prediction - c.d_alpha * x_t) / determinant
        return endpoint, noise
    if given == "endpoint":
        return prediction, (x_t - c.alpha * prediction) / c.sigma.clamp(min=SMALLEST_DIVISOR)
    if given == "noise" or given == "score":
        noise = prediction if given == "noise" else -c.sigma.clamp(min=SMALLEST_DIVISOR) * prediction
        return (x_t - c.sigma * noise) / c.alpha.clamp(min=SMALLEST_DIVISOR), noise
    raise _unknown(given)


def _express(endpoint: Tensor, noise: Tensor, c: Coefficients, wanted: Kind) -> Tensor:
    if wanted == "velocity":
        return c.d_alpha * endpoint + c.d_sigma * noise
    if wanted == "endpoint":
        return endpoint
    if wanted == "noise":
        return noise
    if wanted == "score":
        return -noise / c.sigma.clamp(min=SMALLEST_DIVISOR)
    raise _unknown(wanted)


def _unknown(kind: str) -> ValueError:
    return ValueError(f"unknown kind of prediction {kind!r}; expected one of {', '.join(get_args(Kind))}")
