"""Words of a command line as values, for options of any command."""

import argparse
from collections.abc import Callable
from typing import TypeVar

from vfi_flow.model.config import LARGEST_STRENGTH

T = TypeVar("T")


def read_by(parse: Callable[[str], T]) -> Callable[[str], T]:
    """`parse` as an argparse type whose ValueErrors are shown as they are."""

    def read(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


def parse_count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"{text!r} is not a whole number above 0")
    return int(text)


def parse_strength(text: str) -> float:
    value = float(text) if text.replace(".", "", 1).isdecimal() else -1.0
    if not 0 <= value <= LARGEST_STRENGTH:
        raise ValueError(f"{text!r} is not a number from 0 to {LARGEST_STRENGTH}")
    return value
