"""What a file stores but does not want to be shown: Matroska's PixelCrop, QuickTime's clean aperture."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import av
import numpy as np

from vfi_flow.media.deinterlace import Timed
from vfi_flow.media.description import value_of


@dataclass(frozen=True, slots=True)
class Crop:
    """Pixels at the four sides."""

    left: int
    right: int
    top: int
    bottom: int

    def inside(self, array: np.ndarray) -> np.ndarray:
        """The view of `array` (H, W, ...) that is shown; all of it where nothing would be."""
        height, width = array.shape[:2]
        shown = array[self.top : max(self.top, height - self.bottom), self.left : max(self.left, width - self.right)]
        return shown if shown.size else array


def crop_of(lines: tuple[str, ...]) -> Crop | None:
    """What the description of a stream (`described`) says is cut off; None for nothing."""
    found = value_of(lines, "Frame Cropping")
    crop = Crop(*map(int, found.split("/"))) if found is not None else Crop(0, 0, 0, 0)
    return crop if crop != Crop(0, 0, 0, 0) else None


def cropped(frames: Iterator[Timed], crop: Crop) -> Iterator[Timed]:
    """`frames` without what is cut off; one that would be cut off wholly stays as it is."""
    graph: av.filter.Graph | None = None
    size = None
    for moment, duration in frames:
        picture = moment.picture
        if size != (picture.width, picture.height, picture.format.name):
            size = picture.width, picture.height, picture.format.name
            graph = cropping(picture, crop)
        if graph is not None:
            graph.push(picture)
            inside = graph.pull()
            assert isinstance(inside, av.VideoFrame)
            moment = replace(moment, picture=inside)
        yield Timed(moment, duration)


def cropping(picture: av.VideoFrame, crop: Crop) -> av.filter.Graph | None:
    """A filter graph for pictures like `picture`."""
    width, height = picture.width - crop.left - crop.right, picture.height - crop.top - crop.bottom
    if width < 1 or height < 1:
        return None
    graph = av.filter.Graph()
    clock = picture.time_base or Fraction(1, 1000)
    source = graph.add_buffer(width=picture.width, height=picture.height, format=picture.format, time_base=clock)
    inside = graph.add("crop", w=str(width), h=str(height), x=str(crop.left), y=str(crop.top), exact="1")
    graph.link_nodes(source, inside, graph.add("buffersink")).configure()
    return graph
