"""Copies of this process that do not fall over what the threads of the original have left."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager


def can_fork() -> bool:
    """Whether this system copies processes; Windows does not."""
    return hasattr(os, "fork")


@contextmanager
def nothing_to_free() -> Iterator[None]:
    """Processes forked inside the block never free what this one has made before.

    A decoder or encoder that Python's garbage collector finds in a copy waits for ever for its threads, which were not
    copied. Where nothing is freed, memory also stays shared.
    """
    original, frozen_before = os.getpid(), gc.get_freeze_count()
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        if os.getpid() == original and not frozen_before:
            gc.unfreeze()
