"""Repeated frames: what lies between two pictures is made from these two, on the time line of the source."""

import json
from collections.abc import Iterable
from fractions import Fraction

import av
import numpy as np
import pytest
from blending import Blend
from clips import RATE, moving_square, pixels, video_times, write_clip

from vfi_flow.cli.main import main
from vfi_flow.inference import interpolator as engine_module
from vfi_flow.media.frame import SourceFrame
from vfi_flow.media.timing import Multiply, Resample
from vfi_flow.pipeline.spans import LONGEST_BRIDGE, MOST_REPEATS, Span, spans
from vfi_flow.pipeline.stages import PreparedFrame

PICTURE = av.VideoFrame(16, 16, "yuv420p")


def frames(shown: Iterable[float], rate: Fraction = Fraction(24)) -> list[PreparedFrame]:
    """A frame for each value, all its blocks of that value."""
    return [
        PreparedFrame(
            SourceFrame(n, n, n / rate, 1 / rate, PICTURE), PICTURE, None, None, np.full((4, 4), value, np.int16)
        )
        for n, value in enumerate(shown)
    ]


def never(left: PreparedFrame, right: PreparedFrame) -> bool:
    return False


def groups(shown: Iterable[float], is_cut=never, **options) -> list[list[int]]:
    """Indices of the frames of each span."""
    return [[f.source.index for f in span.frames] for span in spans(frames(shown, **options), is_cut, True)]


def test_animation_on_twos_and_threes_is_one_span_for_each_drawing():
    assert groups([0, 0, 50, 50, 99, 99, 150]) == [[0, 1], [2, 3], [4, 5], [6]]
    assert groups([0, 0, 0, 50, 50, 50, 99]) == [[0, 1, 2], [3, 4, 5], [6]]
    assert groups([0, 3, 50, 47, 99], rate=Fraction(60)) == [[0, 1], [2, 3], [4]]


def test_without_repeats_or_where_they_are_not_looked_for_every_frame_is_a_span():
    assert groups([0, 50, 99]) == [[0], [1], [2]]
    assert [len(span.frames) for span in spans(frames([0, 0, 50]), never)] == [1, 1, 1]


def test_slow_motion_is_no_group_of_repeats():
    assert groups([0, 6, 12, 18, 28, 38]) == [[n] for n in range(6)]


def test_repeats_before_a_cut_and_at_the_end_stay():
    cut = groups([0, 0, 200, 200, 90], is_cut=lambda left, right: right.source.index == 2)

    assert cut == [[0], [1], [2, 3], [4]]
    assert groups([0, 50, 50]) == [[0], [1], [2]]


@pytest.mark.parametrize("count", [MOST_REPEATS + 2, 50, 51, 52, 53])
def test_a_picture_that_stands_still_is_treated_frame_by_frame(count):
    assert all(len(group) == 1 for group in groups([0] * count + [50, 99], rate=Fraction(60)))


def test_the_longest_bridge_is_a_quarter_of_a_second():
    inside = int(LONGEST_BRIDGE * 20)

    assert groups([0] * inside + [50, 99], rate=Fraction(20))[0] == list(range(inside))
    assert groups([0] * inside + [50, 99], rate=Fraction(19))[0] == [0]


def test_a_still_picture_is_not_kept_in_memory():
    waiting, most = 0, 0

    def source():
        nonlocal waiting, most
        for frame in frames([0] * 500):
            waiting += 1
            most = max(most, waiting)
            yield frame

    for span in spans(source(), never, True):
        waiting -= len(span.frames)

    assert waiting == 0 and most <= MOST_REPEATS + 2


@pytest.mark.parametrize(
    "division", [Multiply(Fraction(2)), Multiply(Fraction(5, 2)), Resample(Fraction(60), Fraction(0))]
)
def test_the_time_line_is_that_of_the_single_frames_and_taus_count_the_long_interval(division):
    clip = frames([0, 0, 0, 50, 99])

    bridged = [(s, p) for s in spans(clip, never, True) for p in s.places(division)]
    single = [p for s in spans(clip, never) for p in s.places(division)]

    assert [p.seconds for _, p in bridged] == [p.seconds for p in single]
    for span, place in bridged:
        if span.right is not None:
            length = span.right.source.seconds - span.left.source.seconds
            assert place.seconds == span.left.source.seconds + place.tau * length


def test_a_span_of_uneven_frames_uses_their_true_times():
    times = [Fraction(0), Fraction(1, 100), Fraction(1, 10)]
    some = [
        PreparedFrame(SourceFrame(n, n, time, Fraction(1, 10), PICTURE), PICTURE, None, None)
        for n, time in enumerate(times)
    ]

    places = Span((some[0], some[1]), some[2]).places(Multiply(Fraction(2)))

    assert [place.tau for place in places] == [0, Fraction(1, 20), Fraction(1, 10), Fraction(11, 20)]


@pytest.fixture
def on_twos(tmp_path, monkeypatch):
    """A clip of drawings shown twice, compressed, with grain on every frame."""
    monkeypatch.setattr(engine_module, "Interpolator", Blend)
    rng = np.random.default_rng(3)
    drawings = [frame for frame in moving_square(24, 160, 96)[::2] for _ in range(2)]
    grainy = [(f + rng.normal(0, 3, (96, 160, 1))).clip(0, 255).astype(np.uint8) for f in drawings]
    return write_clip(tmp_path / "in.mp4", grainy, options={"crf": "23"})


@pytest.mark.parametrize("words", [[], ["--dedup", "off"]], ids=["auto", "off"])
def test_the_file_has_the_same_times_and_other_frames(on_twos, tmp_path, words):
    output, report = tmp_path / "out.mkv", tmp_path / "report.json"
    job = [str(on_twos), str(output), "-c:v", "ffv1", "--report", str(report), "--progress", "none"]

    assert main(["interpolate", *job, *words]) == 0

    bridged = 0 if words else 11  # the last drawing is held
    found = json.loads(report.read_text())
    assert found["repeats"] == bridged
    assert found["frames"] == {
        "planned": 48, "written": 48, "source": 24 - bridged, "generated": 23 + bridged, "held": 1
    }  # fmt: skip
    assert video_times(output) == [Fraction(round(1000 * k / (2 * RATE)), 1000) for k in range(48)]
    before, after = pixels(on_twos, "yuv420p"), pixels(output, "yuv420p")
    for n in range(0, 22, 2):
        np.testing.assert_array_equal(after[2 * n], before[n])
        left, right = before[n].astype(float), before[n + 2].astype(float)
        half = after[2 * n + 2].astype(float)  # the place of the repeated frame
        expected = before[n + 1] if words else (left + right) / 2
        assert np.abs(half - expected).mean() < 0.7
