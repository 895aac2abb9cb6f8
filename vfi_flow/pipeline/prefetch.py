"""A thread that works ahead: what lets decoding, interpolation and encoding overlap."""

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.1
"""How often a thread that waits for room looks whether the job is over."""

LONGEST_WAIT_SECONDS = 0.2
"""Of one wait for the thread: before Python 3.14 Windows hears Ctrl-C only between two of them."""

LONGEST_START_SECONDS = 0.5
"""From asking for a thread to its first step; one that was never asked for is waited for as long."""


@dataclass(frozen=True, slots=True)
class _Item(Generic[T]):
    value: T


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None


def ahead(items: Iterable[T], depth: int, name: str, give_up: Callable[[], None] = lambda: None) -> Generator[T]:
    """`items`, made in a thread of their own, at most `depth` of them waiting.

    An error of the thread is raised here, as it was. When the consumer stops early, for whatever reason, the thread
    stops after the item it works on, and `items` is closed in it. `give_up` ends what this item may wait for.
    """
    waiting: queue.Queue[_Item[T] | _End] = queue.Queue(depth)
    over = threading.Event()

    def put(entry: _Item[T] | _End) -> None:
        while not over.is_set():
            try:
                waiting.put(entry, timeout=POLL_SECONDS)
                return
            except queue.Full:
                continue

    def work() -> None:
        iterator = iter(items)
        error: BaseException | None = None
        try:
            for item in iterator:
                put(_Item(item))
                if over.is_set():
                    break
        except BaseException as raised:  # handed to the consumer, whatever it is
            error = raised
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                close()
        put(_End(error))

    thread = threading.Thread(target=work, name=name, daemon=True)
    try:
        thread.start()
        while True:
            try:
                entry = waiting.get(timeout=LONGEST_WAIT_SECONDS)
            except queue.Empty:
                continue
            if isinstance(entry, _End):
                if entry.error is not None:
                    raise entry.error
                return
            yield entry.value
    except BaseException:
        give_up()
        raise
    finally:
        over.set()
        join(thread)


def join(thread: threading.Thread) -> None:
    """Waits for its end, also where an interrupt came while it was being started, which may just have happened."""
    deadline = time.monotonic() + LONGEST_START_SECONDS
    while not thread.is_alive() and thread.ident is None and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS / 100)
    if thread.is_alive() or thread.ident is not None:
        thread.join(LONGEST_WAIT_SECONDS)
    while thread.is_alive():
        thread.join(LONGEST_WAIT_SECONDS)
