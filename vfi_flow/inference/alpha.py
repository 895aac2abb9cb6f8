"""Transparent frames: colour travels multiplied by its alpha, and alpha as a grey picture.

What lies under a transparent pixel is no part of the picture and must not bleed into what moves over it; multiplied by
alpha it is black. Afterwards colour is divided by the new alpha.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from vfi_flow.inference.depth import FULL_SCALE, as_floats, as_integers
from vfi_flow.inference.engine import Frame, Image

Between = Callable[[Frame, Frame, Sequence[float]], list[Frame]]
"""Makes the new frames (H, W, 3) at the given places between two of them."""

FAINT = np.float32(1 / 16)
"""Below this alpha a division magnifies errors 16 times: from here down colour turns into that of the sources."""


def between_transparent(
    frame0: Frame, frame1: Frame, taus: Sequence[float], colours: Between, alphas: Between
) -> list[Frame]:
    """New frames (H, W, 4) with straight alpha. Where both frames are opaque throughout, `alphas` is not called."""
    if is_opaque(frame0) and is_opaque(frame1):
        made = colours(opaque_colours(frame0), opaque_colours(frame1), taus)
        return [np.dstack([frame, frame0[..., 3:]]) for frame in made]
    image0, image1 = as_floats(frame0), as_floats(frame1)
    colour = colours(multiplied(image0), multiplied(image1), taus)
    alpha = alphas(alpha_picture(image0), alpha_picture(image1), taus)
    return [
        as_integers(divided(as_floats(c), as_floats(a), blend(image0, image1, tau)), frame0.dtype)
        for c, a, tau in zip(colour, alpha, taus, strict=True)
    ]


def is_opaque(frame: Frame) -> bool:
    return bool(frame[..., 3].min() == FULL_SCALE[frame.dtype])


def opaque_colours(frame: Frame) -> Frame:
    return np.ascontiguousarray(frame[..., :3])


def multiplied(image: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Colours times alpha, in 16 bits: in 8 the colours of faint pixels would be lost."""
    return as_integers(image[..., :3] * image[..., 3:], np.uint16)


def alpha_picture(image: NDArray[np.float32]) -> NDArray[np.uint16]:
    return np.repeat(as_integers(image[..., 3:], np.uint16), 3, axis=2)


def blend(image0: NDArray[np.float32], image1: NDArray[np.float32], tau: float) -> Image:
    """The sources' colours as they are: what counts where nothing is to be seen."""
    return image0[..., :3] * np.float32(1 - tau) + image1[..., :3] * np.float32(tau)


def divided(colour: Image, alpha: Image, faint_colour: Image) -> NDArray[np.float32]:
    """(H, W, 4): `colour` divided by `alpha` (the mean of its three channels)."""
    mean = alpha.mean(axis=2, keepdims=True)
    straight = np.clip(colour / np.maximum(mean, np.float32(1e-4)), 0, 1)
    trust = np.minimum(mean / FAINT, 1)
    return np.concatenate([trust * straight + (1 - trust) * faint_colour, mean], axis=2)
