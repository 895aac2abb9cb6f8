"""Promises of the samples from real videos: one shot, different frames, the true clock, one augmentation for all."""

import logging
from collections.abc import Sequence
from dataclasses import astuple
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from tolerances import TEACHER_FLOW_PIXELS

from vfi_flow.errors import InputError
from vfi_flow.training import clips
from vfi_flow.training.clips import RealClips, Shot, read_shots, split, validation_triplets

HEIGHT, WIDTH = 72, 96


def texture(seed: int, height: int = 240, width: int = 320) -> np.ndarray:
    noise = np.random.default_rng(seed).random((height // 4, width // 4, 3), np.float32)
    return np.clip(255 * cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def pan(count: int, seed: int = 0, step: tuple[int, int] = (2, 1)) -> list[np.ndarray]:
    """Frames of a texture whose content moves right by step[0] and down by step[1] pixels a frame."""
    picture = texture(seed)
    corners = [(100 - step[0] * i, 60 - step[1] * i) for i in range(count)]
    return [np.ascontiguousarray(picture[y : y + HEIGHT, x : x + WIDTH]) for x, y in corners]


def write_video(path: Path, frames: Sequence[np.ndarray], pts: Sequence[int] | None = None) -> Path:
    """Lossless but for the conversion to YUV; `pts` counts hundredths of a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"qp": "0", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv444p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 100)
        for index, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = (4 * index if pts is None else pts[index]), Fraction(1, 100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def as_shot(frames: Sequence[np.ndarray], pts: Sequence[int] | None = None) -> Shot:
    return Shot("shot", np.stack(frames), np.array(range(len(frames)) if pts is None else pts, np.int64))


def parts(frames: Sequence[np.ndarray], pts: Sequence[int] | None = None) -> list[list[int]]:
    """Times of the frames of each shot."""
    whole = as_shot(frames, pts)
    return [shot.pts.tolist() for shot in split("video", whole.frames, whole.pts)]


def test_a_cut_ends_a_shot(tmp_path: Path) -> None:
    write_video(tmp_path / "two.mkv", pan(6, seed=1) + [255 - frame // 2 for frame in pan(5, seed=2)])

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


def test_tau_is_taken_from_the_clock_of_a_variable_rate_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pts = [0, 4, 15, 19, 31, 35, 47]
    ground = texture(5)[:HEIGHT, :WIDTH] // 4
    write_video(tmp_path / "vfr.mkv", [ground + np.uint8(time) for time in pts], pts)  # brightness tells the time
    monkeypatch.setattr(clips, "recolour", lambda rng, frames: list(frames))
    (shot,) = read_shots(tmp_path)
    source = RealClips([shot], 64)
    rng = np.random.default_rng(0)
    taus = []
    for _ in range(40):
        sample = source.draw(rng)
        first, middle, last = (float(f.mean()) for f in (sample.frame0, sample.middle, sample.frame1))
        taus.append(sample.tau)

        assert sample.tau == pytest.approx((middle - first) / (last - first), abs=0.05)
    assert min(taus) <= 0.25 and max(taus) >= 0.75
    assert [t.tau for t in validation_triplets([shot], per=5)] == pytest.approx(
        [4 / 15, 11 / 15, 4 / 16, 12 / 16, 4 / 16]
    )


def test_an_unreadable_file_is_left_out_with_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_video(tmp_path / "good.mkv", pan(5))
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
    with pytest.raises(InputError, match="no usable shot"):
        read_shots(tmp_path)
    write_video(tmp_path / "still.mkv", [pan(1)[0]] * 6)
    with pytest.raises(InputError, match="no usable shot"):
        read_shots(tmp_path)


def test_videos_beyond_the_memory_guard_are_skipped_with_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_video(tmp_path / "a.mkv", pan(5))
    write_video(tmp_path / "b.mkv", pan(8))
    write_video(tmp_path / "c.mkv", pan(4))
    write_video(tmp_path / "d.mkv", pan(9))
    frame_gigabytes = 3 * HEIGHT * WIDTH / 1e9
    with caplog.at_level(logging.WARNING):
        shots = read_shots(tmp_path, max_gigabytes=10 * frame_gigabytes)

    assert [shot.name for shot in shots] == ["a", "c"]
    (line,) = [record.getMessage() for record in caplog.records]
    assert "2 videos" in line and "b.mkv" in line


def test_validation_sees_every_frame_and_the_same_places_every_time(tmp_path: Path) -> None:
    frames = pan(9)
    frames[4] = frames[3]
    write_video(tmp_path / "v.mkv", frames)
    shots = read_shots(tmp_path, whole=True)
    triplets = validation_triplets(shots, per=3, gap=2)

    assert len(shots[0].frames) == 9
    assert [t.tau for t in triplets] == [0.5] * 3
    for triplet, j in zip(triplets, (2, 4, 6), strict=True):
        assert np.array_equal(triplet.middle, shots[0].frames[j])
        assert np.array_equal(triplet.frame0, shots[0].frames[j - 2])
        assert np.array_equal(triplet.frame1, shots[0].frames[j + 2])


def test_the_teacher_finds_a_known_motion_and_doubts_what_does_not_match() -> None:
    frame0, middle, frame1 = pan(3, step=(6, 2))
    flow, weight = clips.teach(frame0, middle, frame1)
    inside = (slice(None), slice(8, -8), slice(8, -8))

    for channel, expected in enumerate((-3, -1, 3, 1)):  # half-size pixels
        assert np.median(flow[channel][inside[1:]]) == pytest.approx(expected, abs=TEACHER_FLOW_PIXELS)
    assert weight[inside].mean() > 0.8
    other = clips.teach(pan(1, seed=7)[0], middle, pan(1, seed=8)[0])[1]
    assert other.mean() < 0.3


def test_all_three_frames_get_the_same_augmentation() -> None:
    source = RealClips([as_shot([texture(9)] * 9)], 64)
    rng = np.random.default_rng(1)
    for _ in range(30):
        sample = source.draw(rng)

        assert np.array_equal(sample.frame0, sample.middle)
        assert np.array_equal(sample.frame1, sample.middle)


def test_crops_prefer_what_moves() -> None:
    frames = [texture(1).copy() for _ in range(5)]
    for index, frame in enumerate(frames):
        frame[:80, :80] = texture(2)[index : index + 80, :80]
    source = RealClips([as_shot(frames)], 64)
    rng = np.random.default_rng(2)
    moving = np.mean([not np.array_equal(s.frame0, s.frame1) for s in (source.draw(rng) for _ in range(60))])

    assert moving > 0.55  # 0.68 measured; by chance 0.16 would


def test_samples_have_the_promised_shapes_and_types_even_from_small_videos() -> None:
    source = RealClips([as_shot(pan(12)), as_shot(pan(3, seed=4))], 128)
    rng = np.random.default_rng(3)
    for _ in range(30):
        sample = source.draw(rng)

        for frame in (sample.frame0, sample.middle, sample.frame1):
            assert frame.shape == (128, 128, 3) and frame.dtype == np.uint8 and frame.flags.c_contiguous
        assert sample.flow.shape == (4, 64, 64) and sample.flow.dtype == np.float32
        assert sample.flow_weight.shape == (2, 64, 64) and sample.flow_weight.dtype == np.float32
        assert sample.flow_weight.min() >= 0 and sample.flow_weight.max() <= 1
        assert isinstance(sample.tau, float) and 0 < sample.tau < 1


def test_the_seed_decides_the_sample() -> None:
    source = RealClips([as_shot(pan(12))], 64)
    first, second, other = (source.draw(np.random.default_rng(seed)) for seed in (1, 1, 2))

    assert all(np.array_equal(a, b) for a, b in zip(astuple(first), astuple(second), strict=True))
    assert not np.array_equal(first.middle, other.middle)
