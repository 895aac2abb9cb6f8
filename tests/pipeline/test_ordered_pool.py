"""Tasks that run at the same time and come back in order."""

import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from vfi_flow.pipeline import ordered_pool
from vfi_flow.pipeline.ordered_pool import at_once


def slower_first(number: int) -> int:
    time.sleep(0.02 * (5 - number))
    return number


@pytest.mark.parametrize("count", [1, 2, 4])
def test_results_come_in_the_order_of_the_tasks(count):
    tasks = [(f"task {number}", partial(slower_first, number)) for number in range(5)]

    assert list(at_once(tasks, count)) == [(f"task {number}", number) for number in range(5)]


def test_so_many_run_at_the_same_time():
    together = threading.Barrier(3, timeout=10)

    assert len(list(at_once([(None, together.wait)] * 6, 3))) == 6


def test_one_by_one_they_run_where_they_are_asked_for_and_when():
    begun = []
    results = at_once([(number, partial(begun.append, threading.current_thread())) for number in range(3)], 1)

    next(results)

    assert begun == [threading.current_thread()]


@pytest.mark.parametrize("count", [1, 3])
def test_an_error_comes_when_it_is_its_turn(count):
    tasks = [(0, lambda: "fine"), (1, lambda: 1 / 0), (2, lambda: "never seen")]
    results = at_once(tasks, count)

    assert next(results) == (0, "fine")
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_who_stops_early_waits_for_what_runs_and_asks_for_nothing_else():
    ended, threads = [], threading.active_count()

    def task(number: int) -> None:
        time.sleep(0.05)
        ended.append(number)

    asked = []
    tasks = ((asked.append(number), partial(task, number)) for number in range(100))
    results = at_once(tasks, 2)
    next(results)
    results.close()

    assert len(asked) == 3 and {0, 1} <= set(ended)
    assert threading.active_count() == threads


def innermost_calls(thread: threading.Thread) -> tuple[str, str]:
    frame = sys._current_frames()[thread.ident]
    return frame.f_back.f_code.co_name, frame.f_code.co_name


@pytest.mark.usefixtures("heard")
def test_what_waits_is_not_begun_after_an_interrupt(monkeypatch):
    """The two that run go on until the one who asked has seen to the third."""
    begun, left, asking = [], threading.Event(), threading.main_thread()

    class Pool(ThreadPoolExecutor):
        def shutdown(self, *words, **options) -> None:
            left.set()
            super().shutdown(*words, **options)

    def task(number: int) -> None:
        begun.append(number)
        if number == 1:
            while innermost_calls(asking) != ("result", "wait"):
                time.sleep(0.001)
            signal.pthread_kill(asking.ident, signal.SIGINT)
        left.wait(20)

    monkeypatch.setattr(ordered_pool, "ThreadPoolExecutor", Pool)
    with pytest.raises(KeyboardInterrupt):
        list(at_once([(None, partial(task, number)) for number in range(3)], 2))

    assert sorted(begun) == [0, 1]
