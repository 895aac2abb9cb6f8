"""The network on torch: for training's own weights and for devices ONNX Runtime does not reach."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vfi_flow.errors import ComponentError, OutOfMemoryError
from vfi_flow.inference.engine import Image, ModelInfo, Motion
from vfi_flow.inference.scale import reach
from vfi_flow.model.encoder import FrameFeatures
from vfi_flow.model.registration import Registration
from vfi_flow.model.scale import enlarge
from vfi_flow.model.weights import channels_last, find_weights, load_weights
from vfi_flow.motion.acceleration import Neighbours

BYTES_PER_PIXEL = 900
"""Of the computer's memory, for every pixel of a padded frame (python -m vfi_flow.export.bench)."""


class TorchEngine:
    """A weights file (.safetensors) or packaged preset in float32."""

    def __init__(self, model: str | Path, steps: int, device: str, threads: int | None) -> None:
        network, card, digest = load_weights(find_weights(model))
        self.device = pick_device(device)
        if threads is not None:
            torch.set_num_threads(threads)
        self.steps = steps
        self.network = channels_last(network.to(self.device))
        self.model = ModelInfo(network.config.name, digest, card.strength, card.summary)
        self.description = f"torch {self.device}"
        self.threads, self.any_size = 1, True
        self.bytes_per_pixel = BYTES_PER_PIXEL if self.device.type == "cpu" else None

    @torch.inference_mode()
    def encode(self, frame: Image) -> FrameFeatures:
        with self._allocating():
            pixels = torch.from_numpy(frame[None]).to(self.device)
            return self.network.encode(pixels.permute(0, 3, 1, 2))

    @torch.inference_mode()
    def register(self, features0: FrameFeatures, features1: FrameFeatures) -> Registration:
        with self._allocating():
            found = self.network.registration(features0, features1)
            return found._replace(motions=())  # for training alone

    def reach(self, found: Registration) -> float:
        return reach(found.motion.numpy(force=True))

    @torch.inference_mode()
    def enlarge(self, found: Registration, features0: FrameFeatures, features1: FrameFeatures) -> Registration:
        with self._allocating():
            return enlarge(found, features0, features1)

    @torch.inference_mode()
    def compose(
        self,
        features0: FrameFeatures,
        features1: FrameFeatures,
        motion: Motion,
        tau: float,
        noise: NDArray[np.float32],
        strength: float,
    ) -> Image:
        with self._allocating():
            place = torch.full((1, 1, 1, 1), tau, device=self.device)
            scale = torch.tensor([strength], device=self.device)
            start = torch.from_numpy(noise).to(self.device)
            intervals = torch.tensor(motion.intervals, device=self.device).view(1, 2, 1, 1)
            width = torch.tensor([motion.frame_width / self.network.config.flow_scale], device=self.device)
            beside = Neighbours(motion.before.motion, motion.after.motion, intervals, width)
            mean = self.network.fused(features0, features1, place, motion.between.at(place, beside))
            frame = self.network.drawn(mean, start, scale, self.steps)
            return frame[0].permute(1, 2, 0).cpu().numpy()

    @contextmanager
    def _allocating(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:  # torch.OutOfMemoryError is one; on a CPU it is a plain one
            if isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error):
                raise OutOfMemoryError(f"{self.description}: out of memory") from error
            raise

    def release(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def close(self) -> None:
        del self.network


def pick_device(device: str) -> torch.device:
    """The torch device of that name; auto takes CUDA where there is one."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name, _, number = device.partition(":")
    if device != "cpu" and (name != "cuda" or (device != name and not number.isdecimal())):
        raise ComponentError(f"unknown device '{device}'; there are auto, cpu, cuda (or cuda:1), with engine torch")
    if name == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise ComponentError(f"device '{device}' was asked for, but torch finds {torch.cuda.device_count()} CUDA GPUs")
    return torch.device(device)
