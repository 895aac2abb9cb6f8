"""One result, one job: a second one at the same time is refused and harms nothing."""

import subprocess
import sys
from fractions import Fraction

import pytest
from clips import moving_square, write_clip

from vfi_flow.errors import OutputError
from vfi_flow.media.images import ImageSequence
from vfi_flow.media.pipe import OutputPipe
from vfi_flow.pipeline.output_lock import alone
from vfi_flow.pipeline.plan import Job, make_plan
from vfi_flow.pipeline.run import run


def test_a_second_job_is_refused_and_the_first_goes_on(tmp_path):
    output = tmp_path / "out.mp4"
    with alone(output):
        for _ in range(2):  # being refused takes nothing away
            with pytest.raises(OutputError, match=r"out\.mp4: another job is writing it"), alone(output):
                pass
    with alone(output):
        pass

    assert not list(tmp_path.iterdir())


def test_other_results_and_pipes_are_nobodys_business(tmp_path):
    pictures = ImageSequence(tmp_path / "%04d.png", Fraction(25))
    pipe = OutputPipe(len, "nut")
    with (
        alone(tmp_path / "a.mp4"),
        alone(tmp_path / "b.mp4"),
        alone(pipe),
        alone(pipe),
        alone(pictures),
        pytest.raises(OutputError, match="another job"),
        alone(pictures),
    ):
        pass

    assert not list(tmp_path.iterdir())


def test_the_mark_of_a_killed_job_is_no_obstacle(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from vfi_flow.pipeline.output_lock import alone\n"
        "with alone(Path(sys.argv[1])): os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "out.mp4")], check=False)

    assert done.returncode == 9
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4.lock"]
    with alone(tmp_path / "out.mp4"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_job_leaves_the_unfinished_files_of_the_running_one_alone(tmp_path):
    source, output = write_clip(tmp_path / "in.mkv", moving_square(4)), tmp_path / "out.mkv"
    plan = make_plan(Job(source, output))
    growing = tmp_path / "out.partial.mkv"
    growing.write_bytes(b"growing")

    with alone(output), pytest.raises(OutputError, match="another job is writing it"):
        run(plan, lambda *_, **__: [])

    assert growing.read_bytes() == b"growing"
    assert not output.exists()
