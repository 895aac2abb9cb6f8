"""Times, factors and rates as they are typed."""

from fractions import Fraction

import pytest

from vfi_flow.media.pipe import RawFrames
from vfi_flow.media.spelling import parse_rate, parse_ratio, parse_raw, parse_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12.5", Fraction(25, 2)),
        ("01:02", 62),
        ("1:00:02.250", Fraction(14409, 4)),
        (".5", Fraction(1, 2)),
        ("3.", 3),
        ("500ms", Fraction(1, 2)),
        ("1.5s", Fraction(3, 2)),
        ("40us", Fraction(1, 25000)),
    ],
)
def test_times_are_read_in_ffmpeg_syntax(text, seconds):
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "abc", "-1", "1:2:3:4", "1::2", "1.5:00", ".", "1e3", "1/2", "1ss", "5msms", "ms", "minutes", "1:02ms"]
)
def test_other_times_are_refused_with_an_example(text):
    with pytest.raises(ValueError, match=r"HH:MM:SS"):
        parse_seconds(text)


@pytest.mark.parametrize(
    ("text", "value"), [("60", 60), ("2.5", Fraction(5, 2)), ("60000/1001", Fraction(60000, 1001))]
)
def test_rates_and_factors_are_exact(text, value):
    assert parse_ratio(text) == value


@pytest.mark.parametrize("text", ["abc", "", "1/0", "0", "-2", "nan", "inf", "1e5000", "1e999999999", "9" * 5000])
def test_what_is_no_positive_number_is_refused(text):
    with pytest.raises(ValueError, match="not"):
        parse_ratio(text)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("ntsc", "30000/1001"),
        ("NTSC", "30000/1001"),
        ("ntsc-film", "24000/1001"),
        ("film", "24"),
        ("pal", "25"),
        ("23.976", "24000/1001"),
        ("23.98", "24000/1001"),
        ("29.97", "30000/1001"),
        ("47.952", "48000/1001"),
        ("59.94", "60000/1001"),
        ("119.88", "120000/1001"),
        ("60", "60"),
        ("24000/1001", "24000/1001"),
        ("12.5", "25/2"),
        ("29.9", "299/10"),
        ("59.95", "1199/20"),
        ("23.976023976023978", "24000/1001"),
    ],
)
def test_rates_are_understood_as_ffmpeg_names_and_rounds_them(text, rate):
    assert parse_rate(text) == Fraction(rate)


def test_a_decimal_rate_changes_only_where_it_is_a_rounded_ntsc_rate():
    for hundredths in range(100, 24000, 3):
        written = Fraction(hundredths, 100)
        read = parse_rate(f"{float(written):.2f}")

        assert read == written or (
            abs(read - written) <= Fraction(1, 200) and (read * Fraction(1001, 1000)).denominator == 1
        )


def test_every_whole_rate_has_its_ntsc_rate_and_both_are_told_apart():
    for whole in range(1, 241):
        assert parse_rate(str(whole)) == parse_rate(f"{whole}.000") == whole
        assert parse_rate(f"{whole / 1.001:.3f}") == Fraction(1000 * whole, 1001)


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'secam' is not a number; .* or ntsc, pal, "):
        parse_rate("secam")


@pytest.mark.parametrize("text", ["64:yuv420p", "64x48", "0x48:gray", "x:gray", "64x48x2:gray"])
def test_frames_without_a_header_need_a_size_and_a_format(text):
    with pytest.raises(ValueError, match="write WIDTHxHEIGHT:FORMAT"):
        parse_raw(text)


def test_frames_without_a_header_know_ffmpegs_formats():
    assert parse_raw("1920x1080:yuv420p10") == RawFrames(1920, 1080, "yuv420p10le", Fraction(25))
    with pytest.raises(ValueError, match="no pixel format named 'yuv42p'"):
        parse_raw("64x48:yuv42p")
