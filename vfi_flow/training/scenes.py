"""The kinds of synthetic scenes, each a function from chance to layers, ground first; `SCENES` lists them."""

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from vfi_flow.training import surfaces
from vfi_flow.training.layers import Layer, Motion, Stage
from vfi_flow.training.motions import Rng, camera, draw_magnitude
from vfi_flow.training.painted import (
    DENSITY,
    Stills,
    any_paint,
    background,
    covering,
    flat_paint,
    photo_background,
    photo_paint,
    shutter,
    smooth_paint,
    texels,
    thing,
)
from vfi_flow.training.screens import page_scene, screen_scene


def photo_scene(rng: Rng, stage: Stage, stills: Stills) -> list[Layer]:
    """A photo under camera motion with up to four things that move by themselves; sometimes an open shutter."""
    motion = camera(rng, stage)
    layers = [photo_background(rng, stage, stills, motion)]
    for _ in range(rng.choice(5, p=(0.2, 0.3, 0.25, 0.15, 0.1))):
        layers.append(thing(rng, stage, stills, any_paint, motion, draw_magnitude(rng)))
    if rng.random() < 0.15:
        span = rng.uniform(0.1, 0.35)
        layers = [shutter(layer, span) for layer in layers]
    return layers


def smooth_scene(rng: Rng, stage: Stage, stills: Stills) -> list[Layer]:
    """Soft surfaces of low contrast that move, often far: rendered scenes, sky, skin, out-of-focus ground."""
    track = stage.track(camera(rng, stage, draw_magnitude(rng)))
    layers = [background(rng, surfaces.smooth(rng, stills, *texels(track, DENSITY)), track)]
    for _ in range(rng.integers(0, 4)):
        layers.append(thing(rng, stage, stills, smooth_paint, Motion(), draw_magnitude(rng)))
    return layers


def cartoon_scene(rng: Rng, stage: Stage, stills: Stills) -> list[Layer]:
    """Flat colours and dark outlines."""
    track = stage.track(camera(rng, stage))
    paint = flat_paint if rng.random() < 0.6 else photo_paint
    layers = [background(rng, paint(rng, stills, *texels(track, DENSITY)), track)]
    outlined = rng.random() < 0.7
    for _ in range(rng.integers(2, 6)):
        layers.append(thing(rng, stage, stills, flat_paint, Motion(), draw_magnitude(rng), outlined))
    return layers


def pattern_scene(rng: Rng, stage: Stage, stills: Stills) -> list[Layer]:
    """Repeated texture. It moves by less than half a period, so that the smallest motion is the true one, or has
    landmarks that tell."""
    period = float(np.exp(rng.uniform(np.log(5), np.log(40))))
    landmarks = rng.random() < 0.4
    magnitude = draw_magnitude(rng, largest=12.0 if landmarks else 0.22 * period)
    track = stage.track(camera(rng, stage, magnitude, elastic=0.1))
    width, height = texels(track, DENSITY)
    picture = surfaces.tinted(rng, surfaces.pattern(rng, width, height, DENSITY * period))
    if landmarks or rng.random() < 0.3:
        shade = surfaces.cut(rng, stills, width, height, DENSITY)
        picture = cv2.addWeighted(picture, 0.6, shade, 0.4, 0)
    layers = [background(rng, picture, track)]
    if rng.random() < 0.4:
        layers.append(thing(rng, stage, stills, any_paint, Motion(), draw_magnitude(rng)))
    return layers


def fence_scene(rng: Rng, stage: Stage, stills: Stills) -> list[Layer]:
    """Bars or a mesh before a photo, each with its own motion."""
    layers = [photo_background(rng, stage, stills, camera(rng, stage))]
    period = float(np.exp(rng.uniform(np.log(8), np.log(48))))
    track = stage.track(camera(rng, stage, draw_magnitude(rng, largest=0.22 * period), elastic=0.1))
    width, height = texels(track, DENSITY)
    mask = surfaces.fence(rng, width, height, DENSITY * period)
    layers.append(covering(rng, any_paint(rng, stills, width, height), mask, track))
    return layers


def line_scene(rng: Rng, stage: Stage, stills: Stills) -> list[Layer]:
    """Thin lines before a photo or a plain ground: wires, rigging, branches, grass, drawings."""
    motion = camera(rng, stage)
    track = stage.track(motion)
    paint = photo_paint if rng.random() < 0.6 else flat_paint
    layers = [background(rng, paint(rng, stills, *texels(track, DENSITY)), track)]
    for _ in range(rng.integers(1, 3)):
        track = stage.track(camera(rng, stage, draw_magnitude(rng, largest=24.0)))
        width, height = texels(track, DENSITY)
        mask = surfaces.strokes(rng, width, height, DENSITY)
        layers.append(covering(rng, surfaces.gradient(rng, width, height), mask, track))
    return layers


def still_scene(rng: Rng, stage: Stage, stills: Stills) -> list[Layer]:
    """Nothing moves: three frames that are equal where the light does not change."""
    return [photo_background(rng, stage, stills, Motion())]


Scene = Callable[[Rng, Stage, Stills], list[Layer]]

SCENES: Mapping[str, tuple[float, Scene]] = {
    "photo": (0.42, photo_scene),
    "smooth": (0.14, smooth_scene),
    "page": (0.11, page_scene),
    "screen": (0.08, screen_scene),
    "pattern": (0.07, pattern_scene),
    "fence": (0.04, fence_scene),
    "line": (0.05, line_scene),
    "cartoon": (0.06, cartoon_scene),
    "still": (0.03, still_scene),
}
"""Share of each kind of scene."""
