"""What training, its measures and its baselines call a frame."""

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
"""(H, W, 3) RGB, gamma-encoded."""
