"""What lies beside the pixels of a decoded frame, read without the entries that PyAV must not see."""

from fractions import Fraction

import av
from av.sidedata.sidedata import Type as SideData

from vfi_flow.media.filters import filtered, filters_for

HARMFUL = ("ICC_PROFILE", "31")
"""PyAV 18 frees the name of a PNG's colour profile that FFmpeg frees, too, and has no name for EXIF (31)."""


def side_data(picture: av.VideoFrame, kind: SideData) -> bytes | None:
    """The entry of that kind; None where the frame has none."""
    found = harmless(picture).side_data.get(kind)  # type: ignore[call-overload]
    return bytes(found) if found is not None else None


def harmless(picture: av.VideoFrame) -> av.VideoFrame:
    """The same pixels without the side data that is `HARMFUL`; the picture itself keeps it."""
    removers = [("sidedata", {"mode": "delete", "type": kind}) for kind in HARMFUL]
    return filtered(picture, filters_for(picture, Fraction(1), *removers))
