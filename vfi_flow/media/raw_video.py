"""Raw video in a container: whether what is written is read again as what it was.

Formats have names for few kinds of pixels. FFmpeg writes others into some files all the same, and then reads them as
another kind or not at all.
"""

import io

import av
from av.video.stream import VideoStream

from vfi_flow.errors import ComponentError
from vfi_flow.media.container import IMAGES, RAW, Y4M, form_of
from vfi_flow.media.endpoints import Target

NOT_READ_BACK = (Y4M, RAW, IMAGES)
"""Formats with a rule of their own for pixels, or with nothing that says what they are."""

OFFERED = ("yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "gray", "rgb24", "bgr24", "rgba", "bgra", "gbrp")


def check_raw(output: Target, pix_fmt: str, width: int, height: int) -> None:
    """ComponentError where raw video of these pixels is not the same when `output` is read."""
    name = form_of(output).name
    if name in NOT_READ_BACK or comes_back(name, pix_fmt, width, height):
        return
    good = [other for other in OFFERED if comes_back(name, other, width, height)]
    choices = f"-pix_fmt {', '.join(good)} or " if good else ""
    lossless = "-c:v ffv1 and .mkv" if name == "mov" else "-c:v ffv1"
    raise ComponentError(f"{output}: {name} does not give back rawvideo of {pix_fmt}; use {choices}{lossless}")


def comes_back(format_name: str, pix_fmt: str, width: int, height: int) -> bool:
    """Whether one frame, written in memory, is read again in its size and pixel format."""
    memory = io.BytesIO()
    try:
        with av.open(memory, "w", format=format_name) as container:
            stream = container.add_stream("rawvideo", rate=25)
            assert isinstance(stream, VideoStream)
            stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
            container.mux(stream.encode(av.VideoFrame(width, height, pix_fmt)))
        memory.seek(0)
        with av.open(memory, "r") as written:
            found = next(written.decode(video=0))
    except (av.FFmpegError, OSError, ValueError, IndexError, StopIteration):
        return False
    plain = pix_fmt.replace("yuvj", "yuv")  # of another range only
    return (found.width, found.height) == (width, height) and found.format.name in (pix_fmt, plain)
