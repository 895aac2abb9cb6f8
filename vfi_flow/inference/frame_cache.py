"""What the engine has made of the frames of a stream so far: every frame is encoded once, every motion found once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from vfi_flow.inference.depth import as_floats
from vfi_flow.inference.engine import Engine, Frame, Image, Motion
from vfi_flow.inference.padding import pad_frame
from vfi_flow.inference.pair import Pair
from vfi_flow.inference.scale import FAR, Halvings, halved

KEPT = 4
"""Frames: a pair and its neighbours. For every call more that runs at the same time, `KEPT_PER_CALL` more are kept."""
KEPT_PER_CALL = 2
"""Each further call needs one more frame, and one to spare because the call for a later pair may come first."""
SPARSE = 16
"""Every so many pixels of two frames are compared first."""


class CachedFrame:
    """A frame, and what is known of it; whoever needs it first finds it out, and others wait for that."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame.copy()  # contiguous, whatever the caller's view, and safe from changes in place
        self.features: list[Any] = []
        """Of the frame and of its copies of half of its size, of a quarter, ... as far as they were wanted."""
        self.motion: tuple[ref[CachedFrame], Any] | None = None
        """A frame after this one, and the motion between the two; frames that are no longer seen keep no others."""
        self.encoding, self.registering = Lock(), Lock()


class FrameCache:
    """The frames that were seen last. Several threads may ask at the same time."""

    def __init__(self, engine: Engine, halvings: Halvings) -> None:
        self._engine, self._halvings = engine, halvings
        self._seen: list[CachedFrame] = []
        self._lock = Lock()
        self._calls, self._most_calls = 0, 1

    def images(
        self, pair: Pair, taus: Sequence[float], noise: NDArray[np.float32], strength: float, frame_width: int
    ) -> Iterator[Image]:
        """The new images (padded H, padded W, 3) at `taus`; `frame_width` is that of the whole if these are tiles."""
        with self._called():
            earlier, seen0, seen1, later = self._find_all(pair)
            # The last one first: calls for the pairs before have found out the others, or do so now.
            after = None if later is None else self._motion(seen1, later)
            between = self._motion(seen0, seen1)
            before = None if earlier is None else self._motion(earlier, seen0)
            motion = Motion(between, before or between, after or between, pair.intervals, frame_width)
            if earlier not in (None, seen0, seen1):
                earlier.features = []  # no later pair of a stream needs them
            features0, features1 = self._features(seen0), self._features(seen1)
            for tau in taus:
                yield self._engine.compose(features0, features1, motion, tau, noise, strength)

    @contextmanager
    def _called(self) -> Iterator[None]:
        with self._lock:
            self._calls += 1
            self._most_calls = max(self._most_calls, self._calls)
        try:
            yield
        finally:
            with self._lock:
                self._calls -= 1

    def _find_all(self, pair: Pair) -> tuple[CachedFrame | None, CachedFrame, CachedFrame, CachedFrame | None]:
        """The frames of a pair with its neighbours, in their order."""
        with self._lock:
            before, after = pair.before, pair.after
            earlier = None if before is None else self._find(before.frame)
            seen0, seen1 = self._find(pair.frame0), self._find(pair.frame1)
            return earlier, seen0, seen1, None if after is None else self._find(after.frame)

    def _find(self, frame: Frame) -> CachedFrame:
        """The frame among those that were seen, or as a new one; the one not used for longest is forgotten for it."""
        found = next((seen for seen in reversed(self._seen) if is_same(seen.frame, frame)), None)
        if found is None:
            found = CachedFrame(frame)
        else:
            self._seen.remove(found)
        self._seen = [*self._seen, found][-(KEPT + KEPT_PER_CALL * (self._most_calls - 1)) :]
        return found

    def _features(self, seen: CachedFrame, halvings: int = 0) -> Any:
        """Those of the frame, or of a copy that was halved so many times."""
        with seen.encoding:
            features = seen.features
            while len(features) <= halvings:
                features.append(self._engine.encode(smaller_copy(seen.frame, len(features))))
            return features[halvings]

    def _motion(self, seen0: CachedFrame, seen1: CachedFrame) -> Any:
        """The motion between two frames."""
        with seen0.registering:
            if seen0.motion is None or seen0.motion[0]() is not seen1:
                seen0.motion = ref(seen1), self._find_motion(seen0, seen1)
            return seen0.motion[1]

    def _find_motion(self, seen0: CachedFrame, seen1: CachedFrame, halvings: int = 0) -> Any:
        """The motion between copies that were halved so many times; what moves too far is found on smaller ones."""
        features = self._features(seen0, halvings), self._features(seen1, halvings)
        if halvings >= self._halvings.least:
            found = self._engine.register(*features)
            if halvings == self._halvings.most or self._engine.reach(found) <= FAR:
                return found
        return self._engine.enlarge(self._find_motion(seen0, seen1, halvings + 1), *features)


def smaller_copy(frame: Frame, halvings: int) -> Image:
    """`frame` halved so many times, padded; the frame itself with 0."""
    image = as_floats(pad_frame(frame))
    for _ in range(halvings):
        image = pad_frame(halved(image))
    return image


def is_same(one: Frame, other: Frame) -> bool:
    """Whether two frames show the same: a number means less in 16 bits than in 8."""
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    return np.array_equal(one[::SPARSE, ::SPARSE], other[::SPARSE, ::SPARSE]) and np.array_equal(one, other)
