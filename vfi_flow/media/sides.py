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

    @property
    def widths(self) -> tuple[int, int, int, int]:
        """In the order of `from_sides`."""
        return self.top, self.bottom, self.left, self.right

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

    def where(self, there: "Sides") -> "Sides":
        """Those sides that are `there`."""
        return self._with(there, lambda own, other: own if other else 0)

    def plus(self, further: "Sides") -> "Sides":
        """With those that lie inside of them."""
        return self._with(further, lambda own, more: own + more)

    def _with(self, other: "Sides", join: Callable[[int, int], int]) -> "Sides":
        return Sides(
            join(self.top, other.top),
            join(self.bottom, other.bottom),
            join(self.left, other.left),
            join(self.right, other.right),
        )


def from_sides(picture: np.ndarray) -> tuple[np.ndarray, ...]:
    """Views of `picture` (H, W, ...) that begin at its top, bottom, left and right; columns are rows in the latter."""
    turned = picture.swapaxes(0, 1)
    return picture, picture[::-1], turned, turned[::-1]
