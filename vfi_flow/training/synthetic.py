"""Training samples with an exact middle frame and exact flow, rendered from stills and procedural surfaces.

Real clips teach what the world looks like; these scenes teach what real clips rarely hold or no flow teacher gets
right: text and screens that scroll, overlays that stay still, repeated texture, smooth surfaces that move far, thin
lines, fades.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from vfi_flow.training import surfaces
from vfi_flow.training.effects import add_grain, change_light, damage, dissolve
from vfi_flow.training.frame import to_bytes
from vfi_flow.training.layers import Stage, render
from vfi_flow.training.motions import Rng
from vfi_flow.training.overlays import static_overlay
from vfi_flow.training.sample import Sample
from vfi_flow.training.scenes import SCENES, photo_scene


@dataclass(frozen=True, slots=True)
class Extras:
    """Chance of each thing that can happen to any scene."""

    overlay: float = 0.2
    """Text, HUD, subtitle, logo or black bars that stay still over the motion."""
    light: float = 0.12
    """Fade, flash or change of exposure, linear in time."""
    blur: float = 0.15
    """All three frames slightly out of focus."""
    grain: float = 0.15
    """Faint noise on all three frames, as a camera adds it."""
    dissolve: float = 0.08
    """One scene fades into another."""
    damage: float = 0.1
    """Film grain or JPEG compression on the two inputs only."""


class SyntheticScenes:
    """Draws scenes from the table `SCENES`; `shares` replaces its probabilities, e.g. {"page": 1.0} for pages only.

    Without a folder of stills the photos are procedural. Decoded stills stay in memory (about 1 MB each at 640x480).
    """

    def __init__(
        self,
        stills: Path | None = None,
        crop: int = 192,
        *,
        shares: Mapping[str, float] | None = None,
        extras: Extras | None = None,
    ) -> None:
        self.crop = crop
        self.extras = Extras() if extras is None else extras
        maker = np.random.default_rng(0)
        self._stills = surfaces.read_stills(stills) if stills else [surfaces.dead_leaves(maker) for _ in range(24)]
        self._shares = dict(shares) if shares else {name: share for name, (share, _) in SCENES.items()}
        total = sum(self._shares.values())
        self._chances = [share / total for share in self._shares.values()]

    def draw(self, rng: Rng) -> Sample:
        kind = list(self._shares)[rng.choice(len(self._chances), p=self._chances)]
        stage = Stage(self.crop, draw_tau(rng))
        layers = SCENES[kind][1](rng, stage, self._stills)
        if rng.random() < self.extras.overlay:
            layers.append(static_overlay(rng, stage))
        rendering = render(layers)
        frames, trust = rendering.frames, rendering.trust
        if kind != "still" and rng.random() < self.extras.dissolve:
            other = render(photo_scene(rng, stage, self._stills)).frames
            frames, trust = dissolve(rng, frames, other, stage.tau), np.zeros_like(trust)
        if rng.random() < self.extras.light:
            frames = change_light(rng, frames, stage.tau)
        if rng.random() < self.extras.blur:
            sigma = rng.uniform(0.4, 1.2)
            frames = [cv2.GaussianBlur(frame, (0, 0), sigma) for frame in frames]
        if kind != "still" and rng.random() < self.extras.grain:
            frames = add_grain(rng, frames, 2 ** rng.uniform(-2, 1))
        frame0, middle, frame1 = (to_bytes(frame) for frame in frames)
        if kind != "still" and rng.random() < self.extras.damage:
            frame0, frame1 = damage(rng, frame0, frame1)
        return Sample(frame0, frame1, middle, stage.tau, rendering.flow, trust)


def draw_tau(rng: Rng) -> float:
    mood = rng.random()
    if mood < 0.6:
        return 0.5
    return float(rng.choice((1 / 4, 1 / 3, 2 / 3, 3 / 4)) if mood < 0.85 else rng.uniform(0.1, 0.9))
