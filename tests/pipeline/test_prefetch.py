"""Working ahead changes when things happen, never what comes out."""

import queue
import signal
import threading
import time

import pytest

from vfi_flow.pipeline.prefetch import ahead


def threads_named(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


def test_items_come_in_order_and_the_thread_ends():
    assert list(ahead(range(50), 3, "count")) == list(range(50))
    assert threads_named("count") == []


def test_no_more_items_are_made_than_may_wait():
    made = []

    def items():
        for n in range(100):
            made.append(n)
            yield n

    consumer = ahead(items(), 3, "bounded")
    next(consumer)
    time.sleep(0.1)

    assert len(made) <= 1 + 3 + 1  # consumed, waiting, in the thread's hand
    consumer.close()


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt()], ids=["error", "interrupt"])
def test_the_error_of_the_thread_is_raised_as_it_was(error):
    def items():
        yield 1
        raise error

    consumer = ahead(items(), 3, "failing")
    assert next(consumer) == 1

    with pytest.raises(type(error)) as caught:
        next(consumer)

    assert caught.value is error
    assert threads_named("failing") == []


def test_a_consumer_that_stops_stops_the_thread_and_closes_its_items():
    closed = []

    def items():
        try:
            yield from range(1000)
        finally:
            closed.append(threading.current_thread().name)

    consumer = ahead(items(), 2, "stopped")
    next(consumer)
    consumer.close()

    assert closed == ["stopped"]
    assert threads_named("stopped") == []


@pytest.mark.usefixtures("heard")
def test_an_interrupt_does_not_wait_for_what_the_thread_waits_for():
    given_up = threading.Event()

    def items():
        yield 1
        given_up.wait(20)
        yield 2

    consumer = ahead(items(), 2, "waiting", given_up.set)
    next(consumer)
    threading.Timer(0.1, signal.pthread_kill, [threading.get_ident(), signal.SIGINT]).start()
    started = time.perf_counter()

    with pytest.raises(KeyboardInterrupt):
        next(consumer)

    assert time.perf_counter() - started < 10
    assert threads_named("waiting") == []


def test_no_single_wait_is_long(monkeypatch):
    """Before Python 3.14 Windows hears no Ctrl-C while it waits."""
    longest = []

    def get(waiting, block=True, timeout=None):
        longest.append(timeout)
        return taken(waiting, block, timeout)

    def join(thread, timeout=None):
        longest.append(timeout)
        return joined(thread, timeout)

    def items():
        time.sleep(0.3)
        yield 1
        time.sleep(0.3)

    taken, joined = queue.Queue.get, threading.Thread.join
    monkeypatch.setattr(queue.Queue, "get", get)
    monkeypatch.setattr(threading.Thread, "join", join)
    consumer = ahead(items(), 2, "slow")

    assert next(consumer) == 1
    consumer.close()
    assert len(longest) >= 3 and all(timeout is not None and timeout <= 0.2 for timeout in longest)
    assert threads_named("slow") == []


def test_stages_overlap():
    def slow(items):
        for item in items:
            time.sleep(0.02)
            yield item

    started = time.perf_counter()
    list(slow(ahead(slow(ahead(slow(range(10)), 2, "a")), 2, "b")))

    assert time.perf_counter() - started < 0.45  # 0.6 one after the other, 0.24 side by side


def test_an_interrupt_while_the_thread_is_being_started_leaves_no_thread(monkeypatch):
    def items():
        yield from range(100)

    def started_and_interrupted(thread):
        start(thread)
        raise KeyboardInterrupt

    start, source = threading.Thread.start, items()
    monkeypatch.setattr(threading.Thread, "start", started_and_interrupted)

    with pytest.raises(KeyboardInterrupt):
        next(ahead(source, 2, "worker"))

    assert "worker" not in {thread.name for thread in threading.enumerate()}
    source.close()  # nobody is at it any more


def test_an_interrupt_before_the_thread_was_started_is_just_raised(monkeypatch):
    def interrupted(thread):
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)

    with pytest.raises(KeyboardInterrupt):
        next(ahead(range(3), 2, "worker"))
