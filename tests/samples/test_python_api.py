"""samples/python_api.py runs as it stands."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import moving_square, write_clip

SAMPLES = Path(__file__).parents[2] / "samples"


def picture(path):
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24").astype(float)


def test_it_writes_three_frames_nearer_to_the_truth_than_a_blend(make_clips, trained_model, tmp_path):
    command = [sys.executable, SAMPLES / "python_api.py", tmp_path / "frames"]
    finished = subprocess.run(command, capture_output=True, text=True)

    assert finished.returncode == 0, finished.stderr
    first, *between, last = (picture(tmp_path / "frames" / f"{n}.png") for n in range(5))
    for n, image in enumerate(between, start=1):
        truth = make_clips.render("meadow", Fraction(n, 4) / 24, 640, 360)
        blend = first + n / 4 * (last - first)
        assert np.mean((image - truth) ** 2) < np.mean((blend - truth) ** 2)


@pytest.mark.parametrize("video", ["missing.mp4", "text.mp4", "one.mp4"])
def test_a_video_that_cannot_give_two_frames_is_one_sentence(tmp_path, video):
    (tmp_path / "text.mp4").write_text("no video")
    write_clip(tmp_path / "one.mp4", moving_square(1))
    command = [sys.executable, SAMPLES / "python_api.py", tmp_path / "frames", tmp_path / video]
    finished = subprocess.run(command, capture_output=True, text=True)

    assert finished.returncode == 1
    assert finished.stderr.startswith(str(SAMPLES / "python_api.py: ")) and finished.stderr.count("\n") == 1


def test_without_a_folder_it_says_how_to_use_it():
    finished = subprocess.run([sys.executable, SAMPLES / "python_api.py"], capture_output=True, text=True)

    assert finished.returncode == 1 and "OUTPUT_FOLDER" in finished.stderr
