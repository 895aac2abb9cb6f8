"""Frames and shots with known motion: a texture that slides under a small window."""

from collections.abc import Sequence

import cv2
import numpy as np

from vfi_flow.training.shots import Shot

HEIGHT, WIDTH = 72, 96


def texture(seed: int, height: int = 240, width: int = 320) -> np.ndarray:
    noise = np.random.default_rng(seed).random((height // 4, width // 4, 3), np.float32)
    return np.clip(255 * cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def pan(count: int, seed: int = 0, step: tuple[int, int] = (2, 1)) -> list[np.ndarray]:
    """Frames of a texture whose content moves right by step[0] and down by step[1] pixels a frame."""
    picture = texture(seed)
    corners = [(100 - step[0] * i, 60 - step[1] * i) for i in range(count)]
    return [np.ascontiguousarray(picture[y : y + HEIGHT, x : x + WIDTH]) for x, y in corners]


def as_shot(frames: Sequence[np.ndarray], pts: Sequence[int] | None = None) -> Shot:
    return Shot("shot", np.stack(frames), np.array(range(len(frames)) if pts is None else pts, np.int64))
