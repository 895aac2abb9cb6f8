"""Interlaced files become whole frames at exact times; what moved between two fields shows no comb."""

import json
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from blending import Blend
from clips import moving_square, video_times, write_clip

from vfi_flow.cli.main import main
from vfi_flow.errors import UsageError
from vfi_flow.media.deinterlace import Deinterlace
from vfi_flow.media.encoder import EncoderOptions
from vfi_flow.media.frame import Window
from vfi_flow.media.reader import VideoReader
from vfi_flow.pipeline.plan import Job, make_plan
from vfi_flow.pipeline.run import run

WIDTH, HEIGHT, SPEED = 96, 64, 3
RATE = Fraction(30000, 1001)


def moment(number: int) -> np.ndarray:
    """Luma of a soft vertical bar that goes `SPEED` pixels to the right from field to field."""
    x = np.arange(WIDTH) - 20 - SPEED * number
    return np.tile((40 + 160 * np.exp(-((x / 6) ** 2))).astype(np.uint8), (HEIGHT, 1))


def interlaced_clip(path: Path, frames: int, ticks: list[int] | None = None) -> Path:
    """Odd lines from one moment, even lines from the next: bottom field first, which x264 writes into the file."""
    unit = 1 / RATE if ticks is None else Fraction(1, 90)
    with av.open(str(path), "w") as container:
        options = {"crf": "4", "preset": "ultrafast", "x264-params": "bff=1"}
        stream = container.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = unit
        for n in range(frames):
            woven = moment(2 * n)
            woven[::2] = moment(2 * n + 1)[::2]
            picture = av.VideoFrame.from_ndarray(
                np.vstack([woven, np.full((HEIGHT // 2, WIDTH), 128, np.uint8)]), "yuv420p"
            )
            picture.pts, picture.time_base = n if ticks is None else ticks[n], unit
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def luma(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="yuv420p")[: frame.height].astype(float) for frame in container.decode(video=0)]


def comb(picture: np.ndarray) -> float:
    """How much every second line differs from its neighbours, in code values."""
    return float(np.abs(picture[1:-1:2] - (picture[:-2:2] + picture[2::2]) / 2).mean())


def deinterlaced(source: Path, output: Path, mode: Deinterlace, factor: int = 1) -> list[str]:
    options = EncoderOptions(codec="ffv1")
    job = Job(source, output, factor=Fraction(factor), encoder=options, deinterlace=mode, bridge_repeats=False)
    return run(make_plan(job), Blend()).warnings


def test_without_it_the_comb_stays_and_is_named(tmp_path):
    source = interlaced_clip(tmp_path / "in.mp4", 12)

    warnings = deinterlaced(source, tmp_path / "out.mkv", Deinterlace.OFF)

    assert any("interlaced" in warning and "--deinterlace" in warning for warning in warnings)
    assert min(comb(picture) for picture in luma(tmp_path / "out.mkv")) > 5


@pytest.mark.parametrize("mode", [Deinterlace.AUTO, Deinterlace.ON])
def test_every_frame_stays_where_it_was_and_shows_its_first_field(tmp_path, mode):
    source = interlaced_clip(tmp_path / "in.mp4", 12)

    warnings = deinterlaced(source, tmp_path / "out.mp4", mode)

    frames = luma(tmp_path / "out.mp4")
    assert video_times(tmp_path / "out.mp4") == video_times(source) == [n / RATE for n in range(12)]
    assert not any("interlaced" in warning for warning in warnings)
    for n, frame in enumerate(frames[1:-1], 1):
        assert comb(frame) < 1
        assert np.abs(frame - moment(2 * n)).mean() < 3 < np.abs(frame - moment(2 * n + 1)).mean()


def test_fields_become_frames_halfway_between(tmp_path):
    source = interlaced_clip(tmp_path / "in.mp4", 12)

    deinterlaced(source, tmp_path / "out.mp4", Deinterlace.FIELDS)

    frames = luma(tmp_path / "out.mp4")
    assert video_times(tmp_path / "out.mp4") == [n / (2 * RATE) for n in range(24)]
    for n, frame in list(enumerate(frames))[2:-2]:
        errors = [np.abs(frame - moment(m)).mean() for m in (n - 1, n, n + 1)]
        assert comb(frame) < 1 and errors[1] == min(errors)


def test_uneven_frames_keep_their_times_and_their_fields_lie_halfway(tmp_path):
    ticks = [0, 3, 4, 9, 20, 21]
    source = interlaced_clip(tmp_path / "in.mp4", 6, ticks)

    with VideoReader(source, Window(), deinterlace=Deinterlace.FIELDS) as reader:
        times = [frame.seconds * 180 for frame in reader.frames()]

    assert times[::2] == [2 * tick for tick in ticks]
    assert times[1:-1:2] == [a + b for a, b in pairwise(ticks)]


def test_progressive_frames_are_left_alone_by_auto(tmp_path):
    source = write_clip(tmp_path / "in.mkv", moving_square(6), codec="ffv1", options={})

    deinterlaced(source, tmp_path / "out.mkv", Deinterlace.AUTO)

    for before, after in zip(luma(source), luma(tmp_path / "out.mkv"), strict=True):
        np.testing.assert_array_equal(after, before)


def test_twice_the_frames_of_what_was_deinterlaced(tmp_path):
    source = interlaced_clip(tmp_path / "in.mp4", 8)

    deinterlaced(source, tmp_path / "out.mp4", Deinterlace.AUTO, factor=2)

    assert video_times(tmp_path / "out.mp4") == [n / (2 * RATE) for n in range(16)]


@pytest.mark.parametrize("frames", [1, 2])
@pytest.mark.parametrize("mode", [Deinterlace.ON, Deinterlace.FIELDS])
def test_the_shortest_clips_lose_nothing(tmp_path, frames, mode):
    source = interlaced_clip(tmp_path / "in.mp4", frames)

    with VideoReader(source, Window(), deinterlace=mode) as reader:
        times = [frame.seconds for frame in reader.frames()]

    assert times == [n / (RATE * mode.pictures) for n in range(frames * mode.pictures)]


def test_probe_plans_fields_as_frames(tmp_path: Path, capsys) -> None:
    source = interlaced_clip(tmp_path / "in.mp4", 12)

    frames = []
    for mode in ("on", "fields"):
        assert main(["probe", str(source), "--json", "--no-trial", "--deinterlace", mode]) == 0
        frames.append(json.loads(capsys.readouterr().out)["output"]["frames"])

    assert frames == [24, 48]


@pytest.mark.parametrize("mode", [Deinterlace.AUTO, Deinterlace.ON, Deinterlace.FIELDS])
def test_pictures_that_the_filter_is_too_large_for_are_named(tmp_path, mode):
    source = write_clip(tmp_path / "in.mkv", moving_square(4, 96, 4), codec="ffv1", options={})

    with pytest.raises(UsageError, match="pictures of 96x4 yuv420p are too small for --deinterlace"):
        make_plan(Job(source, tmp_path / "out.mkv", deinterlace=mode))
