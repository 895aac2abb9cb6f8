"""Quick scores of a network on held-out clips while it trains; `evaluate` measures the whole product."""

import logging
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vfi_flow.errors import InputError
from vfi_flow.inference.padding import pad_frame
from vfi_flow.model.composition import Mean
from vfi_flow.model.network import InterpolationNetwork
from vfi_flow.training.batches import collate, to_batch, to_image
from vfi_flow.training.decoding import find_videos
from vfi_flow.training.frame import Frame
from vfi_flow.training.lpips import Lpips
from vfi_flow.training.metrics import moving, psnr, sharpness
from vfi_flow.training.neighbour_motion import move
from vfi_flow.training.places import check, clip_names, look_through, spacing
from vfi_flow.training.precision import mixed_precision
from vfi_flow.training.sample import Beside, Sample
from vfi_flow.training.triplets import Triplet, triplets

log = logging.getLogger(__name__)

STRENGTHS = (0.3, 0.5, 0.7, 0.85, 1.0, 1.2, 1.4, 1.7)
RIGHT_SHARPNESS = 0.88
"""The strength is calibrated to this Laplacian energy against the truth; exactly 1 would cost LPIPS."""
PRICE = 10.0
"""dB of PSNR for a sharpness that is wrong by a factor of e."""
LEAST_SHARPNESS = 1e-6
"""That of a frame without any detail counts as this: its logarithm has to be a number."""


@dataclass(frozen=True, slots=True)
class Place:
    clip: str
    triplet: Triplet


def places_in(folder: Path, per_clip: int) -> list[Place]:
    """Frames of every clip of a folder in the middle between two others, at even distances.

    A clip that cannot be read or is too short is left out with one line.
    """
    middle = spacing(Fraction(1, 2), 1)
    places: list[Place] = []
    clips = find_videos(folder)
    names = clip_names(clips)
    for clip in clips:
        try:
            check(clip, middle)
            footage = look_through(clip)
            chosen = footage.places(middle, per_clip)
            places += [Place(names[clip], triplet) for triplet in list(triplets(clip, footage, chosen, middle))]
        except InputError as reason:
            log.warning("%s; left out", reason)
    if not places:
        raise InputError(f"{folder}: no clip to choose the best weights on; each needs three frames of one scene")
    return places


class Validation:
    """Places, held in memory, at which networks are compared.

    `strength` is what is kept where nothing moves at any of them, so that none can be calibrated.
    """

    def __init__(
        self, places: Sequence[Place], device: torch.device, lpips: Lpips | None = None, strength: float = 1.0
    ) -> None:
        self.places, self.device, self.lpips, self.strength = places, device, lpips, strength

    def scores(self, network: InterpolationNetwork, stage: str) -> dict[str, float]:
        """Means over clips, of drawn frames over places; the best weights are those of the largest `score`."""
        with torch.no_grad(), mixed_precision(self.device):
            return self.sample_scores(network) if stage == "velocity" else self.mean_scores(network)

    def mean_scores(self, network: InterpolationNetwork) -> dict[str, float]:
        """PSNR of the conditional mean."""
        by_clip = defaultdict(list)
        for place, mean in self.means(network):
            by_clip[place.clip].append(psnr(to_frame(mean.mean, place), place.triplet.truth))
        clips = [float(np.mean(values)) for values in by_clip.values()]
        return {"psnr": float(np.mean(clips)), "score": float(np.mean(clips))}

    def sample_scores(self, network: InterpolationNetwork) -> dict[str, float]:
        """PSNR, sharpness and LPIPS of one midpoint step at the strength whose sharpness is right.

        Sharpness is left out where nothing moves.
        """
        found: dict[float, dict[str, list[float]]] = {s: defaultdict(list) for s in (0.0, *STRENGTHS)}
        for number, (place, mean) in enumerate(self.means(network)):
            triplet = place.triplet
            generator = torch.Generator().manual_seed(number)
            noise = torch.randn(mean.mean.shape, generator=generator).to(self.device)
            detail = network.detail(mean, noise, steps=1)
            mask = moving(triplet.pair.frame0, triplet.pair.frame1)
            for strength, values in found.items():
                frame = to_frame(mean.mean + strength * detail, place)
                values["psnr"].append(psnr(frame, triplet.truth))
                values["sharpness"].append(sharpness(frame, triplet.truth, mask))
                if self.lpips is not None:
                    values["lpips"].append(self.distance(frame, triplet.truth))
        table = {s: means_of(values) for s, values in found.items()}
        strength = calibrated({s: row["sharpness"] for s, row in table.items() if "sharpness" in row}, self.strength)
        row = measures_at(strength, table)
        return {**row, "strength": strength, "mean psnr": table[0.0]["psnr"], "score": score_of(row)}

    def distance(self, frame: Frame, truth: Frame) -> float:
        assert self.lpips is not None
        first, second = (to_image(torch.from_numpy(x[None])).to(self.device) for x in (frame, truth))
        return float(self.lpips(first, second))

    def means(self, network: InterpolationNetwork) -> Iterator[tuple[Place, Mean]]:
        for place in self.places:
            yield place, mean_at(network, place, self.device)


