"""Two jobs must not write the same result: the later one is told so."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vfi_flow.errors import OutputError
from vfi_flow.media.endpoints import Target
from vfi_flow.media.images import ImageSequence
from vfi_flow.media.pipe import OutputPipe

MOST_TRIES = 5


@contextmanager
def alone(output: Target) -> Iterator[None]:
    """Inside the block this is the only job that writes `output`; OutputError where another one is at it.

    The mark is a locked file beside the result. A job that was killed leaves the file but not the lock, which is the
    operating system's.
    """
    if isinstance(output, OutputPipe):
        yield
        return
    mark = mark_of(output)
    file = locked(mark)
    if file is None:
        raise OutputError(f"{output}: another job is writing it; wait for it or choose another name")
    try:
        yield
    finally:
        if sys.platform == "win32":  # where an open file cannot be removed
            os.close(file)
            leave(mark)
        else:
            leave(mark)
            os.close(file)


def leave(mark: Path) -> None:
    """Removes the mark if that can be: without its lock it is no obstacle."""
    with suppress(OSError):
        mark.unlink(missing_ok=True)


def mark_of(output: Path | ImageSequence) -> Path:
    path = output.pattern if isinstance(output, ImageSequence) else output
    return path.with_name(f"{path.name}.lock")


def locked(mark: Path) -> int | None:
    """A descriptor of the file `mark`, locked until it is closed; None where somebody else holds it."""
    tries = 0
    while True:
        tries += 1
        try:
            file = os.open(mark, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise OutputError(f"{mark}: {error.strerror}") from None
        try:
            lock(file)
        except (BlockingIOError, PermissionError):
            os.close(file)
            return None
        # Its holder may have removed it between the two: then what is locked here is no longer what others find.
        # Some network folders give an open file another number than the same file by its name.
        with suppress(OSError):
            if os.path.samestat(os.fstat(file), os.stat(mark)):
                return file
        if tries == MOST_TRIES:
            return file
        os.close(file)


def lock(file: int) -> None:
    """BlockingIOError or PermissionError where it is locked already; no lock where the file system has none."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        return
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # some network folders
        return
