"""What a user can cause, each kind with the exit code of the command line."""

from collections.abc import Iterator
from contextlib import contextmanager


class VfiFlowError(Exception):
    """One sentence for the person who typed the command: where, what is wrong, what to do."""

    exit_code = 1


class UsageError(VfiFlowError):
    """Arguments that cannot mean anything: a factor of 0, frames of two sizes."""

    exit_code = 2


class InputError(VfiFlowError):
    """An input that cannot be read: missing, empty, not a video, damaged."""

    exit_code = 3


class ComponentError(VfiFlowError):
    """A model, an encoder, a device or an optional package that is not there."""

    exit_code = 4


class OutOfMemoryError(VfiFlowError):
    """The engine ran out of memory, or the process of threads."""

    exit_code = 5


NO_MORE_THREADS = "no more threads can be started; use fewer (--threads 1), or allow more (ulimit -u)"


class VerificationError(VfiFlowError):
    """The finished result is not what was planned."""

    exit_code = 6


class OutputError(VfiFlowError):
    """A result that cannot be written: it exists, the folder is missing, the disk is full."""

    exit_code = 7


@contextmanager
def needing(extra: str, what: str) -> Iterator[None]:
    """Around imports that `what` needs; where one fails, ComponentError names the extra that brings the package."""
    try:
        yield
    except ImportError as error:
        raise ComponentError(f'{what} needs {error.name}; run: pip install ".[{extra}]"') from error
