"""One result, one job: a second one at the same time is refused and harms nothing."""

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from clips import moving_square, write_clip

from vfi_flow.errors import OutputError
from vfi_flow.media.images import ImageSequence
from vfi_flow.media.pipe import OutputPipe
from vfi_flow.pipeline import output_lock
from vfi_flow.pipeline.output_lock import alone, locked
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


@pytest.mark.parametrize("fails", [False, True], ids=["another number", "no number"])
def test_where_an_open_file_has_another_number_than_its_name_it_is_locked_all_the_same(tmp_path, monkeypatch, fails):
    def fstat(file: int) -> os.stat_result:
        if fails:
            raise OSError(22, "Invalid argument")
        return os.stat(tmp_path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", fstat)
        file = locked(tmp_path / "mark")

    assert file is not None and locked(tmp_path / "mark") is None
    os.close(file)


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
def test_a_mark_that_its_holder_removes_just_before_it_is_locked_is_made_again(tmp_path, monkeypatch):
    """Or a third job would find no mark, make one, and write the same result."""
    mark, lock, opened = tmp_path / "mark", output_lock.lock, []

    def after_the_holder_has_left(file: int) -> None:
        opened.append(file)
        if len(opened) == 1:
            mark.unlink()
        lock(file)

    with monkeypatch.context() as patch:
        patch.setattr(output_lock, "lock", after_the_holder_has_left)
        file = locked(mark)

    assert file is not None and len(opened) == 2
    assert locked(mark) is None
    os.close(file)


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
def test_a_mark_is_removed_while_it_is_locked_and_never_that_of_the_next_job(tmp_path, monkeypatch):
    leave, taken = output_lock.leave, []

    def while_another_job_tries(mark: Path) -> None:
        taken.append(locked(mark))
        leave(mark)

    monkeypatch.setattr(output_lock, "leave", while_another_job_tries)
    with alone(tmp_path / "out.mp4"):
        pass

    assert taken == [None]


def test_a_mark_that_cannot_be_removed_hides_neither_result_nor_error(tmp_path, monkeypatch):
    def denied(path, missing_ok=False):
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", denied)
        with alone(tmp_path / "out.mp4"):
            pass
        with pytest.raises(ZeroDivisionError), alone(tmp_path / "out.mp4"):
            raise ZeroDivisionError

    with alone(tmp_path / "out.mp4"):  # nor is it in the way
        pass
    assert not list(tmp_path.iterdir())
