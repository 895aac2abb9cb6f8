"""Layers of synthetic scenes: a painted surface joined to a motion, as a ground, a covering with holes, or a thing."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from vfi_flow.training import surfaces
from vfi_flow.training.layers import Layer, Motion, Stage, Track
from vfi_flow.training.motions import Rng, draw_motion

DENSITY = 2
"""Texels per pixel of everything that is not pixel-exact; see Layer.density."""

Stills = Sequence[np.ndarray]


def texels(track: Track, density: float) -> tuple[int, int]:
    """Width and height of a texture that covers all that the frames see of a background."""
    x0, y0, x1, y1 = track.box
    return int((x1 - x0) * density) + 3, int((y1 - y0) * density) + 3


def spread_origin(rng: Rng, track: Track, density: float) -> tuple[float, float]:
    """Corner of a texture that covers everything, at any fraction of a texel: no frame is sharper than the others."""
    x, y = rng.uniform(0, 1 / density, 2) if density > 1 else (0.0, 0.0)
    return float(track.box[0] - x), float(track.box[1] - y)


def background(rng: Rng, picture: np.ndarray, track: Track, density: float = DENSITY) -> Layer:
    return Layer(surfaces.with_alpha(picture), spread_origin(rng, track, density), density, track, endless=True)


def photo_background(rng: Rng, stage: Stage, stills: Stills, motion: Motion) -> Layer:
    track = stage.track(motion)
    return background(rng, surfaces.cut(rng, stills, *texels(track, DENSITY), DENSITY), track)


def covering(rng: Rng, picture: np.ndarray, mask: np.ndarray, track: Track) -> Layer:
    """A layer as large as the scene with holes: fences, wires."""
    return Layer(surfaces.with_alpha(picture, mask), spread_origin(rng, track, DENSITY), DENSITY, track, endless=True)


Paint = Callable[[Rng, Stills, int, int], np.ndarray]


def photo_paint(rng: Rng, stills: Stills, width: int, height: int) -> np.ndarray:
    return surfaces.cut(rng, stills, width, height, DENSITY)


def flat_paint(rng: Rng, stills: Stills, width: int, height: int) -> np.ndarray:
    """Colours without texture, as in drawings; sometimes stripes or dots."""
    if rng.random() < 0.75:
        return surfaces.gradient(rng, width, height)
    return surfaces.tinted(rng, surfaces.pattern(rng, width, height, DENSITY * rng.uniform(8, 40)))


def smooth_paint(rng: Rng, stills: Stills, width: int, height: int) -> np.ndarray:
    return surfaces.smooth(rng, stills, width, height)


def any_paint(rng: Rng, stills: Stills, width: int, height: int) -> np.ndarray:
    paint: Paint = (photo_paint, flat_paint, smooth_paint)[rng.choice(3, p=(0.65, 0.2, 0.15))]
    return paint(rng, stills, width, height)


def thing(
    rng: Rng, stage: Stage, stills: Stills, paint: Paint, drift: Motion, magnitude: float, outlined: bool = False
) -> Layer:
    """A painted shape that moves by itself on top of the motion `drift` of the camera."""
    width, height = np.exp(rng.uniform(np.log(16), np.log(0.9 * stage.crop), 2))
    centre = rng.uniform(0, stage.crop, 2)
    radius = max(width, height) / 2
    own = draw_motion(rng, magnitude, radius, (float(centre[0]), float(centre[1])), elastic=0.25)
    shift = (own.shift[0] + drift.shift[0], own.shift[1] + drift.shift[1])
    motion = Motion(shift, own.linear, own.tilt, own.centre, own.waves)
    columns, rows = int(DENSITY * width), int(DENSITY * height)
    picture, mask = paint(rng, stills, columns, rows), surfaces.shape(rng, columns, rows)
    if outlined:
        inside = cv2.erode(mask, np.ones((3, 3), np.uint8), iterations=int(rng.integers(1, 4)))
        picture = (picture * (inside[..., None] / 255.0)).astype(picture.dtype)
    origin = (float(centre[0] - width / 2), float(centre[1] - height / 2))
    return Layer(surfaces.with_alpha(picture, mask), origin, DENSITY, stage.track(motion))


def shutter(layer: Layer, span: float) -> Layer:
    """The layer blurred along its motion: the shutter stays open for `span` of the time between the frames."""
    first, last = layer.track.flows
    way = (last - first).mean((0, 1)) * span * layer.density
    length = float(np.hypot(*way))
    if length < 2:
        return layer
    reach = int(length / 2) + 2
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    ends = [tuple((16 * (reach + sign * way / 2)).astype(int).tolist()) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_8, shift=4)
    border = cv2.BORDER_REPLICATE if layer.endless else cv2.BORDER_CONSTANT
    texture = cv2.filter2D(layer.texture, -1, kernel / kernel.sum(), borderType=border)
    return Layer(texture, layer.origin, layer.density, layer.track, layer.endless)
