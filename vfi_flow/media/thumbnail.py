"""What cuts are found by: a picture, made small."""

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from vfi_flow.media.scenes import HEIGHT, WIDTH


def thumbnail(picture: av.VideoFrame) -> np.ndarray:
    """(36, 64) float32 luma in 0..255, each value the mean of its area."""
    small = VideoReformatter().reformat(picture, WIDTH, HEIGHT, "gray", interpolation=Interpolation.AREA, threads=1)
    return small.to_ndarray().astype(np.float32)
