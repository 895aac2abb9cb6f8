"""Where a video says that it ends, and whether it is all there."""

from contextlib import suppress
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.stream import Stream

from vfi_flow.media.container import Y4M
from vfi_flow.media.damage.nut import lacks_index
from vfi_flow.media.endpoints import Source
from vfi_flow.media.images import ImageSequence
from vfi_flow.media.opening import MICROSECOND, fraction
from vfi_flow.media.pipe import LONGEST_LINE, InputPipe

PLAIN_FRAME = b"FRAME\n"


def ends_inside_a_frame(source: Path | InputPipe, frame_bytes: int) -> bool:
    """Whether y4m that was read to its end breaks off: FFmpeg leaves such a frame out and says nothing.

    Nobody knows of frames with parameters: they begin with lines of any length.
    """
    if isinstance(source, InputPipe):
        length, first, second = source.length, *source.first_lines
    else:
        with source.open("rb") as file:
            length, first, second = source.stat().st_size, file.readline(LONGEST_LINE), file.readline(LONGEST_LINE)
    return second.startswith(PLAIN_FRAME) and (length - len(first)) % (len(PLAIN_FRAME) + frame_bytes) != 0


def promised_end(container: InputContainer, video: Stream) -> Fraction | None:
    """Where the header says that the video stream ends, on the file's clock; None where it does not say."""
    tick = fraction(video.time_base) or MICROSECOND
    if container.format.name == "nut":  # a guess, and not needed: whole files have the index that `broken_off` asks for
        return None
    if container.format.name == "asf" and len(container.streams) > 1:  # all have the length of the file there
        return None
    if video.duration:
        start = video.start_time or 0
        is_in_fragments = "mp4" in container.format.name and not video.frames
        return (end_of_fragments(video, start) if is_in_fragments else start + video.duration) * tick
    # Copied into another format, the tag of Matroska promises nothing.
    tags = video.metadata if container.format.name.startswith("matroska") else {}
    if tag := next((value for key, value in tags.items() if key.upper().startswith("DURATION")), None):
        try:
            hours, minutes, seconds = tag.split(":")
            return Fraction(hours) * 3600 + Fraction(minutes) * 60 + Fraction(seconds)
        except ValueError:
            return None
    if container.duration and container.format.name == "flv":  # counted from 0, wherever the video starts
        return container.duration * MICROSECOND
    if container.duration and len(container.streams) == 1:
        return Fraction((container.start_time or 0) + container.duration) * MICROSECOND
    return None


def end_of_fragments(video: Stream, start: int) -> int:
    """Where mp4 in fragments ends, which may start at any time; in ticks, as `start`.

    Their length is FFmpeg's sum of what it has read of them, or, where they have an index of their own, the time at
    which they end. It is the sum if it is as long as what has been read, and not longer by the start. Packets are
    counted by when they are decoded, which may be before the start.

        start        what is read              length           start + length
          |--|--|--|--|--|--|                     |                   |
    """
    length, entries = video.duration or 0, video.index_entries
    if len(entries) == 0:
        return start + length
    span = entries[-1].timestamp - entries[0].timestamp
    unread = length - span * len(entries) / max(len(entries) - 1, 1)  # the last frame lasts as long as the others
    return start + length if abs(unread) <= abs(unread - start) else length


def broken_off(source: Source, container: InputContainer, end: Fraction, frame_bytes: int) -> str:
    """What tells that a source that was read to its end, at `end`, goes on; "" where nothing does."""
    if isinstance(source, ImageSequence):
        return ""
    with suppress(FileNotFoundError):  # an open file that is removed is there as long as it is read
        if container.format.name == Y4M and ends_inside_a_frame(source, frame_bytes):
            return f"the stream breaks off inside a frame, after {float(end):.2f} s"
        if container.format.name == "nut" and lacks_index(source):
            return f"the stream breaks off after {float(end):.2f} s; it has no index at its end"
    return ""


def broken_promise(promised: Fraction | None, end: Fraction, slack: Fraction) -> str:
    """A Matroska file cut off in the middle ends without an error: compare its end with its header's promise."""
    if promised is None or promised - end <= slack:
        return ""
    return (
        f"the video ends at {float(end):.2f} s, but its header promises {float(promised):.2f} s; the file is truncated"
    )
