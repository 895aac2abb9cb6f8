"""A run that is told to stop while it saves keeps what it saves."""

import os
import signal
import threading
from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch

from vfi_flow.errors import OutputError
from vfi_flow.training import checkpoint
from vfi_flow.training.checkpoint import Progress, State, load_checkpoint, save_checkpoint

PROGRESS = Progress("tiny", "mean", 3, 36, 1.5, 30.0)
STATE = State(*({"weight": torch.full((2,), float(number))} for number in range(4)))


@pytest.fixture
def interruptible(heard):
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_saves_ends_the_run_afterwards(tmp_path, monkeypatch, interruptible, number):
    def write_and_be_told_to_stop(tensors, path):
        os.kill(os.getpid(), number)
        write_tensors(tensors, path)

    write_tensors = checkpoint.write_tensors
    monkeypatch.setattr(checkpoint, "write_tensors", write_and_be_told_to_stop)

    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(tmp_path / "checkpoint", PROGRESS, STATE)

    progress, state = load_checkpoint(tmp_path / "checkpoint")
    assert progress == PROGRESS
    assert torch.equal(state.second_moment["weight"], STATE.second_moment["weight"])
    with pytest.raises(KeyboardInterrupt):  # signals mean what they meant before
        signal.raise_signal(number)


def test_a_process_that_dies_while_it_saves_is_told_of_afterwards(tmp_path, monkeypatch):
    """torch raises an exception for it, wherever the program is."""

    def die(number, frame):
        raise RuntimeError("DataLoader worker (pid 1) is killed by signal: Killed.")

    before = signal.signal(signal.SIGCHLD, die)
    write_tensors = checkpoint.write_tensors
    monkeypatch.setattr(
        checkpoint, "write_tensors", lambda *what: (os.kill(os.getpid(), signal.SIGCHLD), write_tensors(*what))
    )
    try:
        with pytest.raises(RuntimeError, match="is killed"):
            save_checkpoint(tmp_path / "checkpoint", PROGRESS, STATE)
    finally:
        signal.signal(signal.SIGCHLD, before)

    assert load_checkpoint(tmp_path / "checkpoint")[0] == PROGRESS


def test_a_save_that_fails_between_its_two_renames_is_undone(tmp_path, monkeypatch):
    folder = tmp_path / "checkpoint"
    save_checkpoint(folder, PROGRESS, STATE)
    replace = os.replace

    def fail_once(source, target):
        if source.name.endswith(".draft"):
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail_once)
    with pytest.raises(OutputError, match="No space left on device"):
        save_checkpoint(folder, Progress("tiny", "mean", 4, 48, 2.0, 31.0), STATE)

    assert load_checkpoint(folder)[0] == PROGRESS
    assert list(tmp_path.iterdir()) == [folder]


def test_a_thread_can_save_too(tmp_path):
    thread = threading.Thread(target=save_checkpoint, args=(tmp_path / "checkpoint", PROGRESS, STATE))
    thread.start()
    thread.join()

    assert load_checkpoint(tmp_path / "checkpoint")[0] == PROGRESS


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="Linux tells what is mapped")
def test_what_is_loaded_does_not_hold_its_files(tmp_path):
    """Windows replaces no file that is mapped, so a resumed run could not save."""
    save_checkpoint(tmp_path / "checkpoint", PROGRESS, STATE)

    _, state = load_checkpoint(tmp_path / "checkpoint")

    assert torch.equal(state.average["weight"], STATE.average["weight"])
    assert str(tmp_path) not in Path("/proc/self/maps").read_text()
