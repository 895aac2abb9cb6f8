"""Standard input and output as video files: nothing in them can be read twice or written again."""

import errno
import os
import select
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from io import RawIOBase
from typing import BinaryIO

POLL_SECONDS = 0.1

BLOCK = 1 << 16

LONGEST_LINE = 1 << 12
"""Bytes of a line of text, as y4m begins with."""

TAIL_BYTES = 1 << 16
"""The last bytes that have come are kept: some formats end with something that tells that it is the end."""


NO_PIXEL_SHAPE = b" A0:0 "
"""What FFmpeg writes into the first line of y4m, since PyAV has no way to tell it the shape."""

NOBODY_READS = (errno.EPIPE, errno.EINVAL) if sys.platform == "win32" else (errno.EPIPE,)
"""What writing into a pipe fails with when the program behind it has ended."""


@dataclass(frozen=True, slots=True)
class RawFrames:
    """What frames without a header are."""

    width: int
    height: int
    pix_fmt: str
    """FFmpeg's name."""
    rate: Fraction = Fraction(25)
    """Frames per second."""


class InputPipe:
    """Bytes that come once, for several readers that each begin at the start.

    What the slowest reader has still to read is kept. While more readers may come, that is everything, so whoever
    opened the last one says `forget`.
    """

    name = "standard input"

    def __init__(self, file: BinaryIO | RawIOBase, raw: RawFrames | None = None) -> None:
        """`file` must not hold back bytes that have come: standard input without its buffer."""
        self.raw = raw
        self._file = file
        self._stopped = threading.Event()
        self._interrupt: KeyboardInterrupt | None = None
        self._head = b""
        self.tail = b""
        self.length = 0
        """Bytes that have come so far."""
        self._kept = bytearray()
        self._kept_from = 0
        self._readers: list[InputPipe.Reader] = []
        self._watch: Callable[[bytes], None] = lambda data: None
        self._forgets = False
        self._lock = threading.Lock()

    def __str__(self) -> str:
        return self.name

    def open(self) -> "InputPipe.Reader":
        assert not self._forgets
        reader = self.Reader(self)
        self._readers.append(reader)
        return reader

    def forget(self) -> None:
        """No further reader will come."""
        with self._lock:
            self._forgets = True
            self._drop()

    def watch(self, feed: Callable[[bytes], None]) -> None:
        """Show everything that comes, from the start on, to `feed`, too; it replaces another one."""
        with self._lock:
            assert self._kept_from == 0
            feed(bytes(self._kept))
            self._watch = feed

    def stop(self) -> None:
        """End all reading now, also that which waits for a sender who has gone quiet."""
        self._stopped.set()

    def interrupt(self) -> None:
        """End all reading now, and have `raise_interrupt` say that it was interrupted."""
        self._interrupt = KeyboardInterrupt()
        self.stop()

    def raise_interrupt(self) -> None:
        """KeyboardInterrupt where one has come while FFmpeg was reading, and nobody has been told yet."""
        interrupt, self._interrupt = self._interrupt, None
        if interrupt is not None:
            raise interrupt

    @property
    def kept(self) -> int:
        """Bytes in memory."""
        return len(self._kept)

    @property
    def first_lines(self) -> tuple[bytes, bytes]:
        """The two, each with its end, as far as they have come."""
        first, end, rest = self._head.partition(b"\n")
        return first + end, rest

    def _read(self, position: int, size: int) -> bytes:
        """Up to `size` bytes from `position` on; none at the end of the stream. Waits for the first of them."""
        with self._lock:
            if position == self._kept_from + len(self._kept):
                self._kept += self._fetch(max(size, BLOCK))
            start = position - self._kept_from
            return bytes(self._kept[start : start + size])

    def _fetch(self, size: int) -> bytes:
        self._wait()
        data = b"" if self._stopped.is_set() else self._file.read(size) or b""
        self._head += data[: 2 * LONGEST_LINE - len(self._head)]
        self.length += len(data)
        self._watch(data)
        self.tail = (self.tail + data)[-TAIL_BYTES:] if len(data) < TAIL_BYTES else data[-TAIL_BYTES:]
        return data

    def _wait(self) -> None:
        """Until there is something to read or nobody wants it any more."""
        try:
            descriptor = self._file.fileno()
        except OSError:  # bytes in memory
            return
        while os.name == "posix" and not self._stopped.is_set():
            if select.select([descriptor], [], [], POLL_SECONDS)[0]:
                return

    def _drop(self) -> None:
        if self._forgets:
            ends = [reader.position for reader in self._readers]
            needed_from = min(ends, default=self._kept_from + len(self._kept))
            del self._kept[: needed_from - self._kept_from]
            self._kept_from = needed_from

    class Reader:
        """A file object for PyAV that cannot seek.

        FFmpeg, which calls `read`, would drop an interrupt there. So it becomes the end of the stream for all readers,
        and it is raised when one of them is closed, if nobody asks before.
        """

        def __init__(self, pipe: "InputPipe") -> None:
            self._pipe = pipe
            self.position = 0

        def read(self, size: int) -> bytes:
            try:
                data = self._pipe._read(self.position, size)
                with self._pipe._lock:
                    self.position += len(data)
                    self._pipe._drop()
                return data
            except KeyboardInterrupt:
                self._pipe.interrupt()
                return b""

        def close(self) -> None:
            with self._pipe._lock:
                if self in self._pipe._readers:
                    self._pipe._readers.remove(self)
                self._pipe._drop()
            self._pipe.raise_interrupt()


class OutputPipe:
    """A result that leaves as it grows; also the file object that PyAV writes to.

    PyAV's `write` only keeps the bytes, `send` sends them when FFmpeg has returned: an interrupt inside FFmpeg would be
    dropped, and the job would go on without these bytes. It cannot be raised in `write`, which is no Python code.
    """

    name = "standard output"

    def __init__(self, write: Callable[[memoryview], int], format_name: str) -> None:
        """`write` may take a part of the bytes, as os.write does; `format_name` is FFmpeg's."""
        self._write_some, self.format_name = write, format_name
        self.pixel_shape: Fraction | None = None
        """Width by height, for y4m; None: unknown."""
        self._unsent: deque[bytes] = deque()
        self.write: Callable[[bytes], None] = self._unsent.append
        self.bytes_written = 0

    def __str__(self) -> str:
        return self.name

    def send(self) -> None:
        """Send what has been written; OSError where nobody takes it."""
        while self._unsent:
            rest = memoryview(self._with_pixel_shape(self._unsent.popleft()))
            while rest:
                count = self._write_some(rest)
                rest = rest[count:]
                self.bytes_written += count

    def _with_pixel_shape(self, data: bytes) -> bytes:
        if self.pixel_shape is None or self.bytes_written:
            return data
        shape = f" A{self.pixel_shape.numerator}:{self.pixel_shape.denominator} ".encode()
        return data.replace(NO_PIXEL_SHAPE, shape, 1)
