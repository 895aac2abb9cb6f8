"""Rows and columns at the sides of a picture that are no part of what it shows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Sides:
    """Rows and columns at the four sides of a picture."""

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0

    def __bool__(self) -> bool:
        return self != Sides()

    def size_inside(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns that lie between them in a picture of that size; below 1 where nothing does."""
        return height - self.top - self.bottom, width - self.left - self.right

    def inside(self, frame: np.ndarray) -> np.ndarray:
        """The view of `frame` (H, W, ...) that lies between them, where something does."""
        height, width = frame.shape[:2]
        return frame[self.top : height - self.bottom, self.left : width - self.right]

    def parts(self, frame: np.ndarray) -> Iterator[np.ndarray]:
        """Views of `frame` (H, W, ...) that are the bars; no pixel is in two of them."""
        height, width = frame.shape[:2]
        middle = frame[self.top : height - self.bottom]
        yield from (frame[: self.top], frame[height - self.bottom :])
        yield from (middle[:, : self.left], middle[:, width - self.right :])

    def common(self, other: "Sides") -> "Sides":
        """What belongs to both."""
        return self._with(other, min)

    def without(self, outer: "Sides") -> "Sides":
        """What of them is left inside `outer` ones."""
        return self._with(outer, lambda own, taken: max(0, own - taken))

    def widened(self, pixels: int) -> "Sides":
        """Those that are there, by so many pixels."""
        return self._with(self, lambda side, _: side + pixels if side else 0)

    def _with(self, other: "Sides", join: Callable[[int, int], int]) -> "Sides":
        return Sides(
            join(self.top, other.top),
            join(self.bottom, other.bottom),
            join(self.left, other.left),
            join(self.right, other.right),
        )
