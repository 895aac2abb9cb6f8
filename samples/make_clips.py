"""Small clips with known motion and sound, drawn from formulas: nothing in them was filmed or recorded.

    python samples/make_clips.py meadow samples/meadow.mp4

`render(scene, seconds, width, height)` is the scene at any moment, so the true frame between two frames is known
exactly. The same options give the same file. Scenes:

    meadow  a ball hops past a windmill while the camera moves sideways; every bounce plays a note
    orbit   two moons circle a ringed planet that turns; the tone follows the large moon from ear to ear
    cut     meadow, then from CUT on orbit, without a transition

Lengths are in units of a ninth of the frame's height; x = 0 is the middle of the frame, y = 0 its top, y points down.
A caption stands still in front of everything that moves.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter

Array = np.ndarray
Colour = tuple[float, float, float]

SOUND_RATE = 48000
CUT = Fraction(3, 2)
"""Seconds at which the scene `cut` cuts."""

BEAT = 0.75
"""Seconds between two bounces of the meadow's ball: a whole number of frames at 24 fps."""
HOP = 1.7
"""Height of a bounce."""
BALL_SPEED = 1.2
PAN_CLOUDS, PAN_FAR, PAN_NEAR, PAN_MEADOW = 0.25, 0.6, 1.5, 3.0
"""Units per second to the left: clouds, far hills, near hills with the windmill, the meadow at depth 1."""
MILL_TURNS = 0.3
"""Turns of the windmill per second."""
PLANET_SPEED = 0.7
"""Radians per second."""
LARGE_MOON_SPEED, SMALL_MOON_SPEED = 1.5, -2.4
"""Radians per second along their orbits."""


def render(scene: str, seconds: Fraction, width: int, height: int) -> Array:
    """(height, width, 3) uint8 RGB: `scene` at the moment `seconds`, which need not lie on a frame."""
    canvas = Canvas.blank(width, height)
    SCENES[scene][0](canvas, seconds)
    draw_caption(canvas)
    return np.rint(np.clip(canvas.image, 0, 1) * 255).astype(np.uint8)


def sound(scene: str, times: Array) -> Array:
    """(2, samples) float32 in [-1, 1], left and right, at `times` (samples,) in seconds."""
    return SCENES[scene][1](times).astype(np.float32)


@dataclass(frozen=True)
class Canvas:
    """A picture that is painted back to front; edges are one pixel soft."""

    image: Array
    """(height, width, 3) float64 in [0, 1]."""
    x: Array
    y: Array
    """(height, width): where the middle of each pixel lies."""
    pixel: float
    """Units per pixel."""

    @classmethod
    def blank(cls, width: int, height: int) -> "Canvas":
        pixel = 9 / height
        columns, rows = (np.arange(width) + 0.5 - width / 2) * pixel, (np.arange(height) + 0.5) * pixel
        x, y = np.meshgrid(columns, rows)
        return cls(np.zeros((height, width, 3)), x, y, pixel)

    def around(self, x: float, y: float, reach: float) -> "Canvas":
        """The part of this picture that is within `reach` of (x, y), to paint small things faster."""
        rows = slice(*np.searchsorted(self.y[:, 0], (y - reach - self.pixel, y + reach + self.pixel)))
        columns = slice(*np.searchsorted(self.x[0], (x - reach - self.pixel, x + reach + self.pixel)))
        return Canvas(self.image[rows, columns], self.x[rows, columns], self.y[rows, columns], self.pixel)

    def paint(self, colour: Colour | Array, distance: Array | None = None, alpha: float | Array = 1.0) -> None:
        """Lays `colour` over the picture where `distance` (units, negative inside a shape) is below 0."""
        if distance is not None:
            alpha = alpha * np.clip(0.5 - distance / self.pixel, 0, 1)
        opacity = np.broadcast_to(alpha, self.x.shape)[..., None]
        np.copyto(self.image, self.image + opacity * (np.asarray(colour) - self.image))


def disc(canvas: Canvas, x: float, y: float, radius: float, flatten: float = 1.0) -> Array:
    """Distance from the edge of a disc, or of an ellipse `flatten` times as high as it is wide."""
    return np.hypot(canvas.x - x, (canvas.y - y) / flatten) - radius


