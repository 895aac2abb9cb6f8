"""Which frame is shown when: source frames untouched, new ones between, held ones across cuts."""

import time
from fractions import Fraction

import av
import numpy as np
import pytest

from vfi_flow.media.frame import SourceFrame
from vfi_flow.media.pixels.colour import Colour, Converter
from vfi_flow.media.timing import Multiply, Resample
from vfi_flow.pipeline.output_frames import FRAMES_PER_CALL, CutFill, Kind, blend, output_frames
from vfi_flow.pipeline.spans import spans
from vfi_flow.pipeline.stages import PreparedFrame, StageClock

COLOUR = Colour(1, 1, 2, 2)


def prepared(count: int) -> list[PreparedFrame]:
    frames = []
    for n in range(count):
        picture = av.VideoFrame(16, 16, "yuv420p")
        source = SourceFrame(n, 100 + n, Fraction(n, 10), Fraction(1, 10), picture)
        frames.append(PreparedFrame(source, picture, np.full((16, 16, 3), 10 * n, np.uint8), None))
    return frames


def made(frames, division, is_cut=lambda left, right: False, interpolate=None, cut_fill=CutFill.HOLD):
    converter = Converter(COLOUR, "yuv420p", COLOUR)
    return list(output_frames(spans(frames, is_cut), division, interpolate or blend, converter, StageClock(), cut_fill))


def test_a_frame_on_top_of_a_source_frame_is_that_frame():
    frames = prepared(3)

    outputs = made(frames, Multiply(Fraction(2)))

    assert [o.kind for o in outputs] == [
        Kind.SOURCE,
        Kind.GENERATED,
        Kind.SOURCE,
        Kind.GENERATED,
        Kind.SOURCE,
        Kind.HELD,
    ]
    assert [outputs[n].picture for n in (0, 2, 4, 5)] == [
        f.picture for f in (frames[0], frames[1], frames[2], frames[2])
    ]
    assert [o.seconds for o in outputs] == [Fraction(n, 20) for n in range(6)]


def test_calls_at_the_same_time_give_the_same_frames():
    """The later ones are ready first; a span of many new frames is several calls."""
    frames, waiting = prepared(4), iter(range(20, 0, -1))

    def slower_first(frame0, frame1, taus, **others):
        time.sleep(0.005 * next(waiting))
        return blend(frame0, frame1, taus)

    division, converter = Multiply(Fraction(FRAMES_PER_CALL + 3)), Converter(COLOUR, "yuv420p", COLOUR)
    expected = made(frames, division)
    clock = StageClock()

    asked = spans(frames, lambda left, right: False)
    found = list(output_frames(asked, division, slower_first, converter, clock, calls=3))

    assert [(frame.kind, frame.seconds) for frame in found] == [(frame.kind, frame.seconds) for frame in expected]
    pixels = [[frame.picture.to_ndarray() for frame in frames] for frames in (found, expected)]
    assert all(map(np.array_equal, *pixels))
    assert clock.seconds["interpolate"] > 0


def test_nothing_is_interpolated_across_a_cut():
    frames = prepared(4)

    outputs = made(frames, Multiply(Fraction(3)), is_cut=lambda left, right: right.source.index == 2)

    kinds = [[o.kind for o in outputs[n : n + 3]] for n in (0, 3, 6)]
    assert kinds[0] == kinds[2] == [Kind.SOURCE, Kind.GENERATED, Kind.GENERATED]
    assert kinds[1] == [Kind.SOURCE, Kind.HELD, Kind.HELD]
    assert outputs[4].picture is outputs[5].picture is frames[1].picture


def test_a_cut_may_be_blended_and_the_model_is_not_asked_for_it():
    asked = []

    def record(frame0, frame1, taus, *, pts=0, before=None, after=None):
        asked.append(pts)
        return [frame0 for _ in taus]

    outputs = made(
        prepared(4), Multiply(Fraction(2)), lambda left, right: right.source.index == 2, record, CutFill.BLEND
    )

    assert [o.kind for o in outputs[2:5]] == [Kind.SOURCE, Kind.BLENDED, Kind.SOURCE]
    assert asked == [100, 102]
    assert bytes(outputs[3].picture.planes[0])[0] == 15  # between 10 and 20, in code values of the video


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_blend_keeps_the_depth_and_rounds(dtype):
    top = np.iinfo(dtype).max
    dark, bright = np.zeros((2, 2, 3), dtype), np.full((2, 2, 3), top, dtype)

    [quarter, most] = blend(dark, bright, [0.25, 1.0])

    assert quarter.dtype == dtype and (quarter == round(top / 4)).all() and (most == top).all()


def test_all_places_between_two_frames_are_asked_for_in_one_call_keyed_by_the_left_frame():
    calls = []

    def record(frame0, frame1, taus, *, pts=0, before=None, after=None):
        calls.append((int(frame0[0, 0, 0]), int(frame1[0, 0, 0]), list(taus), pts))
        return [frame0 for _ in taus]

    made(prepared(3), Resample(Fraction(25), Fraction(0)), interpolate=record)

    assert calls == [(0, 10, [0.4, 0.8], 100), (10, 20, [0.2, 0.6], 101)]


def test_a_slow_motion_is_made_a_few_frames_at_a_time_so_that_it_can_end_between_them():
    sizes = []

    def count(frame0, frame1, taus, *, pts=0, before=None, after=None):
        sizes.append(len(taus))
        return [frame0 for _ in taus]

    outputs = made(prepared(2), Multiply(Fraction(20)), interpolate=count)

    assert len(outputs) == 40
    assert sizes == [4] * 4 + [3]


def test_cuts_are_looked_for_between_all_neighbours_even_where_nothing_is_made():
    seen = []

    made(prepared(5), Multiply(Fraction(1, 2)), is_cut=lambda a, b: seen.append(b.source.index) or False)

    assert seen == [1, 2, 3, 4]
