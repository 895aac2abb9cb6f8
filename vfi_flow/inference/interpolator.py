"""Frames between two frames: what programs use; arrays in, arrays out."""

import math
import operator
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from functools import partial
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import SupportsIndex

import numpy as np

from vfi_flow.errors import OutOfMemoryError, UsageError, needing
from vfi_flow.inference.alpha import between_transparent
from vfi_flow.inference.depth import FULL_SCALE, as_integers
from vfi_flow.inference.engine import MOST_THREADS, Engine, Frame, Image
from vfi_flow.inference.frame_cache import FrameCache
from vfi_flow.inference.machine import free_memory
from vfi_flow.inference.noise import pair_noise
from vfi_flow.inference.padding import crop_frame, padded_size
from vfi_flow.inference.pair import Neighbour, Pair
from vfi_flow.inference.scale import Halvings, ScaleOption, halvings_for
from vfi_flow.inference.tiling import TileChoice, TileOption, tiled_images
from vfi_flow.model.config import LARGEST_STRENGTH, preset

MOST_STEPS = 2
ENGINES = ("onnx", "torch")
USABLE = 0.8
"""Of the free memory: allocators waste some, and others want some."""
AT_ONCE_BYTES = 1_200_000_000
"""Memory that calls at the same time may take together, unasked: a pair of 1280x720 by itself, five of 640x360."""
FRAME_BYTES = 160
"""Bytes a pixel for the frames that wait between decoder, model and encoder (at 3840x2160 the job without the engine
takes 92, with x264)."""


