"""Standard output for what the user asked for, and nothing else: some libraries print there, too."""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from vfi_flow.errors import OutputError
from vfi_flow.media.pipe import NOBODY_READS

LOST = (*NOBODY_READS, errno.ENOSPC)


def check_stdout() -> None:
    """OutputError, before the work starts, where what a command prints would go nowhere."""
    if sys.stdout is None:
        raise OutputError("standard output is closed; let it lead somewhere")


@contextmanager
def own_stdout() -> Iterator[int]:
    """A descriptor of standard output; what anybody else writes there inside the block goes to stderr."""
    check_stdout()
    sys.stdout.flush()
    shared = sys.stdout.fileno()
    own = os.dup(shared)
    elsewhere = os.open(os.devnull, os.O_WRONLY) if sys.stderr is None else os.dup(sys.stderr.fileno())
    os.dup2(elsewhere, shared)
    os.close(elsewhere)
    try:
        yield own
    finally:
        sys.stdout.flush()
        os.dup2(own, shared)
        os.close(own)


@contextmanager
def printing() -> Iterator[None]:
    """Inside the block names of files that are no text can be printed, too.

    OutputError where what was printed does not arrive: nobody reads it any more, or the disk is full.
    """
    if not isinstance(sys.stdout, io.TextIOWrapper):  # closed, or somebody else's
        yield
        return
    sys.stdout.reconfigure(errors="backslashreplace")
    lost: OSError
    where = "standard output"
    try:
        yield
    except OSError as error:
        if error.errno not in LOST or (error.errno == errno.EINVAL and error.filename is not None):
            raise
        lost = error
        if error.errno == errno.ENOSPC:
            where = "standard output or a temporary file"
    else:
        try:
            sys.stdout.flush()
            return
        except OSError as error:
            lost = error
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # where the rest goes when Python ends
    why = os.strerror(errno.EPIPE) if lost.errno in NOBODY_READS else lost.strerror
    raise OutputError(f"{where}: {why}") from None
