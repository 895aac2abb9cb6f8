"""Training samples from ordinary videos: three frames of one shot on their true clock.

Videos are decoded once and kept as bytes. Cuts end a shot, repeated frames are left out, and the flow of the true
middle to both neighbours is estimated by DIS (Kroeger et al. 2016), which sees the answer and so beats any flow that a
network can find at run time.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from vfi_flow.errors import InputError
from vfi_flow.training.decoding import decode
from vfi_flow.training.layers import look_up
from vfi_flow.training.sample import Sample

SUFFIXES = frozenset(
    (".3gp", ".avi", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".ogv", ".ts", ".webm", ".wmv", ".y4m")
)
SMALLEST_SIDE = 64
"""Smaller videos would only be enlarged."""

GAPS: dict[tuple[int, int], float] = {
    (1, 1): 0.40,
    (2, 2): 0.20,
    (3, 3): 0.09,
    (4, 4): 0.03,
    (1, 2): 0.08,
    (2, 1): 0.08,
    (1, 3): 0.06,
    (3, 1): 0.06,
}
"""Frames from `frame0` to the middle and from there to `frame1`, and how often."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shot:
    """Consecutive different frames of one camera."""

    name: str
    """Of the file, without suffix."""
    frames: np.ndarray
    """(n, h, w, 3) uint8 RGB, gamma-encoded; n >= 3."""
    pts: np.ndarray
    """(n,) int64, strictly increasing; the unit does not matter, only ratios are used."""


@dataclass(frozen=True, slots=True)
class Triplet:
    """Two frames and the true one between them, for validation."""

    name: str
    frame0: np.ndarray
    middle: np.ndarray
    frame1: np.ndarray
    tau: float


