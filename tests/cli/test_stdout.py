"""Standard output has the video and nothing else, whatever libraries print."""

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from blending import Blend
from clips import moving_square, video_times, write_clip

from vfi_flow.cli.main import main
from vfi_flow.cli.stdout import own_stdout

TESTS = Path(__file__).parents[1]

NOISY_JOB = """
import os, sys
from blending import Blend
from vfi_flow.cli.main import main
from vfi_flow.inference import interpolator

class Noisy(Blend):
    def __init__(self, *words, **options):
        super().__init__(*words, **options)
        print("said while it loads")
        os.write(1, b"said in C++ while it loads")

    def __call__(self, *words, **options):
        print("said while it works", flush=True)
        return super().__call__(*words, **options)

if sys.argv[1] == "noisy":
    interpolator.Interpolator = Noisy
else:
    interpolator.Interpolator = Blend
code = main(["interpolate", *sys.argv[2:]])
os.write(1, b"after")
sys.exit(code)
"""


def job(kind: str, *words: object) -> tuple[bytes, bytes]:
    path = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    finished = subprocess.run(
        [sys.executable, "-c", NOISY_JOB, kind, *map(str, words)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
    )
    assert finished.returncode == 0, finished.stderr.decode()
    return finished.stdout, finished.stderr


def test_what_libraries_print_goes_to_stderr_while_a_video_goes_to_stdout(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(6))

    quiet, _ = job("quiet", source, "-", "--progress", "none")
    noisy, err = job("noisy", source, "-", "--progress", "none")

    assert quiet.startswith(b"YUV4MPEG2") and quiet.endswith(b"after")
    assert noisy == quiet
    assert err.count(b"said while it loads") == err.count(b"said in C++ while it loads") == 1
    assert err.count(b"said while it works") >= 5


@pytest.mark.parametrize("words", ["doctor --model base", "evaluate --data {folder} --steps none --baselines blend"])
def test_a_full_disk_behind_standard_output_is_one_sentence(tmp_path, words):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    write_clip(tmp_path / "in.mp4", moving_square(5))
    page, line = tmp_path / "page.html", f"vfi-flow: standard output or a temporary file: {os.strerror(errno.ENOSPC)}\n"
    command = [sys.executable, "-m", "vfi_flow.cli.main", *words.format(folder=tmp_path).split()]
    with open("/dev/full", "w") as full:
        more = ["--html", str(page)] if "evaluate" in words else []
        finished = subprocess.run([*command, *more], stdout=full, stderr=subprocess.PIPE, text=True)

    assert (finished.returncode, finished.stderr) == (7, line)
    assert page.exists() == ("evaluate" in words)  # what was measured is not lost


@pytest.mark.parametrize(
    "words", ["doctor", "doctor --model base", "export", "probe in.mp4", "scenes in.mp4", "evaluate --data ."]
)
def test_a_closed_standard_output_is_one_sentence_before_any_work(tmp_path, words):
    write_clip(tmp_path / "in.mp4", moving_square(5))
    command = f"{sys.executable} -m vfi_flow.cli.main {words} >&-"
    finished = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True)

    assert (finished.returncode, finished.stderr) == (7, "vfi-flow: standard output is closed; let it lead somewhere\n")
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_with_a_closed_standard_output_files_are_written_all_the_same(tmp_path):
    write_clip(tmp_path / "in.mp4", moving_square(5))
    command = f"{sys.executable} -m vfi_flow.cli.main scenes in.mp4 cuts.json >&-"
    finished = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True)

    assert (finished.returncode, finished.stderr) == (0, "")
    assert (tmp_path / "cuts.json").exists()


@pytest.mark.parametrize("words", [["doctor"], ["doctor", "--json"], ["doctor", "--model", "base"]], ids=" ".join)
def test_a_reader_of_doctor_that_has_ended_is_one_sentence(words):
    """Whether the devices work or not."""
    reading, writing = os.pipe()
    os.close(reading)
    code = "import sys; sys.modules['onnxruntime'] = None; from vfi_flow.cli.main import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code, *words], stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)

    assert (done.returncode, done.stderr) == (7, f"vfi-flow: standard output: {os.strerror(errno.EPIPE)}\n")


ENDED_ON_WINDOWS = """
import errno, io, os, sys
sys.platform = "win32"
from vfi_flow.cli.stdout import printing
from vfi_flow.errors import OutputError

class Ended(io.RawIOBase):
    def writable(self):
        return True

    def write(self, data):
        raise OSError(errno.EINVAL, "Invalid argument")

sys.stdout = io.TextIOWrapper(io.BufferedWriter(Ended()))
try:
    with printing():
        raise OSError(errno.EINVAL, "Invalid argument", "a?b.mp4")
except OSError as error:
    sys.stderr.write(f"{error.filename}, ")
try:
    with printing():
        print("words")
except OutputError as error:
    sys.stderr.write(str(error))
sys.stderr.flush()
os._exit(0)
"""


def test_a_reader_that_has_ended_is_known_on_windows_where_it_is_an_invalid_argument():
    environment = {**os.environ, "PYTHONPATH": str(TESTS.parent)}
    done = subprocess.run([sys.executable, "-c", ENDED_ON_WINDOWS], env=environment, capture_output=True, text=True)

    assert done.stderr == "a?b.mp4, standard output: Broken pipe"


def test_afterwards_standard_output_belongs_to_everybody_again(capfd):
    print("before")
    with own_stdout() as descriptor:
        print("inside")
        os.write(descriptor, b"data\n")
    print("after")

    out, err = capfd.readouterr()
    assert out.splitlines() == ["before", "data", "after"]
    assert err.splitlines() == ["inside"]


class Lost(io.StringIO):
    """A file that can no longer be written."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def write(self, text: str) -> int:
        raise OSError(self.number, os.strerror(self.number))

    def isatty(self) -> bool:
        return self.number == errno.EIO


@pytest.mark.parametrize(
    "stderr", [Lost(errno.ENOSPC), Lost(errno.EPIPE), Lost(errno.EIO), None], ids=["full", "pipe", "terminal", "closed"]
)
@pytest.mark.parametrize("progress", ["auto", "bar", "json"])
def test_no_log_is_no_reason_to_end_a_job(tmp_path, monkeypatch, capsys, stderr, progress):
    source = write_clip(tmp_path / "in.mp4", moving_square(6))
    monkeypatch.setattr("vfi_flow.inference.interpolator.Interpolator", Blend)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stderr)
        assert main(["interpolate", str(source), str(tmp_path / "out.mp4"), "--progress", progress]) == 0
        assert main(["interpolate", str(source), str(tmp_path / "out.mp4")]) == 7

    assert capsys.readouterr().out == ""
    assert len(video_times(tmp_path / "out.mp4")) == 12
