"""Sentences for the person who typed the command; standard output is for what was asked for."""

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def say(sentence: str) -> None:
    write_line(f"vfi-flow: {sentence}")


def write_line(line: str) -> None:
    """A log on a full disk, or no log at all, is no reason to end a job."""
    print(line, file=Unfailing(sys.stderr), flush=True)


def console() -> "Console":
    """Where bars are drawn; a terminal that is gone is no reason to end a job either."""
    from rich.console import Console

    return Console(file=Unfailing(sys.stderr), stderr=True)  # type: ignore[arg-type]


class Unfailing:
    """A file that drops what it cannot write, and everything where it is None."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, text: str) -> int:
        if self._file is not None:
            with suppress(OSError):
                self._file.write(text)
        return len(text)

    def flush(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.flush()
