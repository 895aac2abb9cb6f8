"""Standard output has the video and nothing else, whatever libraries print."""

import os
import subprocess
import sys
from pathlib import Path

from clips import moving_square, write_clip

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


def test_afterwards_standard_output_belongs_to_everybody_again(capfd):
    print("before")
    with own_stdout() as descriptor:
        print("inside")
        os.write(descriptor, b"data\n")
    print("after")

    out, err = capfd.readouterr()
    assert out.splitlines() == ["before", "data", "after"]
    assert err.splitlines() == ["inside"]
