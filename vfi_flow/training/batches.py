"""Batches of samples drawn by worker processes, the same ones in the same order however many workers there are."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from types import TracebackType

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from vfi_flow.training.forking import nothing_to_free
from vfi_flow.training.sample import Beside, Sample, Source
from vfi_flow.training.signals import deaf_children, hear_parent


@dataclass(frozen=True, slots=True)
class Share:
    """A source and how often it is drawn from, relative to the others."""

    source: Source
    weight: float


@dataclass(frozen=True, slots=True)
class Batch:
    """Images are (B, 3, H, W) float32 in [0, 1]."""

    frame0: Tensor
    frame1: Tensor
    truth: Tensor
    tau: Tensor
    """(B, 1, 1, 1) float32."""
    flow: Tensor
    """(B, 4, H/2, W/2) float32, from the truth to both frames, pixels of that grid."""
    trust: Tensor
    """(B, 2, H/2, W/2) float32 in [0, 1]."""
    before: Tensor
    after: Tensor
    intervals: Tensor
    """(B, 2, 1, 1) float32, as in `motion.acceleration`: 0 where `before` or `after` does not count."""
    frame_width: Tensor
    """(B, 1, 1, 1) float32, pixels: of the frames that the images are parts of."""


class NumberedSamples(Dataset[Sample]):
    """Sample n of a run depends on the seed and on n alone, so a resumed run goes on where it stopped."""

    def __init__(self, shares: Sequence[Share], seed: int) -> None:
        total = sum(share.weight for share in shares)
        self.sources = [share.source for share in shares]
        self.chances = [share.weight / total for share in shares]
        self.seed = seed

    def __getitem__(self, number: int) -> Sample:
        rng = np.random.default_rng([self.seed, number])
        return self.sources[rng.choice(len(self.sources), p=self.chances)].draw(rng)


class CountingSampler:
    """Every `stride`-th number from `start` on, without end."""

    def __init__(self, start: int, stride: int) -> None:
        self.start, self.stride = start, stride

    def __iter__(self) -> Iterator[int]:
        return count(self.start, self.stride)


def batches(
    shares: Sequence[Share],
    size: int,
    *,
    seed: int,
    start: int,
    workers: int,
    device: torch.device,
    stride: int = 1,
) -> Iterator[Batch]:
    """Batches of `size` samples without end: every `stride`-th sample from number `start` on.

    They are drawn in `workers` forked processes, which see the decoded clips without copying them; 0 workers draw in
    this process.
    """
    if workers:
        cv2.setNumThreads(1)  # a pool of OpenCV threads would not survive the fork
    loader = DataLoader(
        NumberedSamples(shares, seed),
        batch_size=size,
        sampler=CountingSampler(start, stride),
        num_workers=workers,
        collate_fn=collate,
        worker_init_fn=start_worker,
        multiprocessing_context="fork" if workers else None,
        prefetch_factor=3 if workers else None,
        pin_memory=device.type == "cuda",
    )
    with deaf_children(), nothing_to_free():
        drawn = iter(loader)
    for arrays in drawn:
        yield to_batch(**{name: array.to(device, non_blocking=True) for name, array in arrays.items()})


def collate(samples: list[Sample]) -> dict[str, Tensor]:
    """Samples stacked as they are, by the names of a batch: images stay uint8 until they are on the device."""
    rows = [_fields(sample) for sample in samples]
    return {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in rows[0]}


def _fields(sample: Sample) -> dict[str, np.ndarray]:
    beside = sample.beside or Beside(sample.frame0, sample.frame1, (0, 0), sample.frame0.shape[1])
    own = {name: getattr(sample, name) for name in ("frame0", "frame1", "truth", "tau", "flow", "trust")}
    around = {name: getattr(beside, name) for name in ("before", "after", "intervals", "frame_width")}
    return {name: np.asarray(field) for name, field in {**own, **around}.items()}


def to_batch(
    *,
    frame0: Tensor,
    frame1: Tensor,
    truth: Tensor,
    tau: Tensor,
    flow: Tensor,
    trust: Tensor,
    before: Tensor,
    after: Tensor,
    intervals: Tensor,
    frame_width: Tensor,
) -> Batch:
    """A batch of what `collate` has stacked."""
    return Batch(
        frame0=to_image(frame0),
        frame1=to_image(frame1),
        truth=to_image(truth),
        tau=tau.float().view(-1, 1, 1, 1),
        flow=flow,
        trust=trust,
        before=to_image(before),
        after=to_image(after),
        intervals=intervals.float().view(-1, 2, 1, 1),
        frame_width=frame_width.float().view(-1, 1, 1, 1),
    )


def to_image(pixels: Tensor) -> Tensor:
    """(B, 3, H, W) float32 in [0, 1], channels last in memory, from (B, H, W, 3) uint8."""
    return pixels.permute(0, 3, 1, 2).float().div(255).contiguous(memory_format=torch.channels_last)


def start_worker(number: int) -> None:
    """Makes this process the worker of that number."""
    hear_parent()
    sys.excepthook = _report_unless_unheard
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _report_unless_unheard(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    # A run that is stopped just when it fetches a batch hangs up; the thread that hands batches over would report that.
    if not issubclass(kind, ConnectionError | EOFError):
        sys.__excepthook__(kind, error, trace)
