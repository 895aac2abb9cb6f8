"""Shots of ordinary videos: frames of one camera on their true clock.

Videos are decoded once and kept as bytes. Cuts end a shot and repeated frames are left out.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from vfi_flow.errors import InputError
from vfi_flow.inference.machine import free_memory
from vfi_flow.training.decoding import decode, find_videos

SMALLEST_SIDE = 64
"""Smaller videos would only be enlarged."""

FEWEST = 24
"""Frames that are read of every video while there is memory at all."""

USABLE = 1 / 3
"""Share of the free memory: frames of a video exist twice while they are put together, and learning needs some, too."""

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


def read_shots(folder: Path, max_gigabytes: float | None = None, judged_on: Collection[Path] = ()) -> list[Shot]:
    """All usable shots of the videos in `folder` (searched recursively), decoded.

    Args:
        max_gigabytes: memory for them, None: `USABLE` of what is free. Of a video that would need more than half of
            what is left of it the beginning is read; one warning for all of these.
        judged_on: videos that are left out, because what is learned here is measured on them.
    """
    paths = others_than(judged_on, folder)
    room = USABLE * free_memory() if max_gigabytes is None else max_gigabytes * 1e9
    shots: list[Shot] = []
    longer: list[str] = []
    small = short = 0
    gigabytes = room / 1e9
    for number, path in enumerate(paths):
        frames, pts, is_whole = _read(path, room, room if number == len(paths) - 1 else room / 2)
        longer += [] if is_whole else [path.name]
        if not len(frames):
            continue
        if min(frames.shape[1:3]) < SMALLEST_SIDE:
            small += 1
            continue
        found = split(path.stem, frames, pts)
        shots += found
        short += is_whole and not found
        room -= frames.nbytes if found else 0
    if longer:
        log.warning(
            "%s: of %d videos no more than the beginning fits into %.3g GB (--max-gigabytes), the first one %s",
            folder,
            len(longer),
            gigabytes,
            longer[0],
        )
    reasons = [f"{small} below {SMALLEST_SIDE} pixels"] if small else []
    reasons += [f"{short} without three different frames in a row"] if short else []
    if not shots:
        raise InputError(
            f"{folder}: no usable shot in {len(paths)} videos" + (f" ({', '.join(reasons)})" * bool(reasons))
        )
    if reasons:
        log.warning("%s: of %d videos are left out: %s", folder, len(paths), ", ".join(reasons))
    return shots


def others_than(judged_on: Collection[Path], folder: Path) -> list[Path]:
    """The videos of `folder` that are none of these, by whatever name; InputError where none is left."""
    found, taken = find_videos(folder), {path.resolve() for path in judged_on}
    others = [path for path in found if path.resolve() not in taken]
    if not others:
        raise InputError(f"{folder}: all its videos are in --val, too; without --val frames of them are kept back")
    if len(others) < len(found):
        log.warning("%s: videos that are in --val, too, are not learned from: %d", folder, len(found) - len(others))
    return others


def _read(path: Path, room: float, share: float) -> tuple[np.ndarray, np.ndarray, bool]:
    """Frames and presentation times, and whether these are all; no frames, with one line to say why, if unreadable.

    Takes no more than `room` bytes, and more than `share` for the first `FEWEST` frames only.
    """
    frames: list[np.ndarray] = []
    pts: list[int] = []
    is_whole = True
    try:
        for frame in decode(path, ahead=True):
            assert frame.rgb is not None  # all are wanted
            if (len(frames) + 1) * frame.rgb.nbytes > (share if len(frames) >= FEWEST else room):
                is_whole = False
                break
            if frames and frame.rgb.shape != frames[0].shape:
                log.warning("%s: the frame size changes, only the first %d frames are used", path, len(frames))
                break
            frames.append(frame.rgb)
            pts.append(frame.pts)
    except InputError as reason:
        log.warning("%s; %s", reason, f"{len(frames)} frames are used" if frames else "left out")
    if not frames:
        return np.empty((0, 0, 0, 3), np.uint8), np.empty(0, np.int64), is_whole
    times = np.array(pts, np.int64)
    if (np.diff(times) <= 0).any():
        log.warning("%s: times do not increase, frames are taken as evenly spaced", path)
        times = np.arange(len(frames), dtype=np.int64)
    return np.stack(frames), times, is_whole


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
