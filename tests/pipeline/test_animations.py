"""GIF, APNG and WebP animations and AVI: frames, times and colours of the result, read back."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from blending import Blend
from clips import moving_square, pixels, write_clip
from tolerances import DITHERED, DITHERED_LEVEL

from vfi_flow.errors import UsageError
from vfi_flow.media.animations import durations
from vfi_flow.media.encoder import EncoderOptions
from vfi_flow.media.frame import Window
from vfi_flow.media.opening import open_input
from vfi_flow.pipeline.estimate import estimate_bytes
from vfi_flow.pipeline.plan import Job, make_plan
from vfi_flow.pipeline.run import run


def interpolated(source: Path, output: Path, **job):
    return run(make_plan(Job(source, output, **job)), Blend())


def times(path: Path) -> list[Fraction]:
    if path.suffix != ".gif":
        return durations(path).starts
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [packet.pts * stream.time_base for packet in container.demux(stream) if packet.size]


UNEVEN = [0, 10, 14, 30, 44]


@pytest.mark.parametrize(
    ("ending", "tick"), [(".gif", Fraction(1, 100)), (".apng", Fraction(1, 65535)), (".webp", Fraction(1, 1000))]
)
@pytest.mark.parametrize("stamps", [range(8), UNEVEN], ids=["even", "uneven"])
def test_every_frame_of_an_animation_has_its_time(tmp_path, ending, tick, stamps):
    unit = Fraction(1, 24) if stamps is not UNEVEN else Fraction(1, 100)
    source = write_clip(tmp_path / "in.mp4", moving_square(len(stamps)), rate=Fraction(24), pts=stamps, time_base=unit)

    report = interpolated(source, tmp_path / f"out{ending}")

    found = times(tmp_path / f"out{ending}")
    planned = sorted({*stamps, *(Fraction(a + b, 2) for a, b in pairwise(stamps))})
    assert report.frames["source"] == len(stamps) and len(found) == 2 * len(stamps)
    assert max(abs(is_ - ought * unit) for is_, ought in zip(found, planned, strict=False)) <= tick / 2


@pytest.mark.parametrize("ending", [".gif", ".apng", ".webp"])
def test_a_part_that_begins_between_two_frames_becomes_an_animation(tmp_path, ending):
    source = write_clip(tmp_path / "in.mp4", moving_square(25), rate=Fraction(25))

    interpolated(source, tmp_path / f"out{ending}", window=Window(Fraction(41, 100), Fraction(71, 100)))

    assert times(tmp_path / f"out{ending}") == [Fraction(n, 50) for n in range(14)]


@pytest.mark.parametrize("ending", [".gif", ".apng", ".webp"])
def test_one_frame_is_an_animation_too(tmp_path, ending):
    report = interpolated(
        write_clip(tmp_path / "in.mkv", moving_square(1)), tmp_path / f"out{ending}", rate=Fraction(1)
    )

    assert sum(report.frames.values()) == 1 and (tmp_path / f"out{ending}").stat().st_size > 0


@pytest.mark.parametrize("ending", [".gif", ".apng"])
def test_the_colours_of_an_animation_are_those_of_the_video(tmp_path, ending):
    drawn = moving_square(4)
    source = write_clip(tmp_path / "in.mkv", drawn, codec="ffv1", options={}, pix_fmt="bgr0", colour_range=2)
    output = tmp_path / f"out{ending}"

    interpolated(source, output, rate=Fraction(50))

    difference = pixels(output)[0].astype(float) - drawn[0]
    assert np.abs(difference).mean() < (DITHERED if ending == ".gif" else 0.01)
    assert abs(difference.mean()) < DITHERED_LEVEL


@pytest.mark.parametrize("ending", [".gif", ".apng"])
def test_an_animation_goes_in_too(tmp_path, ending):
    animation = tmp_path / f"in{ending}"
    interpolated(write_clip(tmp_path / "in.mp4", moving_square(4), rate=Fraction(20)), animation, factor=Fraction(1))

    report = interpolated(animation, tmp_path / "out.mp4")

    assert report.frames == {"source": 4, "generated": 3, "held": 1}
    with av.open(str(tmp_path / "out.mp4")) as container:
        stamps = sorted(packet.pts * packet.time_base for packet in container.demux(video=0) if packet.size)
    assert max(abs(stamp - Fraction(n, 40)) for n, stamp in enumerate(stamps)) < Fraction(1, 1000)


def animation_of(path: Path, **options: str) -> Path:
    with av.open(str(path), "w", container_options=options) as container:
        stream = container.add_stream({".gif": "gif", ".apng": "apng", ".webp": "libwebp"}[path.suffix], rate=20)
        stream.width, stream.height = 64, 36
        stream.pix_fmt = {".gif": "rgb8", ".apng": "rgba", ".webp": "bgra"}[path.suffix]
        for number, rgb in enumerate(moving_square(4, 64, 36)):
            picture = av.VideoFrame.from_ndarray(rgb, "rgb24").reformat(format=stream.pix_fmt)
            picture.pts = number
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


COUNTED = {
    ".gif": lambda data: data[data.index(b"NETSCAPE2.0") + 13] if b"NETSCAPE2.0" in data else None,
    ".apng": lambda data: data[data.index(b"acTL") + 11],
    ".webp": lambda data: data[data.index(b"ANIM") + 12],
}
"""The number below 256 that the formats keep: repeats of a GIF, plays of the others; 0 for ever."""


@pytest.mark.parametrize(
    ("name", "options", "counted"),
    [
        ("once.gif", {"loop": "-1"}, {".gif": None, ".apng": 1, ".webp": 1}),
        ("twice.gif", {"loop": "1"}, {".gif": 1, ".apng": 2, ".webp": 2}),
        ("forever.gif", {"loop": "0"}, {".gif": 0, ".apng": 0, ".webp": 0}),
        ("thrice.apng", {"plays": "3"}, {".gif": 2, ".apng": 3, ".webp": 3}),
        ("five.webp", {"loop": "5"}, {".gif": 4, ".apng": 5, ".webp": 5}),
        ("often.gif", {"loop": "65535"}, {".gif": 0, ".apng": 0, ".webp": 0}),
    ],
)
def test_an_animation_plays_as_often_as_its_source(tmp_path, name, options, counted):
    source = animation_of(tmp_path / name, **options)

    for ending, number in counted.items():
        interpolated(source, tmp_path / f"out{ending}")

        assert COUNTED[ending]((tmp_path / f"out{ending}").read_bytes()) == number, ending


@pytest.mark.parametrize("ending", COUNTED)
def test_a_video_becomes_an_animation_that_goes_on_for_ever(tmp_path, ending):
    source = write_clip(tmp_path / "in.mp4", moving_square(3), rate=Fraction(20))

    interpolated(source, tmp_path / f"out{ending}")

    assert COUNTED[ending]((tmp_path / f"out{ending}").read_bytes()) == 0


@pytest.mark.parametrize("ending", [".gif", ".apng", ".webp"])
def test_the_size_of_an_animation_is_estimated_from_a_few_frames(tmp_path, ending):
    source = write_clip(tmp_path / "in.mp4", moving_square(16), rate=Fraction(20))
    plan = make_plan(Job(source, tmp_path / f"out{ending}", find_cuts=False))

    estimated = estimate_bytes(plan)
    run(plan, Blend())

    assert 0.3 < estimated / (tmp_path / f"out{ending}").stat().st_size < 3


def test_a_gif_that_would_be_too_fast_is_refused_before_the_work(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(4))

    with pytest.raises(
        UsageError, match=r"out\.gif: a GIF shows at most 50 frames per second, 60 are planned; use -r 50"
    ):
        make_plan(Job(source, tmp_path / "out.gif"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4"]


@pytest.mark.parametrize("ending", [".gif", ".apng", ".webp"])
def test_an_animation_says_what_it_leaves_out(tmp_path, ending):
    source = write_clip(tmp_path / "in.mp4", moving_square(4), sound="aac", rate=Fraction(20))

    report = interpolated(source, tmp_path / f"out{ending}")

    assert [stream.fate for stream in report.plan.streams] == ["dropped"]


@pytest.mark.parametrize("codec", [None, "ffv1", "utvideo"])
def test_avi_holds_frames_at_one_rate_and_sound(tmp_path, codec):
    source = write_clip(tmp_path / "in.mp4", moving_square(20), sound="mp3")

    report = interpolated(source, tmp_path / "out.avi", encoder=EncoderOptions(codec=codec))

    with av.open(str(tmp_path / "out.avi")) as container:
        assert container.streams.video[0].average_rate == 60
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        frames = list(container.decode(video=0))
    assert len(frames) == 40
    left = [np.flatnonzero(frame.to_ndarray(format="rgb24")[18, :, 0] > 150).min() for frame in frames[::2]]
    assert left == sorted(left) and left[-1] - left[0] == 38
    assert report.plan.encoder.codec == (codec or "libx264")


def test_uneven_times_that_avi_loses_are_said(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(5), pts=UNEVEN, time_base=Fraction(1, 100))

    report = interpolated(source, tmp_path / "out.avi")

    assert any("unevenly spaced" in warning for warning in report.warnings)


@pytest.mark.parametrize("ending", [".gif", ".apng", ".webp"])
def test_what_moves_over_a_transparent_ground_leaves_no_trace(tmp_path, ending):
    frames = np.zeros((4, 48, 64, 4), np.uint8)
    for number, frame in enumerate(frames):
        frame[16:32, 12 * number : 12 * number + 12] = (200, 60, 30, 255)
    source = tmp_path / "in.apng"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("apng", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgba"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgba")))
        container.mux(stream.encode())

    interpolated(source, tmp_path / f"out{ending}", factor=Fraction(1))

    with open_input(tmp_path / f"out{ending}") as result:
        shown = [frame.to_ndarray(format="rgba") for frame in result.container.decode(video=0)]
    assert [np.count_nonzero(frame[..., 3] > 127) for frame in shown] == 4 * [16 * 12]