def box(u: Array, v: Array, half_width: Array | float, half_height: float) -> Array:
    """Distance from the edge of a rectangle around u = v = 0."""
    return np.maximum(np.abs(u) - half_width, np.abs(v) - half_height)


def mix(a: Colour, b: Colour, share: Array) -> Array:
    """Colours between `a` (share 0) and `b` (share 1), one for each pixel of `share`."""
    return np.asarray(a) + np.clip(share, 0, 1)[..., None] * (np.asarray(b) - np.asarray(a))


def random_lattice(i: Array, j: Array, seed: int) -> Array:
    """A number in [0, 1) for each pair of integers, the same on every machine."""
    h = i.astype(np.int64).astype(np.uint32) * np.uint32(374761393)
    h ^= j.astype(np.int64).astype(np.uint32) * np.uint32(668265263) + np.uint32(seed * 40503)
    h = (h ^ (h >> np.uint32(15))) * np.uint32(2246822519)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(3266489917)
    return (h ^ (h >> np.uint32(16))) / 2**32


def noise(x: Array, y: Array, seed: int) -> Array:
    """Smooth noise in [0, 1) with features of about one unit."""
    i, j = np.floor(x), np.floor(y)
    u, v = x - i, y - j
    u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
    top = (1 - u) * random_lattice(i, j, seed) + u * random_lattice(i + 1, j, seed)
    bottom = (1 - u) * random_lattice(i, j + 1, seed) + u * random_lattice(i + 1, j + 1, seed)
    return (1 - v) * top + v * bottom


def cloudy(x: Array, y: Array, seed: int) -> Array:
    """`noise` with three octaves of detail, in [0, 1)."""
    return (4 * noise(x, y, seed) + 2 * noise(2 * x, 2 * y, seed + 1) + noise(4 * x, 4 * y, seed + 2)) / 7


def ball_place(seconds: Fraction) -> tuple[float, float, float]:
    """Centre x and y of the meadow's ball and its angle in radians; it touches the ground at every whole BEAT."""
    t = float(seconds)
    phase = t / BEAT % 1
    return -3.4 + BALL_SPEED * t, 6.3 - 4 * HOP * phase * (1 - phase), 2.2 * t


def draw_meadow(canvas: Canvas, seconds: Fraction) -> None:
    t = float(seconds)
    x, y = canvas.x, canvas.y

    canvas.paint(mix((0.30, 0.58, 0.90), (0.99, 0.86, 0.70), (y / 5.2) ** 1.4))
    sun = np.hypot(x - 4.3, y - 1.9)
    canvas.paint((1.0, 0.93, 0.72), alpha=0.6 * np.exp(-((sun / 1.7) ** 2)))
    canvas.paint((1.0, 0.97, 0.85), sun - 0.75)
    clouds = cloudy((x + PAN_CLOUDS * t) / 2.2, y / 0.8, seed=1)
    canvas.paint((1.0, 1.0, 1.0), alpha=0.9 * np.clip((clouds - 0.52) / 0.2, 0, 1) * np.clip((4.6 - y) / 2, 0, 1))

    far = x + PAN_FAR * t
    ridge = 4.2 - 0.55 * np.sin(0.6 * far) - 0.28 * np.sin(1.7 * far + 1)
    canvas.paint(mix((0.46, 0.55, 0.74), (0.60, 0.68, 0.80), cloudy(far, y, seed=5)), ridge - y)

    near = x + PAN_NEAR * t
    hill = 5.0 - 0.5 * np.sin(0.42 * near + 0.9)
    draw_mill(canvas, 4.6 - PAN_NEAR * t, 4.75, 2 * np.pi * MILL_TURNS * t)
    canvas.paint(mix((0.24, 0.48, 0.33), (0.44, 0.66, 0.40), cloudy(1.6 * near, 1.6 * y, seed=9)), hill - y)

    # A plane under the camera: a point at depth `depth` moves to the left by PAN_MEADOW / depth units per second.
    depth = 4.2 / np.maximum(y - 2.1, 0.5)
    across = x * depth + PAN_MEADOW * t
    stripes = 0.5 + 0.5 * np.sin(2.1 * across)
    grass = mix(
        (0.36, 0.60, 0.20), (0.56, 0.77, 0.30), 0.55 * stripes + 0.9 * cloudy(4 * across, 16 * depth, 13) - 0.25
    )
    canvas.paint(grass, 5.55 - y)
    flowers = np.arange(26)
    place, row, kind = (random_lattice(flowers, np.full(26, k), seed=17) for k in range(3))
    for flower in flowers:
        flower_y = 6.0 + 2.9 * (flower + row[flower]) / 26  # far ones first, so that near ones hide them
        scale = (flower_y - 2.1) / 4.2
        flower_x = (24 * place[flower] - 8 - PAN_MEADOW * t) * scale
        draw_flower(
            canvas, flower_x, flower_y, 0.2 * scale, (1.0, 1.0, 1.0) if kind[flower] > 0.5 else (1.0, 0.55, 0.62)
        )

    draw_ball(canvas, *ball_place(seconds))


