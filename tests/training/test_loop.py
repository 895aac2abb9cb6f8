"""The training loop: it learns, stops and resumes, and says so when it cannot."""

import json
import math
import signal
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tests.training.conftest import CROP, Sliding, with_large_heads
from vfi_flow.errors import InputError, OutputError, UsageError, VfiFlowError
from vfi_flow.model import weights
from vfi_flow.model.weights import load_weights
from vfi_flow.training import checkpoint
from vfi_flow.training.losses import LossWeights
from vfi_flow.training.objective import FusionObjective, MeanObjective, MotionObjective, VelocityObjective


def test_a_few_steps_lower_the_loss(start, learn):
    training = with_large_heads(start("run", samples=80, learning_rate=2e-3))
    training.REPORT_EVERY = 10
    reports = learn(training)
    first, last = (sum(report.losses.values()) for report in (reports[0], reports[3]))

    assert last < first


def test_a_resumed_run_has_the_weights_of_an_uninterrupted_one(start, learn):
    whole = start("whole", samples=12)
    learn(whole)
    learn(start("parts", samples=12), stop_at=3)
    resumed = start("parts", samples=12)
    resumed.resume()
    learn(resumed)

    assert resumed.progress.step == whole.progress.step == 6
    for name, tensor in whole.average.state_dict().items():
        assert torch.equal(tensor, resumed.average.state_dict()[name]), name


def test_all_processes_go_by_the_clock_of_the_first(start, learn):
    """Their gradients are one, and so must be the learning rate, or their weights drift apart."""
    training = start("run", samples=4)
    told = iter([0.25, 0.5, 1.0])
    training.group.agree = lambda value: next(told)
    rates = []
    step = training.optimiser.step
    training.optimiser.step = lambda: rates.append(training.optimiser.param_groups[0]["lr"]) or step()

    learn(training)

    largest = training.recipe.learning_rate
    expected = [rise * (0.02 + 0.98 * (1 + math.cos(math.pi * done)) / 2) for rise, done in ((0.5, 0.25), (1, 0.5))]
    assert rates == pytest.approx([largest * each for each in expected])


def test_every_process_draws_other_noise_at_every_step(start, learn):
    seeds = []
    for rank in (0, 1):
        training = start(f"process {rank}", samples=12)
        training.group = SimpleNamespace(rank=rank, size=2, agree=float, average_gradients=lambda parameters: None)
        losses = training.objective.losses

        def noted(network, batch, generator, losses=losses):
            seeds.append(generator.initial_seed())
            return losses(network, batch, generator)

        training.objective = SimpleNamespace(name="mean", losses=noted)
        learn(training)

    assert len(seeds) == len(set(seeds)) == 2 * 3


@pytest.mark.parametrize(("averaging", "decay"), [(0.999, 2 / 11), (0.1, 0.1)])
def test_the_average_begins_with_a_short_memory(start, learn, averaging, decay):
    """Or it would be made of the first weights for a long time, of which nobody has learned anything."""
    training = with_large_heads(start("run", samples=2, averaging=averaging))
    training.average.load_state_dict(training.network.state_dict())
    before = {name: tensor.clone() for name, tensor in training.parameters.items()}

    learn(training)

    average = dict(training.average.named_parameters())
    assert any(not torch.equal(training.parameters[name], tensor) for name, tensor in before.items())
    for name, tensor in before.items():
        expected = decay * tensor + (1 - decay) * training.parameters[name]
        torch.testing.assert_close(average[name], expected, atol=1e-7, rtol=1e-5)


def test_a_run_leaves_a_log_the_best_weights_and_a_checkpoint_of_small_files(start, learn):
    training = start("run", samples=4)
    learn(training)
    lines = [json.loads(line) for line in (training.folder / "log.jsonl").read_text().splitlines()]
    _, card, _ = load_weights(training.folder / "best.safetensors")

    assert lines[-1]["progress"]["samples"] == 4
    assert math.isfinite(lines[-1]["losses"]["decibel"])
    assert lines[-1]["validation"]["psnr"] == 1.0
    assert card.samples == 4
    assert all(path.stat().st_size < 15e6 for path in (training.folder / "checkpoint").iterdir())


def test_stage_velocity_leaves_stage_one_as_it_is_and_moves_the_velocity(start, learn):
    training = start("run", samples=6, objective=VelocityObjective(None, 0.0))
    before = {name: tensor.clone() for name, tensor in training.network.state_dict().items()}
    learn(training)
    after = training.network.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}

    assert changed
    assert all(name.startswith("velocity.") for name in changed)


def test_stage_velocity_also_learns_from_what_its_solver_draws(start, learn):
    """With the squared error for LPIPS, whose minimum is to draw no noise."""
    drawn = []

    def distance(sample, truth):
        drawn.append(sample.detach())
        return (sample - truth).square().mean((1, 2, 3))

    training = start("run", samples=160, objective=VelocityObjective(distance, 100.0), learning_rate=3e-3)
    training.REPORT_EVERY = 10
    reports = learn(training)
    losses = [report.losses for report in reports if report.losses]

    assert losses[-1]["lpips"] < 0.7 * losses[0]["lpips"] and losses[0]["sharpness"] > 0
    assert all(sample.min() >= 0 and sample.max() <= 1 for sample in drawn)
    assert not torch.equal(drawn[0], drawn[1])


