"""Whatever ends a command, it is one sentence on stderr and an exit code that tells scripts its kind."""

import subprocess
import sys

import pytest

from vfi_flow import __version__
from vfi_flow.cli import doctor
from vfi_flow.cli.main import main
from vfi_flow.errors import NO_MORE_THREADS, InputError


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InputError("in.mp4: no such file"), 3, "in.mp4: no such file"),
        (MemoryError(), 5, "not enough memory"),
        (RuntimeError("can't start new thread"), 5, NO_MORE_THREADS),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_every_end_has_its_exit_code_and_its_sentence(monkeypatch, capsys, error, code, said):
    def end(arguments):
        raise error

    monkeypatch.setattr(doctor, "run", end)

    assert main(["doctor"]) == code
    assert capsys.readouterr() == ("", f"vfi-flow: {said}\n")


@pytest.mark.parametrize("kind", [ZeroDivisionError, RuntimeError])
def test_a_mistake_of_ours_keeps_its_traceback(monkeypatch, kind):
    def end(arguments):
        raise kind

    monkeypatch.setattr(doctor, "run", end)

    with pytest.raises(kind):
        main(["doctor"])


def test_the_package_is_the_command_too():
    """Where pip has put `vfi-flow` into a folder that the shell does not look into."""
    words = [sys.executable, "-m", "vfi_flow", "--version"]

    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == f"vfi-flow {__version__}\n"