def draw_mill(canvas: Canvas, x: float, y: float, angle: float) -> None:
    """A windmill whose tower stands on (x, y)."""
    canvas = canvas.around(x, y - 2.4, 2.5)
    u, v = canvas.x - x, canvas.y - (y - 1.3)
    canvas.paint(mix((0.98, 0.95, 0.90), (0.78, 0.72, 0.70), 0.5 + u), box(u, v, 0.36 + 0.14 * v, 1.4))
    canvas.paint((0.72, 0.26, 0.20), np.maximum(np.abs(u) - 0.62 * (v + 2.0), v + 1.2))
    canvas.paint((0.36, 0.26, 0.24), box(u, v - 0.1, 0.1, 0.16))
    v = v + 1.15
    for blade in range(4):
        c, s = np.cos(angle + blade * np.pi / 2), np.sin(angle + blade * np.pi / 2)
        along, side = c * u + s * v, c * v - s * u
        canvas.paint((0.97, 0.92, 0.80), box(along - 1.05, side - 0.17, 0.65, 0.14))
        canvas.paint((0.42, 0.26, 0.20), box(along - 0.85, side, 0.87, 0.045))
    canvas.paint((0.30, 0.20, 0.18), np.hypot(u, v) - 0.13)


def draw_flower(canvas: Canvas, x: float, y: float, radius: float, colour: Colour) -> None:
    canvas = canvas.around(x, y, 1.3 * radius)
    distance = disc(canvas, x, y, 0, flatten=0.75)
    petals = 1 + 0.28 * np.cos(5 * np.arctan2(canvas.y - y, canvas.x - x) + 4 * x)
    canvas.paint(colour, distance - radius * petals)
    canvas.paint((0.98, 0.78, 0.20), distance - 0.42 * radius)


def draw_ball(canvas: Canvas, x: float, y: float, angle: float) -> None:
    """A beach ball of six sectors, with its shadow on the ground."""
    canvas = canvas.around(x, y, 4)
    radius = 0.85
    height = (6.3 - y) / HOP
    shadow = disc(canvas, x + 0.35 * height, 7.1, 0.85 - 0.25 * height, flatten=0.26)
    canvas.paint((0.10, 0.24, 0.08), alpha=(0.55 - 0.25 * height) * np.clip(0.5 - shadow / 0.35, 0, 1))
    u, v = canvas.x - x, canvas.y - y
    # The sectors meet on the front of the ball, a little off its middle, so that the turning is easy to see.
    c, s = np.cos(angle), np.sin(angle)
    hub_u, hub_v = u - 0.22 * c, v - 0.22 * s
    sector = np.mod((np.arctan2(hub_v, hub_u) - angle) / (2 * np.pi), 1) * 6
    edge = canvas.pixel * 6 / (2 * np.pi * np.maximum(np.hypot(hub_u, hub_v), canvas.pixel))
    colours = ((0.93, 0.22, 0.20), (0.98, 0.97, 0.94), (0.16, 0.46, 0.86), (0.98, 0.80, 0.14), (0.98, 0.97, 0.94))
    skin = np.zeros_like(canvas.image)
    for k, colour in enumerate((*colours, (0.10, 0.62, 0.42))):
        centred = np.abs(np.mod(sector - k - 0.5 + 3, 6) - 3)
        skin += np.clip(0.5 + (0.5 - centred) / edge, 0, 1)[..., None] * np.asarray(colour)
    light = np.clip(1.05 - 0.45 * np.hypot(u + 0.35, v + 0.4) ** 2, 0.45, 1)
    skin = np.minimum(skin, 1) * light[..., None]
    canvas.paint(skin, np.hypot(u, v) - radius)
    canvas.paint((0.98, 0.97, 0.94), np.hypot(hub_u, hub_v) - 0.16)
    canvas.paint((1.0, 1.0, 1.0), alpha=0.55 * np.exp(-(((u + 0.34) / 0.2) ** 2) - ((v + 0.4) / 0.16) ** 2))


