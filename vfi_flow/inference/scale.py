"""How large the frames are on which motion is found: large frames that move far are halved for it (`model.scale`)."""

from dataclasses import dataclass
from fractions import Fraction
from numbers import Real
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vfi_flow.errors import UsageError
from vfi_flow.inference.engine import Image

LARGE = 960
"""Pixels of the longer side from which on a frame may be halved."""
FAR, SHARE = 48.0, 0.95
"""A large frame is halved where one in twenty of its places moves by more than FAR pixels (docs/experiments.md)."""
SPARSE = 4
"""Every so many places of the motion are looked at."""
SCALES: dict[Real | float, int] = {Fraction(1, 2**halvings): halvings for halvings in range(4)}

ScaleOption = Literal["auto"] | float | Fraction
"""auto: by the size of the frames and how far they move; a number: 1, 1/2, 1/4 or 1/8 of their width and height."""


@dataclass(frozen=True, slots=True)
class Halvings:
    """How many times frames are halved before their motion is found: more than `least` times only if it is far."""

    least: int
    most: int


def halvings_for(scale: ScaleOption, height: int, width: int, downscale: int) -> Halvings:
    """Those of frames of that size, for a network that divides their sides by `downscale` itself.

    With `auto` their longer side stays above LARGE / 2: the network was trained on videos of that kind. Raises
    UsageError for a scale that there is not.
    """
    if scale != "auto":
        if not isinstance(scale, Real) or scale not in SCALES:
            raise UsageError(f"scale must be auto, 1, 1/2, 1/4 or 1/8, got {scale!r}")
        return Halvings(SCALES[scale], SCALES[scale])
    side, most = max(height, width) // downscale, 0
    while side >= LARGE and most < max(SCALES.values()):
        side, most = side // 2, most + 1
    return Halvings(0, most)


def halved(image: Image) -> Image:
    """`image` (H, W, 3), H and W even, averaged over blocks of 2x2."""
    rows = image[0::2] + image[1::2]
    return (rows[:, 0::2] + rows[:, 1::2]) * np.float32(0.25)


def reach(motion: NDArray[Any]) -> float:
    """By how many pixels SHARE of a picture moves at most; `motion` is (1, 2, h, w) on half of its size."""
    x, y = motion[0, :, ::SPARSE, ::SPARSE]
    return float(2 * np.quantile(np.hypot(x, y), SHARE))
