"""Flow matching learns three distributions with the same few lines: 2-D points, 1-D waveforms, 3-D points.

    python samples/learn_distributions.py learned.png

trains one small network for each (about a minute on two CPU cores), carries noise to new samples with 8 evaluations
of the network, and draws them beside the truth. Needs torch and OpenCV: pip install ".[train]".
"""

import argparse
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from vfi_flow.flow_matching.objective import flow_matching_loss
from vfi_flow.flow_matching.path import LINEAR, GaussianPath
from vfi_flow.flow_matching.schedule import sample_uniform, uniform_times
from vfi_flow.flow_matching.solver import midpoint

WAVE_LENGTH = 64

Solver = Callable[[Callable[[Tensor, float], Tensor], Tensor, Iterable[float]], Tensor]


# ---- three distributions ------------------------------------------------------------------------------------------
# Each returns (count, dimensions) float32 with mean 0 and, over all coordinates, variance about 1: the scale of noise.


def two_moons(count: int, rng: np.random.Generator) -> np.ndarray:
    """Two interleaved half circles in the plane, 5 % blurred."""
    angle = rng.uniform(0, math.pi, count)
    upper = rng.random(count) < 0.5
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle)) - 0.5
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle)) - 0.25
    points = np.stack([x, y], axis=1) + rng.normal(0, 0.05, (count, 2))
    return (points / [0.87, 0.5]).astype(np.float32)


def waveforms(count: int, rng: np.random.Generator) -> np.ndarray:
    """Sine waves of 64 samples: 1, 2 or 3 periods, any phase, amplitude 0.5 to 1.5 before scaling."""
    periods = rng.integers(1, 4, (count, 1))
    phase = rng.uniform(0, 2 * math.pi, (count, 1))
    amplitude = rng.uniform(0.5, 1.5, (count, 1))
    position = np.arange(WAVE_LENGTH) / WAVE_LENGTH
    return (amplitude * np.sin(2 * math.pi * periods * position + phase) / 0.736).astype(np.float32)


def trefoil_knot(count: int, rng: np.random.Generator) -> np.ndarray:
    """Points of a thick trefoil knot in space."""
    angle = rng.uniform(0, 2 * math.pi, count)
    curve = [np.sin(angle) + 2 * np.sin(2 * angle), np.cos(angle) - 2 * np.cos(2 * angle), -np.sin(3 * angle)]
    points = np.stack(curve, axis=1) + rng.normal(0, 0.12, (count, 3))
    return (points / 1.36).astype(np.float32)


# ---- one network, one training loop, one sampler -------------------------------------------------------------------


class VelocityNetwork(nn.Module):
    """velocity(x, t) for x (B, dimensions) and t a number or (B,): a perceptron that sees x and waves of t."""

    def __init__(self, dimensions: int, width: int = 128) -> None:
        super().__init__()
        self.frequencies = math.pi * torch.arange(1, 5)
        layers: list[nn.Module] = []
        inputs = dimensions + 2 * len(self.frequencies)
        for _ in range(3):
            layers += [nn.Linear(inputs, width), nn.SiLU()]
            inputs = width
        self.layers = nn.Sequential(*layers, nn.Linear(inputs, dimensions))

    def forward(self, x: Tensor, t: Tensor | float) -> Tensor:
        angle = torch.as_tensor(t, dtype=x.dtype).reshape(-1, 1) * self.frequencies
        waves = torch.cat([angle.sin(), angle.cos()], dim=1).expand(len(x), -1)
        return self.layers(torch.cat([x, waves], dim=1))


def train(
    data: np.ndarray, *, path: GaussianPath = LINEAR, iterations: int = 3000, batch: int = 256, seed: int = 0
) -> VelocityNetwork:
    """A network that knows the velocity from noise to `data` (count, dimensions) along `path`."""
    torch.manual_seed(seed)
    points = torch.from_numpy(data)
    network = VelocityNetwork(points.shape[1])
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-3, fused=True)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, iterations)
    for _ in range(iterations):
        x_1 = points[torch.randint(len(points), (batch,))]
        loss = flow_matching_loss(network, x_1, sample_uniform(batch), path=path)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        decay.step()
    return network


def generate(network: VelocityNetwork, noise: np.ndarray, solver: Solver = midpoint, steps: int = 4) -> np.ndarray:
    """New samples, one for each row of `noise` (count, dimensions). Four midpoint steps are eight evaluations."""
    with torch.no_grad():
        return solver(network, torch.from_numpy(noise), uniform_times(steps)).numpy()


def sliced_wasserstein(a: np.ndarray, b: np.ndarray, directions: int = 64) -> float:
    """Mean over fixed random directions of the Wasserstein-1 distance between the two projected sample sets.

    In one dimension the best transport joins the sorted samples, so `a` and `b` must have equally many rows.
    """
    axes = np.random.default_rng(0).standard_normal((a.shape[1], directions))
    axes /= np.linalg.norm(axes, axis=0)
    return float(np.abs(np.sort(a @ axes, axis=0) - np.sort(b @ axes, axis=0)).mean())