class Interpolator:
    """Makes frames between pairs of frames.

    Args:
        model: a preset that travels with the package (`base`), or the path of a model file.
        steps: 0 the conditional mean (smoothest, highest PSNR), 1 or 2 midpoint steps of the flow (sharper).
        strength: scales all that is drawn on top of the mean, 0 to 2; None takes the model's calibrated value.
        seed: of the noise the flow starts from; equal seeds give equal frames.
        device: auto, or a name of `providers.PROVIDERS`: cpu, cuda, cuda:1, tensorrt, openvino, ... (torch: cpu, cuda).
        threads: of the engine; None lets it decide. Of torch there is one number for the whole program.
        engine: onnx (no torch needed) or torch.
        tile: auto makes frames of overlapping tiles where whole ones do not fit into memory, off never does, a number
            is the longest side of a tile in pixels, from 512 up.
        scale: motion is found on frames of 1, 1/2, 1/4 or 1/8 of the width and height, and refined on the whole ones;
            auto halves frames of 960 pixels and more where they move far.

    Raises ComponentError for a model, device or package that is missing and UsageError for values out of range.
    """

    def __init__(
        self,
        model: str | Path = "base",
        steps: int = 1,
        strength: float | None = None,
        seed: int = 0,
        device: str = "auto",
        threads: int | None = None,
        engine: str = "onnx",
        tile: TileOption = "auto",
        scale: ScaleOption = "auto",
    ) -> None:
        steps, seed = whole_number("steps", steps), whole_number("seed", seed)
        if steps not in range(MOST_STEPS + 1):
            raise UsageError(f"steps must be 0, 1 or 2, got {steps}")
        if strength is not None and not 0 <= real_number("strength", strength) <= LARGEST_STRENGTH:
            raise UsageError(f"strength must be from 0 to {LARGEST_STRENGTH}, got {strength}")
        if threads is not None and not 1 <= whole_number("threads", threads) <= MOST_THREADS:
            bound = "1 or more" if threads < 1 else f"at most {MOST_THREADS}"
            raise UsageError(f"threads must be {bound}, got {threads}")
        if not isinstance(model, (str, Path)) or not isinstance(device, str):
            raise UsageError(f"model must be a name or a Path and device a name, got {model!r} and {device!r}")
        halvings_for(scale, 1, 1, 1)  # refuses what is no scale, before anything is loaded
        self._engine, self._scale = open_engine(engine, model, steps, device, threads), scale
        # Nothing in here leads back to the interpolator: so one that nobody holds any more is freed at once.
        self._tiles = TileChoice(tile, partial(affordable_pixels, self._engine.bytes_per_pixel))
        self.steps, self.seed = steps, seed
        self.scale = scale if scale == "auto" else str(Fraction(float(scale)))
        self.strength = self._engine.model.strength if strength is None else strength
        self.model_name, self.model_hash = self._engine.model.name, self._engine.model.hash
        self.engine, self.any_size = self._engine.description, self._engine.any_size
        self._caches: dict[tuple[str, Halvings], FrameCache] = {}
        self._lock, self._running, self._closed = RLock(), 0, False

    def __enter__(self) -> "Interpolator":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Frees the engine's memory, after the calls that other threads are in; a second call does nothing."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._free_if_unused()

    def _free_if_unused(self) -> None:
        if not self._running:
            self._caches.clear()
            self._engine.close()

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise UsageError("the interpolator is closed; open another one")
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
                if self._closed:
                    self._free_if_unused()

    def __call__(
        self,
        frame0: Frame,
        frame1: Frame,
        taus: Sequence[float | Fraction],
        pts: int = 0,
        before: Neighbour | None = None,
        after: Neighbour | None = None,
    ) -> list[Frame]:
        """New frames, one per tau.

        Args:
            frame0, frame1: (H, W, 3) uint8 or uint16 RGB (255 or 65535 is full scale), gamma-encoded, both of the same
                size, from 1x1 up; or (H, W, 4) with straight alpha. New frames are of the same type.
            taus: places of the new frames, from 0 (frame0) to 1 (frame1); 0 and 1 return copies of the frames.
            pts: of frame0 in its stream; keys the noise of the pair together with the seed.
            before, after: the frames before frame0 and after frame1, of the same scene, size and type. With them motion
                may speed up, slow down and turn between the two; without, it is even. Not looked at with alpha, nor
                where their interval is less than half or more than twice that of the two.

        Raises UsageError for anything else, and after `close`.

        Several threads may call at the same time (see `calls_at_once`).
        Calling with consecutive pairs in order is cheapest: what is found out about a frame, and about the motion from
        it to the next, is kept for the next call.
        """
        check_frames(frame0, frame1)
        for name, neighbour in (("before", before), ("after", after)):
            check_neighbour(name, neighbour, frame0)
        pts = whole_number("pts", pts)
        places = check_taus(taus)
        inside = [tau for tau in places if 0 < tau < 1]
        pair = Pair(frame0, frame1, *(one if one is not None and one.tells else None for one in (before, after)))
        with self._in_use():
            made = iter(self._between(pair, inside, pts) if inside else [])
        return [next(made) if 0 < tau < 1 else (frame1 if tau else frame0).copy() for tau in places]

    def _between(self, pair: Pair, taus: list[float], pts: int) -> list[Frame]:
        if pair.frame0.shape[2] == 3:
            return self._synthesise(pair, taus, self.strength, pts, "colour")

        def colours(frame0: Frame, frame1: Frame, taus: Sequence[float]) -> list[Frame]:
            return self._synthesise(Pair(frame0, frame1), taus, self.strength, pts, "colour")

        def alphas(frame0: Frame, frame1: Frame, taus: Sequence[float]) -> list[Frame]:
            # Without the detail that the flow would draw: nobody wants grain in a matte.
            return self._synthesise(Pair(frame0, frame1), taus, 0.0, pts, "alpha")

        return between_transparent(pair.frame0, pair.frame1, taus, colours, alphas)

    def _synthesise(self, pair: Pair, taus: Sequence[float], strength: float, pts: int, lane: str) -> list[Frame]:
        """New frames of three channels; `lane` names the sequence that the frames belong to."""
        height, width = pair.frame0.shape[:2]
        while True:
            side = self.tile_side(height, width)
            try:
                images = self._images(pair, taus, strength, pts, lane, side)
                return [as_integers(crop_frame(image, height, width), pair.frame0.dtype) for image in images]
            except (OutOfMemoryError, MemoryError) as error:
                self._caches.clear()
                self._engine.release()
                if not self._tiles.shrink(*padded_size(height, width), side):
                    raise OutOfMemoryError(f"not enough memory for frames of {width}x{height} ({error})") from error

    def _images(
        self, pair: Pair, taus: Sequence[float], strength: float, pts: int, lane: str, side: int | None
    ) -> Iterator[Image]:
        height, width = pair.frame0.shape[:2]
        padded = padded_size(height, width)
        halvings = halvings_for(self._scale, height, width, preset(self.model_name).downscale)
        noise = pair_noise(self.seed, pts, *padded) if self.steps else np.zeros((1, 3, 1, 1), np.float32)
        if side is not None:
            return tiled_images(self._engine, pair, taus, noise, strength, side, halvings)
        cache = self._caches.setdefault((lane, halvings), FrameCache(self._engine, halvings))
        return cache.images(pair, taus, noise, strength, width)

    def tile_side(self, height: int, width: int) -> int | None:
        """The longest side of the tiles that frames of that size are made of; None: they are made in one piece."""
        return self._tiles.side(*padded_size(height, width))

    def calls_at_once(self, height: int, width: int) -> int:
        """How many calls for pairs of frames of that size to make at the same time, each from a thread of its own.

        What one call cannot share out among threads, several can: two at once on two cores make 1.3 times as many
        frames. Each needs memory of its own, so that there is one of large frames and of tiles. Pairs may overlap.
        """
        if self._engine.bytes_per_pixel is None or self.tile_side(height, width) is not None:
            return 1
        affordable = min(AT_ONCE_BYTES, free_memory() * USABLE)
        needed = self._engine.bytes_per_pixel * math.prod(padded_size(height, width))
        return max(1, min(self._engine.threads, int(affordable / needed)))


