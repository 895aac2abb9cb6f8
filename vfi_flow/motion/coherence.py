"""What two registered frames have in common, octave by octave: detail in which they disagree is mostly error."""

import torch
from torch import Tensor

from vfi_flow.motion.luma import luma
from vfi_flow.motion.resize import box_mean, double, halve

AROUND = 5
"""Of blocks of 4x4 pixels: how far around a place its detail is judged."""
FAINTEST, EXACT = 1e-7, 1e-9
"""Mean square of detail that is too weak to judge, and of a disagreement that is none; images in [0, 1]."""


def octave(image: Tensor) -> tuple[Tensor, Tensor]:
    """The finest detail of `image` (B, C, H, W), same size, and what is left of it, (B, C, H/2, W/2); H and W even.

    `detail + double(rest)` is the image again (Burt & Adelson 1983, The Laplacian Pyramid as a Compact Image Code).
    """
    rest = halve(image)
    return image - double(rest), rest


@torch.no_grad()
def coherence(warped0: Tensor, warped1: Tensor, blend: Tensor) -> Tensor:
    """(B, 2, H/2, W/2): logit of how much to keep of the two finest octaves of `blend` of two frames at a place.

    Args:
        warped0, warped1: (B, 3, H, W) in [0, 1], both frames at the same moment; H and W multiples of 4.
        blend: (B, 1, H, W) in [0, 1], the share of `warped0` beside `warped1`.

    If either frame is the truth plus an error of its own, the least square error is reached by Wiener's filter: of
    every octave keep S / (S + E). E is known from half the difference of the frames, as far as both of them count, and
    S + E is the energy of the blend. The logit is log(S / E): where registration fails, the result is blurred as much
    as it is wrong.
    """
    fine0, rest0 = octave(luma(warped0))
    fine1, rest1 = octave(luma(warped1))
    middle0, middle1 = octave(rest0)[0], octave(rest1)[0]
    fine, middle = halve(_energies(fine0, fine1, blend)), _energies(middle0, middle1, halve(blend))
    energy, error = box_mean(halve(torch.cat([fine, middle], 1)), AROUND).unflatten(1, (2, 2)).unbind(2)
    return double(((energy - error).clamp(min=0) + FAINTEST).log() - (error + EXACT).log())


def shrink_octaves(image: Tensor, keep: Tensor) -> Tensor:
    """`image` (B, C, H, W) with only the share `keep` (B, 2, H/2, W/2) of its finest and of its second octave."""
    fine, rest = octave(image)
    middle, coarse = octave(rest)
    return double(double(coarse) + keep[:, 1:] * middle) + double(keep[:, :1]) * fine


def _energies(detail0: Tensor, detail1: Tensor, blend: Tensor) -> Tensor:
    """(B, 2, H, W): that of the blend, and that of its error."""
    apart = detail0 - detail1
    return torch.cat([(detail1 + blend * apart).square(), blend * (1 - blend) * apart.square()], 1)
