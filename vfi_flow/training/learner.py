"""What learns: a network, its average and its optimiser, one batch after the other, within a budget."""

import copy
import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

import torch
from torch import nn

from vfi_flow.errors import VfiFlowError
from vfi_flow.model.network import InterpolationNetwork
from vfi_flow.model.weights import channels_last
from vfi_flow.training.batches import Batch
from vfi_flow.training.checkpoint import Progress
from vfi_flow.training.objective import Objective
from vfi_flow.training.parallel import Group
from vfi_flow.training.precision import mixed_precision
from vfi_flow.training.signals import uninterrupted


class DivergedError(VfiFlowError):
    """The weights grew without bounds."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a stage is trained. The learning rate rises over `warm_up` steps and falls along half a cosine to 2 %."""

    minutes: float
    """Length of the whole run, resumed parts included; the cosine ends with it."""
    samples: int | None = None
    """Ends and schedules the run by samples instead of minutes: repeatable with as many processes, for comparisons."""
    learning_rate: float = 3e-4
    warm_up: int = 200
    weight_decay: float = 1e-4
    averaging: float = 0.999
    """Decay of the moving average of the weights, which is what is validated and kept."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    seed: int = 0


class Learner:
    """Learns an objective by a recipe. Its `average` is the result: the moving average of the weights."""

    def __init__(
        self,
        network: InterpolationNetwork,
        objective: Objective,
        recipe: Recipe,
        device: torch.device,
        group: Group | None = None,
    ) -> None:
        self.objective, self.recipe, self.device = objective, recipe, device
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
        """Until when the time of the run is counted."""

    def fraction(self) -> float:
        """How much of the run is done, 0 to 1."""
        if self.recipe.samples is not None:
            return min(1.0, self.progress.samples / self.recipe.samples)
        return min(1.0, self.progress.seconds / 60 / self.recipe.minutes)

    def learning_rate(self, fraction: float) -> float:
        """At `fraction` of the run: a warm-up of some steps, then half a cosine to a fiftieth."""
        rise = min(1.0, (self.progress.step + 1) / self.recipe.warm_up)
        return self.recipe.learning_rate * rise * (0.02 + 0.98 * (1 + math.cos(math.pi * fraction)) / 2)

    def learn(self, batches: Iterable[Batch]) -> Iterator[dict[str, float]]:
        """The loss terms of one step after the other, by name, until the budget is spent."""
        for batch in batches:
            fraction = self.group.agree(self.fraction())  # by one clock, or the copies of the weights drift apart
            if fraction >= 1:
                break
            yield self.step(batch, fraction)

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
            raise DivergedError(f"the gradient is not finite at step {self.progress.step} ({wrong})")
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

    def _count(self, samples: int) -> None:
        now, progress = time.monotonic(), self.progress
        seconds = progress.seconds + now - self.counted
        self._replace(step=progress.step + 1, samples=progress.samples + samples, seconds=seconds)
        self.counted = now

    def _replace(self, **changes: float) -> None:
        self.progress = Progress(**{**asdict(self.progress), **changes})
