"""Exact frames and exact flow of moving layers: the geometry of synthetic training data, without chance.

A surface point that the middle frame shows at p stands at p + (s - tau) * velocity(p) at time s (s = 0 is frame0,
s = tau the middle, s = 1 frame1). So the flow from the middle to both frames is known in closed form, and only
rendering frame0 and frame1 needs the inverse of a smooth map. That inverse is smooth too: it is solved at 32x32
Chebyshev nodes and interpolated from there, which is cheaper than solving at every pixel and hardly less exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

NODES = 32
"""Chebyshev nodes along each axis; enough for several waves across the frame."""


@dataclass(frozen=True, slots=True)
class Wave:
    """Smooth elastic motion: amplitude * sin(frequency . p + phase)."""

    frequency: tuple[float, float]
    """Radians per pixel in x and y."""
    phase: float
    amplitude: tuple[float, float]
    """Pixels in x and y over the whole interval."""


@dataclass(frozen=True, slots=True)
class Motion:
    """Velocity of a surface, in pixels from frame0 to frame1: a homography minus the identity, plus waves."""

    shift: tuple[float, float] = (0.0, 0.0)
    linear: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """dvx/dx, dvx/dy, dvy/dx, dvy/dy at `centre`: rotation, zoom and shear."""
    tilt: tuple[float, float] = (0.0, 0.0)
    """Perspective terms of the homography, per pixel."""
    centre: tuple[float, float] = (0.0, 0.0)
    waves: tuple[Wave, ...] = ()

    @property
    def is_still(self) -> bool:
        return self == Motion(centre=self.centre)

    def velocity(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(vx, vy) of the surface points that the middle frame shows at (x, y)."""
        dx, dy = x - self.centre[0], y - self.centre[1]
        a, b, c, d = self.linear
        depth = 1 + self.tilt[0] * dx + self.tilt[1] * dy
        vx = (dx + a * dx + b * dy + self.shift[0]) / depth - dx
        vy = (dy + c * dx + d * dy + self.shift[1]) / depth - dy
        for wave in self.waves:
            swing = np.sin(wave.frequency[0] * x + wave.frequency[1] * y + wave.phase)
            vx += wave.amplitude[0] * swing
            vy += wave.amplitude[1] * swing
        return vx, vy


@dataclass(frozen=True, slots=True)
class Track:
    """One motion seen from the three frames."""

    sources: tuple[np.ndarray, np.ndarray, np.ndarray]
    """For frame0, middle, frame1: (crop, crop, 2) float32, where the middle frame shows what this pixel shows."""
    flows: tuple[np.ndarray, np.ndarray]
    """From the middle to frame0 and frame1: (crop // 2, crop // 2, 2) float32 at half-size pixels, full-size units."""
    box: tuple[float, float, float, float]
    """x0, y0, x1, y1 around everything that the three frames show, in coordinates of the middle frame."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A painted surface and how it moves."""

    texture: np.ndarray
    """(h, w, 4) uint8 or float32 in [0, 255]: RGB under alpha, not premultiplied."""
    origin: tuple[float, float]
    """Where the middle frame shows the centre of the first texel."""
    density: float
    """Texels per pixel. 2 for photos: bilinear lookup in a twice denser texture shifts nothing and hardly blurs."""
    track: Track
    endless: bool = False
    """The edge texels go on for ever (background); otherwise there is nothing outside the texture."""

    def seen_at(self, moment: int) -> np.ndarray:
        """(crop, crop, 4) float32 in [0, 255] as frame0 (0), middle (1) or frame1 (2) shows it."""
        lookup = (self.track.sources[moment] - np.array(self.origin, np.float32)) * np.float32(self.density)
        return look_up(self.texture, lookup, cv2.BORDER_REPLICATE if self.endless else cv2.BORDER_CONSTANT)


def look_up(image: np.ndarray, places: np.ndarray, border: int) -> np.ndarray:
    """float32 `image` at `places` (h, w, 2), bilinear."""
    found = cv2.remap(image, places, None, cv2.INTER_LINEAR, borderMode=border)  # type: ignore[call-overload]
    return np.asarray(found, np.float32)


@dataclass(frozen=True, slots=True)
class Grids:
    """What depends on the size of the frames only."""

    pixels: np.ndarray
    half_pixels: np.ndarray
    nodes_x: np.ndarray
    nodes_y: np.ndarray
    to_pixels: np.ndarray
    to_half_pixels: np.ndarray


@lru_cache(maxsize=8)
def grids(crop: int) -> Grids:
    full = np.arange(crop, dtype=np.float64)
    half = 2 * np.arange(crop // 2) + 0.5  # a half-size pixel is the mean of four: its centre lies between them
    nodes = crop / 2 - 0.5 - crop / 2 * np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES)
    nodes_x, nodes_y = np.meshgrid(nodes, nodes)
    return Grids(
        pixels=np.stack(np.meshgrid(full, full), -1).astype(np.float32),
        half_pixels=np.stack(np.meshgrid(half, half), -1).astype(np.float32),
        nodes_x=nodes_x,
        nodes_y=nodes_y,
        to_pixels=_interpolation_matrix(nodes, full),
        to_half_pixels=_interpolation_matrix(nodes, half),
    )


