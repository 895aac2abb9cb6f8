"""Questions about ordinary videos: what runs through a graph when the ranges of its integers are chosen."""

from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from vfi_flow.export.fixed_noise import fixed_noise
from vfi_flow.export.graph import PairGraph, Question
from vfi_flow.export.quantise import Feeds

from vfi_flow.inference.padding import padded_size

Size = tuple[int, int]
"""Width and height."""

LONGEST_SIDE = 640
"""Pixels that frames of calibration are made smaller to."""
TAUS = (0.25, 0.5, 0.75)


class Place(NamedTuple):
    """A frame of a video and those beside it; (H, W, 3) uint8 RGB."""

    frame0: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    frame1: NDArray[np.uint8]


def feeds(graph: PairGraph, places: Sequence[Place], size: Size | None, strength: float) -> Iterator[Feeds]:
    """The inputs of `graph`, by name, for every place; `size` is that of the graph, where it is fixed."""
    for place, tau in zip(places, cycle(TAUS), strict=False):
        values = graph.feed(ask_of_video(place, tau, size, strength)[0])
        yield {port.name: value.numpy() for port, value in zip(graph.inputs, values, strict=True)}


def ask_of_video(place: Place, tau: float, size: Size | None, strength: float) -> tuple[Question, Tensor]:
    """A question about the frame at `tau`, and its true answer at 0.5; by default in a size that all layouts take."""
    height, width = place.truth.shape[:2]
    if size is None:
        smaller = min(1.0, LONGEST_SIDE / max(height, width))
        height, width = padded_size(round(height * smaller), round(width * smaller))
        size = width, height
    frame0, truth, frame1 = (
        as_image(cv2.resize(frame, size, interpolation=cv2.INTER_AREA))
        for frame in (place.frame0, place.truth, place.frame1)
    )
    noise = torch.from_numpy(fixed_noise(*truth.shape[-2:]))
    return Question(frame0, frame1, torch.full((1, 1, 1, 1), tau), noise, torch.tensor([strength])), truth


def as_image(frame: NDArray[Any]) -> Tensor:
    """(1, 3, H, W) float32 in [0, 1] of a frame (H, W, 3) uint8."""
    return torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255
