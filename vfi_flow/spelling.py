"""Whole numbers and sizes as people write them; times and rates are in `media.spelling`."""

import argparse
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def read_by(parse: Callable[[str], T]) -> Callable[[str], T]:
    """`parse` as an argparse type whose ValueErrors are shown as they are."""

    def read(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


def parse_count(text: str, least: int = 1) -> int:
    """A whole number from `least` up; ValueError with a sentence otherwise."""
    if not text.isdecimal() or int(text) < least:
        raise ValueError(f"{text!r} is not a whole number above {least - 1}")
    return int(text)


def parse_size(text: str) -> tuple[int, int]:
    """Width and height in pixels of what is written as `640x360`; ValueError with a sentence otherwise."""
    width, _, height = text.partition("x")
    try:
        return parse_count(width), parse_count(height)
    except ValueError:
        raise ValueError(f"{text!r} is not a size such as 640x360") from None
