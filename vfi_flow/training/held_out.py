"""Frames of the training videos themselves that are kept back, to tell whether what was learned holds for others."""

from collections.abc import Sequence
from fractions import Fraction

from vfi_flow.training.places import Triplet, spacing, spread
from vfi_flow.training.shots import Shot
from vfi_flow.training.validation import Place

SHARE = 0.25
"""Of the frames of a shot, its end; what is left is trained on."""
FEWEST = 3
"""Frames on either side below which a shot stays whole."""
UNEVEN = 1.25
"""How many times as long as the other one of two intervals may be that pass for equal; clocks of 1 ms round."""


def hold_out(shots: Sequence[Shot], per_shot: int) -> tuple[list[Shot], list[Place]]:
    """The shots without their ends, and at most `per_shot` dropped frames in each end."""
    kept, places = [], []
    for shot in shots:
        count = len(shot.frames)
        first = count - max(FEWEST, round(SHARE * count))
        if first < FEWEST:
            kept.append(shot)
            continue
        kept.append(Shot(shot.name, shot.frames[:first], shot.pts[:first]))
        middles = spread(count - first, spacing(Fraction(1, 2), 1), per_shot)
        even = (first + middle for middle in middles if is_even(shot, first + middle - 1, 1))
        places += [Place(shot.name, triplet_at(shot, index)) for index in even]
    return kept, places


def is_even(shot: Shot, start: int, step: int) -> bool:
    """Whether two intervals of `step` frames each, the first from frame `start` on, are about as long."""
    first, second, third = shot.pts[start : start + 2 * step + 1 : step].tolist()
    return 1 / UNEVEN <= (third - second) / (second - first) <= UNEVEN


def triplet_at(shot: Shot, index: int) -> Triplet:
    """Frame `index` of the shot, both its neighbours, and those two frames further, where the shot has them and its
    clock is even: everything is asked for half-way, and neighbours pass for equally far."""
    frame0, truth, frame1 = shot.frames[index - 1 : index + 2]
    before = shot.frames[index - 3] if index >= 3 and is_even(shot, index - 3, 2) else None
    after = shot.frames[index + 3] if index + 3 < len(shot.frames) and is_even(shot, index - 1, 2) else None
    return Triplet(index, frame0, truth, frame1, before, after)
