"""A small network learns two moons along both paths; eight evaluations bring its samples near the truth.

pytest tests/flow_matching/test_learned_distribution.py -s      prints the table
"""

from functools import partial

import cv2
import numpy as np
import pytest
import torch
from scripts import ROOT, load_script
from tolerances import LEARNED_TO_NOISE_DISTANCE

from vfi_flow.flow_matching.path import DIFFUSION, LINEAR
from vfi_flow.flow_matching.solver import euler, heun, midpoint, rk4

SAMPLES = 10_000
EIGHT_EVALUATIONS = [(euler, 8), (midpoint, 4), (heun, 4), (rk4, 2)]
"""Solver, steps."""


@pytest.fixture(scope="module")
def sample():
    """samples/learn_distributions.py, whose network and training loop are tested here; on one thread, as it runs."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield load_script(ROOT / "samples" / "learn_distributions.py")
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def distances(sample):
    """Sliced Wasserstein distances to the true distribution by name, and by (path, solver)."""
    rng = np.random.default_rng(0)
    data = sample.two_moons(50_000, rng)
    true, true_again = sample.two_moons(SAMPLES, rng), sample.two_moons(SAMPLES, rng)
    noise = rng.standard_normal(true.shape, dtype=np.float32)
    distance_to_truth = partial(sample.sliced_wasserstein, true)

    distances = {"noise": distance_to_truth(noise), "true again": distance_to_truth(true_again)}
    for path in (LINEAR, DIFFUSION):
        network = sample.train(data, path=path, iterations=3000)
        for solver, steps in EIGHT_EVALUATIONS:
            learned = sample.generate(network, noise, solver, steps)
            distances[path.name, solver.__name__] = distance_to_truth(learned)
    return distances


@pytest.fixture(scope="module")
def table(distances):
    lines = [f"{'8 evaluations':14}" + "".join(f"{f'{s.__name__} x{n}':>14}" for s, n in EIGHT_EVALUATIONS)]
    for path in (LINEAR, DIFFUSION):
        row = (distances[path.name, solver.__name__] for solver, _ in EIGHT_EVALUATIONS)
        lines.append(f"{path.name:14}" + "".join(f"{distance:14.4f}" for distance in row))
    lines += [f"{name:14}{distances[name]:14.4f}" for name in ("noise", "true again")]
    return "\n".join(lines)


def test_eight_evaluations_of_the_linear_path_reproduce_the_distribution(distances, table):
    print(f"\nsliced Wasserstein distance to two moons, the same network and training for both paths\n{table}")

    assert distances["linear", "midpoint"] < LEARNED_TO_NOISE_DISTANCE * distances["noise"], table


def test_the_diffusion_path_is_as_near_with_as_many_evaluations(distances, table):
    """The cosine schedule is no slower here: the claim that the linear path needs fewer evaluations is not made."""
    assert distances["diffusion", "midpoint"] < LEARNED_TO_NOISE_DISTANCE * distances["noise"], table


def test_euler_steps_of_the_linear_path_stay_further_off_than_midpoint_steps(distances, table):
    """They under-disperse, as on a Gaussian residual; this is why the model's sampler takes midpoint steps."""
    assert distances["linear", "euler"] > 2 * distances["linear", "midpoint"], table


def test_the_same_code_learns_points_waveforms_and_space_and_draws_them(sample, tmp_path, capsys):
    sample.main([str(tmp_path / "learned.png"), "--iterations", "300"])

    rows = [line.rsplit(maxsplit=5) for line in capsys.readouterr().out.splitlines()[2:]]
    assert [name for name, *_ in rows] == ["2-D points", "1-D waveforms", "3-D points"]
    for _, noise, learned, true_again, _, _ in rows:
        assert float(true_again) < float(learned) < 0.8 * float(noise)
    assert cv2.imread(str(tmp_path / "learned.png")).shape == (3 * (sample.PANEL + 26), 3 * sample.PANEL, 3)


def test_a_picture_that_cannot_be_written_is_refused_before_the_training(sample, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        sample.main([str(tmp_path / "no folder" / "learned.png")])

    assert "expected the name of a PNG file in a folder that exists" in capsys.readouterr().err
