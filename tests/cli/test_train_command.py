"""`vfi-flow train` from the command line: two processes, a stop, a resumption; and what it refuses."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from clips import moving_square, write_clip

from vfi_flow.cli.main import main

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    write_clip(folder / "clip.mp4", moving_square(12, width=96, height=80))
    return folder


def command(videos: Path, output: Path, *more: str) -> list[str]:
    options = {"--data": videos, "--val": videos, "--output": output, "--preset": "tiny", "--crop": 64, "--batch": 2}
    words = [str(word) for pair in options.items() for word in pair]
    return ["train", *words, "--processes", "2", "--per-clip", "1", *more]


def start(arguments: list[str]) -> "subprocess.Popen[str]":
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    line = [sys.executable, "-m", "vfi_flow.cli.main", *arguments]
    return subprocess.Popen(line, stderr=subprocess.PIPE, text=True, env=environment)


def samples(output: Path) -> int:
    return json.loads((output / "checkpoint" / "progress.json").read_text())["samples"]


def test_two_processes_train_are_stopped_and_resumed(videos: Path, tmp_path: Path):
    output = tmp_path / "run"
    process = start(command(videos, output, "--minutes", "10"))
    deadline = time.monotonic() + 60
    while not (output / "log.jsonl").is_file() or not (output / "log.jsonl").stat().st_size:
        assert time.monotonic() < deadline and process.poll() is None, process.communicate()[1]
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=60)
    stopped = samples(output)
    resumed = start(command(videos, output, "--resume", "--samples", str(stopped + 8)))
    resumed.communicate(timeout=60)

    assert process.returncode == 130
    assert told.strip().endswith("interrupted")
    assert stopped >= 40  # the first line of the log is written after 20 steps of 2
    assert resumed.returncode == 0
    assert samples(output) == stopped + 8
    assert (output / "best.safetensors").is_file()


def test_without_other_videos_the_best_weights_are_chosen_on_frames_that_are_kept_back(videos: Path, tmp_path: Path):
    line = command(videos, tmp_path / "run", "--samples", "8")
    at = line.index("--val")
    process = start([*line[:at], *line[at + 2 :], "--processes", "1"])
    _, told = process.communicate(timeout=120)

    assert process.returncode == 0, told
    assert "8 samples: psnr" in told
    assert (tmp_path / "run" / "best.safetensors").is_file()


@pytest.mark.parametrize(
    ("more", "code", "sentence"),
    [
        (["--crop", "70"], 2, "--crop must be a multiple of 32"),
        (["--minutes", "0"], 2, "must be above 0"),
        (["--synthetic", "1.5"], 2, "--synthetic must be from 0 to 1"),
        (["--stage", "velocity"], 2, "needs a trained mean"),
        (["--stage", "fusion"], 2, "needs a trained registration"),
        (["--stage", "velocity", "--freeze", "encoder"], 2, "--freeze goes with stage motion or mean"),
        (["--freeze", "encoder"], 2, "pass its weights with --init"),
        (["--preset", "huge"], 4, "unknown model preset 'huge'"),
        (["--init", "nothing.safetensors"], 4, "nothing.safetensors: cannot be read as weights"),
        (["--init", "tiny"], 4, "no model named 'tiny' comes with this package"),
        (["--init", "base"], 4, "weights of preset 'base' do not fit preset 'tiny'"),
        (["--resume"], 3, "no checkpoint to resume from"),
        (["--data", "nowhere"], 3, "nowhere"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_work_is_one_sentence(videos, tmp_path, monkeypatch, capfd, more, code, sentence):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "0")  # no restart of the process that tests
    arguments = [*command(videos, tmp_path / "run"), "--processes", "1", *more]

    assert main(arguments) == code
    assert sentence in capfd.readouterr().err


def test_a_run_is_not_started_over_by_accident(videos, tmp_path, capfd):
    (tmp_path / "run" / "checkpoint").mkdir(parents=True)

    assert main(command(videos, tmp_path / "run")) == 7
    assert "pass --resume" in capfd.readouterr().err
