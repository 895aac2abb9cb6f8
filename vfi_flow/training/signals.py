"""What ends a run from outside: Ctrl-C, a batch system's SIGTERM, a terminal that closes, a process that dies."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from vfi_flow.stopping import STOPPING

DEFERRED = [*STOPPING, *([signal.SIGCHLD] if hasattr(signal, "SIGCHLD") else [])]
"""SIGCHLD, which Windows lacks, too: torch answers it with an exception where a process that draws samples has died."""


def stop_like_ctrl_c() -> None:
    """All that stop a run raise KeyboardInterrupt from now on; what the shell has told to ignore (nohup) stays so."""
    for number in STOPPING:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


def ignore_stops() -> None:
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Signals inside the block do what they do behind it."""
    if threading.current_thread() is not threading.main_thread():  # only the main thread may choose a handler
        yield
        return
    came: set[int] = set()
    before = [signal.signal(number, lambda number, frame: came.add(number)) for number in DEFERRED]
    try:
        yield
    finally:
        for number, handler in zip(DEFERRED, before, strict=True):
            signal.signal(number, handler)
    for number in DEFERRED:
        if number in came:
            signal.raise_signal(number)


@contextmanager
def deaf_children() -> Iterator[None]:
    """Processes forked inside the block do not hear what stops a run: the one process that saves it ends them.

    A shell and a batch system tell the whole group of processes to stop.
    """
    if not hasattr(signal, "sigwaitinfo"):  # macOS cannot tell who sent a signal, as `hear_parent` must
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def hear_parent() -> None:
    """In a deaf child: SIGTERM from its parent ends it, from all others it does nothing."""
    if hasattr(signal, "sigwaitinfo"):
        threading.Thread(target=_end_when_told, daemon=True).start()


def _end_when_told() -> None:
    while signal.sigwaitinfo([signal.SIGTERM]).si_pid != os.getppid():
        pass
    os._exit(0)
