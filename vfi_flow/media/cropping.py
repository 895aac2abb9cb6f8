"""What a file stores but does not want to be shown: Matroska's PixelCrop, QuickTime's clean aperture."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np

from vfi_flow.media.description import value_of
from vfi_flow.media.filters import filtered, filters_for
from vfi_flow.media.moment import Timed
from vfi_flow.media.sides import Sides


def crop_of(lines: tuple[str, ...]) -> Sides:
    """What the description of a stream (`described`) says is cut off."""
    found = value_of(lines, "Frame Cropping")
    left, right, top, bottom = map(int, found.split("/")) if found is not None else (0, 0, 0, 0)
    return Sides(top, bottom, left, right)


def shown(array: np.ndarray, crop: Sides) -> np.ndarray:
    """The view of `array` (H, W, ...) that is shown; all of it where nothing would be."""
    return crop.inside(array) if min(crop.size_inside(*array.shape[:2])) > 0 else array


def cropped(frames: Iterator[Timed], crop: Sides) -> Iterator[Timed]:
    """`frames` without what is cut off; one that would be cut off wholly stays as it is."""
    graph: av.filter.Graph | None = None
    size = None
    for moment, duration in frames:
        picture = moment.picture
        if size != (picture.width, picture.height, picture.format.name):
            size = picture.width, picture.height, picture.format.name
            graph = cropping(picture, crop)
        if graph is not None:
            moment = replace(moment, picture=filtered(picture, graph))
        yield Timed(moment, duration)


def cropping(picture: av.VideoFrame, crop: Sides) -> av.filter.Graph | None:
    """What cuts pictures like `picture`; None where nothing would be left."""
    height, width = crop.size_inside(picture.height, picture.width)
    if min(height, width) < 1:
        return None
    options = {"w": str(width), "h": str(height), "x": str(crop.left), "y": str(crop.top), "exact": "1"}
    return filters_for(picture, picture.time_base or Fraction(1, 1000), ("crop", options))
