"""Signals at a running `vfi-flow interpolate`, and what the same command with `--resume` makes of what they left."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from clips import moving_square, pixels, stream_packets, video_times, write_clip

from vfi_flow.cli.stops import stop_on_signal
from vfi_flow.stopping import STOPPING

pytestmark = pytest.mark.usefixtures("heard")

JOB = """
import os, sys, threading, time
import numpy as np
from vfi_flow.cli.main import main
from vfi_flow.inference import interpolator
from vfi_flow.media import chunks

def is_waited_for():
    frame = sys._current_frames()[threading.main_thread().ident]
    return (frame.f_code.co_name, frame.f_back.f_code.co_name) == ("wait", "get")

class Slow:
    model_name = model_hash = engine = scale = "slow"
    strength, any_size, calls = 1.0, True, 0
    def __init__(self, **options): pass
    def __enter__(self): return self
    def __exit__(self, *error): pass
    def tile_side(self, height, width): pass
    def calls_at_once(self, height, width): return 1
    def __call__(self, frame0, frame1, taus, *, pts=0, before=None, after=None):
        self.calls += 1
        if str(self.calls) == os.environ.get("HANGS_IN_CALL"):
            while not is_waited_for():
                time.sleep(0.005)
            open("hangs", "w").close()
            while not os.path.exists("goes on"):
                time.sleep(0.005)
        time.sleep(float(sys.argv[1]))
        return [np.round(frame0 * (1.0 - t) + frame1 * t).astype(frame0.dtype) for t in taus]

chunks.CHUNK_FRAMES = 10
interpolator.Interpolator = Slow
sys.exit(main(["interpolate", *sys.argv[2:]]))
"""

ROOT = Path(__file__).parents[2]


class Started:
    """A job in a process of its own."""

    def __init__(self, *words: object, seconds_a_call: float = 0.05, hangs_in_call: int = 0, folder: Path = ROOT):
        """In one call the model may hang, until there is a file `goes on` in `folder`; it makes a file `hangs` there
        when all frames before are written."""
        quiet = [] if "--progress" in words else ["--progress", "none"]
        command = [sys.executable, "-c", JOB, str(seconds_a_call), *map(str, words), *quiet]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "HANGS_IN_CALL": str(hangs_in_call)}
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, cwd=folder)

    def wait_for_chunk(self, folder: Path, first: int) -> "Started":
        """Until the chunk that begins with frame `first` is complete."""
        return self.wait_for(folder / f"{first:09d}.json")

    def wait_for(self, file: Path) -> "Started":
        deadline = time.monotonic() + 60
        while self.process.poll() is None and not file.exists():
            assert time.monotonic() < deadline
            time.sleep(0.002)
        return self

    def send(self, number: signal.Signals) -> "Started":
        self.process.send_signal(number)
        return self

    def ended(self) -> tuple[int, list[str]]:
        """Exit code and the lines on stderr."""
        _, err = self.process.communicate(timeout=60)
        return self.process.returncode, [line for line in err.splitlines() if line]


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A folder with a clip and the result of a job that nobody interrupted, constant and variable rate."""
    folder = tmp_path_factory.mktemp("whole")
    ticks = np.cumsum([0, *([3, 4, 3, 9, 3] * 8)])[:40].tolist()
    write_clip(folder / "constant.mp4", moving_square(40, 128, 96), sound="aac")
    write_clip(folder / "variable.mp4", moving_square(40, 128, 96), pts=ticks, time_base=Fraction(1, 90), sound="aac")
    for kind in ("constant", "variable"):
        words = (folder / f"{kind}.mp4", folder / f"{kind}.mkv", "-c:v", "ffv1")
        assert Started(*words, seconds_a_call=0).ended() == (0, [])
    return folder


def assert_same_result(result: Path, whole: Path) -> None:
    assert video_times(result) == video_times(whole)
    assert stream_packets(result, "audio") == stream_packets(whole, "audio")
    np.testing.assert_array_equal(pixels(result, "yuv420p"), pixels(whole, "yuv420p"))


@pytest.mark.parametrize(("kind", "number"), [("constant", signal.SIGINT), ("variable", signal.SIGTERM)])
def test_the_first_signal_keeps_every_frame_and_resume_goes_on(whole, tmp_path, kind, number):
    words = (whole / f"{kind}.mp4", tmp_path / "out.mkv", "-c:v", "ffv1", "--resume")
    folder = tmp_path / "out.mkv.resume"

    code, err = Started(*words).wait_for_chunk(folder, 10).send(number).ended()

    assert code == 130
    keeping, kept, interrupted = err
    assert keeping == "vfi-flow: keeping what has been made; once more ends the job at once"
    frames = int(kept.split()[1])
    assert kept == f"vfi-flow: {frames} frames are kept in {folder}; the same command with --resume goes on from there"
    assert interrupted == "vfi-flow: interrupted" and frames >= 20
    assert left_in(tmp_path) == ["out.mkv.resume"]
    report = tmp_path / "report.json"
    assert Started(*words, "--report", report, seconds_a_call=0).ended() == (0, [])
    assert json.loads(report.read_text())["resumed_frames"] == frames
    assert_same_result(tmp_path / "out.mkv", whole / f"{kind}.mkv")
    assert left_in(tmp_path) == ["out.mkv", "report.json"]


