"""Which of two intervals beside each other says something of the motion in the other."""

from fractions import Fraction

LEAST, MOST = 1 / 2, 2
"""Lengths of an interval, in units of the one beside it, between which each says something of the other."""


def is_alike(interval: Fraction | float) -> bool:
    """Whether motion in `interval` says something of that in one beside it, whose length is its unit."""
    return LEAST <= interval <= MOST