@pytest.mark.parametrize(
    ("objective", "learning"),
    [
        (MotionObjective(LossWeights()), {"encoder", "registration"}),
        (MotionObjective(LossWeights(), frozen=["encoder"]), {"registration"}),
        (FusionObjective(), {"fusion"}),
    ],
)
def test_a_part_of_stage_one_lowers_its_loss_and_leaves_the_others_as_they_are(start, learn, objective, learning):
    training = with_large_heads(start("run", samples=80, objective=objective, learning_rate=2e-3))
    training.REPORT_EVERY = 10
    before = {name: tensor.clone() for name, tensor in training.network.state_dict().items()}
    reports = learn(training)
    after = training.network.state_dict()
    parts = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    first, last = (sum(report.losses.values()) for report in (reports[0], reports[3]))

    assert last < first
    assert parts == learning


def test_a_part_of_a_module_can_be_frozen(start):
    network = start("run", samples=8).network
    learning = MotionObjective(LossWeights(), frozen=["encoder.levels.0", "registration.at_4"]).parameters(network)

    assert {name.split(".")[0] for name in learning} == {"encoder", "registration"}
    assert not any(name.startswith(("encoder.levels.0.", "registration.at_4.")) for name in learning)
    assert any(name.startswith("encoder.levels.1.") for name in learning)


def test_a_stage_of_frozen_modules_has_nothing_to_learn():
    with pytest.raises(UsageError, match="nothing to learn"):
        MotionObjective(LossWeights(), frozen=["encoder", "registration"])


def test_the_weights_that_a_run_begins_with_are_the_first_to_be_measured(start, learn):
    training = start("run", samples=8, validate_start=True)
    before = {name: tensor.clone() for name, tensor in training.average.state_dict().items()}
    training.validation.scores = lambda network, stage: {"score": -float(training.progress.step)}

    reports = learn(training)

    kept, _, _ = load_weights(training.folder / "best.safetensors")
    assert reports[0].progress.step == 0 and reports[0].validation == {"score": 0.0}
    assert reports[-1].validation["score"] < 0
    assert all(torch.equal(kept.state_dict()[name], before[name].half().float()) for name in before)


def test_a_loss_that_is_not_finite_ends_the_run_with_its_terms(start, learn):
    training = start("run", samples=4)
    with torch.no_grad():
        training.network.fusion.head.weight.fill_(math.nan)

    with pytest.raises(VfiFlowError, match=r"not finite at step 0.*decibel nan"):
        learn(training)


def test_a_run_that_diverges_keeps_its_last_good_checkpoint(start, learn):
    learn(start("run", samples=4))
    files = sorted((start("run", samples=4).folder / "checkpoint").iterdir())
    before = [file.read_bytes() for file in files]
    diverging = start("run", samples=80, learning_rate=1e30)
    diverging.resume()

    with pytest.raises(VfiFlowError, match=r"not finite at step .*; resume with a smaller --learning-rate"):
        learn(diverging)

    assert [file.read_bytes() for file in files] == before


