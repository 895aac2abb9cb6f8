"""Two frames, and those before and after them: what a new frame is made of."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from vfi_flow.inference.engine import Frame
from vfi_flow.motion.intervals import is_alike


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A frame before or after a pair: with it the motion between the two need not be even."""

    frame: Frame
    interval: float = 1.0
    """Time between it and the nearer frame of the pair, in units of the time between the two."""

    @property
    def tells(self) -> bool:
        """Whether it is near enough, and not too near, to say something of the motion between the two."""
        return is_alike(self.interval)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two frames to make others between, with what lies around them; all are of one shape and type."""

    frame0: Frame
    frame1: Frame
    before: Neighbour | None = None
    """The frame before `frame0`; None: unknown, or it tells nothing of the motion between the two."""
    after: Neighbour | None = None
    """The frame after `frame1`, likewise."""

    @property
    def intervals(self) -> tuple[float, float]:
        """Those of both neighbours; 0 where there is none."""
        before, after = (0.0 if one is None else float(one.interval) for one in (self.before, self.after))
        return before, after

    def changed(self, change: Callable[[Frame], Frame]) -> "Pair":
        """The same of changed frames."""
        before, after = (
            None if one is None else replace(one, frame=change(one.frame)) for one in (self.before, self.after)
        )
        return Pair(change(self.frame0), change(self.frame1), before, after)
