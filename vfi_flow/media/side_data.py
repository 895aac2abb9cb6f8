"""What lies beside the pixels of a decoded frame, read without the entries that PyAV must not see."""

from fractions import Fraction

import av
from av.sidedata.sidedata import Type as SideData

HARMFUL = ("ICC_PROFILE", "31")
"""PyAV 18 frees the name of a PNG's colour profile that FFmpeg frees, too, and has no name for EXIF (31)."""


def side_data(picture: av.VideoFrame, kind: SideData) -> bytes | None:
    """The entry of that kind; None where the frame has none."""
    found = harmless(picture).side_data.get(kind)  # type: ignore[call-overload]
    return bytes(found) if found is not None else None


def harmless(picture: av.VideoFrame) -> av.VideoFrame:
    """The same pixels without the side data that is `HARMFUL`; the picture itself keeps it."""
    graph = av.filter.Graph()
    source = graph.add_buffer(width=picture.width, height=picture.height, format=picture.format, time_base=Fraction(1))
    removers = [graph.add("sidedata", f"mode=delete:type={kind}") for kind in HARMFUL]
    graph.link_nodes(source, *removers, graph.add("buffersink")).configure()
    graph.push(picture)
    found = graph.pull()
    assert isinstance(found, av.VideoFrame)
    return found