def moon_place(seconds: Fraction, speed: float, start: float, radius: float) -> tuple[float, float, float]:
    """x and y of a moon, and how near it is: 1 in front of the planet, -1 behind it."""
    angle = start + speed * float(seconds)
    return radius * np.cos(angle), 4.1 + 0.30 * radius * np.sin(angle) + 0.14 * radius * np.cos(angle), np.sin(angle)


def draw_orbit(canvas: Canvas, seconds: Fraction) -> None:
    t = float(seconds)
    x, y = canvas.x, canvas.y

    canvas.paint(mix((0.03, 0.04, 0.12), (0.12, 0.07, 0.22), y / 9))
    canvas.paint((0.28, 0.16, 0.42), alpha=0.8 * np.clip(cloudy((x + 0.3 * t) / 2, y / 2, seed=21) - 0.35, 0, 1))
    for cell, speed in ((0.9, 0.35), (1.7, 0.8)):
        i, j = np.floor((x + speed * t) / cell), np.floor(y / cell)
        star_x = (i + 0.2 + 0.6 * random_lattice(i, j, seed=31)) * cell - speed * t
        star_y = (j + 0.2 + 0.6 * random_lattice(i, j, seed=32)) * cell
        glow = np.exp(-((x - star_x) ** 2 + (y - star_y) ** 2) / (2 * (0.035 * cell + 0.3 * canvas.pixel) ** 2))
        canvas.paint((1.0, 0.97, 0.90), alpha=glow * random_lattice(i, j, seed=33) ** 2)

    moons = [
        (moon_place(seconds, LARGE_MOON_SPEED, 2.4, 4.6), 0.55, (0.86, 0.84, 0.80)),
        (moon_place(seconds, SMALL_MOON_SPEED, 0.6, 3.4), 0.30, (0.95, 0.66, 0.42)),
    ]
    moons.sort(key=lambda moon: moon[0][2])
    draw_ring(canvas, front=False)
    for (moon_x, moon_y, _), radius, colour in (moon for moon in moons if moon[0][2] < 0):
        draw_ball_of_rock(canvas, moon_x, moon_y, radius, colour, t)
    draw_planet(canvas, PLANET_SPEED * t)
    draw_ring(canvas, front=True)
    for (moon_x, moon_y, _), radius, colour in (moon for moon in moons if moon[0][2] >= 0):
        draw_ball_of_rock(canvas, moon_x, moon_y, radius, colour, t)


def sphere(canvas: Canvas, x: float, y: float, radius: float) -> tuple[Array, Array, Array]:
    """Unit vectors from the middle of a sphere to the surface that each pixel shows (z towards the eye)."""
    u, v = (canvas.x - x) / radius, (canvas.y - y) / radius
    length = np.maximum(np.hypot(u, v), 1)
    u, v = u / length, v / length
    return u, v, np.sqrt(np.maximum(1 - u * u - v * v, 0))


def draw_planet(canvas: Canvas, angle: float) -> None:
    u, v, w = sphere(canvas, 0, 4.1, 2.2)
    along, up = 0.97 * u + 0.24 * v, 0.97 * v - 0.24 * u  # the axis leans
    longitude, latitude = np.arctan2(along, w) + angle, np.arcsin(np.clip(up, -1, 1))
    swirl = cloudy(2.2 * longitude, 4 * latitude, seed=41)
    bands = 0.5 + 0.5 * np.sin(9 * latitude + 4 * swirl)
    surface = mix((0.16, 0.42, 0.62), (0.93, 0.80, 0.60), bands)
    surface = surface + (cloudy(4 * longitude, 5 * latitude, seed=44) - 0.5)[..., None] * 0.35
    storm = np.hypot(np.mod(longitude - 1.2 + np.pi, 2 * np.pi) - np.pi, 1.6 * (latitude - 0.35)) - 0.28
    surface = surface + np.clip(0.5 - storm / 0.08, 0, 1)[..., None] * (np.array((0.86, 0.34, 0.24)) - surface)
    light = np.clip(0.12 + 1.0 * (-0.55 * u - 0.45 * v + 0.7 * w), 0.08, 1.1)
    canvas.paint((0.40, 0.62, 0.95), alpha=0.5 * np.exp(-np.maximum(disc(canvas, 0, 4.1, 2.2), 0) / 0.18))
    canvas.paint(surface * light[..., None], disc(canvas, 0, 4.1, 2.2))


