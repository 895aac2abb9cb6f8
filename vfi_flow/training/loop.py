"""The training loop: a generator that learns while somebody asks it how it goes."""

import json
import logging
import math
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from vfi_flow.errors import ComponentError, OutputError
from vfi_flow.model.network import InterpolationNetwork
from vfi_flow.model.weights import Card, channels_last, load_weights, save_weights
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
from vfi_flow.training.learner import DivergedError, Learner, Recipe
from vfi_flow.training.objective import Objective
from vfi_flow.training.parallel import Group
from vfi_flow.training.run_folder import BEST, CHECKPOINT
from vfi_flow.training.signals import uninterrupted
from vfi_flow.training.validation import Validation

log = logging.getLogger(__name__)


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


class Training(Learner):
    """One stage of one run in a folder of its own: validated, logged and saved; iterate over it to train."""

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
        *,
        validate_every: float = 6.0,
        validate_start: bool = False,
    ) -> None:
        """
        Args:
            validate_every: minutes between validations, which also save the checkpoint.
            validate_start: also before the first step; the best weights are then never worse than the first ones.
        """
        super().__init__(network, objective, recipe, device, group)
        self.validation, self.folder = validation, folder
        self.validate_every, self.validate_start = validate_every, validate_start
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

    def judge_anew(self) -> None:
        """Scores the best weights so far by the validation of now, where another one has chosen them."""
        try:
            best = load_weights(self.folder / BEST)[0]
        except ComponentError:  # the next ones are the best then
            return
        self._replace(best=comparable(self.validation.scores(channels_last(best.to(self.device)), self.objective.name)))

    def run(self, batches: Iterable[Batch]) -> Generator[Report, None, None]:
        """Trains until the budget is spent, and saves; closing the generator earlier saves too.

        Raises OutputError at the end where the weights or the checkpoint could not be written.
        """
        try:
            yield from self._reports(batches)
        except DivergedError as error:  # these weights are lost; the checkpoint of before stays
            again = "resume" if (self.folder / CHECKPOINT).exists() else "start again"
            raise DivergedError(f"{self.folder}: {error}; {again} with a smaller --learning-rate") from error
        except BaseException:
            self._finish()
            raise
        self._finish()

    def _reports(self, batches: Iterable[Batch]) -> Generator[Report, None, None]:
        sums: dict[str, float] = {}
        count, validated = 0, time.monotonic()
        self.counted = validated
        if self.validate_start and not self.progress.step and not self.group.rank:
            yield self._logged({}, 0, self.validate())
        for losses in self.learn(batches):
            if self.group.rank:
                continue  # process 0 validates, reports and saves for all
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value
            count += 1
            due = time.monotonic() - validated > 60 * self.validate_every
            if due or self.progress.step % self.REPORT_EVERY == 0:
                yield self._logged(sums, count, self.validate() if due else None)
                sums, count = {}, 0
                if due:
                    self.save()
                    validated = time.monotonic()
        if not self.group.rank:
            yield self._logged(sums, count, self.validate())

    def _finish(self) -> None:
        if self.group.rank:
            return
        self.save()
        for error in self.unwritten.values():
            raise error

    def validate(self) -> dict[str, float]:
        """Scores of the averaged weights; the best ones so far are kept as `BEST`, any before none."""
        scores = self.validation.scores(self.average, self.objective.name)
        score, best = comparable(scores), self.folder / BEST
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

    def _logged(self, sums: dict[str, float], count: int, scores: dict[str, float] | None) -> Report:
        report = self._report(sums, count, scores)
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


def comparable(scores: dict[str, float]) -> float:
    """What the best weights are chosen by; any number is above that of no score."""
    return -math.inf if math.isnan(scores["score"]) else scores["score"]