@pytest.mark.usefixtures("heard")
def test_ctrl_c_inside_a_step_waits_until_the_step_is_counted(start, learn):
    whole = start("whole", samples=8)
    learn(whole)
    stopped = start("parts", samples=8)
    step = stopped.optimiser.step
    stopped.optimiser.step = lambda: (step(), signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        learn(stopped)
    resumed = start("parts", samples=8)
    resumed.resume()

    assert resumed.progress.step == 1 and resumed.progress.samples == 2
    learn(resumed)
    for name, tensor in whole.average.state_dict().items():
        assert torch.equal(tensor, resumed.average.state_dict()[name]), name


@pytest.fixture
def full_disk(monkeypatch):
    """A switch: from `add` on every tensor file breaks off, after `clear` there is room again."""
    full = set()

    def write(save, tensors, path, *rest):
        if full:
            path.write_bytes(b"half")
            raise SafetensorError("I/O error: No space left on device (os error 28)")
        save(tensors, path, *rest)

    for module in (checkpoint, weights):
        monkeypatch.setattr(module, "write_tensors", partial(write, module.write_tensors))
    return full


def test_a_full_disk_leaves_the_old_files_and_ends_the_run_with_one_sentence(start, learn, full_disk, caplog):
    learn(start("run", samples=4))
    resumed = start("run", samples=44, validate_every=0)
    files = [resumed.folder / "best.safetensors", *(resumed.folder / "checkpoint").iterdir()]
    before = [file.read_bytes() for file in files]
    resumed.resume()
    resumed.validation.calls = 1
    full_disk.add(True)

    with pytest.raises(OutputError, match=r"best.safetensors: cannot be written \(.*No space left on device"):
        learn(resumed)

    assert resumed.progress.samples == 44
    assert [file.read_bytes() for file in files] == before
    assert {path.name for path in resumed.folder.iterdir()} == {"best.safetensors", "checkpoint", "log.jsonl"}
    assert "checkpoint: cannot be written" in caplog.text


def test_when_there_is_room_again_nothing_is_lost(start, learn, full_disk):
    training = start("run", samples=44, validate_every=0)
    full_disk.add(True)
    scores = training.validation.scores
    training.validation.scores = lambda *what: (training.progress.step > 20 and full_disk.clear()) or scores(*what)
    learn(training)
    resumed = start("run", samples=44)
    resumed.resume()

    assert resumed.progress.samples == 44
    assert load_weights(training.folder / "best.safetensors")[1].samples == 44


def test_scores_of_another_validation_are_not_compared_with(start, learn):
    """The first one gave 40 to the weights that this one gives 20 to; later ones with 25 are better."""
    training = start("run", samples=4)
    training.validation.scores = lambda *what: {"score": 40.0}
    learn(training)
    other = start("run", samples=8)
    other.resume()
    scores = iter([20.0, 25.0])
    other.validation.scores = lambda *what: {"score": next(scores)}

    other.judge_anew()
    learn(other)

    assert other.progress.best == 25
    assert load_weights(other.folder / "best.safetensors")[1].samples == 8


def test_the_log_and_the_progress_are_valid_json_where_there_is_no_score(start, learn):
    def refuse(constant):
        raise AssertionError(constant)

    training = start("run", samples=4)
    training.validation.scores = lambda *what: {"score": math.nan}
    learn(training)
    [line] = (training.folder / "log.jsonl").read_text().splitlines()
    progress = (training.folder / "checkpoint" / "progress.json").read_text()
    resumed = start("run", samples=4)
    resumed.resume()

    assert json.loads(line, parse_constant=refuse)["validation"] == {"score": None}
    assert json.loads(progress, parse_constant=refuse)["best"] is None
    assert resumed.progress.best == -math.inf


def test_a_run_without_any_score_leaves_weights_too_until_some_have_one(start, learn):
    training = start("run", samples=4)
    training.validation.scores = lambda *what: {"score": math.nan}
    learn(training)
    assert load_weights(training.folder / "best.safetensors")[1].samples == 4
    longer = start("run", samples=8)
    longer.resume()
    learn(longer)

    assert load_weights(training.folder / "best.safetensors")[1].samples == 8


def test_a_checkpoint_without_one_of_its_files_is_a_sentence(start, learn):
    training = start("run", samples=2)
    learn(training)
    (training.folder / "checkpoint" / "average.safetensors").unlink()

    with pytest.raises(InputError, match=r"the checkpoint is damaged \(average.safetensors is missing\)"):
        training.resume()


@pytest.mark.parametrize("part", checkpoint.PARTS)
@pytest.mark.parametrize("damage", ["missing", "of another shape"])
def test_a_checkpoint_that_does_not_fit_the_network_is_a_sentence(start, learn, part, damage):
    learn(start("run", samples=2))
    training = start("run", samples=4)
    path = training.folder / "checkpoint" / f"{part}.safetensors"
    tensors = load_file(path)
    wrong = tensors.pop("fusion.head.weight")
    save_file(tensors if damage == "missing" else {**tensors, "fusion.head.weight": wrong[:1].clone()}, path)

    with pytest.raises(InputError, match=rf"{part}.safetensors: the checkpoint is damaged \(fusion.head.weight should"):
        training.resume()


@pytest.mark.parametrize(
    ("name", "value"), [("samples", "x"), ("step", 1.5), ("seconds", []), ("best", "high"), ("stage", 3)]
)
def test_a_progress_that_is_none_is_a_sentence(start, learn, name, value):
    training = start("run", samples=2)
    learn(training)
    path = training.folder / "checkpoint" / "progress.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))

    with pytest.raises(InputError, match=rf"the checkpoint is damaged \({name} in progress.json is "):
        training.resume()


def test_modules_that_are_frozen_from_now_on_may_have_moments(start, learn):
    learn(start("run", samples=2))
    resumed = start("run", samples=4, objective=MeanObjective(LossWeights(), frozen=["encoder"]))
    resumed.resume()
    learn(resumed)

    assert resumed.progress.samples == 4


def test_resuming_another_stage_is_refused(start, learn):
    learn(start("run", samples=2))
    other = start("run", samples=4, objective=VelocityObjective(None, 0.0))

    with pytest.raises(InputError, match="holds stage 'mean' of preset 'tiny'"):
        other.resume()


def test_resuming_without_a_checkpoint_is_a_sentence(start):
    with pytest.raises(InputError, match="no checkpoint to resume from"):
        start("run", samples=2).resume()


def test_the_sliding_texture_has_the_flow_it_names():
    import numpy as np

    sample = Sliding().draw(np.random.default_rng(3))
    step = int(2 * sample.flow[0, 0, 0])
    inside = slice(8, CROP - 8)
    moved = sample.frame0[:, [x + step for x in range(8, CROP - 8)]]

    assert step != 0
    assert np.array_equal(moved, sample.truth[:, inside])
