"""A run that is told to stop while it saves keeps what it saves."""

import os
import signal
import threading

import pytest

pytest.importorskip("torch")

import torch

from vfi_flow.training import checkpoint
from vfi_flow.training.checkpoint import Progress, State, load_checkpoint, save_checkpoint

PROGRESS = Progress("tiny", "mean", 3, 36, 1.5, 30.0)
STATE = State(*({"weight": torch.full((2,), float(number))} for number in range(4)))


@pytest.fixture
def interruptible():
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_saves_ends_the_run_afterwards(tmp_path, monkeypatch, interruptible, number):
    def write_and_be_told_to_stop(tensors, path):
        os.kill(os.getpid(), number)
        save_file(tensors, path)

    save_file = checkpoint.save_file
    monkeypatch.setattr(checkpoint, "save_file", write_and_be_told_to_stop)

    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(tmp_path / "checkpoint", PROGRESS, STATE)

    progress, state = load_checkpoint(tmp_path / "checkpoint")
    assert progress == PROGRESS
    assert torch.equal(state.second_moment["weight"], STATE.second_moment["weight"])
    with pytest.raises(KeyboardInterrupt):  # signals mean what they meant before
        signal.raise_signal(number)


def test_a_thread_can_save_too(tmp_path):
    thread = threading.Thread(target=save_checkpoint, args=(tmp_path / "checkpoint", PROGRESS, STATE))
    thread.start()
    thread.join()

    assert load_checkpoint(tmp_path / "checkpoint")[0] == PROGRESS
