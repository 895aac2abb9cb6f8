"""The time code of a video that begins later and counts its frames at another rate.

SMPTE ST 12-1: HH:MM:SS:FF, with a semicolon before the frames where numbers are left out (drop frame), so that codes of
29.97 and 59.94 frames a second keep up with the clock.
"""

import math
import re
from collections.abc import Mapping
from fractions import Fraction

# Above 100 frames a second, which SMPTE does not know, the number of the frame has a third digit.
CODE = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d{2,3})")
DAY = 24 * 3600
TAG = "timecode"
"""The key of a time code in tags, in any case."""


def with_retimed(tags: Mapping[str, str], rate: Fraction, new_rate: Fraction, start: Fraction) -> dict[str, str]:
    """Tags of a file or of its video, in which the time code is as `retimed` makes it."""
    return {key: retimed(value, rate, new_rate, start) if key.lower() == TAG else value for key, value in tags.items()}


def retimed(code: str, rate: Fraction, new_rate: Fraction, start: Fraction) -> str:
    """`code` of the first frame at `rate`, as that of the frame `start` seconds later, at `new_rate`.

    What is no time code of that rate stays as it is.
    """
    match, base, new_base = CODE.fullmatch(code), round(rate), round(new_rate)
    if match is None or not new_base or int(match[5]) >= base:
        return code
    hours, minutes, seconds, frames = (int(match[n]) for n in (1, 2, 3, 5))
    drops = match[4] != ":" and base % 30 == 0
    count = (hours * 3600 + minutes * 60 + seconds) * base + frames
    count = with_dropped(without_dropped(count, base, drops) + math.ceil(start * rate), base, drops)
    seconds, frames = divmod(count, base)
    frames = frames * new_base // base
    drops = drops and new_base % 30 == 0
    if drops and is_dropped(seconds, frames, new_base):
        frames = dropped_a_minute(new_base)
    clock = f"{seconds % DAY // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{clock}{';' if drops else ':'}{frames:02}"


def dropped_a_minute(base: int) -> int:
    """Numbers that are left out at the start of every minute but each tenth: 2 of 30 frames a second."""
    return base // 15


def is_dropped(seconds: int, frames: int, base: int) -> bool:
    return seconds % 60 == 0 and seconds // 60 % 10 != 0 and frames < dropped_a_minute(base)


def without_dropped(number: int, base: int, drops: bool) -> int:
    """Frames before the one that is called `number`, all numbers counted."""
    minutes = number // (60 * base)
    return number - (minutes - minutes // 10) * dropped_a_minute(base) if drops else number


def with_dropped(frames: int, base: int, drops: bool) -> int:
    """The number of a frame that has `frames` before it."""
    if not drops:
        return frames
    dropped = dropped_a_minute(base)
    tens, rest = divmod(frames, 600 * base - 9 * dropped)
    minutes = 0 if rest < 60 * base else 1 + (rest - 60 * base) // (60 * base - dropped)
    return frames + (9 * tens + minutes) * dropped
