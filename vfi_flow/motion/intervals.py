"""Which of two intervals beside each other says something of the motion in the other."""

from fractions import Fraction

MOST_UNLIKE = 2
"""How many times as long as the other one of two may be."""


def is_alike(interval: Fraction | float) -> bool:
    """Whether motion in `interval` says something of that in one beside it, whose length is its unit."""
    return 1 / MOST_UNLIKE <= interval <= MOST_UNLIKE
