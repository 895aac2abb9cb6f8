"""Where a video says that it ends, and whether it is all there."""

from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.stream import Stream

from vfi_flow.errors import InputError
from vfi_flow.media.container import Y4M
from vfi_flow.media.endpoints import Source
from vfi_flow.media.images import ImageSequence
from vfi_flow.media.opening import MICROSECOND, fraction
from vfi_flow.media.pipe import LONGEST_LINE, InputPipe


def missing_bytes(path: Path) -> int:
    """Bytes by which the last box of an mp4 or mov file reaches over the end of the file; 0 for a whole file.

    The boxes' sizes are all there is to see it by where a file is written in fragments, without a length in its header.
    """
    size, offset = path.stat().st_size, 0
    with path.open("rb") as file:
        while offset + 8 <= size:
            file.seek(offset)
            head = file.read(16)
            box = int.from_bytes(head[:4], "big")
            if box == 1:
                box = int.from_bytes(head[8:], "big")  # 64 bits, after the name
            if box < 8:  # 0: up to the end; anything else is no box
                return 0
            offset += box
    return max(0, offset - size)


def ends_inside_a_frame(source: Path | InputPipe, frame_bytes: int) -> bool:
    """Whether y4m that was read to its end breaks off: FFmpeg leaves such a frame out and says nothing."""
    if isinstance(source, InputPipe):
        length, header = source.length, source.first_line
    else:
        with source.open("rb") as file:
            length, header = source.stat().st_size, file.readline(LONGEST_LINE)
    return (length - len(header)) % (len(b"FRAME\n") + frame_bytes) != 0


def promised_end(container: InputContainer, video: Stream) -> Fraction | None:
    """Where the header says that the video stream ends, on the file's clock; None where it does not say."""
    tick = fraction(video.time_base) or MICROSECOND
    if video.duration:
        return ((video.start_time or 0) + video.duration) * tick
    if tag := next((value for key, value in video.metadata.items() if key.upper().startswith("DURATION")), None):
        try:
            hours, minutes, seconds = tag.split(":")
            return Fraction(hours) * 3600 + Fraction(minutes) * 60 + Fraction(seconds)
        except ValueError:
            return None
    if container.duration and len(container.streams) == 1:
        return Fraction((container.start_time or 0) + container.duration) * MICROSECOND
    return None


def check_boxes(source: Source, container: InputContainer) -> None:
    """InputError where an mp4 or mov file is shorter than its boxes."""
    if isinstance(source, Path) and "mov" in container.format.name and (missing := missing_bytes(source)):
        raise InputError(f"{source}: the file is truncated; {missing} bytes are missing at its end")


def check_frames(source: Source, container: InputContainer, end: Fraction, frame_bytes: int) -> None:
    """InputError where y4m whose last whole frame ends at `end` has a part of another one."""
    if container.format.name != Y4M or isinstance(source, ImageSequence):
        return
    if ends_inside_a_frame(source, frame_bytes):
        raise InputError(f"{source}: the stream breaks off inside a frame, after {float(end):.2f} s")


def check_promise(source: Source, promised: Fraction | None, end: Fraction, slack: Fraction) -> None:
    """A Matroska file cut off in the middle ends without an error: compare its end with its header's promise."""
    if promised is not None and promised - end > slack:
        raise InputError(
            f"{source}: the video ends at {float(end):.2f} s, but its header promises "
            f"{float(promised):.2f} s; the file is truncated"
        )
