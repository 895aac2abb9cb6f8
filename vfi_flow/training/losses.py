"""What stage 1 is asked for: a sharp mean, the right motion, an honest deviation. Images are (B, 3, H, W) in [0, 1]."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vfi_flow.model.composition import Mean
from vfi_flow.model.registration import MotionAtTau
from vfi_flow.motion.resize import box_mean, halve
from vfi_flow.motion.warp import backward_warp

Flows = tuple[tuple[int, Tensor], ...]
"""Flows (B, 4, h, w) on several grids, and how many pixels of the frame one of the grid stands for."""

INVISIBLE = 3e-5
"""Mean square error, 45 dB, from which better is no longer worth much."""
LAPLACIAN_LEVELS = 4
ENERGY_WINDOW = 17
"""Pixels over which sharpness is compared."""
ENERGY_FLOOR = 1e-4
"""Laplacian energy below which a place counts as flat."""
FLOW_LEVEL_WEIGHTS = (0.5, 0.5, 0.5, 1.0, 1.0, 2.0)
"""For `Registration.flows_at`: three read-outs, then three refined flows, coarse to fine."""


@dataclass(frozen=True, slots=True)
class LossWeights:
    decibel: float = 0.03
    """Logarithm of the mean square error of a sample: what PSNR measures, and least for the conditional mean."""
    flow: float = 0.002
    """Per pixel of full resolution."""
    deviation: float = 0.01
    absolute: float = 0.75
    """Charbonnier loss of the blend of the warped frames with all its detail and no residual: keeps motion honest."""
    laplacian: float = 0.5
    """Of the same blend."""


def mean_losses(
    mean: Mean, flows: Flows, truth: Tensor, flow: Tensor, trust: Tensor, weights: LossWeights
) -> dict[str, Tensor]:
    """Weighted loss terms by name; their sum is minimised.

    Args:
        flows: what registration found, as `Registration.flows_at`.
        truth: (B, 3, H, W).
        flow: (B, 4, H/2, W/2) flow from the truth to both frames, pixels of that grid.
        trust: (B, 2, H/2, W/2) in [0, 1], how far `flow` to either frame is to be believed.
    """
    error = mean.mean - truth
    followed = mean.warped1 + mean.blend * (mean.warped0 - mean.warped1) - truth
    terms = {
        "decibel": weights.decibel * log_square_error(error),
        **sharp_losses(followed, weights),
        "deviation": weights.deviation * gaussian_likelihood(error.detach(), mean.deviation),
    }
    if weights.flow:
        terms["flow"] = weights.flow * flow_error(flows, flow, trust)
    return terms


def motion_losses(
    course: MotionAtTau,
    flows: Flows,
    frames: tuple[Tensor, Tensor, Tensor],
    tau: Tensor,
    flow: Tensor,
    trust: Tensor,
    weights: LossWeights,
) -> dict[str, Tensor]:
    """The same for registration alone, on the grid of its flow: less than half of the time of `mean_losses`.

    Args:
        frames: frame0, truth and frame1, each (B, 3, H, W).
        tau: (B, 1, 1, 1).
        flows, flow, trust: as in `mean_losses`.
    """
    scale = frames[0].shape[-1] // course.flow.shape[-1]
    small0, truth, small1 = (F.avg_pool2d(frame, scale) for frame in frames)
    warped0 = backward_warp(small0, course.flow[:, :2])
    warped1 = backward_warp(small1, course.flow[:, 2:])
    blend = torch.sigmoid(course.mask + torch.log((1 - tau) / tau))
    error = warped1 + blend * (warped0 - warped1) - truth
    return {
        "decibel": weights.decibel * log_square_error(error),
        **sharp_losses(error, weights),
        "flow": weights.flow * flow_error(flows, flow, trust),
    }


def sharp_losses(error: Tensor, weights: LossWeights) -> dict[str, Tensor]:
    """What asks a blend of warped frames for motion that is right, where the square error would take a blur as well."""
    terms = {}
    if weights.absolute:
        terms["absolute"] = weights.absolute * charbonnier(error)
    if weights.laplacian:
        terms["laplacian"] = weights.laplacian * laplacian_pyramid(error)
    return terms


def log_square_error(error: Tensor, floor: float = INVISIBLE) -> Tensor:
    """Mean over samples of the logarithm of their mean square error; flat below `floor`."""
    return (error.square().mean(dim=(1, 2, 3)) + floor).log().mean()


def charbonnier(error: Tensor) -> Tensor:
    """Mean of sqrt(error^2 + 1e-6): absolute error with a rounded tip."""
    return (error * error + 1e-6).sqrt().mean()


def laplacian_pyramid(error: Tensor) -> Tensor:
    """Absolute error in octave bands, coarse bands weighing more (Niklaus & Liu 2018); linear, so of the difference."""
    total = error.new_zeros(())
    for level in range(LAPLACIAN_LEVELS):
        coarse = halve(error)
        band = error - F.interpolate(coarse, scale_factor=2.0, mode="nearest")
        total = total + 0.25 * 2**level * band.abs().mean()
        error = coarse
    return total + 0.25 * 2**LAPLACIAN_LEVELS * error.abs().mean()


def gaussian_likelihood(error: Tensor, deviation: Tensor) -> Tensor:
    """Negative log-likelihood of `error` (B, 3, H, W) under a Gaussian of `deviation` (B, 1, H, W)."""
    return ((error * error).mean(1, keepdim=True) / (2 * deviation * deviation) + deviation.log()).mean()


def sharpness_difference(image: Tensor, truth: Tensor) -> Tensor:
    """How far the local energy of the Laplacian is from the truth's, as a mean absolute logarithm of their ratio.

    A sample that is as sharp as the truth costs nothing wherever its detail lies; blur costs, and so does grain.
    """
    energies = [box_mean(_laplacian(x).square().mean(1, keepdim=True), ENERGY_WINDOW) for x in (image, truth)]
    return (energies[0] + ENERGY_FLOOR).log().sub((energies[1] + ENERGY_FLOOR).log()).abs().mean()


def _laplacian(image: Tensor) -> Tensor:
    inner = image[..., 1:-1, 1:-1]
    return image[..., :-2, 1:-1] + image[..., 2:, 1:-1] + image[..., 1:-1, :-2] + image[..., 1:-1, 2:] - 4 * inner


def flow_error(flows: Flows, flow: Tensor, trust: Tensor) -> Tensor:
    """Trusted end-point error over all levels, in pixels of full resolution, with a rounded tip."""
    total = flow.new_zeros(())
    for weight, (scale, found) in zip(FLOW_LEVEL_WEIGHTS, flows, strict=True):
        factor = scale // 2
        target = F.avg_pool2d(flow, factor) / factor if factor > 1 else flow
        trusted = F.avg_pool2d(trust, factor) if factor > 1 else trust
        square = (found - target).square()
        endpoint = torch.stack([square[:, :2].sum(1), square[:, 2:].sum(1)], 1)
        total = total + weight * scale * ((endpoint + 0.01).sqrt() * trusted).mean()
    return total
