"""A model fitted to one video before its frames are made, and kept only as far as that helps.

The video's own frames are the truth: at half its rate every other one can be dropped and made again. A part of them is
held back. The fitted weights are then mixed with the general ones in the proportion that is best on that part, which
may be none of them (Wortsman et al. 2022, Robust Fine-Tuning of Zero-Shot Models).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from vfi_flow.errors import InputError
from vfi_flow.inference.noise import pair_noise
from vfi_flow.model.network import InterpolationNetwork
from vfi_flow.model.weights import Card, channels_last, load_weights, save_weights
from vfi_flow.training.batches import Share, batches
from vfi_flow.training.checkpoint import draft_of
from vfi_flow.training.clips import RealClips
from vfi_flow.training.excerpts import read_excerpts
from vfi_flow.training.held_out import hold_out
from vfi_flow.training.learner import Learner, Recipe
from vfi_flow.training.losses import LossWeights
from vfi_flow.training.metrics import psnr
from vfi_flow.training.objective import MeanObjective
from vfi_flow.training.shots import Shot
from vfi_flow.training.validation import Place, mean_at, to_frame
from vfi_flow.training.windows import most_different

CPU = torch.device("cpu")
CROP, BATCH, LEARNING_RATE = 192, 4, 1e-4
FLOW_WEIGHT = 5e-4
GIGABYTES = 1.0
"""Of decoded frames in memory."""
PLACES, SIDE = 16, 512
"""Held-out frames that are measured at most, and how much of them: their liveliest part, pixels."""
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of the fitted weights in the mixture."""
LEAST_GAIN = 0.02
"""dB below which the general model is kept."""


class TooFewFramesError(InputError):
    """A video that a model cannot be fitted to; its frames can be made all the same."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """How the frames will be made, which is how they are judged."""

    steps: int
    strength: float | None
    """None: the model's own."""
    neighbours: bool = True
    """With the frames before and after the two."""


@dataclass(frozen=True, slots=True)
class Adaptation:
    """What came of it."""

    share: float
    """Of the fitted weights in what was written, above 0 to 1; 0: nothing was written, the general model is better."""
    before: float
    after: float
    """PSNR in dB on held-out frames of the video, of the general model and of the one that is kept."""
    samples: int
    """Training samples seen."""


def adapt(
    weights: Path,
    video: Path,
    window: tuple[Fraction, Fraction | None],
    minutes: float,
    rendering: Rendering,
    result: Path,
    show: Callable[[float], None],
    device: torch.device = CPU,
) -> Adaptation:
    """Fits the model in `weights` to `video` for `minutes`; writes what is better to `result`.

    Args:
        window: start and end in seconds of the part that will be made; None: to the end.
        show: is told the share of the work that is done, 0 to 1.
        device: learns; what is better is found out on the CPU.

    Raises TooFewFramesError where the video has too few different frames.
    """
    shots, places = hold_out(read_excerpts(video, *window, GIGABYTES), per_shot=6, most=PLACES)
    if not places:
        raise TooFewFramesError(f"{video}: too few different frames to learn from; at least six in a row are needed")
    lively = [liveliest(place) for place in places]
    if not rendering.neighbours:
        lively = [alone(place) for place in lively]
    general, card, _ = load_weights(weights)
    if rendering.strength is None:
        rendering = replace(rendering, strength=card.strength)
    fitted, samples = fit(weights, shots, minutes, show, device)
    scores: dict[float, list[float]] = {}
    for share in SHARES:
        scores[share] = rendered(mixed(general, fitted, share), lively, rendering)
    best = max(scores, key=lambda share: float(np.mean(scores[share])))
    gains = np.subtract(scores[best], scores[0.0])
    # Better on the whole, by more than the standard error of that.
    doubt = float(np.std(gains)) / math.sqrt(len(gains))
    if best and gains.mean() >= max(LEAST_GAIN, doubt):
        summary = f"{card.summary}; adapted to {video.name}"
        with draft_of(result) as draft:
            save_weights(mixed(general, fitted, best), draft, Card(card.strength, card.samples + samples, summary))
    else:
        best = 0.0
    return Adaptation(best, float(np.mean(scores[0.0])), float(np.mean(scores[best])), samples)


def fit(
    weights: Path,
    shots: list[Shot],
    minutes: float,
    show: Callable[[float], None],
    device: torch.device,
) -> tuple[InterpolationNetwork, int]:
    """The network fitted to `shots`, and how many samples it saw."""
    recipe = Recipe(minutes, learning_rate=LEARNING_RATE, warm_up=20, averaging=0.99)
    objective = MeanObjective(LossWeights(flow=FLOW_WEIGHT))
    learner = Learner(load_weights(weights)[0], objective, recipe, device)
    samples = batches([Share(RealClips(shots, CROP), 1.0)], BATCH, seed=0, start=0, workers=0, device=device)
    for _ in learner.learn(samples):
        show(learner.fraction())
    return learner.average.cpu(), learner.progress.samples


def mixed(general: InterpolationNetwork, fitted: InterpolationNetwork, share: float) -> InterpolationNetwork:
    """A network whose weights lie between those of two, `share` of the way from the first to the second."""
    network = InterpolationNetwork(general.config)
    ends = general.state_dict(), fitted.state_dict()
    network.load_state_dict({name: value.lerp(ends[1][name].to(value), share) for name, value in ends[0].items()})
    return channels_last(network).eval()


def liveliest(place: Place) -> Place:
    """The part of the place in which most happens, at most SIDE pixels wide and high."""
    old = place.triplet
    height, width = (min(side, SIDE) for side in old.truth.shape[:2])
    part = most_different(old.pair.frame0, old.pair.frame1, width, height)
    return Place(place.clip, old.changed(part.cut))


def alone(place: Place) -> Place:
    """The place without the frames before and after the two."""
    pair = replace(place.triplet.pair, before=None, after=None)
    return replace(place, triplet=replace(place.triplet, pair=pair))


@torch.no_grad()
def rendered(network: InterpolationNetwork, places: Sequence[Place], rendering: Rendering) -> list[float]:
    """PSNR of every place, made as it will be."""
    strength = torch.tensor(rendering.strength)
    found = []
    for place in places:
        mean = mean_at(network, place, CPU)
        noise = torch.from_numpy(pair_noise(0, place.triplet.index, *mean.mean.shape[2:]))
        image = network.drawn(mean, noise, strength, rendering.steps)
        found.append(psnr(to_frame(image, place), place.triplet.truth))
    return found
