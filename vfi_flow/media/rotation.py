"""How a picture is to be turned before it is shown."""

import av
from av.sidedata.sidedata import Type as SideData

from vfi_flow.media.side_data import side_data


def display_matrix(picture: av.VideoFrame) -> tuple[int, ...] | None:
    """Nine integers as FFmpeg stores rotation and mirroring; None where the frame has none."""
    matrix = side_data(picture, SideData.DISPLAYMATRIX)
    return tuple(memoryview(matrix).cast("i")) if matrix is not None else None


def quarter_turns(degrees: int) -> tuple[int, ...] | None:
    """The matrix of a rotation counter-clockwise by a multiple of 90 degrees; None for none."""
    if degrees % 360 == 0:
        return None
    cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees % 360]
    one = 1 << 16
    return (one * cosine, -one * sine, 0, one * sine, one * cosine, 0, 0, 0, 1 << 30)
