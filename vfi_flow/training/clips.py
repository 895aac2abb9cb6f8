"""Training samples from ordinary videos: three frames of one shot on their true clock, and the two around them.

The flow of the true middle to both neighbours is estimated by DIS (Kroeger et al. 2016), which sees the answer and so
beats any flow that a network can find at run time.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from vfi_flow.training.layers import look_up
from vfi_flow.training.moments import Moments
from vfi_flow.training.overlays import burn_in
from vfi_flow.training.sample import Beside, Sample
from vfi_flow.training.shots import Shot


@dataclass(frozen=True, slots=True)
class Gaps:
    """How far apart the frames of a sample are, in time and in pixels."""

    chances: Mapping[tuple[int, int], float]
    """Frames from `frame0` to the middle and from there to `frame1`, and how often."""
    own_size: float
    """How often a sample has the size of the video."""
    smaller: float
    """How often it is shrunk, by half at most; otherwise it is enlarged."""


GAPS = {
    "wide": Gaps(
        {
            (1, 1): 0.40,
            (2, 2): 0.20,
            (3, 3): 0.09,
            (4, 4): 0.03,
            (1, 2): 0.08,
            (2, 1): 0.08,
            (1, 3): 0.06,
            (3, 1): 0.06,
        },
        own_size=0.5,
        smaller=0.44,
    ),
    "near": Gaps({(1, 1): 0.86, (2, 2): 0.06, (1, 2): 0.04, (2, 1): 0.04}, own_size=0.85, smaller=0.12),
}
"""By name: all kinds of motion, and that of a video whose rate is doubled."""
BESIDE: dict[tuple[bool, bool], float] = {
    (True, True): 0.6,
    (True, False): 0.05,
    (False, True): 0.05,
    (False, False): 0.3,
}
"""Whether the frames before and after the two are known, where the shot has them, and how often."""


class RealClips:
    """Draws frames i < j < k of one shot, cropped where something moves, scaled, turned and recoloured."""

    def __init__(
        self, shots: Sequence[Shot], crop: int = 192, *, overlay: float = 0.0, gaps: Gaps = GAPS["wide"]
    ) -> None:
        """`overlay` is the chance of text, a display or black bars that stay where they are over the motion."""
        self.crop, self.overlay, self.gaps = crop, overlay, gaps
        self._shots = list(shots)
        # Square root: long shots hold more to see, but not in proportion.
        weights = np.sqrt([len(shot.frames) for shot in shots])
        self._chances = weights / weights.sum()
        self._steps = list(gaps.chances)
        self._step_chances = np.array(list(gaps.chances.values())) / sum(gaps.chances.values())

    def draw(self, rng: np.random.Generator) -> Sample:
        for _ in range(20):
            frames, drawn, motion = self._draw_frames(rng)
            if motion >= 1 or rng.random() < 0.2:
                break
        turned, is_diagonal = turn(rng, [resize(frame, self.crop) for frame in frames])
        before, frame0, middle, frame1, after = turned
        if is_diagonal:
            drawn = drawn.transposed()
        if rng.random() < 0.5:
            before, frame0, frame1, after, drawn = after, frame1, frame0, before, drawn.reversed()
        flow, trust = teach(frame0, middle, frame1)
        frames = recolour(rng, [before, frame0, middle, frame1, after])
        if self.overlay and rng.random() < self.overlay:
            frames, covered = burn_in(rng, frames)
            trust = trust * ~covered.reshape(self.crop // 2, 2, self.crop // 2, 2).any((1, 3))
        before, frame0, middle, frame1, after = frames
        tau, intervals = drawn.moments.tau, drawn.moments.intervals
        beside = Beside(before, after, intervals, drawn.frame_width) if any(intervals) else None
        return Sample(frame0, frame1, middle, tau, flow, trust, beside)

    def _draw_frames(self, rng: np.random.Generator) -> tuple[list[np.ndarray], "Drawn", float]:
        """Five equal windows of one shot, of which the outer ones may not count, what they are, and how much the window
        changes between the second and the fourth (mean difference of bytes)."""
        shot = self._shots[int(rng.choice(len(self._shots), p=self._chances))]
        before, after = self._steps[int(rng.choice(len(self._steps), p=self._step_chances))]
        if before + after >= len(shot.frames):
            before = after = 1
        step = before + after
        i = int(rng.integers(0, len(shot.frames) - step))
        j, k = i + before, i + step
        height, width = shot.frames.shape[1:3]
        side = min(round(self.crop / draw_scale(rng, self.gaps)), height, width)
        corners = rng.integers(0, (height - side + 1, width - side + 1), (3, 2))
        windows = [(slice(y, y + side), slice(x, x + side)) for y, x in corners.tolist()]
        motions = np.array([_change(shot.frames[i][window], shot.frames[k][window]) for window in windows])
        best = int(rng.choice(3, p=(motions + 0.2) / (motions + 0.2).sum()))
        sides = list(BESIDE)[int(rng.choice(len(BESIDE), p=list(BESIDE.values())))]
        first = i - step if sides[0] and i >= step else i
        last = k + step if sides[1] and k + step < len(shot.frames) else k
        frames = [shot.frames[index][windows[best]] for index in (first, i, j, k, last)]
        moments = Moments(*(int(shot.pts[index]) for index in (first, i, j, k, last)))
        return frames, Drawn(moments, width * self.crop / side, height * self.crop / side), float(motions[best])


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is known of five frames in a row, of which the first and the last may be the same as those next to them."""

    moments: Moments
    frame_width: float
    """Of the whole frames, in pixels of the sample."""
    frame_height: float

    def reversed(self) -> "Drawn":
        return replace(self, moments=self.moments.reversed())

    def transposed(self) -> "Drawn":
        return replace(self, frame_width=self.frame_height, frame_height=self.frame_width)