def draw_ring(canvas: Canvas, front: bool) -> None:
    u = 0.97 * canvas.x + 0.24 * (canvas.y - 4.1)
    v = (0.97 * (canvas.y - 4.1) - 0.24 * canvas.x) / 0.26
    radius = np.hypot(u, v)
    grooves = 0.45 + 0.55 * noise(radius * 5, np.zeros_like(radius), seed=51)
    band = np.clip((radius - 2.75) / 0.06, 0, 1) * np.clip((4.1 - radius) / 0.06, 0, 1)
    half = np.clip(0.5 + (v if front else -v) * 0.26 / canvas.pixel, 0, 1)
    canvas.paint((0.90, 0.78, 0.62), alpha=0.85 * band * grooves * half)


def draw_ball_of_rock(canvas: Canvas, x: float, y: float, radius: float, colour: Colour, t: float) -> None:
    canvas = canvas.around(x, y, radius)
    u, v, w = sphere(canvas, x, y, radius)
    craters = cloudy(2.5 * (np.arctan2(u, w) + 0.4 * t), 2.5 * v, seed=61)
    light = np.clip(0.15 - 0.55 * u - 0.45 * v + 0.7 * w, 0.1, 1.1) * (0.65 + 0.6 * craters)
    canvas.paint(np.asarray(colour) * light[..., None], disc(canvas, x, y, radius))


CAPTION = "THIS TEXT STANDS STILL"
GLYPHS = {  # seven rows of five pixels, the leftmost is the highest bit
    "A": (14, 17, 17, 31, 17, 17, 17),
    "D": (30, 17, 17, 17, 17, 17, 30),
    "E": (31, 16, 16, 30, 16, 16, 31),
    "H": (17, 17, 17, 31, 17, 17, 17),
    "I": (14, 4, 4, 4, 4, 4, 14),
    "L": (16, 16, 16, 16, 16, 16, 31),
    "N": (17, 25, 25, 21, 19, 19, 17),
    "S": (15, 16, 16, 14, 1, 1, 30),
    "T": (31, 4, 4, 4, 4, 4, 4),
    "X": (17, 17, 10, 4, 10, 17, 17),
    " ": (0, 0, 0, 0, 0, 0, 0),
}


