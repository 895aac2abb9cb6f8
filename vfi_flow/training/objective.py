"""The stages as the training loop sees them: which parameters move, and what is minimised."""

from collections.abc import Collection
from typing import Protocol

import torch
from torch import Tensor, nn

from vfi_flow.errors import UsageError
from vfi_flow.flow_matching.objective import flow_matching_loss
from vfi_flow.flow_matching.schedule import endpoint_times, sample_with_atoms
from vfi_flow.model.composition import Mean
from vfi_flow.model.network import InterpolationNetwork
from vfi_flow.training.batches import Batch
from vfi_flow.training.distillation import Teacher, taught_losses
from vfi_flow.training.losses import LossWeights, mean_losses, motion_losses, sharpness_difference
from vfi_flow.training.lpips import Lpips
from vfi_flow.training.neighbour_motion import move

LARGEST_RESIDUAL = 5.0
"""Standardised residuals are clipped here: a few outliers must not own the loss."""
ONE_STEP, MORE_STEPS = 0.5, 0.15
TIMES = dict.fromkeys(endpoint_times(2), MORE_STEPS) | dict.fromkeys(endpoint_times(1), ONE_STEP)
"""Half of the samples train where one midpoint step asks the network, 15 % each where two steps ask as well."""


class Objective(Protocol):
    """One stage of the training."""

    name: str

    def parameters(self, network: InterpolationNetwork) -> dict[str, nn.Parameter]:
        """Those that are learned, by their names in `network`."""

    def losses(self, network: InterpolationNetwork, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Terms whose sum is minimised, scalars with their weights in them, by name; `generator` draws the noise."""


class MeanObjective:
    """Stage 1: encoder, registration and fusion, less what is frozen."""

    name = "mean"
    modules: tuple[str, ...] = ("encoder", "registration", "fusion")

    def __init__(self, weights: LossWeights, frozen: Collection[str] = ()) -> None:
        """`frozen` names modules that stay as they are, or parts of them, such as encoder.levels.0."""
        self.weights, self.frozen = weights, frozen
        if set(self.modules) <= set(frozen):
            raise UsageError(f"stage {self.name} has nothing to learn when {', '.join(self.modules)} are frozen")

    def parameters(self, network: InterpolationNetwork) -> dict[str, nn.Parameter]:
        for part in self.frozen:
            if not any(belongs(name, [part]) for name, _ in network.named_parameters()):
                raise UsageError(f"nothing to freeze: the network has no part called '{part}'")
        return {
            name: parameter
            for name, parameter in network.named_parameters()
            if belongs(name, self.modules) and not belongs(name, self.frozen)
        }

    def losses(self, network: InterpolationNetwork, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        moved = move(network, batch)
        mean = network.fused(moved.frame0, moved.frame1, batch.tau, moved.course)
        with torch.autocast(batch.truth.device.type, enabled=False):
            return mean_losses(mean, moved.flows, batch.truth, moved.even_flow, batch.trust, self.weights)


def belongs(name: str, parts: Collection[str]) -> bool:
    """Whether a parameter is one of these parts of a network."""
    return name.startswith(tuple(f"{part}." for part in parts))


class TaughtObjective(MeanObjective):
    """Stage 1 again, by what a teacher makes of the samples."""

    def __init__(self, teacher: Teacher, frozen: Collection[str] = ()) -> None:
        super().__init__(LossWeights(), frozen)
        self.teacher = teacher

    def losses(self, network: InterpolationNetwork, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        answer, moved = self.teacher.answer(batch), move(network, batch)
        mean = network.fused(moved.frame0, moved.frame1, batch.tau, moved.course)
        with torch.autocast(batch.truth.device.type, enabled=False):
            return taught_losses(mean, moved.flows, answer, batch.truth)


class FusionObjective(MeanObjective):
    """Fusion alone on a frozen registration, twice as fast."""

    name = "fusion"
    modules = ("fusion",)

    def __init__(self) -> None:
        super().__init__(LossWeights(flow=0, absolute=0, laplacian=0))


class MotionObjective(MeanObjective):
    """Encoder and registration alone, at the resolution of their flow and more than twice as fast."""

    name = "motion"
    modules = ("encoder", "registration")

    def losses(self, network: InterpolationNetwork, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        moved = move(network, batch)
        with torch.autocast(batch.truth.device.type, enabled=False):
            frames, target = (batch.frame0, batch.truth, batch.frame1), (moved.even_flow, batch.trust)
            return motion_losses(moved.course, moved.flows, frames, batch.tau, *target, self.weights)


class VelocityObjective:
    """Stage 2 on a frozen stage 1: flow matching, and the perceptual distance of what the solver really returns."""

    name = "velocity"

    SHARPNESS = 0.3
    """Weight of the difference in local sharpness beside a weight of 1 for LPIPS."""

    def __init__(self, lpips: Lpips | None, perceptual: float) -> None:
        """`perceptual` weighs LPIPS and sharpness of the samples; without `lpips` it is pure flow matching."""
        self.lpips, self.perceptual = lpips, perceptual

    def parameters(self, network: InterpolationNetwork) -> dict[str, nn.Parameter]:
        return {name: p for name, p in network.named_parameters() if name.startswith("velocity.")}

    def losses(self, network: InterpolationNetwork, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """The terms of the loss, scalars with their weights in them.

        `flow matching` is the error of the expected residual at one path time a sample, in units of the deviation. With
        LPIPS there are `lpips` and `sharpness` besides, of a frame drawn in one step or, one time in four, in two.
        Gradients reach the velocity network alone.
        """
        with torch.no_grad():
            moved = move(network, batch)
            mean = network.fused(moved.frame0, moved.frame1, batch.tau, moved.course)
        residual = ((batch.truth - mean.sharp) / mean.deviation).clamp(-LARGEST_RESIDUAL, LARGEST_RESIDUAL)
        residual = network.velocity.to_grid(residual)
        noise = torch.randn(residual.shape, generator=generator, device=residual.device)
        condition = network.velocity.condition(mean)
        t = sample_with_atoms(residual.shape[0], TIMES, generator=generator, device=residual.device)
        terms = {
            "flow matching": flow_matching_loss(
                lambda r, times: network.velocity(r, times, condition),
                residual,
                t,
                kind="endpoint",
                x_0=noise,
                weight=network.velocity.to_grid(_importance(mean)),
            )
        }
        if self.lpips is not None and self.perceptual:
            # What is judged is what the solvers really return: one step mostly, two steps in one of four draws.
            steps = 1 if int(torch.randint(4, (1,), generator=generator, device=residual.device)) else 2
            other = torch.randn(batch.truth.shape, generator=generator, device=residual.device)
            sample = (mean.mean + network.detail(mean, other, steps)).clamp(0, 1)
            terms["lpips"] = self.perceptual * self.lpips(sample, batch.truth).mean()
            terms["sharpness"] = self.perceptual * self.SHARPNESS * sharpness_difference(sample, batch.truth)
        return terms


def _importance(mean: Mean) -> Tensor:
    # Errors count where they are visible, in proportion to the variance they stand for, but not there alone.
    variance = mean.deviation.square()
    return 0.25 + 0.75 * variance / variance.mean()
