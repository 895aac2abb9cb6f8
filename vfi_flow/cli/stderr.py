"""Sentences for the person who typed the command; standard output is for what was asked for."""

import sys
from contextlib import suppress


def say(sentence: str) -> None:
    write_line(f"vfi-flow: {sentence}")


def write_line(line: str) -> None:
    """A log on a full disk, or no log at all, is no reason to end a job."""
    if sys.stderr is not None:  # or print would turn to standard output
        with suppress(OSError):
            print(line, file=sys.stderr, flush=True)