def caption_box(width: int, height: int) -> tuple[slice, slice] | None:
    """Rows and columns of the caption with its dark bar; None where the frame is too small for it."""
    scale = max(1, height // 170)
    bar_width, bar_height = (6 * len(CAPTION) + 7) * scale, 13 * scale
    left, top = (width - bar_width) // 2, height - bar_height - height // 24
    if left < 0 or top < height // 2:
        return None
    return slice(top, top + bar_height), slice(left, left + bar_width)


def draw_caption(canvas: Canvas) -> None:
    height, width, _ = canvas.image.shape
    place = caption_box(width, height)
    if place is None:
        return
    bits = [[GLYPHS[letter][row] >> (5 - column) & 1 for letter in CAPTION for column in range(6)] for row in range(7)]
    scale = max(1, height // 170)
    letters = np.pad(np.array(bits, dtype=float), ((3, 3), (4, 3))).repeat(scale, axis=0).repeat(scale, axis=1)
    bar = canvas.image[place]
    bar *= 0.35
    bar += letters[..., None] * (1 - bar)


def draw_cut(canvas: Canvas, seconds: Fraction) -> None:
    (draw_meadow if seconds < CUT else draw_orbit)(canvas, seconds)


def meadow_sound(times: Array) -> Array:
    """A plucked note at every bounce of the ball, over a quiet fifth."""
    melody = (523.25, 659.26, 783.99, 880.00, 783.99, 659.26, 587.33, 523.25)  # C E G A G E D C
    wave = 0.04 * (np.sin(2 * np.pi * 130.81 * times) + np.sin(2 * np.pi * 196.00 * times))
    for bounce in range(int(times.max() / BEAT) + 1):
        age = np.maximum(times - bounce * BEAT, 0)
        tone = 2 * np.pi * melody[bounce % len(melody)] * age
        wave += 0.35 * np.exp(-5 * age) * (1 - np.exp(-400 * age)) * (np.sin(tone) + 0.3 * np.sin(2 * tone))
    return np.stack([wave, wave])


def orbit_sound(times: Array) -> Array:
    """A soft chord that the large moon carries from ear to ear."""
    angle = 2.4 + LARGE_MOON_SPEED * times
    chord = sum(np.sin(2 * np.pi * pitch * times) for pitch in (220.00, 277.18, 329.63))
    wave = 0.12 * chord * (1 + 0.4 * np.sin(angle)) * (1 - np.exp(-20 * times))
    right = 0.5 + 0.45 * np.cos(angle)
    return np.stack([wave * (1 - right), wave * right])


def cut_sound(times: Array) -> Array:
    return np.where(times < float(CUT), meadow_sound(times), orbit_sound(times))


SCENES: dict[str, tuple[Callable[[Canvas, Fraction], None], Callable[[Array], Array]]] = {
    "meadow": (draw_meadow, meadow_sound),
    "orbit": (draw_orbit, orbit_sound),
    "cut": (draw_cut, cut_sound),
}


def write_clip(path: Path, scene: str, width: int, height: int, rate: Fraction, seconds: Fraction) -> None:
    """Writes H.264 (BT.709, limited range) with AAC sound; picture n is the scene at n / rate seconds."""
    pictures, samples = int(rate * seconds), int(SOUND_RATE * seconds)
    bt709 = VideoReformatter()
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=rate, options={"crf": "18", "preset": "slow"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        context = video.codec_context
        context.thread_count = 1  # the file must not depend on the number of cores
        context.time_base = 1 / rate
        context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        audio = container.add_stream("aac", rate=SOUND_RATE, layout="stereo")
        audio.bit_rate = 96000

        written = 0
        for picture in range(pictures):
            rgb = av.VideoFrame.from_ndarray(render(scene, picture / rate, width, height), format="rgb24")
            frame = bt709.reformat(rgb, format="yuv420p", dst_colorspace=Colorspace.ITU709)
            frame.pts, frame.time_base = picture, 1 / rate
            container.mux(video.encode(frame))
            while written < samples and Fraction(written, SOUND_RATE) <= (picture + 1) / rate:
                count = min(1024, samples - written)
                wave = sound(scene, (written + np.arange(count)) / SOUND_RATE)
                block = av.AudioFrame.from_ndarray(np.ascontiguousarray(wave), format="fltp", layout="stereo")
                block.sample_rate, block.pts, block.time_base = SOUND_RATE, written, Fraction(1, SOUND_RATE)
                container.mux(audio.encode(block))
                written += count
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


def parse_size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not all(side.isdecimal() and int(side) and int(side) % 2 == 0 for side in (width, height)):
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT, both even, got '{text}'")
    return int(width), int(height)


def parse_number(text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"expected a number such as 24 or 30000/1001, got '{text}'") from None


def main() -> int:
    parser = argparse.ArgumentParser(description="Render a small clip with known motion and sound.")
    parser.add_argument("scene", choices=SCENES)
    parser.add_argument("output", type=Path)
    parser.add_argument("--size", type=parse_size, default=(640, 360), help="WIDTHxHEIGHT, both even (640x360)")
    parser.add_argument(
        "--rate", type=parse_number, default=Fraction(24), help="frames per second, 24 or 30000/1001 (24)"
    )
    parser.add_argument("--seconds", type=parse_number, default=Fraction(3), help="length of the clip (3)")
    arguments = parser.parse_args()
    if arguments.rate <= 0 or arguments.rate * arguments.seconds < 1:
        parser.error(f"{arguments.seconds} s at {arguments.rate} frames per second is less than one frame")
    width, height = arguments.size
    try:
        write_clip(arguments.output, arguments.scene, width, height, arguments.rate, arguments.seconds)
    except (OSError, ValueError) as error:  # ValueError: an ending that is of no video
        print(f"make_clips.py: {arguments.output}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
