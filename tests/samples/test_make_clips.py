"""The sample clips are what their formulas say."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from tolerances import SAMPLE_CLIP_PSNR

SAMPLES = Path(__file__).parents[2] / "samples"
SCENES = ("meadow", "orbit", "cut")


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2))


@pytest.mark.parametrize("scene", SCENES)
def test_one_scene_at_one_moment_is_always_the_same_picture(make_clips, scene):
    first, second = (make_clips.render(scene, Fraction(5, 7), 96, 54) for _ in range(2))

    assert first.shape == (54, 96, 3) and first.dtype == np.uint8
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 7), (63, 47), (320, 180)])
def test_a_scene_can_be_drawn_at_any_size(make_clips, width, height):
    assert make_clips.render("meadow", Fraction(1), width, height).shape == (height, width, 3)


@pytest.mark.parametrize("scene", ["meadow", "orbit"])
def test_the_caption_stands_still_while_the_scene_moves(make_clips, scene):
    early, late = (make_clips.render(scene, seconds, 320, 180).astype(int) for seconds in (Fraction(1), Fraction(5, 4)))
    letters = make_clips.Canvas.blank(320, 180)
    make_clips.draw_caption(letters)
    white = letters.image[..., 0] == 1

    assert white.sum() > 200
    assert (early[white] == 255).all() and (late[white] == 255).all()
    assert np.abs(early - late).mean() > 1


def test_the_ball_is_where_its_formula_says(make_clips):
    width, height, units = 320, 180, 180 / 9
    seconds = Fraction(9, 8)  # the highest point of a hop
    x, y, _ = make_clips.ball_place(seconds)
    column, row = width / 2 + x * units, y * units
    canvas = make_clips.Canvas.blank(width, height)
    make_clips.draw_ball(canvas, x, y, 0.0)
    rows, columns = np.nonzero(canvas.image[:130].sum(axis=2) > 0.2)  # the shadow lies lower

    assert y == pytest.approx(6.3 - make_clips.HOP)
    assert columns.mean() + 0.5 == pytest.approx(column, abs=0.5)
    assert rows.mean() + 0.5 == pytest.approx(row, abs=0.5)


def test_every_bounce_starts_a_note(make_clips):
    rate = make_clips.SOUND_RATE
    wave = make_clips.sound("meadow", np.arange(3 * rate) / rate)[0]
    window = rate // 50

    for bounce in range(1, 4):
        start = int(bounce * make_clips.BEAT * rate)
        before, after = (np.std(wave[first : first + window]) for first in (start - window, start))
        assert after > 2 * before


def test_the_moons_sound_comes_from_the_side_it_is_on(make_clips):
    times = np.linspace(0, 4, 4 * 4800, endpoint=False)
    left, right = make_clips.sound("orbit", times)

    for seconds in range(4):
        part = slice(seconds * 4800, seconds * 4800 + 480)
        x, _, _ = make_clips.moon_place(Fraction(seconds), make_clips.LARGE_MOON_SPEED, 2.4, 4.6)
        assert (np.std(right[part]) > np.std(left[part])) == (x > 0)


def test_no_sample_of_the_sound_clips(make_clips):
    for scene in SCENES:
        assert np.abs(make_clips.sound(scene, np.arange(0, 4, 1e-4))).max() < 1


def test_the_scene_cut_changes_everything_between_two_frames(make_clips):
    before, at = (make_clips.render("cut", make_clips.CUT - k * Fraction(1, 24), 96, 54) for k in (1, 0))

    np.testing.assert_array_equal(before, make_clips.render("meadow", make_clips.CUT - Fraction(1, 24), 96, 54))
    np.testing.assert_array_equal(at, make_clips.render("orbit", make_clips.CUT, 96, 54))


def test_the_command_writes_the_same_file_twice_with_exact_rate_and_sound(tmp_path):
    for name in ("a.mp4", "b.mp4"):
        options = ["--size", "96x64", "--rate", "24000/1001", "--seconds", "1"]
        subprocess.run([sys.executable, SAMPLES / "make_clips.py", "orbit", tmp_path / name, *options], check=True)

    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    with av.open(str(tmp_path / "a.mp4")) as container:
        times = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    with av.open(str(tmp_path / "a.mp4")) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
    assert times == [n * Fraction(1001, 24000) for n in range(23)]
    assert samples / 48000 == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    "options", [["--size", "95x64"], ["--size", "big"], ["--rate", "0"], ["--rate", "1/0"], ["--seconds", "0"]]
)
def test_options_that_make_no_clip_are_refused_and_leave_no_file(tmp_path, options):
    command = [sys.executable, SAMPLES / "make_clips.py", "meadow", tmp_path / "clip.mp4", *options]
    finished = subprocess.run(command, capture_output=True, text=True)

    assert finished.returncode == 2 and "error:" in finished.stderr
    assert not (tmp_path / "clip.mp4").exists()


def test_the_committed_clip_is_small_and_shows_the_meadow_at_the_time_of_each_frame(make_clips):
    clip = SAMPLES / "meadow.mp4"
    with av.open(str(clip)) as container:
        frames = [(f.pts * f.time_base, f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]

    assert clip.stat().st_size < 600_000
    assert len(frames) == 72
    for seconds, picture in (frames[0], frames[37], frames[71]):
        assert psnr(make_clips.render("meadow", seconds, 640, 360), picture) > SAMPLE_CLIP_PSNR


@pytest.mark.parametrize("name", ["missing/orbit.mp4", "orbit.foo"])
def test_where_no_video_can_be_written_a_sentence_names_it(tmp_path, name):
    command = [
        sys.executable,
        SAMPLES / "make_clips.py",
        "orbit",
        tmp_path / name,
        "--size",
        "32x32",
        "--seconds",
        "1/8",
    ]
    finished = subprocess.run(command, capture_output=True, text=True)

    assert finished.returncode == 1
    assert finished.stderr.startswith(f"make_clips.py: {tmp_path / name}: ") and finished.stderr.count("\n") == 1
