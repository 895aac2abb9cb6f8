"""Synthetic scenes of text and screens: pages that scroll, windows that are dragged, bars that stay."""

import cv2
import numpy as np

from vfi_flow.training import surfaces
from vfi_flow.training.layers import Layer, Motion, Stage
from vfi_flow.training.motions import Rng, camera, draw_magnitude, draw_motion, scroll
from vfi_flow.training.painted import DENSITY, Stills, background, texels


def page_scene(rng: Rng, stage: Stage, stills: Stills) -> list[Layer]:
    """A page of text that scrolls by half a pixel to 20 pixels, sometimes filmed or zoomed instead."""
    magnitude = float(np.exp(rng.uniform(np.log(0.5), np.log(20))))
    motion, whole = scroll(rng, stage.tau, magnitude)
    if rng.random() < 0.12:
        motion, whole = camera(rng, stage, magnitude), False
    track = stage.track(motion)
    density = 1 if whole else DENSITY
    picture = surfaces.page(rng, stills, *texels(track, density), density)
    return [background(rng, surfaces.soften(picture, density), track, density)]


def screen_scene(rng: Rng, stage: Stage, stills: Stills) -> list[Layer]:
    """A screen recording: a page that scrolls or stays under bars that stay, a window that is dragged, a pointer."""
    layers = page_scene(rng, stage, stills)
    if rng.random() < 0.3:
        track = stage.track(Motion())
        layers = [background(rng, surfaces.page(rng, stills, *texels(track, 1), 1), track, 1)]
    if rng.random() < 0.6:
        layers.append(window(rng, stage, stills))
    if rng.random() < 0.7:
        layers.append(screen_bars(rng, stage))
    if rng.random() < 0.4:
        layers.append(pointer(rng, stage))
    return layers


def window(rng: Rng, stage: Stage, stills: Stills) -> Layer:
    motion, whole = scroll(rng, stage.tau, draw_magnitude(rng))
    density = 1 if whole else DENSITY
    width, height = (int(side) * density for side in rng.uniform(0.3, 0.8, 2) * stage.crop)
    picture = surfaces.page(rng, stills, width, height, density)
    if rng.random() < 0.3:
        picture = surfaces.cut(rng, stills, width, height, density)
    title = int(density * rng.integers(8, 20))
    cv2.rectangle(picture, (0, 0), (width, title), rng.integers(0, 256, 3).tolist(), -1)
    surfaces.write(picture, surfaces.words(rng, 2), 4, title - 3, title / 2, (255, 255, 255), surfaces.FONTS[0], 1)
    cv2.rectangle(picture, (2, 2), (width - 3, height - 3), rng.integers(0, 160, 3).tolist(), density)
    mask = np.zeros((height, width), np.uint8)
    mask[2:-2, 2:-2] = 255
    corner = rng.integers(-stage.crop // 4, stage.crop // 2, 2)
    painted = surfaces.soften(surfaces.with_alpha(picture, mask), density)
    return Layer(painted, (float(corner[0]), float(corner[1])), density, stage.track(motion))


def screen_bars(rng: Rng, stage: Stage) -> Layer:
    """Title bar, side bar and scroll bar of a program."""
    crop = stage.crop
    picture, mask = np.zeros((crop, crop, 3), np.uint8), np.zeros((crop, crop), np.uint8)
    fill, ink = rng.integers(0, 256, (2, 3)).tolist()
    if rng.random() < 0.7:
        high = int(rng.integers(10, crop // 4))
        picture[:high], mask[:high] = fill, 255
        surfaces.write(picture, surfaces.words(rng, 6), 4, high - 4, min(12, high / 2), ink, surfaces.FONTS[0], 1)
    if rng.random() < 0.5:
        wide = int(rng.integers(12, crop // 3))
        picture[:, :wide], mask[:, :wide] = fill, 255
        for y in range(20, crop, int(rng.integers(12, 30))):
            surfaces.write(picture[:, :wide], surfaces.words(rng, 3), 3, y, 7, ink, surfaces.FONTS[0], 1)
    if rng.random() < 0.4:
        picture[:, -8:], mask[:, -8:] = fill, 255
    return Layer(surfaces.with_alpha(picture, mask), (0.0, 0.0), 1, stage.track(Motion()))


def pointer(rng: Rng, stage: Stage) -> Layer:
    """An arrow as a mouse moves it."""
    outline = np.array([[1, 1], [1, 15], [5, 12], [8, 18], [10, 17], [8, 11], [12, 11]]) * DENSITY + 2
    picture, mask = np.zeros((44, 32, 3), np.uint8), np.zeros((44, 32), np.uint8)
    cv2.fillPoly(mask, [outline], 255, cv2.LINE_AA)
    cv2.fillPoly(picture, [outline], (255, 255, 255))
    cv2.polylines(picture, [outline], True, (0, 0, 0), 2, cv2.LINE_AA)
    cv2.polylines(mask, [outline], True, 255, 2, cv2.LINE_AA)
    place = rng.uniform(0, stage.crop - 20, 2)
    motion = draw_motion(rng, draw_magnitude(rng), 10, (0.0, 0.0), linear=0, elastic=0)
    return Layer(surfaces.with_alpha(picture, mask), (float(place[0]), float(place[1])), DENSITY, stage.track(motion))