@pytest.mark.parametrize("kind", ["constant", "variable"])
def test_a_kill_costs_at_most_one_chunk_at_any_moment(whole, tmp_path, kind):
    words = (whole / f"{kind}.mp4", tmp_path / "out.mkv", "-c:v", "ffv1", "--resume")
    folder = tmp_path / "out.mkv.resume"

    for first in (0, 10, 50):
        code, _ = Started(*words).wait_for_chunk(folder, first).send(signal.SIGKILL).ended()
        assert code == -signal.SIGKILL
        assert not (tmp_path / "out.mkv").exists()
        assert {f"{n:09d}.json" for n in range(0, first + 1, 10)} <= set(left_in(folder))

    assert Started(*words, seconds_a_call=0).ended() == (0, [])
    assert_same_result(tmp_path / "out.mkv", whole / f"{kind}.mkv")
    assert left_in(tmp_path) == ["out.mkv"]


@pytest.mark.parametrize(("signals", "kept"), [(1, range(14, 20)), (2, range(10, 11))])
def test_a_second_signal_ends_the_job_at_once_and_keeps_whole_chunks(whole, tmp_path, signals, kept):
    """The model takes a long time for a frame, and the second chunk is half done."""
    words = (whole / "constant.mp4", tmp_path / "out.mkv", "-c:v", "ffv1")
    job = Started(*words, seconds_a_call=0, hangs_in_call=9, folder=tmp_path)
    job.wait_for_chunk(tmp_path / "out.mkv.resume", 0).wait_for(tmp_path / "hangs")

    job.send(signal.SIGTERM)
    assert job.process.stderr.readline() == "\n"
    if signals == 2:
        job.send(signal.SIGTERM)
    (tmp_path / "goes on").touch()
    code, err = job.ended()

    assert code == 130
    assert int(err[-2].split()[1]) in kept and " frames are kept in " in err[-2]
    assert err[-1] == "vfi-flow: interrupted"


@pytest.mark.parametrize(("output", "number"), [("out.gif", signal.SIGTERM), ("out/%03d.png", signal.SIGINT)])
def test_what_cannot_be_resumed_leaves_nothing(tmp_path, output, number):
    source = write_clip(tmp_path / "in.mp4", moving_square(60), rate=Fraction(12))
    (tmp_path / "out").mkdir()
    job = Started(source, tmp_path / output, "--progress", "json")
    for line in job.process.stderr:
        if '"progress"' in line:
            break

    code, err = job.send(number).ended()

    assert code == 130
    assert err[-1] == "vfi-flow: interrupted" and not any("kept" in line for line in err)
    assert left_in(tmp_path) == ["in.mp4", "out"] and left_in(tmp_path / "out") == []


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="signals of POSIX")
def test_a_terminal_that_closes_keeps_every_frame_too_unless_nohup_says_otherwise(whole, tmp_path):
    words = (whole / "constant.mp4", tmp_path / "out.mkv", "-c:v", "ffv1")
    folder = tmp_path / "out.mkv.resume"

    code, err = Started(*words).wait_for_chunk(folder, 10).send(signal.SIGHUP).ended()
    assert code == 130 and " frames are kept in " in err[1]

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # which the job inherits, as from nohup
    try:
        job = Started(*words, "--resume", seconds_a_call=0.02).wait_for_chunk(folder, 50)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert job.send(signal.SIGHUP).ended() == (0, [])


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_whose_exception_is_dropped_still_says_stop(number):
    in_one_go = SimpleNamespace(chunks=None)

    with stop_on_signal(in_one_go) as stop:
        assert not stop()
        with suppress(KeyboardInterrupt):
            signal.raise_signal(number)

        assert stop()


@pytest.mark.parametrize("number", STOPPING)
def test_where_frames_are_kept_the_first_signal_says_stop_and_the_second_one_is_an_interrupt(number):
    in_chunks = SimpleNamespace(chunks=Path("out.mkv.resume"))

    with pytest.raises(KeyboardInterrupt), stop_on_signal(in_chunks) as stop:
        signal.raise_signal(number)
        assert stop()
        signal.raise_signal(number)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="signals of POSIX")
def test_ctrl_break_of_windows_ends_a_job_as_ctrl_c_does():
    code = """
import signal
signal.SIGBREAK = signal.SIGUSR1
del signal.SIGHUP
from vfi_flow.cli.interpolate import stops_as_interrupts
try:
    with stops_as_interrupts():
        signal.raise_signal(signal.SIGBREAK)
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True
    )

    assert done.stdout == b"interrupted\n", done.stderr


def test_a_job_that_has_kept_frames_says_how_to_go_on(whole, tmp_path):
    words = (whole / "constant.mp4", tmp_path / "out.mkv", "-c:v", "ffv1")
    folder = tmp_path / "out.mkv.resume"
    Started(*words).wait_for_chunk(folder, 0).send(signal.SIGKILL).ended()

    code, [refused] = Started(*words).ended()

    assert code == 7
    assert refused.endswith("pass --resume to go on with it, or --overwrite to start again")
    code, [named] = Started(*words, "--resume", "-x", "3").ended()
    assert code == 2 and "--resume: -x was 2 in the interrupted job and is 3" in named
