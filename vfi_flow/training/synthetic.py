"""Training samples with an exact middle frame and exact flow, rendered from stills and procedural surfaces.

Real clips teach what the world looks like; these scenes teach what real clips rarely hold or no flow teacher gets
right: text and screens that scroll, overlays that stay still, repeated texture, smooth surfaces that move far, thin
lines, fades.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from vfi_flow.training import surfaces
from vfi_flow.training.layers import Layer, Motion, Stage, Track, Wave, render
from vfi_flow.training.sample import Sample

DENSITY = 2
"""Texels per pixel of everything that is not pixel-exact; see Layer.density."""
STEEPEST = 0.25
"""Largest change of displacement per pixel by rotation and zoom; keeps the inverse map unique and quick to find."""

Rng = np.random.Generator
Stills = Sequence[np.ndarray]


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
        frames = rendering.frames
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
        return Sample(frame0, frame1, middle, stage.tau, rendering.flow, rendering.flow_weight)


def draw_tau(rng: Rng) -> float:
    mood = rng.random()
    if mood < 0.6:
        return 0.5
    return float(rng.choice((1 / 4, 1 / 3, 2 / 3, 3 / 4)) if mood < 0.85 else rng.uniform(0.1, 0.9))


# Motion --------------------------------------------------------------------------


def draw_magnitude(rng: Rng, largest: float = 40.0) -> float:
    """Pixels between the frames: below two, a few, or many, each evenly by its logarithm."""
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


# Layers --------------------------------------------------------------------------


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


# Scenes --------------------------------------------------------------------------


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


def page_scene(rng: Rng, stage: Stage, stills: Stills) -> list[Layer]:
    """A page of text that scrolls by half a pixel to 20 pixels, sometimes filmed or zoomed instead."""
    magnitude = float(np.exp(rng.uniform(np.log(0.5), np.log(20))))
    motion, whole = scroll(rng, stage.tau, magnitude)
    if rng.random() < 0.12:
        motion, whole = camera(rng, stage, magnitude), False
    track = stage.track(motion)
    density = 1 if whole else DENSITY
    picture = surfaces.page(rng, stills, *texels(track, density), density)
    return [background(rng, surfaces.soften(picture, density), track, density)]


def screen_scene(rng: Rng, stage: Stage, stills: Stills) -> list[Layer]:
    """A screen recording: a page that scrolls or stays under bars that stay, a window that is dragged, a pointer."""
    layers = page_scene(rng, stage, stills)
    if rng.random() < 0.3:
        track = stage.track(Motion())
        layers = [background(rng, surfaces.page(rng, stills, *texels(track, 1), 1), track, 1)]
    if rng.random() < 0.6:
        layers.append(window(rng, stage, stills))
    if rng.random() < 0.7:
        layers.append(screen_bars(rng, stage))
    if rng.random() < 0.4:
        layers.append(pointer(rng, stage))
    return layers


def window(rng: Rng, stage: Stage, stills: Stills) -> Layer:
    motion, whole = scroll(rng, stage.tau, draw_magnitude(rng))
    density = 1 if whole else DENSITY
    width, height = (int(side) * density for side in rng.uniform(0.3, 0.8, 2) * stage.crop)
    picture = surfaces.page(rng, stills, width, height, density)
    if rng.random() < 0.3:
        picture = surfaces.cut(rng, stills, width, height, density)
    title = int(density * rng.integers(8, 20))
    cv2.rectangle(picture, (0, 0), (width, title), rng.integers(0, 256, 3).tolist(), -1)
    surfaces.write(picture, surfaces.words(rng, 2), 4, title - 3, title / 2, (255, 255, 255), surfaces.FONTS[0], 1)
    cv2.rectangle(picture, (2, 2), (width - 3, height - 3), rng.integers(0, 160, 3).tolist(), density)
    mask = np.zeros((height, width), np.uint8)
    mask[2:-2, 2:-2] = 255
    corner = rng.integers(-stage.crop // 4, stage.crop // 2, 2)
    painted = surfaces.soften(surfaces.with_alpha(picture, mask), density)
    return Layer(painted, (float(corner[0]), float(corner[1])), density, stage.track(motion))


def screen_bars(rng: Rng, stage: Stage) -> Layer:
    """Title bar, side bar and scroll bar of a program."""
    crop = stage.crop
    picture, mask = np.zeros((crop, crop, 3), np.uint8), np.zeros((crop, crop), np.uint8)
    fill, ink = rng.integers(0, 256, (2, 3)).tolist()
    if rng.random() < 0.7:
        high = int(rng.integers(10, crop // 4))
        picture[:high], mask[:high] = fill, 255
        surfaces.write(picture, surfaces.words(rng, 6), 4, high - 4, min(12, high / 2), ink, surfaces.FONTS[0], 1)
    if rng.random() < 0.5:
        wide = int(rng.integers(12, crop // 3))
        picture[:, :wide], mask[:, :wide] = fill, 255
        for y in range(20, crop, int(rng.integers(12, 30))):
            surfaces.write(picture[:, :wide], surfaces.words(rng, 3), 3, y, 7, ink, surfaces.FONTS[0], 1)
    if rng.random() < 0.4:
        picture[:, -8:], mask[:, -8:] = fill, 255
    return Layer(surfaces.with_alpha(picture, mask), (0.0, 0.0), 1, stage.track(Motion()))


def pointer(rng: Rng, stage: Stage) -> Layer:
    """An arrow as a mouse moves it."""
    outline = np.array([[1, 1], [1, 15], [5, 12], [8, 18], [10, 17], [8, 11], [12, 11]]) * DENSITY + 2
    picture, mask = np.zeros((44, 32, 3), np.uint8), np.zeros((44, 32), np.uint8)
    cv2.fillPoly(mask, [outline], 255, cv2.LINE_AA)
    cv2.fillPoly(picture, [outline], (255, 255, 255))
    cv2.polylines(picture, [outline], True, (0, 0, 0), 2, cv2.LINE_AA)
    cv2.polylines(mask, [outline], True, 255, 2, cv2.LINE_AA)
    place = rng.uniform(0, stage.crop - 20, 2)
    motion = draw_motion(rng, draw_magnitude(rng), 10, (0.0, 0.0), linear=0, elastic=0)
    return Layer(surfaces.with_alpha(picture, mask), (float(place[0]), float(place[1])), DENSITY, stage.track(motion))


def pattern_scene(rng: Rng, stage: Stage, stills: Stills) -> list[Layer]:
    """Repeated texture. It moves by less than half a period, so that the smallest motion is the true one."""
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
    """Nothing moves: three equal frames."""
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


# Extras --------------------------------------------------------------------------


def static_overlay(rng: Rng, stage: Stage) -> Layer:
    """Subtitle, HUD, logo, text box or black bars that stay where they are."""
    crop = stage.crop
    picture, mask = np.zeros((crop, crop, 3), np.uint8), np.zeros((crop, crop), np.uint8)
    paint = (draw_subtitle, draw_hud, draw_logo, draw_text_box, draw_letterbox)[
        rng.choice(5, p=(0.3, 0.25, 0.2, 0.1, 0.15))
    ]
    paint(rng, picture, mask)
    return Layer(surfaces.with_alpha(picture, mask), (0.0, 0.0), 1, stage.track(Motion()))


def draw_subtitle(rng: Rng, picture: np.ndarray, mask: np.ndarray) -> None:
    """One or two lines, outlined or on a dark veil."""
    crop = picture.shape[0]
    letter, font = rng.uniform(7, 18), int(rng.choice(surfaces.FONTS))
    colour = [(255, 255, 255), (255, 255, 0), rng.integers(0, 256, 3).tolist()][rng.choice(3, p=(0.6, 0.2, 0.2))]
    veil, y = rng.random() < 0.3, int(rng.uniform(0.5, 0.95) * crop)
    x = int(rng.uniform(-40, 30))
    for _ in range(rng.integers(1, 3)):
        text = surfaces.words(rng, int(rng.integers(2, 8)))
        if veil:
            mask[max(0, int(y - 1.6 * letter)) : int(y + 0.6 * letter)] = 140
        letters = np.zeros_like(mask)
        surfaces.write(letters, text, x, y, letter, (255,), font, 1)
        np.maximum(mask, letters if veil else cv2.dilate(letters, np.ones((3, 3), np.uint8)), out=mask)
        surfaces.write(picture, text, x, y, letter, colour, font, 1)
        y += int(2 * letter)


def draw_hud(rng: Rng, picture: np.ndarray, mask: np.ndarray) -> None:
    """Numbers and gauges as in a game or on a dashboard camera."""
    crop, font = picture.shape[0], int(rng.choice(surfaces.FONTS))
    for _ in range(rng.integers(2, 7)):
        x, y = (int(v) for v in rng.uniform(-10, crop - 10, 2))
        colour = rng.integers(0, 256, 3).tolist()
        if rng.random() < 0.6:
            text = rng.choice((str(rng.integers(0, 10**6)), "REC 00:12:07", "100%", surfaces.words(rng, 2)))
            letter = rng.uniform(6, 20)
            surfaces.write(mask, str(text), x, y, letter, (255,), font, 2)
            surfaces.write(picture, str(text), x, y, letter, colour, font, 2)
        else:
            far = (x + int(rng.integers(6, 80)), y + int(rng.integers(3, 24)))
            thickness = int(rng.choice((-1, 1, 2)))
            cv2.rectangle(mask, (x, y), far, 255, thickness)
            cv2.rectangle(picture, (x, y), far, colour, thickness)


def draw_logo(rng: Rng, picture: np.ndarray, mask: np.ndarray) -> None:
    """A sign with a word in a corner or large across the frame, solid or half transparent."""
    crop = picture.shape[0]
    side = int(rng.uniform(0.1, 0.6) * crop)
    x, y = (int(v) for v in rng.uniform(0, crop - side, 2))
    strength = float(rng.choice((1.0, 1.0, rng.uniform(0.3, 0.8))))
    sign = surfaces.shape(rng, side, side)
    mask[y : y + side, x : x + side] = (sign * strength).astype(np.uint8)
    picture[:] = rng.integers(0, 256, 3)
    colour = rng.integers(0, 256, 3).tolist()
    surfaces.write(
        picture, surfaces.words(rng, 1), x + side // 8, y + side // 2, side / 5, colour, surfaces.FONTS[3], 1
    )


def draw_text_box(rng: Rng, picture: np.ndarray, mask: np.ndarray) -> None:
    """A solid box with several lines of text."""
    crop = picture.shape[0]
    x, y = (int(v) for v in rng.uniform(-20, 0.6 * crop, 2))
    wide, high = (int(v) for v in rng.uniform(0.3, 0.9, 2) * crop)
    inside = (slice(max(0, y), y + high), slice(max(0, x), x + wide))
    mask[inside] = 255
    room = picture[inside]
    room[:] = surfaces.page(rng, [picture], room.shape[1], room.shape[0], 1)


def draw_letterbox(rng: Rng, picture: np.ndarray, mask: np.ndarray) -> None:
    """Black bars at one or two opposite sides."""
    crop = picture.shape[0]
    if rng.random() < 0.3:
        mask = mask.T
    if rng.random() < 0.7:
        mask[: rng.integers(4, crop // 4)] = 255
    mask[crop - rng.integers(4, crop // 4) :] = 255


def change_light(rng: Rng, frames: Sequence[np.ndarray], tau: float) -> list[np.ndarray]:
    """Exposure, flash or fade: each frame is changed by an amount that is linear in time."""
    first, last = rng.uniform(0, 1, 2) * rng.choice((0.15, 0.4, 1.0))
    amounts = [first, first + (last - first) * tau, last]
    crop = frames[0].shape[0]
    kind = rng.choice(("exposure", "flash", "fade"))
    if kind == "fade":
        colour = np.float32(rng.choice((0, 0, 255)))
        return [frame + np.float32(amount) * (colour - frame) for frame, amount in zip(frames, amounts, strict=True)]
    where = surfaces.cloud(rng, crop, crop, 2)[..., None] if kind == "flash" else np.float32(1)
    strength = np.float32(rng.uniform(-0.5, 0.8))
    return [frame * (1 + where * strength * np.float32(amount)) for frame, amount in zip(frames, amounts, strict=True)]


def add_grain(rng: Rng, frames: Sequence[np.ndarray], sigma: float) -> list[np.ndarray]:
    return [frame + np.float32(sigma) * rng.standard_normal(frame.shape, np.float32) for frame in frames]


def to_bytes(frame: np.ndarray) -> np.ndarray:
    return np.clip(frame + 0.5, 0, 255).astype(np.uint8)


def damage(rng: Rng, frame0: np.ndarray, frame1: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Film grain or JPEG compression, independent in both frames."""
    if rng.random() < 0.5:
        quality = int(rng.integers(35, 90))
        first, last = (_compressed(frame, quality) for frame in (frame0, frame1))
    else:
        sigma = 2 ** rng.uniform(0, 3)
        noisy = add_grain(rng, [frame.astype(np.float32) for frame in (frame0, frame1)], sigma)
        first, last = (to_bytes(frame) for frame in noisy)
    return first, last


def _compressed(frame: np.ndarray, quality: int) -> np.ndarray:
    data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
