"""Words of a command line as values, for options of any command."""

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Literal

from vfi_flow.inference.engine import MOST_THREADS
from vfi_flow.inference.scale import SCALES
from vfi_flow.model.config import LARGEST_STRENGTH
from vfi_flow.spelling import parse_count

SHARE = re.compile(r"[01](\.\d{1,3})?|1/[1-9]")


def split_words(values: Iterable[str]) -> list[str]:
    """What stands between spaces or commas, of words of a command line."""
    return [word for value in values for word in value.split(",")]


def parse_threads(text: str) -> int:
    if (count := parse_count(text)) > MOST_THREADS:
        raise ValueError(f"{text} are too many, at most {MOST_THREADS}")
    return count


def parse_scale(text: str) -> Literal["auto"] | Fraction:
    return "auto" if text == "auto" else parse_share(text, "auto, ")


def parse_share(text: str, others: str = "") -> Fraction:
    value = Fraction(text) if SHARE.fullmatch(text) else Fraction(0)
    if value not in SCALES:
        raise ValueError(f"{text!r} is not {others}1, 1/2, 1/4 or 1/8")
    return value


def parse_strength(text: str) -> float:
    value = float(text) if text.replace(".", "", 1).isdecimal() else -1.0
    if not 0 <= value <= LARGEST_STRENGTH:
        raise ValueError(f"{text!r} is not a number from 0 to {LARGEST_STRENGTH}")
    return value
