"""Batches: numbered samples, the same for any number of workers."""

import subprocess
import sys
from itertools import islice

import pytest
import torch
from scripts import ROOT

from tests.training.conftest import Sliding
from vfi_flow.training.batches import NumberedSamples, Share, batches
from vfi_flow.training.forking import can_fork


def draw(start: int, count: int, workers: int = 0) -> list[torch.Tensor]:
    shares = [Share(Sliding(), 1.0), Share(Sliding(), 2.0)]
    stream = batches(shares, 2, seed=1, start=start, workers=workers, device=torch.device("cpu"))
    return [batch.frame0 for batch in islice(stream, count)]


def test_starting_later_gives_the_same_batches_as_going_on():
    first = draw(start=0, count=3)
    later = draw(start=4, count=1)

    assert torch.equal(first[2], later[0])
    assert not torch.equal(first[0], first[1])


def test_a_sample_of_one_seed_is_not_another_sample_of_the_next():
    samples = [NumberedSamples([Share(Sliding(), 1.0)], seed)[number] for seed, number in ((1, 1), (2, 0), (0, 2))]

    assert len({sample.truth.tobytes() for sample in samples}) == 3


def test_a_worker_process_draws_the_same_samples():
    assert all(torch.equal(a, b) for a, b in zip(draw(0, 2), draw(0, 2, workers=1), strict=True))


FREEING = """
import gc, sys
import av, torch
from tests.training.conftest import Sliding
from vfi_flow.training.batches import Share, batches

class Freeing(Sliding):
    def draw(self, rng):
        gc.collect()
        return super().draw(rng)

gc.disable()
decoding = [av.open(sys.argv[1])]
decoding[0].streams.video[0].thread_type = "AUTO"
decoding += [decoding[0].decode(video=0), decoding]
next(decoding[1])
drawn = batches([Share(Freeing(), 1.0)], 2, seed=1, start=0, workers=1, device=torch.device("cpu"))
del decoding
print(next(drawn).tau.numel(), next(drawn).tau.numel())
"""


@pytest.mark.skipif(not can_fork(), reason="forks")
def test_a_worker_does_not_wait_for_threads_of_decoders_that_this_process_has_lost():
    """Threads are not copied, but what waits for them when it is freed is."""
    code = [sys.executable, "-c", FREEING, str(ROOT / "samples" / "meadow.mp4")]

    done = subprocess.run(code, cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout) == (0, "2 2\n"), done.stderr


HANGING_UP = """
import multiprocessing, os, socket
from multiprocessing.resource_sharer import DupFd
from vfi_flow.training.batches import start_worker

def work(pipe):
    start_worker(0)
    pipe.send(DupFd(0))
    pipe.recv()

here, there = multiprocessing.Pipe()
worker = multiprocessing.get_context("fork").Process(target=work, args=(there,))
worker.start()
offered = here.recv()
with socket.socket(socket.AF_UNIX) as caller:
    caller.connect(offered._id[0])
    caller.recv(1, socket.MSG_PEEK)
os.close(offered.detach())
here.send("done")
worker.join()
print(worker.exitcode)
"""


@pytest.mark.skipif(not can_fork(), reason="forks")
def test_a_worker_says_nothing_when_a_run_is_stopped_while_it_fetches_a_batch():
    """A batch is fetched from a thread of the worker, which goes on when the one who fetches hangs up."""
    done = subprocess.run([sys.executable, "-c", HANGING_UP], cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")


def test_images_are_floats_from_0_to_1_and_tau_broadcasts():
    shares = [Share(Sliding(), 1.0)]
    batch = next(batches(shares, 3, seed=1, start=0, workers=0, device=torch.device("cpu")))

    assert batch.truth.shape == (3, 3, 64, 64)
    assert 0 <= float(batch.truth.min()) < float(batch.truth.max()) <= 1
    assert batch.tau.shape == (3, 1, 1, 1)
    assert batch.flow.shape == (3, 4, 32, 32)
