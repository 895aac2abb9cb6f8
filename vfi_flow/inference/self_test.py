"""What every device makes of the same question: whether it is right, and how long it takes."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vfi_flow.errors import VfiFlowError
from vfi_flow.inference.interpolator import Interpolator
from vfi_flow.inference.providers import HINT, PROVIDERS, Device, find_device, is_installed

HEIGHT, WIDTH, STEPS = 360, 640, 1
SHIFT = 6.0
"""Pixels that the picture moves from frame to frame."""
LEAST_FROM_CPU = 50.0
"""dB between a device and the CPU: rounding leaves 88, convolutions in bfloat16 55 (measured with OpenVINO); a picture
that is off by a quarter of a pixel has 40."""
LEAST_FROM_TRUTH = 34.0
"""dB between what the CPU makes and the true frame (45 measured); a blend of the two frames has 25."""
MOST = 100.0
"""dB that stand for equal."""
BUDGET_SECONDS = 2.0
"""For the speed test of one device, after its first frame."""
MOST_FRAMES = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about one device."""

    device: str
    provider: str
    works: bool
    reason: str = ""
    """Why it does not work, and what it needs."""
    model: str = ""
    """Name and hash of the model that it ran."""
    psnr: float | None = None
    """dB: of the CPU to the true frame, of all others to the CPU."""
    milliseconds: float | None = None
    """Median for a new frame of 640x360 with one step, as in a stream: features of one frame, one synthesis."""
    first_milliseconds: float | None = None
    """For the very first frame: with what is compiled or allocated once."""


@cache
def texture(offset: float) -> NDArray[np.uint8]:
    """(HEIGHT, WIDTH, 3): coloured waves with periods from 14 pixels up, drawn `offset` pixels further left."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    random = np.random.default_rng(0)
    picture = np.full((HEIGHT, WIDTH, 3), 128.0)
    for a, b in random.uniform(-0.45, 0.45, (24, 2)):
        wave = np.sin(a * (x + offset) + b * y + random.uniform(0, 6.28))
        picture += wave[..., None] * random.uniform(4, 16, 3)
    return picture.clip(0, 255).astype(np.uint8)


def findings(runtime: Any, model: str = "base") -> Iterator[Finding]:
    """One for every row of PROVIDERS, the CPU first: the others are compared with it."""
    expected: NDArray[np.uint8] | None = None
    for provider in PROVIDERS.values():
        device = Device(provider)
        if not is_installed(provider, runtime):
            yield Finding(provider.device, provider.name, False, f"needs {provider.needs}")
            continue
        finding, made = examine(device, expected, model)
        if provider.device == "cpu" and finding.works:
            expected = made
        yield finding


def examine(device: Device, expected: NDArray[np.uint8] | None, model: str) -> tuple[Finding, NDArray[np.uint8] | None]:
    """What `device` makes, compared with `expected`, or with the true frame where that is None."""
    name, provider = str(device), device.provider.name
    frames = [texture(SHIFT * number) for number in range(MOST_FRAMES)]
    try:
        with Interpolator(model, STEPS, device=name, tile="off") as interpolator:
            start = time.perf_counter()
            [made] = interpolator(frames[0], frames[1], [0.5])
            first = 1000 * (time.perf_counter() - start)
            milliseconds = median_milliseconds(interpolator, frames[1:])
            model = f"{interpolator.model_name} {interpolator.model_hash[:12]}"
    except VfiFlowError as error:
        return Finding(name, provider, False, str(error).removesuffix(HINT)), None
    psnr, least, what = distance(made, expected)
    reason = "" if psnr >= least else f"wrong results: {psnr:.1f} dB from {what}, at least {least:g} were expected"
    times = round(milliseconds, 1), round(first, 1)
    return Finding(name, provider, not reason, reason, model, round(psnr, 2), *times), made


def distance(made: NDArray[np.uint8], expected: NDArray[np.uint8] | None) -> tuple[float, float, str]:
    """dB, the least that is right, and from what."""
    if expected is None:
        return decibels(made, texture(SHIFT / 2)), LEAST_FROM_TRUTH, "the true frame"
    return decibels(made, expected), LEAST_FROM_CPU, "the CPU"


def decibels(made: NDArray[np.uint8], expected: NDArray[np.uint8]) -> float:
    error = float(np.square(made.astype(np.float64) - expected).mean())
    return min(MOST, 10 * math.log10(255**2 / error)) if error else MOST


def median_milliseconds(interpolator: Interpolator, frames: list[NDArray[np.uint8]]) -> float:
    """For a new frame between consecutive frames, within the budget."""
    times: list[float] = []
    for frame0, frame1 in pairwise(frames):
        if sum(times) < BUDGET_SECONDS:
            start = time.perf_counter()
            interpolator(frame0, frame1, [0.5])
            times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times))


def default_device(runtime: Any) -> str:
    """What `auto` takes here."""
    return str(find_device("auto", runtime))
