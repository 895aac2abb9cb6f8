"""Training times have the distribution that was asked for, more evenly than chance; grids begin and end where told."""

import math
from functools import partial
from itertools import pairwise

import pytest
import torch

from vfi_flow.flow_matching.schedule import (
    endpoint_times,
    sample_logit_normal,
    sample_uniform,
    sample_with_atoms,
    uniform_times,
)

COUNT = 1000


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def largest_gap(t, distribution):
    """Kolmogorov-Smirnov distance between the samples and a distribution function."""
    expected = torch.tensor([distribution(float(value)) for value in t.sort().values])
    ranks = torch.arange(1, len(t) + 1) / len(t)
    return float(torch.maximum((ranks - expected).abs(), (ranks - 1 / len(t) - expected).abs()).max())


def logit_normal(mean, std):
    return lambda t: 0.5 * (1 + math.erf((math.log(t / (1 - t)) - mean) / (std * math.sqrt(2)))) if t > 0 else 0.0


@pytest.mark.parametrize(
    ("sample", "distribution"),
    [
        (sample_uniform, lambda t: t),
        (sample_logit_normal, logit_normal(0, 1)),
        (lambda count, **rest: sample_logit_normal(count, mean=-0.5, std=1.4, **rest), logit_normal(-0.5, 1.4)),
    ],
    ids=["uniform", "logit-normal", "logit-normal, shifted"],
)
def test_stratified_times_follow_their_distribution_to_one_slice(sample, distribution):
    t = sample(COUNT, generator=seeded())

    assert t.shape == (COUNT,)
    assert largest_gap(t, distribution) <= 1.01 / COUNT  # independent draws would be off by about 1 / sqrt(COUNT)


def test_times_are_in_random_order():
    t = sample_uniform(COUNT, generator=seeded())

    assert abs(float(torch.corrcoef(torch.stack([t, torch.arange(COUNT) / COUNT]))[0, 1])) < 4 / math.sqrt(COUNT)


def test_a_seed_repeats_its_times_and_another_seed_does_not():
    first, again, other = (sample_with_atoms(COUNT, {0.5: 0.4}, generator=seeded(seed)) for seed in (1, 1, 2))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_atoms_get_their_share_and_the_rest_stays_uniform():
    atoms = {0.5: 0.5, 0.25: 0.15, 0.75: 0.15}
    t = sample_with_atoms(COUNT, atoms, generator=seeded())

    on_an_atom = sum(t == atom for atom in atoms).bool()
    for atom, share in atoms.items():
        assert abs(int((t == atom).sum()) - COUNT * share) < 2
    assert largest_gap(t[~on_an_atom], lambda value: value) <= 2.02 / (COUNT * 0.2)


def test_the_atoms_may_be_all_or_nothing():
    assert set(sample_with_atoms(64, {0.5: 1.0}, generator=seeded()).tolist()) == {0.5}
    assert torch.equal(sample_with_atoms(64, {}, generator=seeded()), sample_uniform(64, generator=seeded()))


@pytest.mark.parametrize("atoms", [{0.5: 0.7, 0.25: 0.4}, {0.5: -0.1}])
def test_impossible_probabilities_are_refused(atoms):
    with pytest.raises(ValueError, match="at most 1 together"):
        sample_with_atoms(8, atoms)


SAMPLERS = {
    "uniform": sample_uniform,
    "logit-normal": partial(sample_logit_normal, mean=3.0, std=4.0),
    "atoms": partial(sample_with_atoms, atoms={0.5: 0.5}),
}


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("within", [0.0, 1 - 2**-24], ids=["lowest", "highest"])
def test_no_training_time_reaches_one(monkeypatch, sampler, within):
    """With the lowest and the highest number that torch draws, which added to that of its slice is rounded up."""
    monkeypatch.setattr(torch, "rand", lambda count, **options: torch.full((count,), within))

    t = SAMPLERS[sampler](20_000, generator=seeded(0))

    assert float(t.min()) >= 0
    assert float(t.max()) < 1


def test_a_grid_has_equal_steps_and_both_ends_exactly():
    grid = uniform_times(7)

    assert len(grid) == 8
    assert (grid[0], grid[-1]) == (0, 1)
    assert {round(b - a, 12) for a, b in pairwise(grid)} == {round(1 / 7, 12)}
    assert uniform_times(2, 1.0, 0.5) == [1.0, 0.75, 0.5]
    with pytest.raises(ValueError, match="steps must be 1 or more, got 0"):
        uniform_times(0)


def test_the_endpoint_sampler_visits_halves_then_quarters():
    assert endpoint_times(0) == []
    assert endpoint_times(1) == [0.5]
    assert endpoint_times(2) == [0.25, 0.5, 0.75]
