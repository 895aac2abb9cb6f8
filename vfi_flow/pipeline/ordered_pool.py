"""Tasks that run at the same time and come back in order."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def at_once(tasks: Iterable[tuple[T, Callable[[], R]]], count: int) -> Generator[tuple[T, R]]:
    """What every task belongs to and its result, in order; `count` of them run at the same time, one more waits.

    With a count of 1 they run in the caller's thread, each when it is asked for. The first error is raised when it is
    that task's turn. When the consumer stops early, tasks that run are waited for and those that wait are not begun.
    """
    if count == 1:
        for owner, task in tasks:
            yield owner, task()
        return
    waiting: deque[tuple[T, Future[R]]] = deque()
    with ThreadPoolExecutor(count, "make") as pool:
        try:
            for owner, task in tasks:
                waiting.append((owner, pool.submit(task)))
                if len(waiting) > count:
                    owner, future = waiting.popleft()
                    yield owner, future.result()
            while waiting:
                owner, future = waiting.popleft()
                yield owner, future.result()
        finally:
            for _, future in waiting:
                future.cancel()