def read_shots(folder: Path, max_gigabytes: float | None = None, *, whole: bool = False) -> list[Shot]:
    """All usable shots of the videos in `folder` (searched recursively), decoded.

    Args:
        max_gigabytes: videos that would exceed this are skipped, all with one warning.
        whole: keep every frame of a video as one shot; for validation, where all programs must see the same frames.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of videos")
    room = float("inf") if max_gigabytes is None else max_gigabytes * 1e9
    shots: list[Shot] = []
    skipped: list[str] = []
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES):
        content = _read(path, room)
        if content is None:
            skipped.append(path.name)
            continue
        frames, pts = content
        if len(frames) < 3 or min(frames.shape[1:3]) < SMALLEST_SIDE:
            continue
        found = [Shot(path.stem, frames, pts)] if whole else split(path.stem, frames, pts)
        shots += found
        room -= frames.nbytes if found else 0
    if skipped:
        log.warning(
            "%s: %d videos do not fit into %g GB and are left out, the first one %s",
            folder,
            len(skipped),
            max_gigabytes,
            skipped[0],
        )
    if not shots:
        raise InputError(f"{folder}: no usable shot; expected videos with three different frames in a row")
    return shots


def _read(path: Path, room: float) -> tuple[np.ndarray, np.ndarray] | None:
    """Frames and presentation times (no frames, with one line to say why, if unreadable); None: more than `room`."""
    frames: list[np.ndarray] = []
    pts: list[int] = []
    size = 0
    try:
        for frame in decode(path, ahead=True):
            assert frame.rgb is not None  # all are wanted
            size += frame.rgb.nbytes
            if size > room:
                return None
            if frames and frame.rgb.shape != frames[0].shape:
                log.warning("%s: the frame size changes, only the first %d frames are used", path, len(frames))
                break
            frames.append(frame.rgb)
            pts.append(frame.pts)
    except InputError as reason:
        log.warning("%s; %s", reason, f"{len(frames)} frames are used" if frames else "left out")
    if not frames:
        return np.empty((0, 0, 0, 3), np.uint8), np.empty(0, np.int64)
    times = np.array(pts, np.int64)
    if (np.diff(times) <= 0).any():
        log.warning("%s: times do not increase, frames are taken as evenly spaced", path)
        times = np.arange(len(frames), dtype=np.int64)
    return np.stack(frames), times


# Shots -----------------------------------------------------------------------------


def split(name: str, frames: np.ndarray, pts: np.ndarray) -> list[Shot]:
    """The shots of a video, without repeated frames.

    Film at 24 frames in a video of 30 repeats every fourth frame: A B C D D E F ... The file's clock then lies about
    the distance of D and E. So a shot also ends where the number of repeats changes, and animation on twos
    (A A B B C C) stays one shot.
    """
    repeated = np.array([False, *(_is_repeat(a, b) for a, b in pairwise(frames))])
    kept = np.flatnonzero(~repeated)
    if repeated.any():
        frames = frames[kept]  # otherwise no copy is made
    repeats = np.diff(kept)
    cuts = find_cuts(frames)
    shots, start = [], 0
    for link in range(len(kept)):  # link i joins frame i to frame i + 1; the last one stands for the end
        ends = link == len(kept) - 1 or cuts[link]
        if ends or (link > start and repeats[link] != repeats[start]):
            if link - start >= 2:
                shots.append(Shot(name, frames[start : link + 1], pts[kept[start : link + 1]]))
            start = link + 1 if ends else link
    return shots


def _is_repeat(first: np.ndarray, second: np.ndarray) -> bool:
    """Nearly equal on the whole and in every block: one small thing that moves in a still scene is motion."""
    difference = cv2.absdiff(first, second)
    if np.mean(cv2.mean(difference)[:3]) >= 0.3:
        return False
    blocks = (max(1, first.shape[1] // 16), max(1, first.shape[0] // 16))
    return float(cv2.resize(difference, blocks, interpolation=cv2.INTER_AREA).max()) < 3


def find_cuts(frames: np.ndarray) -> np.ndarray:
    """(n - 1,) bool: frame i + 1 does not continue frame i.

    At a cut a thumbnail changes much more than in the steps around it; a fast pan changes it all the time. Amid fast
    motion the distribution of its values tells: motion moves values about, a cut replaces them.
    """
    thumbnails = [cv2.resize(frame, (32, 24), interpolation=cv2.INTER_AREA).astype(np.float32) for frame in frames]
    sorted_values = [np.sort(thumbnail.reshape(-1, 3), 0) for thumbnail in thumbnails]
    return _outliers(thumbnails) | _outliers(sorted_values)


def _outliers(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """(n - 1,) bool: a change of more than 12 levels and four times the median of the eight changes around it."""
    change = np.array([np.abs(a - b).mean() for a, b in pairwise(pictures)])
    outliers = np.zeros(len(change), bool)
    for index, value in enumerate(change):
        around = np.concatenate([change[max(0, index - 4) : index], change[index + 1 : index + 5]])
        usual = float(np.median(around)) if around.size else 0.0
        outliers[index] = value > 12 and value > 4 * max(usual, 1.0)
    return outliers


def validation_triplets(shots: Sequence[Shot], per: int = 3, gap: int = 1) -> list[Triplet]:
    """`per` evenly spaced triplets of each shot, the neighbours `gap` frames away; the same ones every time."""
    triplets = []
    for shot in shots:
        count = len(shot.frames)
        if count < 2 * gap + 1:
            continue
        for j in np.unique(np.linspace(gap, count - 1 - gap, per).round().astype(int)):
            i, k = j - gap, j + gap
            triplets.append(Triplet(shot.name, shot.frames[i], shot.frames[j], shot.frames[k], _tau(shot, i, j, k)))
    return triplets


def _tau(shot: Shot, i: int, j: int, k: int) -> float:
    return float((shot.pts[j] - shot.pts[i]) / (shot.pts[k] - shot.pts[i]))


# Samples ---------------------------------------------------------------------------


class RealClips:
    """Draws frames i < j < k of one shot, cropped where something moves, scaled, turned and recoloured."""

    def __init__(self, shots: Sequence[Shot], crop: int = 192) -> None:
        self.crop = crop
        self._shots = list(shots)
        # Square root: long shots hold more to see, but not in proportion.
        weights = np.sqrt([len(shot.frames) for shot in shots])
        self._chances = weights / weights.sum()
        self._gaps = list(GAPS)
        self._gap_chances = np.array(list(GAPS.values())) / sum(GAPS.values())

    def draw(self, rng: np.random.Generator) -> Sample:
        for _ in range(20):
            frames, tau, motion = self._draw_frames(rng)
            if motion >= 1 or rng.random() < 0.2:
                break
        resized = [resize(frame, self.crop) for frame in frames]
        frame0, middle, frame1 = turn(rng, resized)
        if rng.random() < 0.5:
            frame0, frame1, tau = frame1, frame0, 1 - tau
        flow, flow_weight = teach(frame0, middle, frame1)
        frame0, middle, frame1 = recolour(rng, [frame0, middle, frame1])
        return Sample(frame0, frame1, middle, tau, flow, flow_weight)

    def _draw_frames(self, rng: np.random.Generator) -> tuple[list[np.ndarray], float, float]:
        """Three equal windows of one shot, tau, and how much the window changes (mean difference of bytes)."""
        shot = self._shots[int(rng.choice(len(self._shots), p=self._chances))]
        before, after = self._gaps[int(rng.choice(len(self._gaps), p=self._gap_chances))]
        if before + after >= len(shot.frames):
            before = after = 1
        i = int(rng.integers(0, len(shot.frames) - before - after))
        j, k = i + before, i + before + after
        height, width = shot.frames.shape[1:3]
        side = min(round(self.crop / draw_scale(rng)), height, width)
        corners = rng.integers(0, (height - side + 1, width - side + 1), (3, 2))
        windows = [(slice(y, y + side), slice(x, x + side)) for y, x in corners.tolist()]
        motions = np.array([_change(shot.frames[i][window], shot.frames[k][window]) for window in windows])
        best = int(rng.choice(3, p=(motions + 0.2) / (motions + 0.2).sum()))
        frames = [shot.frames[index][windows[best]] for index in (i, j, k)]
        return frames, _tau(shot, i, j, k), float(motions[best])


def _change(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first[::4, ::4].astype(np.int16) - second[::4, ::4]).mean())


def draw_scale(rng: np.random.Generator) -> float:
    """Output pixels per pixel of the video."""
    mood = rng.random()
    if mood < 0.5:
        return 1.0
    return float(rng.uniform(0.5, 1) if mood < 0.94 else rng.uniform(1, 2))


def resize(frame: np.ndarray, side: int) -> np.ndarray:
    if frame.shape[0] == side:
        return frame
    how = cv2.INTER_AREA if frame.shape[0] > side else cv2.INTER_CUBIC
    return cv2.resize(np.ascontiguousarray(frame), (side, side), interpolation=how)


def turn(rng: np.random.Generator, frames: Sequence[np.ndarray]) -> list[np.ndarray]:
    """All frames mirrored and turned by a multiple of 90 degrees alike."""
    across, down, diagonal = rng.random(3) < 0.5
    turned = [frame[:: -1 if down else 1, :: -1 if across else 1] for frame in frames]
    if diagonal:
        turned = [frame.transpose(1, 0, 2) for frame in turned]
    return [np.ascontiguousarray(frame) for frame in turned]


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


# Flow ------------------------------------------------------------------------------

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
