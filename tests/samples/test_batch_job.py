"""samples/batch_job.sh with a stand-in for `vfi-flow` that ends with the exit code in the name of the video."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "samples" / "batch_job.sh"
STAND_IN = """#!/usr/bin/env bash
name=$(basename "$2")
echo "$*" >>"$LOG"
[ ! -e "$3" ] || exit 7
code=${name#code}
code=${code%%.*}
[ "$code" != 0 ] || echo video >"$3"
exit "$code"
"""


@pytest.fixture
def job(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "vfi-flow").write_text(STAND_IN)
    (tmp_path / "bin" / "vfi-flow").chmod(0o755)
    (tmp_path / "in").mkdir()

    def run(*names, options=()):
        for name in names:
            (tmp_path / "in" / name).touch()
        environment = {**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "LOG": f"{tmp_path}/log"}
        command = [SCRIPT, tmp_path / "in", tmp_path / "out", *options]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    run.out = tmp_path / "out"
    run.log = tmp_path / "log"
    return run


def test_every_video_is_done_and_the_options_are_passed_on(job):
    finished = job("code0.a b.mp4", "code0.MKV", "notes.txt", options=["-r", "60"])

    assert finished.returncode == 0, finished.stderr
    assert sorted(path.name for path in job.out.iterdir()) == ["code0.MKV", "code0.a b.mp4"]
    assert all(line.endswith("--progress none -r 60") for line in job.log.read_text().splitlines())


@pytest.mark.parametrize("code", [1, 3, 5, 6, 7])
def test_a_failed_video_is_noted_and_the_next_is_done(job, code):
    finished = job(f"code{code}.mp4", "code0.webm")

    assert finished.returncode == 1
    assert (job.out / "code0.webm").exists()
    assert (job.out / "failed.txt").read_text().endswith(f"in/code{code}.mp4\n")


@pytest.mark.parametrize("code", [2, 4, 130])
def test_what_would_fail_for_every_video_ends_the_job(job, code):
    finished = job(f"code{code}.mp4", "code0.webm")

    assert finished.returncode == code
    assert not list(job.out.iterdir())


def test_a_second_run_leaves_finished_videos_alone(job):
    job("code0.mp4")
    finished = job()

    assert finished.returncode == 0 and "exists" in finished.stdout


def test_a_second_run_goes_on_with_a_video_that_was_interrupted(job):
    job.out.mkdir()
    (job.out / "code0.mp4.resume").mkdir()
    finished = job("code0.mp4", "code0.webm")

    assert finished.returncode == 0
    resumed = {line.split()[2].rpartition("/")[2]: "--resume" in line for line in job.log.read_text().splitlines()}
    assert resumed == {"code0.mp4": True, "code0.webm": False}


def test_a_video_that_was_interrupted_with_other_options_does_not_stop_the_others(job):
    job.out.mkdir()
    (job.out / "code2.mp4.resume").mkdir()
    finished = job("code2.mp4", "code0.webm")

    assert finished.returncode == 1
    assert (job.out / "code0.webm").exists()
    assert (job.out / "failed.txt").read_text().endswith("in/code2.mp4\n")


@pytest.mark.parametrize("option", ["-y", "--overwrite"])
def test_a_video_that_was_interrupted_is_started_again_where_that_is_asked_for(job, option):
    job.out.mkdir()
    (job.out / "code0.mp4.resume").mkdir()

    assert job("code0.mp4", options=[option]).returncode == 0
    assert "--resume" not in job.log.read_text()


def test_without_an_input_folder_it_says_how_to_use_it(tmp_path):
    finished = subprocess.run([SCRIPT, tmp_path / "missing", tmp_path], capture_output=True, text=True)

    assert finished.returncode == 2 and "usage:" in finished.stderr


def test_results_do_not_go_among_the_videos(tmp_path):
    (tmp_path / "a.mp4").touch()
    finished = subprocess.run([SCRIPT, tmp_path, f"{tmp_path}/."], capture_output=True, text=True)

    assert finished.returncode == 2 and "is the folder of the videos itself" in finished.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
