"""Pictures of linear light, as OpenEXR holds them: the model sees them gamma-encoded, as all it has learned from.

From linear to linear the curve of PQ is used, with 1.0 as 100 cd/m2: it reaches from 0 to 100.0 without a loss that
could be seen. Towards a video, and from one, the curve of sRGB is used, or PQ where the video is PQ. What is no number
counts as 0.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Curve = Callable[[Plane], Plane]

LINEAR, PQ, SRGB = 8, 16, 13
"""Transfer characteristics (ISO/IEC 23091-2)."""

PEAK = 100.0
"""What PQ calls 10,000 cd/m2."""

# SMPTE ST 2084, equations 4.1 and 5.1.
M1, M2 = 2610 / 16384, 2523 / 4096 * 128
C1, C2, C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


def pq_encoded(light: Plane) -> Plane:
    power = np.power(np.clip(np.nan_to_num(light / PEAK), 0, 1), M1)
    return np.power((C1 + C2 * power) / (1 + C3 * power), M2).astype(np.float32)


def pq_decoded(signal: Plane) -> Plane:
    power = np.power(np.clip(signal, 0, 1), 1 / M2)
    return (PEAK * np.power(np.maximum(power - C1, 0) / (C2 - C3 * power), 1 / M1)).astype(np.float32)


def srgb_encoded(light: Plane) -> Plane:
    """IEC 61966-2-1; brighter than white is white."""
    light = np.clip(np.nan_to_num(light), 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.power(light, 1 / 2.4) - 0.055).astype(np.float32)


def srgb_decoded(signal: Plane) -> Plane:
    signal = np.clip(signal, 0, 1)
    return np.where(signal <= 0.04045, signal / 12.92, np.power((signal + 0.055) / 1.055, 2.4)).astype(np.float32)


def encoding(source: int, target: int) -> Curve | None:
    """The curve from what is stored to what the model sees; None where that is the same."""
    if source != LINEAR:
        return None
    return pq_encoded if target in (LINEAR, PQ) else srgb_encoded


def decoding(source: int, target: int) -> Curve | None:
    """The curve from what the model makes to what is stored."""
    if target != LINEAR:
        return None
    return pq_decoded if source in (LINEAR, PQ) else srgb_decoded


def on_light(channels: dict[str, Plane], curve: Curve | None) -> dict[str, Plane]:
    """r, g, b or grey through the curve; alpha is no light."""
    if curve is None:
        return channels
    return {name: plane if name == "a" else curve(plane) for name, plane in channels.items()}
