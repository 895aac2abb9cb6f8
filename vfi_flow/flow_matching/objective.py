"""The flow-matching loss: regression on the path from noise to data."""

from collections.abc import Callable

import torch
from torch import Tensor

from vfi_flow.flow_matching.path import LINEAR, GaussianPath, Kind


def flow_matching_loss(
    predict: Callable[[Tensor, Tensor], Tensor],
    x_1: Tensor,
    t: Tensor,
    *,
    path: GaussianPath = LINEAR,
    kind: Kind = "velocity",
    x_0: Tensor | None = None,
    weight: Tensor | None = None,
) -> Tensor:
    """Mean of weight * (predict(x_t, t) - target)^2, a scalar.

    Its minimum over all functions is the conditional expectation of the target given x_t, which is the velocity that
    carries noise to the data (Lipman et al. 2023, theorem 2).

    Args:
        predict: called once with x_t and `t`; returns the shape of `x_1`.
        x_1: (B, ...), data.
        t: (B,), times in [0, 1].
        kind: what `predict` returns. On the linear path an endpoint error counts (1 - t)^2 times the velocity error
            that it makes; a weight of (1 - t)^-2 takes that back.
        x_0: noise like `x_1`; None draws it from torch's global generator.
        weight: broadcasts against `x_1`, 0 or more. Not normalised: a weight of mean 1 keeps the scale of the loss.

    Raises ValueError where `predict` returns another shape.
    """
    if x_0 is None:
        x_0 = torch.randn_like(x_1)
    prediction = predict(path.at(x_0, x_1, t), t)
    if prediction.shape != x_1.shape:
        raise ValueError(f"predict returned {tuple(prediction.shape)}, expected the shape of x_1, {tuple(x_1.shape)}")
    squared = (prediction - path.target(x_0, x_1, t, kind)).square()
    return (squared if weight is None else weight * squared).mean()
