"""Path times: which t to train on, and which t a solver visits.

Training times are stratified: one draw from each of `count` equal slices of probability, in random order. Every
batch then covers [0, 1) evenly, so its loss says more about the network and less about the luck of its times.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

LARGEST_TIME = 1 - torch.finfo(torch.float32).eps
"""Training times stay below 1, where an endpoint prediction has no velocity."""


def uniform_times(steps: int, start: float = 0.0, end: float = 1.0) -> list[float]:
    """steps + 1 equally spaced times, both ends included: the grid of a solver."""
    if steps < 1:
        raise ValueError(f"steps must be 1 or more, got {steps}")
    return [start + (end - start) * step / steps for step in range(steps)] + [end]


def endpoint_times(steps: int) -> list[float]:
    """The times at which `solver.sample_from_endpoint` calls the network: 1 step 1/2; 2 steps 1/4, 1/2, 3/4."""
    return [half / (2 * steps) for half in range(1, 2 * steps)]


def sample_uniform(
    count: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
) -> Tensor:
    """(count,) float32 in [0, 1), uniform, stratified. `generator` must live on `device`."""
    slices = torch.randperm(count, generator=generator, device=device)
    within = torch.rand(count, generator=generator, device=device)
    return ((slices + within) / count).clamp(max=LARGEST_TIME)


def sample_logit_normal(
    count: int,
    *,
    mean: float = 0.0,
    std: float = 1.0,
    generator: torch.Generator | None = None,
    device: torch.device | str | None = None,
) -> Tensor:
    """(count,) float32 in [0, 1): sigmoid of a normal variable, stratified. Mean 0 favours the middle of the path.

    Esser et al. 2024, Scaling Rectified Flow Transformers.
    """
    uniform = sample_uniform(count, generator=generator, device=device)
    return torch.sigmoid(mean + std * torch.special.ndtri(uniform)).clamp(max=LARGEST_TIME)


def sample_with_atoms(
    count: int,
    atoms: Mapping[float, float],
    *,
    generator: torch.Generator | None = None,
    device: torch.device | str | None = None,
) -> Tensor:
    """(count,) float32 in [0, 1): time t with probability atoms[t], uniform with the probability that is left.

    A solver of few steps calls the network at few times (`endpoint_times`); this puts the training there. Example:
    {0.5: 0.5, 0.25: 0.15, 0.75: 0.15} leaves 0.2 to the rest of the path. Stratified, so the number of samples on
    an atom differs from count * atoms[t] by less than 2.
    """
    left = 1 - sum(atoms.values())
    if min(atoms.values(), default=0.0) < 0 or left < -1e-9:
        raise ValueError(f"the probabilities of the atoms must be 0 or more and at most 1 together, got {dict(atoms)}")

    # Inverse distribution function of the mixture, one interval of probability per atom and the rest for uniform:
    #   |--- atom 1 ---|-- atom 2 --|------ uniform ------|
    #   0                                                 1
    probability = sample_uniform(count, generator=generator, device=device)
    taken = sum(atoms.values())
    t = ((probability - taken) / max(left, 1e-9)).clamp(0, LARGEST_TIME)
    end = 0.0
    for atom, share in atoms.items():
        end, begin = end + share, end
        t = torch.where((probability >= begin) & (probability < end), atom, t)
    return t
