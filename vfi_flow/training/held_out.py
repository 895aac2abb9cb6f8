"""Frames of the training videos themselves that are kept back, to tell whether what was learned holds for others."""

from collections.abc import Sequence

from vfi_flow.training.places import Spacing, spread
from vfi_flow.training.shots import Shot
from vfi_flow.training.triplets import Around, Timed, Triplet, triplet_of
from vfi_flow.training.validation import Place

SHARE = 0.25
"""Of the frames of a shot, its end; what is left is trained on."""
FEWEST = 3
"""Frames on either side below which a shot stays whole."""
MIDDLE = Spacing(1, 1)


def hold_out(shots: Sequence[Shot], per_shot: int, most: int) -> tuple[list[Shot], list[Place]]:
    """The shots without their ends, and at most `per_shot` dropped frames in each end, `most` of them in all."""
    kept, places = [], []
    for shot in shots:
        count = len(shot.frames)
        first = count - max(FEWEST, round(SHARE * count))
        if first < FEWEST:
            kept.append(shot)
            continue
        kept.append(Shot(shot.name, shot.frames[:first], shot.pts[:first]))
        middles = spread(count - first, MIDDLE, per_shot)
        places += [Place(shot.name, triplet_at(shot, first + middle)) for middle in middles]
    return kept, evenly(places, most)


def evenly(places: Sequence[Place], count: int) -> list[Place]:
    """At most `count` of the places, at even distances."""
    return [places[index] for index in spread(len(places), Spacing(0, 0), count)]


def triplet_at(shot: Shot, index: int) -> Triplet:
    """Frame `index` of the shot, both its neighbours, and those two frames further, where the shot has them."""
    around = Around.at(index, MIDDLE)
    known = (number for number in around if 0 <= number < len(shot.frames))
    return triplet_of(around, {n: Timed(shot.frames[n], int(shot.pts[n])) for n in known})
