"""The time code of a result: the same moment, counted in its own frames."""

from fractions import Fraction

import pytest

from vfi_flow.media.timecode import retimed, with_dropped, without_dropped

NTSC, TWICE = Fraction(30000, 1001), Fraction(60000, 1001)


@pytest.mark.parametrize(
    ("code", "rate", "new_rate", "start", "expected"),
    [
        ("01:02:03:12", 25, 50, 0, "01:02:03:24"),
        ("01:02:03:12", 25, 25, 0, "01:02:03:12"),
        ("10:00:00:45", 60, 24, 0, "10:00:00:18"),
        ("00:00:59:20", 25, 50, 1, "00:01:00:40"),
        ("00:00:00:00", 25, 50, Fraction(1, 50), "00:00:00:02"),
        ("23:59:59:24", 25, 25, 1, "00:00:00:24"),
        ("01:00:00:00", Fraction(24000, 1001), 60, 0, "01:00:00:00"),
        ("01:00:59;29", NTSC, TWICE, 0, "01:00:59;58"),
        ("01:00:59;29", NTSC, NTSC, Fraction(1001, 30000), "01:01:00;02"),
        ("01:09:59;29", NTSC, NTSC, Fraction(1001, 30000), "01:10:00;00"),
        ("01:01:00;02", NTSC, TWICE, 0, "01:01:00;04"),
        ("01:00:00;10", NTSC, 25, 0, "01:00:00:08"),
        ("01:00:00.10", NTSC, TWICE, 0, "01:00:00;20"),
        ("00:00:59.24", 25, 25, Fraction(1, 25), "00:01:00:00"),
        ("01:00:00:23", 24, 120, 0, "01:00:00:115"),
        ("01:00:00:115", 120, 60, 0, "01:00:00:57"),
    ],
)
def test_the_same_moment_in_frames_of_the_result(code, rate, new_rate, start, expected):
    assert retimed(code, Fraction(rate), Fraction(new_rate), Fraction(start)) == expected


@pytest.mark.parametrize("code", ["", "noon", "01:02:03", "01:02:03:30", "1:02:03:04", "01:02:03:04:05"])
def test_what_is_no_code_of_that_rate_stays(code):
    assert retimed(code, Fraction(25), Fraction(50), Fraction(1)) == code


def test_ten_minutes_of_drop_frame_are_ten_minutes_on_the_clock():
    """17982 frames at 29.97; no frame has a number that is left out, and every number is of one frame."""
    numbers = [with_dropped(frames, 30, True) for frames in range(17983)]

    assert numbers[0] == 0 and numbers[17982] == 600 * 30
    assert all(not (number % 1800 < 2 and number // 1800 % 10) for number in numbers)
    assert [without_dropped(number, 30, True) for number in numbers] == list(range(17983))