def mean_at(network: InterpolationNetwork, place: Place, device: torch.device) -> Mean:
    """The conditional mean at a place, of whole multiples of the alignment."""
    batch = to_batch(**{name: part.to(device) for name, part in collate([sample_at(place.triplet)]).items()})
    moved = move(network, batch)
    return network.fused(moved.frame0, moved.frame1, batch.tau, moved.course)


def sample_at(triplet: Triplet) -> Sample:
    """A triplet as training would see it, without a motion to learn from."""
    pair, truth = triplet.pair.changed(pad_frame), pad_frame(triplet.truth)
    frame0, frame1 = pair.frame0, pair.frame1
    before = frame0 if pair.before is None else pair.before.frame
    after = frame1 if pair.after is None else pair.after.frame
    unknown = np.zeros((6, truth.shape[0] // 2, truth.shape[1] // 2), np.float32)
    beside = Beside(before, after, pair.intervals, triplet.truth.shape[1])
    return Sample(frame0, frame1, truth, triplet.tau, unknown[:4], unknown[4:], beside)


def to_frame(image: Tensor, place: Place) -> Frame:
    height, width = place.triplet.truth.shape[:2]
    pixels = image[0, :, :height, :width].float().clamp(0, 1).mul(255).round().byte()
    return pixels.permute(1, 2, 0).cpu().numpy()


def means_of(values: dict[str, list[float]]) -> dict[str, float]:
    """The mean of every measure over the places that have it; none of a measure that no place has."""
    known = {name: [value for value in each if not math.isnan(value)] for name, each in values.items()}
    return {name: float(np.mean(each)) for name, each in known.items() if each}


def measures_at(strength: float, table: dict[float, dict[str, float]]) -> dict[str, float]:
    """The row of the table at a strength, linear between those of the nearest two; the last one beyond its end."""
    low = max(known for known in table if known <= strength)
    high = min((known for known in table if known >= strength), default=low)
    share = (strength - low) / (high - low) if high > low else 0.0
    return {name: value + share * (table[high][name] - value) for name, value in table[low].items()}


def score_of(row: dict[str, float]) -> float:
    """By LPIPS; without it by PSNR, less for a sharpness that no strength makes right."""
    if "lpips" in row:
        return -row["lpips"]
    sharpness = max(row.get("sharpness", RIGHT_SHARPNESS), LEAST_SHARPNESS)
    return row["psnr"] - PRICE * abs(math.log(sharpness / RIGHT_SHARPNESS))


def calibrated(sharpness_by_strength: dict[float, float], otherwise: float) -> float:
    """The strength at which the sharpness crosses RIGHT_SHARPNESS, linear in between.

    The largest one where all is too soft, the smallest of STRENGTHS where all is too sharp; `otherwise` where no
    sharpness is known.
    """
    points = sorted(sharpness_by_strength.items())
    if not points:
        return otherwise
    for (s0, low), (s1, high) in pairwise(points):
        if low <= RIGHT_SHARPNESS <= high:
            return round(s0 + (s1 - s0) * (RIGHT_SHARPNESS - low) / (high - low), 3)
    return points[-1][0] if points[-1][1] < RIGHT_SHARPNESS else STRENGTHS[0]
