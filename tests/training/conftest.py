"""What the tests of training share: a source of tiny samples and a run on the tiny preset."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from vfi_flow.model.config import TINY
from vfi_flow.model.network import InterpolationNetwork
from vfi_flow.training.batches import Share, batches
from vfi_flow.training.learner import Recipe
from vfi_flow.training.loop import Training
from vfi_flow.training.losses import LossWeights
from vfi_flow.training.objective import MeanObjective, Objective
from vfi_flow.training.sample import Sample

CROP = 64


class Sliding:
    """A random texture that slides by a whole even number of pixels."""

    def draw(self, rng: np.random.Generator) -> Sample:
        texture = rng.integers(0, 256, (CROP // 4 + 8, CROP // 4 + 8, 3), dtype=np.uint8).repeat(4, 0).repeat(4, 1)
        step = 2 * int(rng.integers(-3, 4))
        frames = [np.ascontiguousarray(texture[16 : 16 + CROP, 12 + k * step :][:, :CROP]) for k in (-1, 0, 1)]
        # frame0 shows the texture `step` pixels to the right of where the middle has it.
        half = np.full((CROP // 2, CROP // 2), step / 2, np.float32)
        flow = np.stack([half, 0 * half, -half, 0 * half])
        return Sample(frames[0], frames[2], frames[1], 0.5, flow, np.ones((2, *half.shape), np.float32))


def with_large_heads(training: Training) -> Training:
    """Its network starts as if heads were not made small.

    Small ones leave what these textures ask for to the rules without weights, and nothing to learn.
    """
    registration, fusion = training.network.registration, training.network.fusion
    with torch.no_grad():
        for part in (registration.at_16, registration.at_8, registration.at_4, fusion):
            part.head.weight *= 10
    return training


class NoValidation:
    """Scores without clips: the number of the call, so that later is better."""

    def __init__(self) -> None:
        self.calls = 0

    def scores(self, network: InterpolationNetwork, stage: str) -> dict[str, float]:
        self.calls += 1
        return {"psnr": float(self.calls), "score": float(self.calls)}


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., Training]:
    """A training of the tiny preset in a folder of its own: start(name, samples=…, objective=…)."""

    def make(
        name: str,
        samples: int,
        objective: Objective | None = None,
        *,
        validate_every: float = 6,
        validate_start: bool = False,
        **recipe: float,
    ) -> Training:
        torch.manual_seed(0)
        torch.set_num_threads(1)
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        return Training(
            InterpolationNetwork(TINY),
            objective or MeanObjective(LossWeights()),
            Recipe(minutes=1, samples=samples, warm_up=2, **recipe),  # type: ignore[arg-type]
            NoValidation(),  # type: ignore[arg-type]
            folder,
            torch.device("cpu"),
            validate_every=validate_every,
            validate_start=validate_start,
        )

    return make


@pytest.fixture
def learn() -> Callable[[Training], list]:
    """Runs a training on sliding textures to its end and returns its reports."""

    def run(training: Training, stop_at: int | None = None) -> list:
        source = batches(
            [Share(Sliding(), 1.0)], 2, seed=5, start=training.progress.samples, workers=0, device=training.device
        )
        if stop_at is not None:
            source = (batch for _, batch in zip(range(stop_at), source, strict=False))  # type: ignore[assignment]
        return list(training.run(source))

    return run
