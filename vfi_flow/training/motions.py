"""How things in synthetic scenes move: by how much, which way, turned, zoomed, waved, scrolled."""

import numpy as np

from vfi_flow.training.layers import Motion, Stage, Wave

STEEPEST = 0.25
"""Largest change of displacement per pixel by rotation and zoom; keeps the inverse map unique and quick to find."""

Rng = np.random.Generator


def draw_magnitude(rng: Rng, largest: float = 40.0) -> float:
    """Pixels between the frames: below two, a few, or many, each evenly by its logarithm; `largest` instead of more."""
    low, high = ((0.1, 2.0), (2.0, 12.0), (12.0, 40.0))[rng.choice(3, p=(0.25, 0.45, 0.3))]
    return min(largest, float(np.exp(rng.uniform(np.log(low), np.log(high)))))


def draw_motion(
    rng: Rng,
    magnitude: float,
    radius: float,
    centre: tuple[float, float],
    *,
    linear: float = 0.6,
    tilt: float = 0.0,
    elastic: float = 0.3,
) -> Motion:
    """A motion of about `magnitude` pixels within `radius` of `centre`; `linear`, `tilt`, `elastic` are chances."""
    angle = rng.uniform(0, 2 * np.pi) if rng.random() < 0.7 else rng.integers(4) * np.pi / 2
    shift = magnitude * rng.uniform(0.5, 1) * np.array([np.cos(angle), np.sin(angle)])
    slopes, tilts, waves = np.zeros(4), np.zeros(2), []
    if rng.random() < linear:
        turn, zoom, shear, squeeze = rng.normal(0, 1, 4) * (1, 1, 0.4, 0.4)
        slopes = np.array([zoom + squeeze, shear - turn, shear + turn, zoom - squeeze])
        slopes *= min(STEEPEST, magnitude * rng.uniform(0.1, 1) / radius) / np.linalg.norm(slopes)
    if rng.random() < tilt:
        tilts = rng.normal(0, 0.3, 2) * min(0.1, 0.5 * magnitude / radius) / radius
    if rng.random() < elastic:
        waves = [_draw_wave(rng, magnitude, radius) for _ in range(rng.integers(1, 4))]
    a, b, c, d = slopes.tolist()
    return Motion((float(shift[0]), float(shift[1])), (a, b, c, d), (tilts[0], tilts[1]), centre, tuple(waves))


def _draw_wave(rng: Rng, magnitude: float, radius: float) -> Wave:
    length = rng.uniform(0.6, 2.5) * max(radius, 80)
    angle, way = rng.uniform(0, 2 * np.pi, 2)
    height = min(magnitude * rng.uniform(0.05, 0.25), 0.06 * length / (2 * np.pi) * 3)
    frequency = 2 * np.pi / length
    return Wave(
        (frequency * np.cos(angle), frequency * np.sin(angle)),
        rng.uniform(0, 2 * np.pi),
        (height * np.cos(way), height * np.sin(way)),
    )


def camera(rng: Rng, stage: Stage, magnitude: float | None = None, *, elastic: float = 0.2) -> Motion:
    """Motion of a whole background; sometimes none."""
    if magnitude is None:
        magnitude = draw_magnitude(rng) if rng.random() < 0.85 else 0.0
    middle = (stage.crop - 1) / 2
    if magnitude == 0:
        return Motion(centre=(middle, middle))
    return draw_motion(rng, magnitude, stage.crop / 2, (middle, middle), tilt=0.3, elastic=elastic)


def scroll(rng: Rng, tau: float, magnitude: float) -> tuple[Motion, bool]:
    """Motion along one axis, and whether all three places fall on whole pixels, as those of a recorded screen do."""
    whole = rng.random() < 0.6
    if whole:
        parts = next((n for n in (1, 2, 3, 4) if abs(n * tau - round(n * tau)) < 1e-9), None)
        whole = parts is not None
        if parts is not None:
            magnitude = parts * max(1, round(magnitude / parts))
    way = magnitude * rng.choice((-1, 1))
    return Motion(shift=(0.0, float(way)) if rng.random() < 0.8 else (float(way), 0.0)), whole
