"""What the engine has made of the frames of a stream so far: every frame is encoded once, every motion found once."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vfi_flow.inference.depth import as_floats
from vfi_flow.inference.engine import Engine, Frame, Image, Motion
from vfi_flow.inference.padding import pad_frame
from vfi_flow.inference.pair import Pair

KEPT = 4
"""Frames: a pair and its neighbours."""
SPARSE = 16
"""Every so many pixels of two frames are compared first."""


class Seen:
    """A frame, and what is known of it."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame.copy()  # contiguous, whatever the caller's view, and safe from changes in place
        self.features: Any = None
        self.motion: tuple[Seen, Any] | None = None
        """A frame after this one, and the motion between the two."""


class Recent:
    """The frames that were seen last."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._seen: list[Seen] = []

    def images(
        self, pair: Pair, taus: Sequence[float], noise: NDArray[np.float32], strength: float, frame_width: int
    ) -> Iterator[Image]:
        """The new images (padded H, padded W, 3) at `taus`; `frame_width` is that of the whole if these are tiles."""
        engine = self._engine
        seen0, seen1 = self._find(pair.frame0), self._find(pair.frame1)
        before = after = between = self._motion(seen0, seen1)
        if pair.before is not None:
            seen = self._find(pair.before.frame)
            before = self._motion(seen, seen0)
            if seen not in (seen0, seen1):
                seen.features = None  # no later pair of a stream needs them
        if pair.after is not None:
            after = self._motion(seen1, self._find(pair.after.frame))
        motion = Motion(between, before, after, pair.intervals, frame_width)
        for tau in taus:
            yield engine.compose(self._features(seen0), self._features(seen1), motion, tau, noise, strength)

    def _find(self, frame: Frame) -> Seen:
        """The frame among those that were seen, or as a new one; the one not used for longest is forgotten for it."""
        found = next((seen for seen in reversed(self._seen) if is_same(seen.frame, frame)), None)
        if found is None:
            found = Seen(frame)
        else:
            self._seen.remove(found)
        self._seen = [*self._seen, found][-KEPT:]
        return found

    def _features(self, seen: Seen) -> Any:
        if seen.features is None:
            seen.features = self._engine.encode(as_floats(pad_frame(seen.frame)))
        return seen.features

    def _motion(self, seen0: Seen, seen1: Seen) -> Any:
        """The motion between two frames."""
        if seen0.motion is None or seen0.motion[0] is not seen1:
            motion = self._engine.register(self._features(seen0), self._features(seen1))
            seen0.motion = seen1, motion
        return seen0.motion[1]


def is_same(one: Frame, other: Frame) -> bool:
    """Whether two frames show the same: a number means less in 16 bits than in 8."""
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    return np.array_equal(one[::SPARSE, ::SPARSE], other[::SPARSE, ::SPARSE]) and np.array_equal(one, other)