def _interpolation_matrix(nodes: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(points, nodes): values at `points` of the polynomial through values at Chebyshev `nodes` (barycentric form)."""
    weights = (-1.0) ** np.arange(NODES) * np.sin(np.pi * (np.arange(NODES) + 0.5) / NODES)
    distance = points[:, None] - nodes[None]
    distance[distance == 0] = 1e-12
    terms = weights / distance
    return (terms / terms.sum(1, keepdims=True)).astype(np.float32)


def _spread(values: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(n, n) float32 of `values` given at the nodes.

    One row at a time: whole matrices would wake the threads of numpy's BLAS, whose waiting costs more than the product.
    """
    rows = matrix[:, None] @ values.astype(np.float32)
    return (rows @ matrix.T)[:, 0]


@dataclass(frozen=True, slots=True)
class Stage:
    """The square of `crop` x `crop` pixels that the camera sees, and the place `tau` of the middle frame."""

    crop: int
    tau: float

    def track(self, motion: Motion) -> Track:
        grid = grids(self.crop)
        distances = (-self.tau, 1 - self.tau)
        if motion.is_still:
            zero = np.zeros_like(grid.half_pixels)
            return Track(
                (grid.pixels, grid.pixels, grid.pixels), (zero, zero), (0.0, 0.0, self.crop - 1.0, self.crop - 1.0)
            )
        velocity = motion.velocity(grid.nodes_x, grid.nodes_y)
        flow = np.stack([_spread(v, grid.to_half_pixels) for v in velocity], -1)
        before, after = (self._sources(motion, distance) for distance in distances)
        seen = np.stack([before[::4], after[::4], before[3::4], after[3::4]]).reshape(-1, 2)
        x0, y0 = (min(0.0, float(seen[:, axis].min())) for axis in (0, 1))
        x1, y1 = (max(self.crop - 1.0, float(seen[:, axis].max())) for axis in (0, 1))
        flows = (np.float32(distances[0]) * flow, np.float32(distances[1]) * flow)
        return Track((before, grid.pixels, after), flows, (x0, y0, x1, y1))

    def _sources(self, motion: Motion, distance: float) -> np.ndarray:
        """Solve p + distance * velocity(p) = pixel for p by fixed-point iteration (the velocities are gentle)."""
        grid = grids(self.crop)
        x, y = grid.nodes_x, grid.nodes_y
        for _ in range(30):
            vx, vy = motion.velocity(x, y)
            next_x, next_y = grid.nodes_x - distance * vx, grid.nodes_y - distance * vy
            change = max(np.abs(next_x - x).max(), np.abs(next_y - y).max())
            x, y = next_x, next_y
            if change < 1e-3:
                break
        return grid.pixels + np.stack([_spread(v, grid.to_pixels) for v in (x - grid.nodes_x, y - grid.nodes_y)], -1)


@dataclass(frozen=True, slots=True)
class Rendering:
    frames: list[np.ndarray]
    """frame0, middle, frame1: (crop, crop, 3) float32 in [0, 255]."""
    flow: np.ndarray
    trust: np.ndarray


def render(layers: Sequence[Layer]) -> Rendering:
    """The three frames and the flow of `layers`, which lie on top of each other, the background first."""
    frames, shares = zip(*(_compose([layer.seen_at(moment) for layer in layers]) for moment in range(3)), strict=True)
    flow, trust = _flow([layer.track for layer in layers], shares)
    return Rendering(list(frames), flow, trust)


def _compose(pictures: Sequence[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """The frame, and how much of each pixel every layer fills."""
    frame = np.zeros_like(pictures[0][..., :3])
    shares: list[np.ndarray] = []
    free = np.ones(frame.shape[:2], np.float32)
    for picture in reversed(pictures):
        alpha = picture[..., 3] * np.float32(1 / 255)
        share = alpha * free
        frame += picture[..., :3] * share[..., None]
        free = free - share
        shares.append(share)
    return frame, shares[::-1]


def _flow(tracks: Sequence[Track], shares: Sequence[Sequence[np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Flow of the layer that fills most of each half-size pixel of the middle, and where both ends show that point."""
    crop = shares[1][0].shape[0]
    half = (crop // 2, crop // 2)
    in_middle = np.stack([cv2.resize(share, half, interpolation=cv2.INTER_AREA) for share in shares[1]])
    owner = in_middle.argmax(0)
    flow = np.zeros((4, *half), np.float32)
    weight = np.zeros((2, *half), np.float32)
    for index, track in enumerate(tracks):
        mine = owner == index
        if not mine.any():
            continue
        for end, moment in enumerate((0, 2)):
            target = grids(crop).half_pixels + track.flows[end]
            seen = look_up(shares[moment][index], target, cv2.BORDER_CONSTANT)
            flow[2 * end : 2 * end + 2, mine] = track.flows[end][mine].T / 2
            weight[end, mine] = (_trust(in_middle[index]) * _trust(seen))[mine]
    return flow, weight


def _trust(share: np.ndarray) -> np.ndarray:
    """0 up to half a pixel of the layer (edges, veils), 1 from nine tenths."""
    return np.clip((share - 0.5) * 2.5, 0, 1)
