"""Hard cuts: pairs of frames that show two scenes, between which nothing may be interpolated."""

import numpy as np

WIDTH, HEIGHT = 64, 36
"""Of the thumbnails that are compared: float32 luma in 0..255, each value the mean of its area."""
BLOCK_HEIGHT, BLOCK_WIDTH = 6, 8
SEARCH_Y, SEARCH_X = 4, 6
"""Motion looked for, in thumbnail pixels: a ninth of the height and a tenth of the width from frame to frame."""

# Chosen on 300 cuts, flashes, fades and pans made from training clips (precision 0.99, recall 0.99). On 280 cuts
# between validation clips, flashes, fades and pans beside them: precision 0.996, recall 0.993.
LEAST_DIFFERENCE = 12.0
"""Mean absolute difference, in code values, under which no pair is a cut."""
LEAST_CONTRAST = 2.0
"""A frame flatter than this (black, white, the top of a flash) has no structure to compare."""
UNEXPLAINED = 0.70
"""Part of the second frame's structure that motion and brightness do not explain, from which on a pair is a cut."""
ABOVE_RECENT = 0.15
"""How far a cut must stand out from the pairs before it: fast, chaotic motion is no series of cuts."""


class CutDetector:
    """Decides pair by pair, with nothing but the past as context; feed it all pairs of a video in order.

    Blocks of the second thumbnail are looked for in the first, with brightness and contrast evened out: what a pan, a
    flash or a fade changes is then explained, and what remains is new structure.
    """

    def __init__(self) -> None:
        self._recent: float | None = None

    def is_cut(self, left: np.ndarray, right: np.ndarray) -> bool:
        """Whether thumbnails `left` and `right` belong to two scenes."""
        return self.cut_score(left, right) is not None

    def cut_score(self, left: np.ndarray, right: np.ndarray) -> float | None:
        """What of `right` is new, 0.7 to about 1.3, where the two belong to two scenes; None where they do not."""
        if np.abs(left - right).mean() <= LEAST_DIFFERENCE:
            self._remember(0.0)
            return None
        if min(contrast(left), contrast(right)) < LEAST_CONTRAST:
            return None
        score, recent = unexplained(left, right), self._recent or 0.0
        self._remember(score)
        return score if score > max(UNEXPLAINED, recent + ABOVE_RECENT) else None

    def _remember(self, score: float) -> None:
        self._recent = score if self._recent is None else (self._recent + score) / 2


def unexplained(left: np.ndarray, right: np.ndarray) -> float:
    """0 where `right` is `left` moved, brighter or darker, about 1 where they have nothing in common."""
    blocks = centred_blocks(right)
    padded = np.pad(left, ((SEARCH_Y, SEARCH_Y), (SEARCH_X, SEARCH_X)), mode="edge")
    padded *= (contrast(right) + 0.5) / (contrast(left) + 0.5)
    best = np.full(blocks.shape[:2], np.inf, np.float32)
    for y in range(2 * SEARCH_Y + 1):
        for x in range(2 * SEARCH_X + 1):
            moved = centred_blocks(padded[y : y + HEIGHT, x : x + WIDTH])
            np.minimum(best, np.abs(blocks - moved).mean(axis=(2, 3)), out=best)
    return float(best.mean() / (np.abs(blocks).mean() + 1.0))


def contrast(image: np.ndarray) -> float:
    """Mean absolute deviation from the blocks' means, in code values."""
    return float(np.abs(centred_blocks(image)).mean())


def centred_blocks(image: np.ndarray) -> np.ndarray:
    """(6, 8, 6, 8): the blocks of a thumbnail, rows and columns first, each with mean 0."""
    rows, columns = HEIGHT // BLOCK_HEIGHT, WIDTH // BLOCK_WIDTH
    blocks = image.reshape(rows, BLOCK_HEIGHT, columns, BLOCK_WIDTH).swapaxes(1, 2)
    return blocks - blocks.mean(axis=(2, 3), keepdims=True)
