"""Places of a clip where a true frame can be dropped and made again."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np

from vfi_flow.errors import InputError, UsageError
from vfi_flow.media.scenes import HEIGHT, WIDTH, CutDetector
from vfi_flow.training.baselines import load_cv2
from vfi_flow.training.decoding import decode


@dataclass(frozen=True, slots=True)
class Spacing:
    """How many frames lie from `frame0` to the dropped frame and from there to `frame1`."""

    before: int
    after: int

    @property
    def tau(self) -> float:
        return self.before / (self.before + self.after)


def spacing(tau: Fraction, gap: int) -> Spacing:
    """tau = p/q takes the frames p * gap before and (q - p) * gap behind the dropped one: j - 1 and j + 1 for 1/2."""
    if not 0 < tau < 1 or tau.denominator > 8:
        raise UsageError(f"--tau must be a fraction between 0 and 1 with a denominator of at most 8, got {tau}")
    if gap < 1:
        raise UsageError(f"--gap must be at least 1, got {gap}")
    return Spacing(tau.numerator * gap, (tau.denominator - tau.numerator) * gap)


def clip_names(paths: Sequence[Path]) -> dict[Path, str]:
    """What clips are called: by the shortest of stem, name and path that is not that of two."""
    spellings = [[path.stem for path in paths], [path.name for path in paths], list(map(str, paths))]
    counts = [Counter(names) for names in spellings]
    return {
        path: next(names[place] for names, count in zip(spellings, counts, strict=True) if count[names[place]] == 1)
        for place, path in enumerate(paths)
    }


def spread(frames: int, spacing: Spacing, count: int | None) -> list[int]:
    """Frame numbers to drop in a clip of `frames` frames: `count` of them, evenly spaced from the first place that
    has both neighbours to the last, a single one in the middle; None: as many as there are when each kept frame serves
    two neighbours."""
    first, last = spacing.before, frames - 1 - spacing.after
    if last < first:
        return []
    if count is None:
        return list(range(first, last + 1, spacing.before + spacing.after))
    if count == 1:
        return [(first + last) // 2]
    count = min(count, last - first + 1)  # a short clip has fewer places than asked for
    return sorted({int(place) for place in np.linspace(first, last, count).round()})


@dataclass(frozen=True, slots=True)
class Footage:
    """What is known of a clip before its frames are fetched."""

    times: list[float]
    """When each frame is shown, in seconds from the first."""
    cuts: list[int]
    """Frames that begin another scene than the frame before them shows."""

    def joined(self, first: int, last: int) -> bool:
        """Whether frame `first` and the later frame `last` are of one scene."""
        return not any(first < cut <= last for cut in self.cuts)

    def places(self, spacing: Spacing, count: int | None) -> list[int]:
        """Those of `spread` whose neighbours are of one scene."""
        chosen = spread(len(self.times), spacing, count)
        return [place for place in chosen if self.joined(place - spacing.before, place + spacing.after)]


def look_through(clip: Path) -> Footage:
    """The times of a clip, and where it would be cut if frames were made for it."""
    cv2 = load_cv2()
    detector, left = CutDetector(), None
    seconds: list[Fraction] = []
    cuts: list[int] = []
    for number, frame in enumerate(decode(clip)):
        assert frame.rgb is not None  # all are wanted
        luma = cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2GRAY)
        right = cv2.resize(luma, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32)
        if left is not None and detector.is_cut(left, right):
            cuts.append(number)
        seconds.append(frame.seconds)
        left = right
    return Footage([float(moment - seconds[0]) for moment in seconds], cuts)


def check(clip: Path, spacing: Spacing) -> None:
    """Fails now, rather than after hours of other clips, if the clip cannot be read or has no place to measure."""
    needed = spacing.before + spacing.after + 1
    found = sum(1 for _ in islice(decode(clip, wanted=()), needed))
    if found < needed:
        raise InputError(f"{clip}: {found} frames are too few; {needed} are needed to drop one and keep its neighbours")
