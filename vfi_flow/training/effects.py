"""What happens to rendered frames: light that changes, noise, compression. Frames are (h, w, 3) RGB in 0..255."""

from collections.abc import Sequence

import cv2
import numpy as np

from vfi_flow.training import surfaces
from vfi_flow.training.frame import to_bytes
from vfi_flow.training.motions import Rng


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


def dissolve(rng: Rng, frames: Sequence[np.ndarray], others: Sequence[np.ndarray], tau: float) -> list[np.ndarray]:
    """frame0, middle and frame1 while `others` appear over them, evenly in time: no motion explains it."""
    first, last = rng.uniform(0, 0.5), rng.uniform(0.5, 1)
    shares = (first, first + tau * (last - first), last)
    return [frame + share * (other - frame) for share, frame, other in zip(shares, frames, others, strict=True)]


def add_grain(rng: Rng, frames: Sequence[np.ndarray], sigma: float) -> list[np.ndarray]:
    return [frame + np.float32(sigma) * rng.standard_normal(frame.shape, np.float32) for frame in frames]


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
