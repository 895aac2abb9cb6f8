"""Promises of reading shots: one camera, different frames, the true clock, one line for what is left out."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from clips import write_clip
from panning import HEIGHT, WIDTH, as_shot, pan, texture

from vfi_flow.errors import InputError
from vfi_flow.training.shots import read_shots, split


def write_lossless(path: Path, frames: Sequence[np.ndarray], pts: Sequence[int] | None = None) -> Path:
    """Lossless but for the conversion to YUV; `pts` counts frames of the default rate."""
    return write_clip(path, frames, pts=pts, options={"qp": "0"}, pix_fmt="yuv444p")


def parts(frames: Sequence[np.ndarray], pts: Sequence[int] | None = None) -> list[list[int]]:
    """Times of the frames of each shot."""
    whole = as_shot(frames, pts)
    return [shot.pts.tolist() for shot in split("video", whole.frames, whole.pts)]


def test_a_cut_ends_a_shot(tmp_path: Path) -> None:
    write_lossless(tmp_path / "two.mkv", pan(6, seed=1) + [255 - frame // 2 for frame in pan(5, seed=2)])

    assert [len(shot.frames) for shot in read_shots(tmp_path)] == [6, 5]
    assert [shot.name for shot in read_shots(tmp_path)] == ["two", "two"]


def test_fast_motion_is_not_a_cut() -> None:
    assert parts(pan(8, step=(9, 6))) == [list(range(8))]


def test_repeated_frames_are_left_out_and_animation_on_twos_stays_one_shot() -> None:
    frames = [frame for frame in pan(5) for _ in range(2)]

    assert parts(frames) == [[0, 2, 4, 6, 8]]


def test_no_shot_spans_the_uneven_step_of_film_in_a_faster_video() -> None:
    a, b, c, d, e, f, g, h = pan(8)

    # Shown at 0 1 2 3 (4) 5 6 7 8 (9): d is held, so d to e takes two steps on the clock but one of the film.
    assert parts([a, b, c, d, d, e, f, g, h, h]) == [[0, 1, 2, 3], [5, 6, 7, 8]]


def test_something_small_that_moves_in_a_still_scene_is_no_repeat() -> None:
    frames = [texture(3)[:HEIGHT, :WIDTH].copy() for _ in range(4)]
    for index, frame in enumerate(frames):
        frame[20:24, 10 + 4 * index : 13 + 4 * index] = 255

    assert np.abs(frames[0].astype(int) - frames[1]).mean() < 0.3
    assert parts(frames) == [[0, 1, 2, 3]]
    assert parts([frames[0]] * 4) == []


def test_the_clock_of_a_variable_rate_video_is_kept(tmp_path: Path) -> None:
    pts = [0, 4, 15, 19, 31, 35, 47]
    write_lossless(tmp_path / "vfr.mkv", pan(7), pts)
    (shot,) = read_shots(tmp_path)

    assert (shot.pts - shot.pts[0]) / (shot.pts[-1] - shot.pts[0]) == pytest.approx(np.array(pts) / 47, abs=0.001)


def test_an_unreadable_file_is_left_out_with_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_lossless(tmp_path / "good.mkv", pan(5))
    (tmp_path / "text.mp4").write_text("this is not a video")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "notes.txt").write_text("no video, no line")
    with caplog.at_level(logging.WARNING):
        shots = read_shots(tmp_path)

    assert [shot.name for shot in shots] == ["good"]
    assert len(caplog.records) == 2
    assert "empty.mp4" in caplog.text and "text.mp4" in caplog.text


def test_a_folder_without_a_usable_shot_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        read_shots(tmp_path / "missing")
    with pytest.raises(InputError, match=r"no video in this folder \(looked for .*\.flv, .*\.mpeg, .*\.mts, "):
        read_shots(tmp_path)
    write_lossless(tmp_path / "still.mkv", [pan(1)[0]] * 6)
    write_lossless(tmp_path / "small.mkv", [frame[:32] for frame in pan(6)])
    reasons = r"1 below 64 pixels, 1 without three different frames in a row"
    with pytest.raises(InputError, match=rf"no usable shot in 2 videos \({reasons}\)"):
        read_shots(tmp_path)
    with pytest.raises(InputError, match=r"still.mkv is a file; expected a folder of videos"):
        read_shots(tmp_path / "still.mkv")


def test_videos_that_are_left_out_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_lossless(tmp_path / "good.mkv", pan(5))
    write_lossless(tmp_path / "short.mkv", pan(2))
    with caplog.at_level(logging.WARNING):
        read_shots(tmp_path)

    (line,) = [record.getMessage() for record in caplog.records]
    assert line.endswith("of 2 videos are left out: 1 without three different frames in a row")


@pytest.mark.parametrize("suffix", [".flv", ".mpeg", ".mts"])
def test_these_are_videos_too(tmp_path: Path, suffix: str) -> None:
    codec = "flv1" if suffix == ".flv" else "mpeg2video"
    write_clip(tmp_path / f"clip{suffix}", pan(5), codec=codec)

    assert len(read_shots(tmp_path)) == 1


def test_what_is_measured_on_is_not_learned_from(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in a folder inside the other nor by a link."""
    (tmp_path / "val").mkdir()
    write_lossless(tmp_path / "val" / "judge.mkv", pan(6, seed=1))
    (tmp_path / "link.mkv").symlink_to(tmp_path / "val" / "judge.mkv")
    write_lossless(tmp_path / "own.mkv", pan(5, seed=2))
    judged_on = [tmp_path / "val" / "judge.mkv"]
    with caplog.at_level(logging.WARNING):
        shots = read_shots(tmp_path, judged_on=judged_on)

    assert [shot.name for shot in shots] == ["own"]
    assert "videos that are in --val, too, are not learned from: 2" in caplog.text
    with pytest.raises(InputError, match=r"all its videos are in --val, too; without --val frames of them are kept"):
        read_shots(tmp_path / "val", judged_on=judged_on)


def test_long_videos_leave_memory_to_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, count in (("a", 5), ("b", 45), ("c", 4), ("d", 9)):
        write_lossless(tmp_path / f"{name}.mkv", pan(count))
    bytes_of_a_frame = 3 * HEIGHT * WIDTH

    def lengths(max_gigabytes: float | None) -> list[int]:
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            return [len(shot.frames) for shot in read_shots(tmp_path, max_gigabytes)]

    # No video takes more than half of what is left for it and those behind it.
    assert lengths(80 * bytes_of_a_frame / 1e9) == [5, 37, 4, 9]
    (line,) = [record.getMessage() for record in caplog.records]
    assert "of 1 videos no more than the beginning fits into 0.00166 GB" in line and "b.mkv" in line
    # Little memory: 24 frames, if need be at the cost of those that come later.
    assert lengths(35 * bytes_of_a_frame / 1e9) == [5, 24, 4]
    assert "of 2 videos no more" in caplog.text and "left out" not in caplog.text
    monkeypatch.setattr("vfi_flow.training.shots.free_memory", lambda: 240 * bytes_of_a_frame + 3)
    assert lengths(None) == [5, 37, 4, 9]
