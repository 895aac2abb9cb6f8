"""How far a made frame is from the true one. Frames are (H, W, 3) uint8 RGB, gamma-encoded."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vfi_flow.training.baselines import load_cv2
from vfi_flow.training.frame import Frame

IDENTICAL_DB = 100.0
"""PSNR that identical frames count as, so that a mean over clips stays finite."""

MOVING_GREY_LEVELS = 8.0
MOVING_SHARE = 0.02
"""A pixel moves where the two outer frames differ by more than 8 of 255 levels, mean of the channels; sharpness is
measured on places where more than this share of the pixels does."""

STATIC_GREY_LEVELS = 2.0
STATIC_SHARE = 0.01
"""A pixel is static where both outer frames and the true frame, smoothed over 3x3 pixels, lie within 2 of 255
levels of each other in every channel; flicker is measured on clips where more than this share of the pixels is."""

SPECTRUM_RINGS = 32

LPIPS_SMALLEST_SIDE = 31
"""Pixels; below, nothing is left of a picture after AlexNet's second pooling."""


def psnr(made: Frame, truth: Frame) -> float:
    """Peak signal-to-noise ratio in dB over all pixels and channels; peak 255."""
    error = np.square(made.astype(np.float32) - truth).mean(dtype=np.float64)
    return IDENTICAL_DB if error == 0 else min(IDENTICAL_DB, 10 * math.log10(255**2 / error))


def ssim(made: Frame, truth: Frame) -> float:
    """Structural similarity (Wang et al. 2004): Gaussian window 11x11, sigma 1.5, no padding, mean of R, G and B.

    1 for equal frames. NaN for frames of less than 11 pixels, into which the window does not fit.
    """
    from kornia.metrics import ssim as ssim_map

    if min(truth.shape[:2]) < 11:
        return math.nan
    images = (to_tensor(made), to_tensor(truth))
    return float(ssim_map(*images, window_size=11, max_val=1.0, eps=0.0, padding="valid").mean())


def moving(frame0: Frame, frame1: Frame) -> NDArray[np.bool_]:
    """Where something moves between the two outer frames; (H, W)."""
    return np.abs(frame0.astype(np.float32) - frame1).mean(axis=2) > MOVING_GREY_LEVELS


def sharpness(made: Frame, truth: Frame, mask: NDArray[np.bool_]) -> float:
    """Energy of the Laplacian within `mask`, made over true: 1 is right, below is blurred, above is over-sharp.

    NaN where the mask is smaller than `MOVING_SHARE` or the true frame is flat there.
    """
    inner = mask[1:-1, 1:-1]
    if inner.size == 0 or inner.mean() <= MOVING_SHARE:
        return math.nan
    true_energy = np.square(laplacian(truth)[inner]).sum()
    return float(np.square(laplacian(made)[inner]).sum() / true_energy) if true_energy > 0 else math.nan


def laplacian(frame: Frame) -> NDArray[np.float64]:
    """Sum of the four neighbours minus four times the pixel, of the mean of the channels; (H - 2, W - 2)."""
    grey = frame.mean(axis=2)
    return grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * grey[1:-1, 1:-1]


def spectrum_distance(made: Frame, truth: Frame) -> float:
    """Log power-spectrum distance in dB: how differently detail is spread over the spatial frequencies; 0 is right.

    Each frame's channel mean, less its average, under a Hann window; power averaged over 32 rings of equal width of
    the radial frequency between 0 and 0.5 cycles per pixel, plus the power of 8-bit rounding, 1/12 level squared;
    root mean square over the rings of 10 log10(made / true). It does not see where detail is, so a sample with right
    texture in a wrong place scores well and a blurred mean badly: the opposite of PSNR. NaN for a single pixel.
    """
    difference = 10 * (np.log10(ring_powers(made)) - np.log10(ring_powers(truth)))
    return float(np.sqrt(np.square(difference).mean())) if difference.size else math.nan


def ring_powers(frame: Frame) -> NDArray[np.float64]:
    """Mean power per pixel in rings of radial frequency, 8-bit levels squared; rings without a sample are left out."""
    grey = frame.mean(axis=2)
    height, width = grey.shape
    window = np.outer(hann(height), hann(width))
    power = np.square(np.abs(np.fft.fft2((grey - grey.mean()) * window))) / np.square(window).sum()
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    ring = np.ceil(radius * 2 * SPECTRUM_RINGS).astype(int) - 1  # the constant is -1, corners are 32 and more
    inside = (ring >= 0) & (ring < SPECTRUM_RINGS)
    count = np.bincount(ring[inside], minlength=SPECTRUM_RINGS)
    total = np.bincount(ring[inside], power[inside], minlength=SPECTRUM_RINGS)
    return total[count > 0] / count[count > 0] + 1 / 12


def hann(length: int) -> NDArray[np.float64]:
    """The Hann window without its zeros at the ends, so that it exists for every length from 1."""
    return np.hanning(length + 2)[1:-1]


class Flicker:
    """Static flicker of one clip, in 8-bit levels: how much static areas pulse when the made frames are shown.

    A viewer sees original, made, original, made: in static areas the error is 0, e_1, 0, e_2, and so on. Flicker is
    the standard deviation of this series in time, of the channel mean, averaged over the pixels that are static at
    one measured place or more. An error that stays is seen as a pulse, because the originals do not have it.
    """

    def __init__(self, height: int, width: int) -> None:
        self._count = np.zeros((height, width))
        self._sum = np.zeros((height, width))
        self._squares = np.zeros((height, width))

    def add(self, made: Frame, truth: Frame, static: NDArray[np.bool_]) -> None:
        error = (made.astype(np.float64) - truth).mean(axis=2)
        self._count += static
        self._sum += static * error
        self._squares += static * np.square(error)

    def value(self) -> float:
        """NaN where no more than `STATIC_SHARE` of the picture is static."""
        seen = self._count > 0
        if seen.mean() <= STATIC_SHARE:
            return math.nan
        shown = 2 * self._count[seen]
        variance = self._squares[seen] / shown - np.square(self._sum[seen] / shown)
        return float(np.sqrt(np.maximum(variance, 0)).mean())


def static(frame0: Frame, truth: Frame, frame1: Frame) -> NDArray[np.bool_]:
    """Where nothing happens in the three frames; (H, W)."""
    cv2 = load_cv2()
    smooth = [cv2.blur(frame.astype(np.float32), (3, 3)) for frame in (frame0, truth, frame1)]
    return (np.maximum.reduce(smooth) - np.minimum.reduce(smooth)).max(axis=2) <= STATIC_GREY_LEVELS


def lpips_distance(lpips: Callable[[Any, Any], Any], made: Frame, truth: Frame) -> float:
    """LPIPS of two frames; NaN for frames that are too small for it."""
    import torch

    if min(truth.shape[:2]) < LPIPS_SMALLEST_SIDE:
        return math.nan
    with torch.inference_mode():
        return float(lpips(to_tensor(made), to_tensor(truth)))


def seed_spread(draws: list[Frame]) -> float:
    """Standard deviation over draws of the noise, averaged over pixels and channels; 8-bit levels."""
    return float(np.stack(draws).astype(np.float32).std(axis=0).mean())


def to_tensor(frame: Frame) -> Any:
    """(1, 3, H, W) float32 tensor in [0, 1]."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(frame.transpose(2, 0, 1))).float().div(255)[None]
