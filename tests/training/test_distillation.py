"""Learning from another network."""

import math
from dataclasses import replace

import pytest
import torch

from tests.training.conftest import Sliding
from vfi_flow.model.config import TINY
from vfi_flow.model.network import InterpolationNetwork
from vfi_flow.training.batches import Batch, Share, batches
from vfi_flow.training.distillation import Teacher, apart, off_course, taught_losses
from vfi_flow.training.neighbour_motion import move
from vfi_flow.training.objective import TaughtObjective

DRIVEN = replace(TINY, name="other", downscale=2)


@pytest.fixture
def batch() -> Batch:
    return next(batches([Share(Sliding(), 1.0)], 2, seed=1, start=0, workers=0, device=torch.device("cpu")))


def network(seed: int, config=TINY) -> InterpolationNetwork:
    """Its heads are not made small, so what it answers depends on the seed."""
    torch.manual_seed(seed)
    made = InterpolationNetwork(config)
    with torch.no_grad():
        made.fusion.head.weight *= 30
        made.registration.at_4.head.weight *= 30
    return made


def losses(pupil: InterpolationNetwork, teacher: InterpolationNetwork, batch: Batch) -> dict[str, float]:
    found = TaughtObjective(Teacher(teacher)).losses(pupil, batch, torch.Generator())
    return {name: float(value.detach()) for name, value in found.items()}


def test_a_pupil_that_answers_like_its_teacher_has_the_least_loss(batch):
    """All but the distance from the truth are at their floors."""
    same = losses(network(1), network(1), batch)
    other = losses(network(2), network(1), batch)

    assert same.keys() == other.keys() == {"mean", "sharp", "truth", "flow", "deviation", "features", "levels"}
    for name in same.keys() - {"truth"}:
        assert same[name] < other[name] - 0.001, name
    assert same["mean"] == pytest.approx(math.log(1e-6), abs=1e-3)


def test_the_truth_is_looked_at_beside_the_teacher(batch):
    pupil = network(1)
    answer, moved = Teacher(network(1)).answer(batch), move(pupil, batch)
    mean = pupil.fused(moved.frame0, moved.frame1, batch.tau, moved.course)
    right, wrong = (taught_losses(mean, moved.flows, answer, truth) for truth in (mean.mean.detach(), batch.truth))

    assert right.pop("truth") < wrong.pop("truth")
    assert right == wrong


def test_a_teacher_of_another_size_is_compared_in_what_both_have(batch):
    found = losses(network(1, DRIVEN), network(1), batch)

    assert found.keys() == {"mean", "sharp", "truth", "flow", "deviation"}


def test_a_run_comes_nearer_to_its_teacher_and_leaves_it_as_it_is(start, learn):
    teacher = network(1)
    before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    training = start("run", samples=160, objective=TaughtObjective(Teacher(teacher)), learning_rate=1e-3)
    training.REPORT_EVERY = 10
    reports = learn(training)

    first, last = reports[0].losses, reports[-2].losses
    assert all(last[name] < first[name] - 0.02 for name in ("features", "levels", "deviation"))
    assert all(torch.equal(tensor, before[name]) for name, tensor in teacher.state_dict().items())


def test_differences_are_flat_where_they_are_too_small_or_too_large_to_matter():
    nothing = torch.zeros(2, 4, 8, 8)

    assert apart(nothing, nothing + 1e-5, 1e-6) == pytest.approx(float(apart(nothing, nothing, 1e-6)), abs=1e-3)
    assert off_course(nothing, nothing + 5) == off_course(nothing, nothing + 50)
    assert off_course(nothing, nothing + 0.5) < off_course(nothing, nothing + 0.8)
