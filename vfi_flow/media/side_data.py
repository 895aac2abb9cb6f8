"""What lies beside the pixels of a decoded frame, read without the entries that PyAV must not see."""

from collections.abc import Iterable
from fractions import Fraction

import av
from av.sidedata.sidedata import Type as SideData

from vfi_flow.media.filters import filtered, filters_for

HARMFUL = ("ICC_PROFILE", "31")
"""PyAV 18 frees the name of a PNG's colour profile that FFmpeg frees, too, and has no name for EXIF (31)."""


LIGHT = ("MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL")
"""HDR10's. FFmpeg's encoder of PNG (8) writes the primaries of the display in another order than readers expect."""


def side_data(picture: av.VideoFrame, kind: SideData) -> bytes | None:
    """The entry of that kind; None where the frame has none."""
    found = harmless(picture).side_data.get(kind)  # type: ignore[call-overload]
    return bytes(found) if found is not None else None


def harmless(picture: av.VideoFrame) -> av.VideoFrame:
    """The same pixels without the side data that is `HARMFUL`; the picture itself keeps it."""
    return without(picture, HARMFUL)


def without(picture: av.VideoFrame, kinds: Iterable[str]) -> av.VideoFrame:
    """The same pixels without side data of these `kinds`, by FFmpeg's names or numbers."""
    removers = [("sidedata", {"mode": "delete", "type": kind}) for kind in kinds]
    return filtered(picture, filters_for(picture, Fraction(1), *removers))
