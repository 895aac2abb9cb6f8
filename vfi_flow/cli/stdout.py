"""Standard output for what the user asked for, and nothing else: some libraries print there, too."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def own_stdout() -> Iterator[int]:
    """A descriptor of standard output; what anybody else writes there inside the block goes to stderr."""
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
