"""The training loop: a generator that learns while somebody asks it how it goes."""

import copy
import json
import logging
import math
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn

from vfi_flow.errors import OutputError, VfiFlowError
from vfi_flow.model.network import InterpolationNetwork
from vfi_flow.model.weights import Card, channels_last, save_weights
from vfi_flow.training.batches import Batch
from vfi_flow.training.checkpoint import (
    Progress,
    State,
    draft_of,
    load_checkpoint,
    optimiser_moments,
    restore_moments,
    save_checkpoint,
)
from vfi_flow.training.finite import without_nan
from vfi_flow.training.objective import Objective
from vfi_flow.training.parallel import Group
from vfi_flow.training.precision import mixed_precision
from vfi_flow.training.run_folder import BEST, CHECKPOINT
from vfi_flow.training.signals import uninterrupted
from vfi_flow.training.validation import Validation

log = logging.getLogger(__name__)


class DivergedError(VfiFlowError):
    """The weights grew without bounds."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a stage is trained. The learning rate rises over `warm_up` steps and falls along half a cosine to 2 %."""

    minutes: float
    """Length of the whole run, resumed parts included; the cosine ends with it."""
    samples: int | None = None
    """Ends and schedules the run by samples instead of minutes: exactly repeatable, for tests and comparisons."""
    learning_rate: float = 3e-4
    warm_up: int = 200
    weight_decay: float = 1e-4
    averaging: float = 0.999
    """Decay of the moving average of the weights, which is what is validated and kept."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    seed: int = 0
    validate_every: float = 6.0
    """Minutes between validations, which also save the checkpoint."""
    validate_start: bool = False
    """Also before the first step: the best weights are then never worse than those that the run began with."""
    keeps: bool = True
    """Whether the run is validated, logged and written to its folder; the caller may only want the averaged weights."""


@dataclass(frozen=True, slots=True)
class Report:
    """One line of the log."""

    progress: Progress
    fraction: float
    """How much of the run is done, 0 to 1."""
    learning_rate: float
    losses: dict[str, float]
    """Means since the last report."""
    samples_per_second: float
    validation: dict[str, float] | None


class Training:
    """One stage of one run; iterate over it to train."""

    REPORT_EVERY = 20

    def __init__(
        self,
        network: InterpolationNetwork,
        objective: Objective,
        recipe: Recipe,
        validation: Validation,
        folder: Path,
        device: torch.device,
        group: Group | None = None,
    ) -> None:
        self.objective, self.recipe, self.validation, self.folder = objective, recipe, validation, folder
        self.device = device
        self.group = group or Group()
        self.network = channels_last(network.to(device)).train()
        for parameter in self.network.parameters():
            parameter.requires_grad_(False)
        self.parameters = objective.parameters(self.network)
        for parameter in self.parameters.values():
            parameter.requires_grad_(True)
        self.average = copy.deepcopy(self.network).eval()
        self.optimiser = torch.optim.AdamW(
            self.parameters.values(),
            lr=recipe.learning_rate,
            betas=(0.9, 0.99),
            weight_decay=recipe.weight_decay,
            fused=device.type == "cuda",
        )
        self.progress = Progress(network.config.name, objective.name, 0, 0, 0.0, -math.inf)
        self.counted = time.monotonic()
        self.unwritten: dict[Path, OutputError] = {}
        """What could not be written the last time that it was tried."""

    def resume(self) -> None:
        """Goes on from the checkpoint in the run's folder, from the same state."""
        folder = self.folder / CHECKPOINT
        progress, state = load_checkpoint(folder)
        progress.require(self.folder, self.progress.preset, self.progress.stage)
        state.require(folder, self.network.state_dict(), self.parameters)
        self.network.load_state_dict(state.network)
        self.average.load_state_dict(state.average)
        restore_moments(self.optimiser, self.parameters, state, progress.step)
        self.progress = progress

    def fraction(self) -> float:
        """How much of the run is done, 0 to 1."""
        if self.recipe.samples is not None:
            return min(1.0, self.progress.samples / self.recipe.samples)
        return min(1.0, self.progress.seconds / 60 / self.recipe.minutes)

    def learning_rate(self, fraction: float) -> float:
        """At `fraction` of the run: a warm-up of some steps, then half a cosine to a fiftieth."""
        rise = min(1.0, (self.progress.step + 1) / self.recipe.warm_up)
        return self.recipe.learning_rate * rise * (0.02 + 0.98 * (1 + math.cos(math.pi * fraction)) / 2)

    def run(self, batches: Iterable[Batch]) -> Generator[Report, None, None]:
        """Trains until the budget is spent, and saves; closing the generator earlier saves too.

        Raises OutputError at the end where the weights or the checkpoint could not be written.
        """
        try:
            yield from self._reports(batches)
        except DivergedError:
            raise  # these weights are lost; the checkpoint of before stays
        except BaseException:
            self._finish()
            raise
        self._finish()

    def _reports(self, batches: Iterable[Batch]) -> Generator[Report, None, None]:
        sums: dict[str, float] = {}
        count, validated = 0, time.monotonic()
        self.counted = time.monotonic()
        if self.recipe.validate_start and not self.progress.step and not self.group.rank:
            yield self._logged({}, 0, self.validate())
        for batch in batches:
            fraction = self.group.agree(self.fraction())  # by one clock, or the copies of the weights drift apart
            if fraction >= 1:
                break
            for name, value in self.step(batch, fraction).items():
                sums[name] = sums.get(name, 0.0) + value
            count += 1
            if self.group.rank:
                continue  # process 0 validates, reports and saves for all
            due = self.recipe.keeps and time.monotonic() - validated > 60 * self.recipe.validate_every
            if due or self.progress.step % self.REPORT_EVERY == 0:
                yield self._logged(sums, count, self.validate() if due else None)
                sums, count = {}, 0
                if due:
                    self.save()
                    validated = time.monotonic()
        if not self.group.rank:
            yield self._logged(sums, count, self.validate() if self.recipe.keeps else None)

    def _finish(self) -> None:
        if self.group.rank or not self.recipe.keeps:
            return
        self.save()
        for error in self.unwritten.values():
            raise error

    def step(self, batch: Batch, fraction: float) -> dict[str, float]:
        """One update of the weights and of their average at `fraction` of the run; the loss terms by name."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate(fraction)
        generator = torch.Generator(self.device).manual_seed(
            self.recipe.seed * 1_000_003 + self.progress.step * self.group.size + self.group.rank
        )
        with mixed_precision(self.device):
            losses = self.objective.losses(self.network, batch, generator)
        total = torch.stack(list(losses.values())).sum()
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        self.group.average_gradients(self.parameters.values())
        norm = nn.utils.clip_grad_norm_(self.parameters.values(), self.recipe.clip)
        values = {name: float(value.detach()) for name, value in losses.items()}
        if not math.isfinite(float(norm)):
            wrong = ", ".join(f"{name} {value:.3g}" for name, value in values.items())
            again = "resume" if (self.folder / CHECKPOINT).exists() else "start again"
            raise DivergedError(
                f"{self.folder}: the gradient is not finite at step {self.progress.step} ({wrong}); "
                f"{again} with a smaller --learning-rate"
            )
        with uninterrupted():  # no checkpoint holds a step that is not counted
            self.optimiser.step()
            self._average()
            self._count(batch.tau.shape[0] * self.group.size)
        return values

    @torch.no_grad()
    def _average(self) -> None:
        step = self.progress.step + 1
        decay = min(self.recipe.averaging, (1 + step) / (10 + step))  # a short memory at first
        moving = [p.detach() for name, p in self.average.named_parameters() if name in self.parameters]
        torch._foreach_lerp_(moving, [p.detach() for p in self.parameters.values()], 1 - decay)

    def validate(self) -> dict[str, float]:
        """Scores of the averaged weights; the best ones so far are kept as `BEST`, any before none."""
        scores = self.validation.scores(self.average, self.objective.name)
        score = -math.inf if math.isnan(scores["score"]) else scores["score"]
        best = self.folder / BEST
        if score > self.progress.best or not best.exists():
            with uninterrupted():
                if self._written(best, lambda: self.export(best, scores)):
                    self._replace(best=score)
        return scores

    def export(self, path: Path, scores: dict[str, float]) -> None:
        """Writes the averaged weights as a model file."""
        summary = ", ".join(f"{name} {value:.4g}" for name, value in scores.items())
        card = Card(scores.get("strength", 1.0), self.progress.samples, summary)
        with draft_of(path) as draft:
            save_weights(self.average, draft, card)

    def save(self) -> None:
        moments = optimiser_moments(self.optimiser, self.parameters)
        state = State(self.network.state_dict(), self.average.state_dict(), moments.first_moment, moments.second_moment)
        path = self.folder / CHECKPOINT
        self._written(path, lambda: save_checkpoint(path, self.progress, state))

    def _written(self, path: Path, write: Callable[[], None]) -> bool:
        """Whether it worked; if not, training goes on: there may be room again before it ends."""
        try:
            write()
        except OutputError as error:
            log.warning("%s; what was there before stays", error)
            self.unwritten[path] = error
            return False
        self.unwritten.pop(path, None)
        return True

    def _count(self, samples: int) -> None:
        now, progress = time.monotonic(), self.progress
        seconds = progress.seconds + now - self.counted
        self._replace(step=progress.step + 1, samples=progress.samples + samples, seconds=seconds)
        self.counted = now

    def _replace(self, **changes: float) -> None:
        self.progress = Progress(**{**asdict(self.progress), **changes})

    def _logged(self, sums: dict[str, float], count: int, scores: dict[str, float] | None) -> Report:
        report = self._report(sums, count, scores)
        if not self.recipe.keeps:
            return report
        path = self.folder / "log.jsonl"
        try:
            with open(path, "a") as file:
                file.write(json.dumps(without_nan(asdict(report)), allow_nan=False) + "\n")
        except OSError as error:
            log.warning("%s: cannot be written (%s)", path, error.strerror)
        return report

    def _report(self, sums: dict[str, float], count: int, scores: dict[str, float] | None) -> Report:
        rate = self.progress.samples / self.progress.seconds if self.progress.seconds else 0.0
        means = {name: value / count for name, value in sums.items()} if count else {}
        return Report(self.progress, self.fraction(), self.learning_rate(self.fraction()), means, rate, scores)
