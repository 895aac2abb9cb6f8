"""What encoders do to the scheduling of the process that opens them, undone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TASKS = Path("/proc/self/task")


@contextmanager
def ordinary_priority() -> Iterator[None]:
    """Threads that became real-time threads inside the block are ordinary ones after it.

    SVT-AV1 does that to its own threads and to the one that opens it, when it may: for root, as in most containers.
    Everything else on the machine would wait for this process.
    """
    if not TASKS.is_dir() or os.sched_getscheduler(0) != os.SCHED_OTHER:
        yield
        return
    try:
        yield
    finally:
        for thread in map(int, os.listdir(TASKS)):
            with suppress(ProcessLookupError, PermissionError):
                if os.sched_getscheduler(thread) != os.SCHED_OTHER:
                    os.sched_setscheduler(thread, os.SCHED_OTHER, os.sched_param(0))
