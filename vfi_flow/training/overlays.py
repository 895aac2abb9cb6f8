"""What stays still over the motion of a synthetic scene: subtitles, gauges, logos, text boxes, black bars."""

from collections.abc import Sequence

import cv2
import numpy as np

from vfi_flow.training import surfaces
from vfi_flow.training.layers import Layer, Motion, Stage
from vfi_flow.training.motions import Rng


def static_overlay(rng: Rng, stage: Stage) -> Layer:
    """Subtitle, HUD, logo, text box or black bars that stay where they are."""
    picture, mask = draw_overlay(rng, stage.crop)
    return Layer(surfaces.with_alpha(picture, mask), (0.0, 0.0), 1, stage.track(Motion()))


def burn_in(rng: Rng, frames: Sequence[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    """Square frames (n, n, 3) uint8 with the same overlay on each, and where it lies, (n, n) bool."""
    picture, mask = draw_overlay(rng, frames[0].shape[0])
    opacity = mask[..., None].astype(np.float32) / 255
    covered = [np.rint(frame + opacity * (picture - frame.astype(np.float32))).astype(np.uint8) for frame in frames]
    return covered, mask > 0


def draw_overlay(rng: Rng, crop: int) -> tuple[np.ndarray, np.ndarray]:
    """Its colours (crop, crop, 3) and how opaque it is, (crop, crop), both uint8."""
    picture, mask = np.zeros((crop, crop, 3), np.uint8), np.zeros((crop, crop), np.uint8)
    paint = (draw_subtitle, draw_hud, draw_logo, draw_text_box, draw_letterbox)[
        rng.choice(5, p=(0.3, 0.25, 0.2, 0.1, 0.15))
    ]
    paint(rng, picture, mask)
    return picture, mask


def draw_subtitle(rng: Rng, picture: np.ndarray, mask: np.ndarray) -> None:
    """One or two lines, outlined or on a dark veil."""
    crop = picture.shape[0]
    letter, font = rng.uniform(7, 18), int(rng.choice(surfaces.FONTS))
    colour = [(255, 255, 255), (255, 255, 0), rng.integers(0, 256, 3).tolist()][rng.choice(3, p=(0.6, 0.2, 0.2))]
    veil, y = rng.random() < 0.3, int(rng.uniform(0.5, 0.95) * crop)
    x = int(rng.uniform(-40, 30))
    for _ in range(rng.integers(1, 3)):
        text = surfaces.words(rng, int(rng.integers(2, 8)))
        if veil:
            mask[max(0, int(y - 1.6 * letter)) : int(y + 0.6 * letter)] = 140
        letters = np.zeros_like(mask)
        surfaces.write(letters, text, x, y, letter, (255,), font, 1)
        np.maximum(mask, letters if veil else cv2.dilate(letters, np.ones((3, 3), np.uint8)), out=mask)
        surfaces.write(picture, text, x, y, letter, colour, font, 1)
        y += int(2 * letter)


def draw_hud(rng: Rng, picture: np.ndarray, mask: np.ndarray) -> None:
    """Numbers and gauges as in a game or on a dashboard camera."""
    crop, font = picture.shape[0], int(rng.choice(surfaces.FONTS))
    for _ in range(rng.integers(2, 7)):
        x, y = (int(v) for v in rng.uniform(-10, crop - 10, 2))
        colour = rng.integers(0, 256, 3).tolist()
        if rng.random() < 0.6:
            text = rng.choice((str(rng.integers(0, 10**6)), "REC 00:12:07", "100%", surfaces.words(rng, 2)))
            letter = rng.uniform(6, 20)
            surfaces.write(mask, str(text), x, y, letter, (255,), font, 2)
            surfaces.write(picture, str(text), x, y, letter, colour, font, 2)
        else:
            far = (x + int(rng.integers(6, 80)), y + int(rng.integers(3, 24)))
            thickness = int(rng.choice((-1, 1, 2)))
            cv2.rectangle(mask, (x, y), far, 255, thickness)
            cv2.rectangle(picture, (x, y), far, colour, thickness)


def draw_logo(rng: Rng, picture: np.ndarray, mask: np.ndarray) -> None:
    """A sign with a word in a corner or large across the frame, solid or half transparent."""
    crop = picture.shape[0]
    side = int(rng.uniform(0.1, 0.6) * crop)
    x, y = (int(v) for v in rng.uniform(0, crop - side, 2))
    strength = float(rng.choice((1.0, 1.0, rng.uniform(0.3, 0.8))))
    sign = surfaces.shape(rng, side, side)
    mask[y : y + side, x : x + side] = (sign * strength).astype(np.uint8)
    picture[:] = rng.integers(0, 256, 3)
    colour = rng.integers(0, 256, 3).tolist()
    surfaces.write(
        picture, surfaces.words(rng, 1), x + side // 8, y + side // 2, side / 5, colour, surfaces.FONTS[3], 1
    )


def draw_text_box(rng: Rng, picture: np.ndarray, mask: np.ndarray) -> None:
    """A solid box with several lines of text."""
    crop = picture.shape[0]
    x, y = (int(v) for v in rng.uniform(-20, 0.6 * crop, 2))
    wide, high = (int(v) for v in rng.uniform(0.3, 0.9, 2) * crop)
    inside = (slice(max(0, y), y + high), slice(max(0, x), x + wide))
    mask[inside] = 255
    room = picture[inside]
    room[:] = surfaces.page(rng, [picture], room.shape[1], room.shape[0], 1)


def draw_letterbox(rng: Rng, picture: np.ndarray, mask: np.ndarray) -> None:
    """Black bars at one or two opposite sides."""
    crop = picture.shape[0]
    if rng.random() < 0.3:
        mask = mask.T
    if rng.random() < 0.7:
        mask[: rng.integers(4, crop // 4)] = 255
    mask[crop - rng.integers(4, crop // 4) :] = 255
