"""How a picture is to be turned before it is shown."""

import av
from av.sidedata.sidedata import Type as SideData

from vfi_flow.media.side_data import side_data


def display_matrix(picture: av.VideoFrame) -> tuple[int, ...] | None:
    """Nine integers as FFmpeg stores rotation and mirroring; None where the frame has none."""
    matrix = side_data(picture, SideData.DISPLAYMATRIX)
    return tuple(memoryview(matrix).cast("i")) if matrix is not None else None
