"""Several readers of one stream each see it from the start, and no more of it is kept than the slowest needs."""

import io
import random

import pytest

from vfi_flow.media.pipe import InputPipe, OutputPipe


class Trickle(io.RawIOBase):
    """A stream that gives at most a few bytes at a time and counts what was asked for."""

    def __init__(self, data: bytes, most: int) -> None:
        self.data, self.most, self.position = data, most, 0

    def read(self, size: int = -1) -> bytes:
        part = self.data[self.position : self.position + min(size, self.most)]
        self.position += len(part)
        return part


DATA = random.Random(5).randbytes(100_000)


@pytest.mark.parametrize("seed", range(5))
def test_every_reader_reads_everything_however_they_take_turns(seed):
    rng = random.Random(seed)
    pipe = InputPipe(Trickle(DATA, 999))
    readers = [pipe.open() for _ in range(3)]
    pipe.forget()
    found = [bytearray() for _ in readers]
    running = {0, 1, 2}
    while running:
        which = rng.choice(sorted(running))
        part = readers[which].read(rng.randrange(1, 5000))
        found[which] += part
        if not part:
            running.remove(which)

    assert [bytes(data) for data in found] == [DATA] * 3
    assert pipe.kept == 0


def test_a_reader_that_comes_later_begins_at_the_start():
    pipe = InputPipe(Trickle(DATA, 5000))
    first = pipe.open()
    head = b"".join(first.read(1000) for _ in range(20))
    first.close()
    second = pipe.open()

    assert second.read(len(head))[:1000] == head[:1000] == DATA[:1000]


def test_only_what_the_slowest_reader_needs_is_kept():
    pipe = InputPipe(Trickle(DATA, 1000))
    slow, fast = pipe.open(), pipe.open()
    pipe.forget()
    for _ in range(50):
        fast.read(1000)
    slow.read(1000)

    assert pipe.kept == fast.position - slow.position
    slow.close()
    assert pipe.kept == 0
    assert fast.read(1000) == DATA[fast.position - 1000 : fast.position]


def test_an_output_that_takes_a_few_bytes_at_a_time_gets_all_of_them():
    taken = bytearray()

    def take(data):
        taken.extend(data[:7])
        return len(data[:7])

    pipe = OutputPipe(take, "nut")
    pipe.write(DATA[:600])
    pipe.write(DATA[600:1000])
    pipe.send()

    assert bytes(taken) == DATA[:1000] and pipe.bytes_written == 1000