def _change(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first[::4, ::4].astype(np.int16) - second[::4, ::4]).mean())


def draw_scale(rng: np.random.Generator, gaps: Gaps) -> float:
    """Output pixels per pixel of the video."""
    mood = rng.random()
    if mood < gaps.own_size:
        return 1.0
    return float(rng.uniform(0.5, 1) if mood < gaps.own_size + gaps.smaller else rng.uniform(1, 2))


def resize(frame: np.ndarray, side: int) -> np.ndarray:
    if frame.shape[0] == side:
        return frame
    how = cv2.INTER_AREA if frame.shape[0] > side else cv2.INTER_CUBIC
    return cv2.resize(np.ascontiguousarray(frame), (side, side), interpolation=how)


def turn(rng: np.random.Generator, frames: Sequence[np.ndarray]) -> tuple[list[np.ndarray], bool]:
    """All frames mirrored and turned by a multiple of 90 degrees alike; whether rows are columns now."""
    across, down, diagonal = rng.random(3) < 0.5
    turned = [frame[:: -1 if down else 1, :: -1 if across else 1] for frame in frames]
    if diagonal:
        turned = [frame.transpose(1, 0, 2) for frame in turned]
    return [np.ascontiguousarray(frame) for frame in turned], bool(diagonal)


def recolour(rng: np.random.Generator, frames: Sequence[np.ndarray]) -> list[np.ndarray]:
    """All frames with the same change of colours, sometimes."""
    if rng.random() < 0.25:
        grey = np.linspace(0, 1, 256)[:, None]
        gain, lift, gamma = rng.uniform(0.7, 1.15, 3), rng.uniform(0, 0.08), 2 ** rng.uniform(-0.5, 0.5)
        table = np.clip(255 * (lift + gain * grey**gamma) + 0.5, 0, 255).astype(np.uint8)
        frames = [np.asarray(cv2.LUT(frame, table[None])) for frame in frames]
    if rng.random() < 0.1:
        order = rng.permutation(3)
        frames = [np.ascontiguousarray(frame[..., order]) for frame in frames]
    return list(frames)


_engines = threading.local()  # a DIS object keeps buffers, so every thread has its own


def teach(frame0: np.ndarray, middle: np.ndarray, frame1: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flow from `middle` to both neighbours at half size, and trust in it from how well it reconstructs `middle`.

    Returns:
        (4, h // 2, w // 2) and (2, h // 2, w // 2) float32, as in `Sample`.
    """
    if not hasattr(_engines, "dis"):
        _engines.dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    half = (middle.shape[1] // 2, middle.shape[0] // 2)
    small = [cv2.resize(frame, half, interpolation=cv2.INTER_AREA) for frame in (middle, frame0, frame1)]
    greys = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in small]
    truth = small[0].astype(np.float32) / 255
    pixels = np.stack(np.meshgrid(*(np.arange(side, dtype=np.float32) for side in half)), -1)
    last = np.array(half, np.float32) - 1
    flows, weights = [], []
    for grey, neighbour in zip(greys[1:], small[1:], strict=True):
        flow = _engines.dis.calc(greys[0], grey, None)
        target = pixels + flow
        found = look_up(neighbour.astype(np.float32) / 255, target, cv2.BORDER_REPLICATE)
        inside = ((target >= 0) & (target <= last)).all(-1)
        weights.append(inside * np.exp(-12 * np.abs(found - truth).mean(-1)))
        flows.append(flow.transpose(2, 0, 1))
    return np.concatenate(flows), np.stack(weights).astype(np.float32)
