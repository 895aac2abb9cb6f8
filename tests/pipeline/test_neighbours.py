"""The frames around a pair reach the interpolator where they tell of its motion, and only there."""

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from blending import Blend
from clips import moving_square, scene, write_clip

from vfi_flow.inference.pair import Neighbour
from vfi_flow.media.frame import SourceFrame
from vfi_flow.pipeline.output_frames import pair_of
from vfi_flow.pipeline.plan import Job, make_plan
from vfi_flow.pipeline.run import run
from vfi_flow.pipeline.spans import spans, with_neighbours
from vfi_flow.pipeline.stages import PreparedFrame


def prepared(*times: Fraction | int) -> list[PreparedFrame]:
    frames = []
    for number, (begin, end) in enumerate(zip(times, [*times[1:], times[-1] + 1], strict=True)):
        picture = av.VideoFrame(16, 16, "yuv420p")
        source = SourceFrame(number, 100 + number, Fraction(begin), Fraction(end) - begin, picture)
        frames.append(PreparedFrame(source, picture, np.full((16, 16, 3), number, np.uint8), None))
    return frames


def told(neighbour: Neighbour | None) -> tuple[int, float] | None:
    """Number and distance of a neighbour."""
    return None if neighbour is None else (int(neighbour.frame[0, 0, 0]), neighbour.interval)


def around(frames, is_cut=lambda left, right: False):
    pairs = [pair_of(span) for span in with_neighbours(spans(frames, is_cut)) if span.is_bridge]
    return [(told(pair.before), told(pair.after)) for pair in pairs]


def test_every_pair_has_the_frames_around_it_but_at_the_ends():
    assert around(prepared(0, 1, 2, 3)) == [(None, (2, 1)), ((0, 1), (3, 1)), ((1, 1), None)]


def test_two_frames_have_none():
    assert around(prepared(0, 1)) == [(None, None)]


def test_a_cut_hides_what_is_behind_it():
    assert around(prepared(0, 1, 2, 3, 4), lambda left, right: right.source.index == 3) == [
        (None, (2, 1)),
        ((0, 1), None),
        (None, None),
    ]


def test_intervals_are_in_units_of_the_pairs_own():
    assert around(prepared(0, 2, 3, 5)) == [(None, (2, 0.5)), ((0, 2), (3, 2)), ((1, 0.5), None)]


@pytest.mark.parametrize("end", [Fraction(14, 10), Fraction(31, 10)])
def test_an_interval_of_quite_another_length_tells_nothing(end):
    assert around(prepared(0, 1, end)) == [(None, None), (None, None)]


class Asked(Blend):
    """Records which pairs had neighbours."""

    def __init__(self) -> None:
        super().__init__()
        self.known: list[tuple[bool, bool]] = []

    def __call__(self, frame0, frame1, taus, *, pts=0, before=None, after=None):
        self.known.append((before is not None, after is not None))
        return super().__call__(frame0, frame1, taus, pts=pts)


def test_a_job_asks_with_them_unless_told_otherwise(tmp_path):
    write_clip(tmp_path / "in.mp4", [*moving_square(4), *([scene(5, 64, 48)] * 2)])
    job = Job(tmp_path / "in.mp4", tmp_path / "out.mp4", bridge_repeats=False)
    with_them, without = Asked(), Asked()

    run(make_plan(job), with_them)
    run(make_plan(replace(job, neighbours=False, overwrite=True)), without)

    assert with_them.known == [(False, True), (True, True), (True, False), (False, False)]
    assert without.known == [(False, False)] * 4