# ---- the picture ---------------------------------------------------------------------------------------------------

PANEL = 300
INK, BLUE, ORANGE = (60, 60, 60), (170, 90, 20), (20, 100, 220)
"""OpenCV's order: blue, green, red."""


def dot(panel: np.ndarray, x: float, y: float, ink: Sequence[float]) -> None:
    """A dot at (x, y), up = positive; the panel shows -3 to 3. OpenCV counts in sixteenths of a pixel here."""
    centre = (int(16 * PANEL * (0.5 + x / 6)), int(16 * PANEL * (0.5 - y / 6)))
    cv2.circle(panel, centre, 16, ink, -1, cv2.LINE_AA, shift=4)


def draw_plane(panel: np.ndarray, samples: np.ndarray, ink: Sequence[float]) -> None:
    for x, y in samples:
        dot(panel, x, y, ink)


def draw_space(panel: np.ndarray, samples: np.ndarray, ink: Sequence[float]) -> None:
    """Seen from above and a little from the side; far points are drawn first and paler."""
    tilt = 0.5
    x, y = samples[:, 0], samples[:, 1] * math.cos(tilt) - samples[:, 2] * math.sin(tilt)
    depth = samples[:, 1] * math.sin(tilt) + samples[:, 2] * math.cos(tilt)
    for i in np.argsort(depth):
        shade = float(np.clip(0.5 - 0.4 * depth[i], 0, 0.75))
        dot(panel, x[i], y[i], [c + shade * (255 - c) for c in ink])


def draw_waves(panel: np.ndarray, samples: np.ndarray, ink: Sequence[float]) -> None:
    """The first eight, one below the other."""
    rows = 8
    x = np.linspace(10, PANEL - 10, samples.shape[1])
    for i in range(rows):
        y = PANEL / rows * (i + 0.5 - 0.19 * samples[i])
        line = np.stack([16 * x, 16 * y], axis=1).round().astype(np.int32)
        cv2.polylines(panel, [line], False, ink, 1, cv2.LINE_AA, shift=4)


@dataclass(frozen=True, slots=True)
class Subject:
    title: str
    draw_samples: Callable[[int, np.random.Generator], np.ndarray]
    draw_panel: Callable[[np.ndarray, np.ndarray, Sequence[float]], None]


SUBJECTS = (
    Subject("2-D points", two_moons, draw_plane),
    Subject("1-D waveforms", waveforms, draw_waves),
    Subject("3-D points", trefoil_knot, draw_space),
)


def framed(subject: Subject, title: str, samples: np.ndarray, ink: Sequence[float]) -> np.ndarray:
    panel = np.full((PANEL, PANEL, 3), 255, np.uint8)
    subject.draw_panel(panel, samples, ink)
    cv2.rectangle(panel, (0, 0), (PANEL - 1, PANEL - 1), (220, 220, 220))
    header = np.full((26, PANEL, 3), 255, np.uint8)
    cv2.putText(header, f"{subject.title}: {title}", (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, INK, 1, cv2.LINE_AA)
    return np.vstack([header, panel])


def learn_and_draw(subject: Subject, iterations: int, shown: int = 2000, compared: int = 5000) -> np.ndarray:
    """One row of the picture: noise, learned, true. Prints one row of the table."""
    rng = np.random.default_rng(0)
    started = time.perf_counter()
    network = train(subject.draw_samples(50_000, rng), iterations=iterations)
    seconds = time.perf_counter() - started
    true, true_again = subject.draw_samples(compared, rng), subject.draw_samples(compared, rng)
    noise = rng.standard_normal(true.shape, dtype=np.float32)
    learned = generate(network, noise)
    distances = [sliced_wasserstein(samples, true) for samples in (noise, learned, true_again)]
    print(f"{subject.title:14}" + "".join(f"{distance:12.4f}" for distance in distances) + f"{seconds:10.1f} s")
    panels = [("noise", noise, INK), ("learned, 8 evaluations", learned, ORANGE), ("true", true, BLUE)]
    return np.hstack([framed(subject, title, samples[:shown], ink) for title, samples, ink in panels])


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="PNG file to write")
    parser.add_argument("--iterations", type=int, default=6000, help="training steps per distribution (default 6000)")
    arguments = parser.parse_args(argv)
    if arguments.output.suffix.lower() != ".png" or not arguments.output.absolute().parent.is_dir():
        parser.error(f"{arguments.output}: expected the name of a PNG file in a folder that exists")

    torch.set_num_threads(1)  # the networks are so small that a second thread costs more than it brings
    print("sliced Wasserstein distance to the true distribution, and the time of the training")
    print(f"{'':14}{'noise':>12}{'learned':>12}{'true again':>12}")
    picture = np.vstack([learn_and_draw(subject, arguments.iterations) for subject in SUBJECTS])
    if not cv2.imwrite(str(arguments.output), picture):
        raise SystemExit(f"{arguments.output} cannot be written")


if __name__ == "__main__":
    main()
