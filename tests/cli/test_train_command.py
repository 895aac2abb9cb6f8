"""`vfi-flow train` from the command line: two processes, a stop, a resumption; and what it refuses."""

import json
import os
import signal
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from clips import moving_square, write_clip

from vfi_flow.cli.main import build_parser, main
from vfi_flow.cli.train import settings_from
from vfi_flow.cli.train_options import KEPT, complete, to_json
from vfi_flow.errors import UsageError

if TYPE_CHECKING:
    from vfi_flow.training.run import Prepared

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to learn from, with one to choose the best weights on beside it."""
    folder = tmp_path_factory.mktemp("videos")
    for name in ("train", "val"):
        (folder / name).mkdir()
        write_clip(folder / name / "clip.mp4", moving_square(12, width=96, height=80))
    return folder / "train"


def command(videos: Path, output: Path, *more: str) -> list[str]:
    val = videos.with_name("val")
    options = {"--data": videos, "--val": val, "--output": output, "--preset": "tiny", "--crop": 64, "--batch": 2}
    words = [str(word) for pair in options.items() for word in pair]
    return ["train", *words, "--processes", "2", "--per-clip", "1", *more]


def start(arguments: list[str]) -> "subprocess.Popen[str]":
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    line = [sys.executable, "-m", "vfi_flow.cli.main", *arguments]
    return subprocess.Popen(line, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True)


def wait_for_log(process: "subprocess.Popen[str]", output: Path) -> None:
    deadline = time.monotonic() + 60
    while not (output / "log.jsonl").is_file():
        assert time.monotonic() < deadline and process.poll() is None, process.communicate()[1]
        time.sleep(0.1)


def samples(output: Path) -> int:
    return json.loads((output / "checkpoint" / "progress.json").read_text())["samples"]


def test_two_processes_train_are_stopped_and_resumed(videos: Path, tmp_path: Path):
    """All processes are told to stop, as a batch system does it; --resume goes on with the options of the run."""
    output = tmp_path / "run"
    process = start(command(videos, output, "--minutes", "10"))
    wait_for_log(process, output)
    os.killpg(process.pid, signal.SIGTERM)
    _, told = process.communicate(timeout=60)
    stopped = samples(output)
    arguments = ["train", "--output", str(output), "--learning-rate", "1e-3", "--seed", "0"]
    resumed = start([*arguments, "--resume", "--samples", str(stopped + 8)])
    _, told_again = resumed.communicate(timeout=60)

    assert process.returncode == 130
    assert told.splitlines() == [
        f"vfi-flow: the run is kept in {output}; the same command with --resume goes on from there",
        "vfi-flow: interrupted",
    ]
    assert stopped >= 40  # the first line of the log is written after 20 steps of 2
    assert resumed.returncode == 0
    assert told_again.startswith(
        f"vfi-flow: {output}: goes on with other options: --learning-rate 0.001 (was default)\n"
    )
    assert samples(output) == stopped + 8
    assert (output / "best.safetensors").is_file()
    assert json.loads((output / "options.json").read_text())["crop"] == 64


@pytest.mark.skipif(sys.platform != "linux", reason="finds the children in /proc")
def test_a_process_that_is_killed_is_one_sentence_and_the_run_is_kept(videos: Path, tmp_path: Path):
    process = start([*command(videos, tmp_path / "run", "--minutes", "10"), "--processes", "1"])
    wait_for_log(process, tmp_path / "run")
    [worker] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(worker), signal.SIGKILL)
    _, told = process.communicate(timeout=60)

    assert process.returncode == 1
    assert told == "vfi-flow: a process of the run was ended, perhaps for lack of memory; --resume goes on\n"
    assert samples(tmp_path / "run") >= 40


def test_without_other_videos_the_best_weights_are_chosen_on_frames_that_are_kept_back(videos: Path, tmp_path: Path):
    line = command(videos, tmp_path / "run", "--samples", "8")
    at = line.index("--val")
    process = start([*line[:at], *line[at + 2 :], "--processes", "1"])
    _, told = process.communicate(timeout=120)

    assert process.returncode == 0, told
    assert "8 samples: psnr" in told
    assert (tmp_path / "run" / "best.safetensors").is_file()


@pytest.mark.parametrize(("batch", "cores", "processes"), [(12, 2, 2), (12, 5, 4), (12, 8, 6), (12, 64, 12), (7, 4, 1)])
def test_a_batch_stays_what_it_is_on_any_number_of_cores(batch, cores, processes):
    from vfi_flow.training.run import most_sharers

    assert most_sharers(batch, cores) == processes


@pytest.mark.parametrize(
    ("more", "code", "sentence"),
    [
        (["--crop", "70"], 2, "--crop must be a multiple of 32"),
        (["--minutes", "0"], 2, "must be above 0"),
        (["--minutes", "nan"], 2, "--minutes must be above 0, got nan"),
        (["--learning-rate", "0"], 2, "--learning-rate must be above 0"),
        (["--learning-rate", "nan"], 2, "--learning-rate must be above 0"),
        (["--validate-every", "-1"], 2, "--validate-every must be above 0"),
        (["--processes", "0"], 2, "--processes must be at least 1"),
        (["--workers", "-1"], 2, "--workers must be at least 0"),
        (["--batch", "0"], 2, "--batch must be at least 1, got 0"),
        (["--batch", "5", "--processes", "2"], 2, "--batch 5 cannot be shared evenly by 2 processes"),
        (["--perceptual", "3"], 2, "--perceptual weighs LPIPS: pass its weights with --lpips"),
        (["--per-clip", "0"], 2, "--per-clip must be at least 1"),
        (["--seed", "-1"], 2, "--seed must be at least 0"),
        (["--synthetic", "1.5"], 2, "--synthetic must be from 0 to 1"),
        (["--overlays", "-0.1"], 2, "--overlays must be from 0 to 1"),
        (["--stage", "velocity"], 2, "needs a trained mean"),
        (["--lpips", "weights.npz"], 2, "--lpips goes with stage velocity, not with stage mean"),
        (["--stage", "fusion", "--flow-weight", "1"], 2, "--flow-weight goes with stage motion or mean"),
        (["--teacher", "base", "--flow-weight", "1"], 2, "--flow-weight goes with stage motion or mean"),
        (["--stage", "fusion"], 2, "needs a trained registration"),
        (["--stage", "velocity", "--freeze", "encoder"], 2, "--freeze goes with stage motion or mean"),
        (["--freeze", "encoder"], 2, "pass its weights with --init"),
        (
            ["--init", "fast", "--preset", "fast", "--freeze", "encoder.level"],
            2,
            "has no part called 'encoder.level'",
        ),
        (["--stage", "motion", "--teacher", "base"], 2, "--teacher goes with stage mean, not with stage motion"),
        (["--teacher", "best"], 4, "no model named 'best' comes with this package"),
        (["--preset", "huge"], 4, "unknown model preset 'huge'"),
        (["--init", "nothing.safetensors"], 4, "nothing.safetensors: no such model file"),
        (["--init", "tiny"], 4, "no model named 'tiny' comes with this package"),
        (["--init", "base"], 4, "weights of preset 'base' do not fit preset 'tiny'"),
        (["--resume"], 3, "no checkpoint to resume from"),
        (["--data", "nowhere"], 3, "vfi-flow: nowhere: no such folder of videos"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_work_is_one_sentence(videos, tmp_path, monkeypatch, capfd, more, code, sentence):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "0")  # no restart of the process that tests
    arguments = [*command(videos, tmp_path / "run"), "--processes", "1", *more]

    assert main(arguments) == code
    assert sentence in capfd.readouterr().err


@pytest.mark.parametrize("name", ["checkpoint", "checkpoint.former"])
def test_a_run_is_not_started_over_by_accident(videos, tmp_path, capfd, name):
    (tmp_path / "run" / name).mkdir(parents=True)

    assert main(command(videos, tmp_path / "run")) == 7
    assert "pass --resume" in capfd.readouterr().err


def test_what_is_wrong_is_told_once_and_before_clips_are_read(videos, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "0")
    (tmp_path / "file").touch()
    for more, code in ((["--preset", "bas"], 4), (["--init", "nosuch"], 4), (["--output", str(tmp_path / "file")], 7)):
        assert main([*command(Path("nowhere"), tmp_path / "run"), *more]) == code
        assert capfd.readouterr().err.count("\n") == 1
    assert main(command(Path("nowhere"), tmp_path / "file" / "below")) == 7
    assert "no run can be kept there (Not a directory)" in capfd.readouterr().err


def test_options_that_are_not_given_are_those_of_the_run(tmp_path, monkeypatch):
    def completed(line: str) -> tuple[Namespace, list[str]]:
        arguments = build_parser().parse_args(line.split())
        return arguments, complete(arguments)

    monkeypatch.chdir(tmp_path)
    first = "train --data videos --output run --crop 64 --init a.safetensors --freeze fusion --samples 8"
    begun, _ = completed(first)
    Path("run").mkdir()
    Path("run", KEPT).write_text(to_json(begun))
    same, changed = completed(f"{first} --resume")
    longer, nothing = completed("train --output run --resume --minutes 5")
    other, others = completed("train --output run --resume --crop 96 --synthetic 0.3")
    elsewhere, _ = completed("train --output run --resume --val others")
    with pytest.raises(UsageError, match=r"--init base does not go with --resume: run began with .*a.safetensors and"):
        completed("train --output run --resume --init base")
    Path("run", KEPT).write_text('{"init": null}')
    with pytest.raises(UsageError, match="run began with random weights"):
        completed("train --output run --resume --init base")

    assert changed == nothing == []
    assert same.crop == longer.crop == 64 and longer.data == tmp_path / "videos" and longer.freeze == ["fusion"]
    assert (longer.minutes, longer.samples) == (5, None)
    assert others == ["--crop 96 (was 64)"]
    assert [each.judged_anew for each in (same, longer, other, elsewhere)] == [False, False, False, True]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("data", 5),
        ("minutes", "x"),
        ("minutes", None),
        ("samples", 2.5),
        ("crop", True),
        ("freeze", "encoder"),
        ("freeze", [5]),
        ("stage", "all"),
    ],
    ids=str,
)
def test_options_of_a_run_that_are_damaged_are_a_sentence(tmp_path, capfd, name, value):
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / KEPT).write_text(json.dumps({name: value, "unknown": 1}))

    assert main(["train", "--output", str(tmp_path), "--resume"]) == 3
    sentence = f"--{name} cannot be {value!r}; without this file --resume takes defaults"
    assert capfd.readouterr().err == f"vfi-flow: {tmp_path / KEPT}: {sentence}\n"


def test_a_module_of_the_current_folder_hides_none_of_the_library(videos, tmp_path):
    (tmp_path / "random.py").write_text("raise SystemExit('hidden')")
    program = "import sys; from vfi_flow.cli.main import main; sys.exit(main(sys.argv[1:]))"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "vfi-flow").write_text(program)
    line = [sys.executable, str(tmp_path / "bin" / "vfi-flow"), *command(videos, tmp_path / "run"), "--init", "nosuch"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert done.returncode == 4
    assert "no model named 'nosuch'" in done.stderr


def test_videos_to_choose_on_inside_the_others_are_not_learned_from(videos, tmp_path, caplog):
    prepared(videos.parent, tmp_path / "run", "--val", str(videos.with_name("val")))

    assert "videos that are in --val, too, are not learned from: 1" in caplog.text


@pytest.mark.parametrize("frames", [2, None], ids=["too short", "unreadable"])
def test_clips_to_choose_on_that_have_no_place_are_told_before_the_training(
    videos, tmp_path, monkeypatch, capfd, frames
):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "0")
    val = tmp_path / "val"
    val.mkdir()
    if frames:
        write_clip(val / "clip.mp4", moving_square(frames, width=96, height=80))
    else:
        (val / "clip.mp4").write_text("no video")

    assert main([*command(videos, tmp_path / "run"), "--val", str(val)]) == 3
    assert "no clip to choose the best weights on; each needs three frames" in capfd.readouterr().err


def test_an_unreadable_clip_to_choose_on_is_left_out_with_a_line(videos, tmp_path, caplog):
    from vfi_flow.training.validation import places_in

    (tmp_path / "broken.mp4").write_text("no video")
    write_clip(tmp_path / "good.mp4", moving_square(5, width=96, height=80))

    assert [place.clip for place in places_in(tmp_path, 2)] == ["good", "good"]
    assert "broken.mp4: not a video file that FFmpeg can read" in caplog.text and "left out" in caplog.text


def test_a_run_begins_with_the_strength_of_its_weights_and_goes_on_with_it(videos, tmp_path, monkeypatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "0")
    from vfi_flow.model.config import TINY
    from vfi_flow.model.network import InterpolationNetwork
    from vfi_flow.model.weights import Card, save_weights

    first, output = tmp_path / "first.safetensors", tmp_path / "run"
    save_weights(InterpolationNetwork(TINY), first, Card(strength=1.25))

    assert prepared(videos, tmp_path / "new").validation.strength == 1.0
    assert prepared(videos, output, "--init", str(first)).validation.strength == 1.25
    assert main(command(videos, output, "--init", str(first), "--samples", "2", "--processes", "1")) == 0
    save_weights(InterpolationNetwork(TINY), output / "best.safetensors", Card(strength=1.5))
    assert prepared(videos, output, "--resume").validation.strength == 1.5
    (output / "best.safetensors").unlink()
    assert prepared(videos, output, "--resume").validation.strength == 1.0


def test_where_processes_cannot_fork_one_trains_and_draws_its_samples(videos, tmp_path, monkeypatch, capfd):
    monkeypatch.delattr(os, "fork", raising=False)
    words = command(videos, tmp_path / "run", "--samples", "2", "--batch", "2")
    at = words.index("--processes")

    assert main([*words[:at], *words[at + 2 :]]) == 0
    assert samples(tmp_path / "run") == 2


@pytest.mark.parametrize("more", [["--processes", "2"], ["--processes", "1", "--workers", "3"]], ids=" ".join)
def test_where_processes_cannot_fork_asking_for_several_is_one_sentence(videos, tmp_path, monkeypatch, capfd, more):
    monkeypatch.delattr(os, "fork", raising=False)

    assert main([*command(videos, tmp_path / "run"), *more]) == 2

    said = f"vfi-flow: {' '.join(more[-2:])}: on this system "
    error = capfd.readouterr().err
    assert error.startswith(said) and error.count("\n") == 1


def prepared(videos: Path, output: Path, *more: str) -> "Prepared":
    from vfi_flow.training.run import prepare

    arguments = build_parser().parse_args(command(videos, output, *more))
    complete(arguments)
    return prepare(settings_from(arguments))


WITHOUT_PYAV = "import sys; sys.modules['av'] = None; from vfi_flow.cli.main import main; sys.exit(main())"


def test_it_trains_where_only_opencv_reads_videos(videos: Path, tmp_path: Path):
    words = command(videos, tmp_path / "run", "--samples", "2", "--processes", "1")
    done = subprocess.run([sys.executable, "-c", WITHOUT_PYAV, *words], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert samples(tmp_path / "run") == 2


@pytest.mark.parametrize("words", [["interpolate", "-x", "3", "in.mp4", "out.mp4"], ["probe"], ["scenes", "in.mp4"]])
def test_what_needs_pyav_says_so(words):
    done = subprocess.run([sys.executable, "-c", WITHOUT_PYAV, *words], capture_output=True, text=True)

    assert done.returncode == 4
    assert done.stderr == f"vfi-flow: vfi-flow {words[0]} needs av; run: pip install av\n"