def affordable_pixels(bytes_per_pixel: int | None, frame_pixels: int) -> int | None:
    """Pixels of frames of so many that there is memory for at once; None: it is not the computer's memory."""
    if bytes_per_pixel is None:
        return None
    return int((free_memory() * USABLE - frame_pixels * FRAME_BYTES) / bytes_per_pixel)


def open_engine(engine: str, model: str | Path, steps: int, device: str, threads: int | None) -> Engine:
    """The engine of that name, ready to run."""
    if engine == "onnx":
        from vfi_flow.inference.onnx_interpolator import OnnxEngine

        return OnnxEngine(model, steps, device, threads)
    if engine == "torch":
        with needing("train", "engine torch"):
            from vfi_flow.inference.torch_interpolator import TorchEngine
        return TorchEngine(model, steps, device, threads)
    raise UsageError(f"unknown engine '{engine}'; there are {', '.join(ENGINES)}")


def check_frames(frame0: Frame, frame1: Frame) -> None:
    """UsageError unless both are arrays (H, W, 3 or 4) of uint8 or uint16 with pixels, and alike in shape and type."""
    for name, frame in (("frame0", frame0), ("frame1", frame1)):
        if not isinstance(frame, np.ndarray) or frame.dtype not in FULL_SCALE:
            kind = getattr(frame, "dtype", type(frame).__name__)
            raise UsageError(f"{name} must be an array of uint8 or uint16, got {kind}")
        if frame.ndim != 3 or frame.shape[2] not in (3, 4) or 0 in frame.shape:
            raise UsageError(f"{name} must have the shape (height, width, 3 or 4), got {frame.shape}")
    if frame0.shape != frame1.shape:
        raise UsageError(f"frame0 and frame1 must have the same shape, got {frame0.shape} and {frame1.shape}")
    if frame0.dtype != frame1.dtype:
        raise UsageError(f"frame0 and frame1 must have the same type, got {frame0.dtype} and {frame1.dtype}")


def whole_number(name: str, value: SupportsIndex) -> int:
    """`value` as a number of Python's own, also of numpy's kinds."""
    try:
        return operator.index(value)
    except TypeError:
        raise UsageError(f"{name} must be a whole number, got {value!r}") from None


def check_neighbour(name: str, neighbour: Neighbour | None, frame: Frame) -> None:
    """UsageError unless it is None, or a Neighbour like `frame` in shape and type whose interval is finite and above 0.

    `name` is what the sentence calls it: before or after.
    """
    if neighbour is None:
        return
    if not (isinstance(neighbour, Neighbour) and isinstance(neighbour.frame, np.ndarray)):
        raise UsageError(f"{name} must be a Neighbour of an array, got {type(neighbour).__name__}")
    got = neighbour.frame
    if got.shape != frame.shape or got.dtype != frame.dtype:
        raise UsageError(f"{name} must be like frame0, {frame.dtype} {frame.shape}, got {got.dtype} {got.shape}")
    if not 0 < real_number(f"the interval of {name}", neighbour.interval) < math.inf:
        raise UsageError(f"the interval of {name} must be above 0, got {neighbour.interval}")


def check_taus(taus: Iterable[float | Fraction]) -> list[float]:
    """`taus` as numbers of Python's own; UsageError unless all are numbers from 0 to 1."""
    try:
        places = [real_number("tau", tau) for tau in taus]
    except TypeError:
        raise UsageError(f"taus must be a list of numbers, got {taus!r}") from None
    for place in places:
        if not 0 <= place <= 1:
            raise UsageError(f"tau must be from 0 (frame0) to 1 (frame1), got {place}")
    return places


def real_number(name: str, value: float | Fraction) -> float:
    """`value` as a number of Python's own, also of numpy's kinds, but no text that looks like one."""
    with suppress(TypeError, ValueError, OverflowError):
        if not isinstance(value, (str, bytes)):
            return float(value)
    raise UsageError(f"{name} must be a number, got {value!r:.80}")
