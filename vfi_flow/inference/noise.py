"""The noise the flow starts from: a function of seed and place, not of the order of the work."""

import numpy as np
from numpy.typing import NDArray


def pair_noise(seed: int, pts: int, height: int, width: int) -> NDArray[np.float32]:
    """Standard Gaussian noise (1, 3, height, width) of the source pair that starts at `pts`.

    Drawn from a counter-based generator (Philox, Salmon et al. 2011) keyed by `seed` and `pts`, so it does not depend
    on chunks, workers or resuming. All new frames of a pair share it, which keeps their texture from boiling.
    """
    key = np.array([seed & (2**64 - 1), pts & (2**64 - 1)], dtype=np.uint64)
    generator = np.random.Generator(np.random.Philox(key=key))
    return generator.standard_normal((1, 3, height, width), dtype=np.float32)
