"""The noise the flow starts from: a function of seed and place, not of the order of the work."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


def pair_noise(seed: int, pts: int, height: int, width: int) -> NDArray[np.float32]:
    """Standard Gaussian noise (1, 3, height, width) of the source pair that starts at `pts`.

    It depends on `seed` and `pts` alone, not on chunks, workers or resuming. All new frames of a pair share it, which
    keeps their texture from boiling. Every pair sees the noise of its seed, shifted by its own way around the frame:
    to draw it anew would take 8 ms for 640x360, where all of `fast` takes a hundred.
    """
    generator = keyed(seed, pts)
    shift = int(generator.integers(height)), int(generator.integers(width))
    return np.roll(noise_of_seed(seed, height, width), shift, axis=(2, 3))


@lru_cache(maxsize=1)
def noise_of_seed(seed: int, height: int, width: int) -> NDArray[np.float32]:
    """(1, 3, height, width), read-only."""
    noise = keyed(seed, 0).standard_normal((1, 3, height, width), dtype=np.float32)
    noise.flags.writeable = False
    return noise


def keyed(seed: int, number: int) -> np.random.Generator:
    """A counter-based generator (Philox, Salmon et al. 2011): equal keys draw the same, whatever was drawn before."""
    return np.random.Generator(np.random.Philox(key=np.array([seed & (2**64 - 1), number & (2**64 - 1)], np.uint64)))
