"""Training in several processes of one thread each, which share decoded clips and average their gradients.

On a CPU that others use too this is worth a factor of two and more over threads in one process: a thread that loses
its core holds up all others at every operation, a process only once a step.
"""

import os
import shutil
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from pathlib import Path
from types import TracebackType

import torch
import torch.distributed as dist
from torch import nn

from vfi_flow.errors import VfiFlowError
from vfi_flow.training.forking import nothing_to_free
from vfi_flow.training.signals import deaf_children, ignore_stops

PATIENCE = timedelta(minutes=30)
"""How long the others wait for process 0, which validates alone."""


class ProcessLostError(VfiFlowError):
    """One of the processes that train, or that draw samples, has ended before the others."""

    def __init__(self) -> None:
        super().__init__("a process of the run was ended, perhaps for lack of memory; --resume goes on")


@contextmanager
def noticing_losses() -> Iterator[None]:
    """Tells apart what torch says where a process that draws samples has died; it says so at any moment."""
    try:
        yield
    except RuntimeError as error:
        if str(error).startswith("DataLoader worker (pid"):
            raise ProcessLostError from error
        raise


class Group:
    """One process of `size`, with the number `rank`; a group of one does nothing."""

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replaces every gradient by its mean over the processes."""
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients]) / self.size
        self._together(lambda: dist.all_reduce(flat))
        for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def agree(self, value: float) -> float:
        """The `value` of process 0, everywhere."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64)
        self._together(lambda: dist.broadcast(shared, 0))
        return float(shared)

    def _together(self, exchange: Callable[[], object]) -> None:
        try:
            exchange()
        except RuntimeError as error:  # the connection to one of the others is closed
            raise ProcessLostError from error

    def __enter__(self) -> "Group":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the group. Processes other than 0 end here: process 0 tells what went wrong, unless it is a bug."""
        if self.rank:
            if error is not None and not isinstance(error, VfiFlowError):
                traceback.print_exception(error)
            os._exit(0 if error is None else 1)
        if self.size > 1:
            with nullcontext() if error is None else suppress(RuntimeError):
                dist.destroy_process_group()


def start_processes(count: int) -> Group:
    """Forks this process into `count`, all of which return from here with the same memory and another rank.

    Call it after the clips are decoded and before torch has computed anything: its threads do not survive a fork.
    """
    if count == 1:
        return Group()
    meeting = Path(tempfile.mkdtemp(prefix="vfi_flow_"))
    parent = os.getpid()
    try:
        with deaf_children(), nothing_to_free():
            rank = next((r for r in range(1, count) if os.fork() == 0), 0)
            if rank:
                ignore_stops()
                threading.Thread(target=end_with, args=(parent,), daemon=True).start()
        torch.set_num_threads(1)
        store = dist.FileStore(str(meeting / "addresses"), count)
        dist.init_process_group("gloo", store=store, rank=rank, world_size=count, timeout=PATIENCE)
        dist.barrier()  # from here on all have met
    except BaseException:
        if os.getpid() != parent:  # a copy must not go on with what only the original is to do
            traceback.print_exc()
            os._exit(1)
        raise
    finally:
        if os.getpid() == parent:
            shutil.rmtree(meeting, ignore_errors=True)
    return Group(rank, count)


def end_with(parent: int) -> None:
    """Ends this process soon after its parent, on which it may wait for anything."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
