"""A frame is on screen until the next one comes or the window ends."""

from fractions import Fraction

import av
import numpy as np
import pytest
from clips import moving_square, write_clip

from vfi_flow.media.durations import cut
from vfi_flow.media.frame import Window
from vfi_flow.media.reader import VideoReader

TICK = Fraction(1, 1000)


def on_screen(path, window=Window()):  # noqa: B008  (frozen)
    """(begin, end) of every frame in milliseconds."""
    with VideoReader(path, window) as reader:
        return [(1000 * f.seconds, 1000 * (f.seconds + f.duration)) for f in reader.frames()]


@pytest.mark.parametrize("bf", ["0", "3"])
def test_a_long_frame_ends_with_the_window(tmp_path, bf):
    ticks = [0, 100, 200, 300, 900, 10900, 11000]
    clip = write_clip(
        tmp_path / "vfr.mp4", moving_square(7), pts=ticks, time_base=TICK, options={"preset": "veryfast", "bf": bf}
    )

    part = on_screen(clip, Window(Fraction(0), Fraction(1)))

    assert part == [(0, 100), (100, 200), (200, 300), (300, 900), (900, 1000)]
    assert on_screen(clip, Window(Fraction("0.2"), Fraction("0.5"))) == [(0, 100), (100, 300)]


def test_a_long_frame_is_on_screen_where_the_window_starts(tmp_path):
    ticks = [0, 100, 200, 300, 900, 10900, 11000]
    clip = write_clip(tmp_path / "vfr.mp4", moving_square(7), pts=ticks, time_base=TICK)
    with VideoReader(clip, Window(Fraction("0.9"))) as reader:
        picture = next(reader.frames()).picture.to_ndarray(format="yuv420p")

    with VideoReader(clip, Window(Fraction(3), Fraction(8))) as reader:
        [frame] = reader.frames()

    assert (frame.seconds, frame.duration) == (0, 5)
    np.testing.assert_array_equal(frame.picture.to_ndarray(format="yuv420p"), picture)
    assert on_screen(clip, Window(Fraction("10.8")))[:2] == [(0, 100), (100, 200)]


@pytest.mark.parametrize("ending", [".mp4", ".mov"])
@pytest.mark.parametrize("late", [[5360, 5400, 5440], [900, 1000, 5400, 5440], [2000, 4000, 5400, 5440]], ids=str)
def test_the_last_frame_does_not_get_the_length_of_one_before_it(tmp_path, late, ending):
    ticks = [*range(0, 400, 40), *late]
    options = {"preset": "veryfast", "bf": "3", "sc_threshold": "0"}
    clip = tmp_path / f"clip{ending}"
    write_clip(clip, moving_square(len(ticks)), rate=Fraction(25), pts=ticks, time_base=TICK, options=options)

    assert on_screen(clip)[-2:] == [(5400, 5440), (5440, 5480)]


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_a_last_frame_that_stays_is_no_missing_end(tmp_path, ending):
    short = write_clip(tmp_path / "short.mp4", moving_square(10), rate=Fraction(25), options={"bf": "0"})
    clip = tmp_path / f"clip{ending}"
    with av.open(str(short)) as before, av.open(str(clip), "w") as after:
        stream = after.add_stream_from_template(before.streams.video[0])
        for packet in before.demux(before.streams.video[0]):
            if packet.size:
                is_last = packet.pts * packet.time_base == Fraction(9, 25)
                packet.duration = int((5 if is_last else Fraction(1, 25)) / packet.time_base)
                packet.stream = stream
                after.mux(packet)

    assert on_screen(clip)[-1] == (360, 5360)


def test_the_last_frame_of_an_even_video_stays_whole(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", moving_square(20), rate=Fraction(25))

    assert on_screen(clip, Window(Fraction(0), Fraction("0.41")))[-1] == (400, 440)


def test_what_is_cut_is_cut_to_whole_ticks_and_never_to_nothing():
    assert cut(Fraction(10), Fraction(1, 3), Fraction(1), TICK) == Fraction(334, 1000)
    assert cut(Fraction(10), Fraction(1, 10**9), Fraction(1), TICK) == TICK
    assert cut(Fraction(1, 4), Fraction(1), Fraction(1, 25), TICK) == Fraction(1, 4)
