"""What a signal to end does to a command; STOPPING are the signals."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from vfi_flow.cli.stderr import say
from vfi_flow.media.endpoints import Source
from vfi_flow.media.pipe import InputPipe
from vfi_flow.pipeline.plan import Plan
from vfi_flow.stopping import STOPPING


@contextmanager
def stops_as_interrupts() -> Iterator[None]:
    """Inside the block, all of STOPPING end the job as Ctrl-C does: threads stopped, unfinished file removed."""
    with signal_handler(signal.default_int_handler, *STOPPING):
        yield


@contextmanager
def heard_by(source: Source) -> Iterator[None]:
    """Inside the block, all of STOPPING end the reading of a pipe, and KeyboardInterrupt is raised where that is over.

    Raised just when FFmpeg asks a pipe for bytes it would be dropped, and pass for the end of the video.
    """
    if not isinstance(source, InputPipe):
        yield
        return
    try:
        with signal_handler(lambda number, frame: source.interrupt(), *STOPPING):
            yield
    finally:
        source.raise_interrupt()


@contextmanager
def stop_on_signal(plan: Plan) -> Iterator[Callable[[], bool]]:
    """Inside the block, the first of STOPPING makes what is yielded True, a second one ends the job at once.

    So the job has time to keep what it has made; where it cannot, the first one ends it, if need be by what is yielded:
    FFmpeg, when it reads from a pipe, may drop an exception. However it ends too early, a line says what was kept.
    """
    signals = 0

    def handler(number: int, frame: FrameType | None) -> None:
        nonlocal signals
        signals += 1
        if signals > 1 or plan.chunks is None:
            raise KeyboardInterrupt
        with suppress(OSError):  # nobody may be there to read it
            # Past Python's buffer, whose writing the signal may have interrupted.
            os.write(2, b"\nvfi-flow: keeping what has been made; once more ends the job at once\n")

    try:
        with signal_handler(handler, *STOPPING):
            yield lambda: signals > 0
    except BaseException as error:
        for note in getattr(error, "__notes__", ()):
            say(note)
        raise


@contextmanager
def signal_handler(handler: Callable[[int, FrameType | None], object], *numbers: signal.Signals) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # only the main thread may choose a handler
        yield
        return
    heard = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]  # nohup, a shell's `&`
    before = [(number, signal.signal(number, handler)) for number in heard]
    try:
        yield
    finally:
        for number, earlier in before:
            signal.signal(number, earlier)
