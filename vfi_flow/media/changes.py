"""What changes in the middle of a video, and its result cannot follow."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av

from vfi_flow.media.pixels.colour import BT601, UNSPECIFIED

SQUARE = Fraction(1)


@dataclass(slots=True)
class Changes:
    """Looks at the pictures of a window, and those before it, in order of time."""

    pictures: int = 0
    """Of the window."""
    interlaced: int = 0
    begins_interlaced: bool = False
    first_shape: Fraction | None = None
    """Width by height of a pixel of the first picture; None where nothing tells."""
    new_shape_at: Fraction | None = None
    """Seconds from the start of the window."""
    first_matrix: int = UNSPECIFIED
    new_matrix_at: Fraction | None = None
    _shape: Fraction | None = None

    def decoded(self, picture: av.VideoFrame, shape: Fraction | None) -> None:
        """`shape` is what the decoder has read last: it reads ahead of what it shows, by less than to a key frame."""
        if picture.key_frame or self._shape is None:
            self._shape = shape

    def see(self, picture: av.VideoFrame, seconds: Fraction) -> None:
        """A decoded picture is shown."""
        if self.pictures == 0:
            self.begins_interlaced, self.first_shape = bool(picture.interlaced_frame), self._shape
            self.first_matrix = picture.colorspace
        if seconds >= 0:
            self.pictures += 1
            self.interlaced += bool(picture.interlaced_frame)
            if self.new_shape_at is None and (self._shape or SQUARE) != (self.first_shape or SQUARE):
                self.new_shape_at = seconds
            if self.new_matrix_at is None and coded_otherwise(self.first_matrix, picture.colorspace):
                self.new_matrix_at = seconds

    def sentences(self, is_deinterlaced: bool) -> Iterator[str]:
        if self.new_shape_at is not None:
            yield (
                f"the shape of pixels changes at {float(self.new_shape_at):.3f} s; "
                "the result has that of the beginning throughout"
            )
        if self.new_matrix_at is not None:
            yield (
                f"the colour matrix changes at {float(self.new_matrix_at):.3f} s; the result has the tag of the "
                "beginning throughout, with which colours are slightly wrong from there on"
            )
        if self.interlaced and not self.begins_interlaced and not is_deinterlaced:
            yield f"{self.interlaced} of {self.pictures} frames are interlaced; see --deinterlace"


def coded_otherwise(first: int, second: int) -> bool:
    """Whether these are two matrices; the two numbers of BT.601 are one, and what has no tag may be any."""
    first, second = (BT601[0] if matrix in BT601 else matrix for matrix in (first, second))
    return UNSPECIFIED not in (first, second) and first != second
