"""Containers that results are written into: files by their ending, standard output by its format."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import av
from av.container import OutputContainer

from vfi_flow.errors import OutputError
from vfi_flow.media import animations
from vfi_flow.media.endpoints import Target
from vfi_flow.media.images import CODECS, ImageSequence
from vfi_flow.media.pipe import OutputPipe

CONTAINERS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".ts", ".avi")
"""Endings of videos."""

AVI = "avi"
"""Frames at one rate, without time stamps."""

MPEGTS = "mpegts"
"""Packets that say themselves what they are, so that it may change."""

Y4M = "yuv4mpegpipe"
"""Uncompressed frames at one constant rate, without time stamps and without sound."""

RAW = "rawvideo"
"""Nothing but pixels, frame after frame: no header, no times, no sound."""

IMAGES = "image2"
"""One file for every frame, without time stamps and without sound."""

GIVEN_BACK = {
    MPEGTS: (
        *("h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4"),
        *("mp1", "mp2", "mp3", "aac", "aac_latm", "ac3", "eac3", "dts", "truehd", "opus"),
        *("dvb_subtitle", "dvb_teletext"),
    )
}
"""Codecs that come back from formats into which FFmpeg writes anything."""

PICTURES_ONLY = (IMAGES, RAW)
"""FFmpeg would write sound into them as well, and nobody could read it."""

PIPE_FORMATS = (Y4M, "nut", "matroska", RAW)
"""Formats that can be written without ever going back."""


@dataclass(frozen=True, slots=True)
class Form:
    """What decides whether a stream fits into a result."""

    name: str
    """FFmpeg's name of the format."""
    is_pipe: bool
    """It cannot go back: what belongs into a header must be known before the first packet."""

    @contextmanager
    def imitation(self) -> Iterator[OutputContainer]:
        """A container of this form that goes nowhere, to try out streams and a header."""
        container = av.open(Nowhere() if self.is_pipe else io.BytesIO(), "w", format=self.name)
        try:
            yield container
        finally:
            with suppress(av.FFmpegError, ValueError):  # a file without packets need not be complete
                container.close()

    def holds(self, codec: str, add: Callable[[OutputContainer], object]) -> bool:
        """Whether the stream that `add` adds fits, found by writing a header that goes nowhere, and comes back.

        `codec` is FFmpeg's name of what it holds, not of an encoder.
        """
        if gives_back(self.name, codec):
            with self.imitation() as trial, suppress(av.FFmpegError, ValueError, OSError):
                add(trial)
                trial.start_encoding()
                return True
        return False


class Nowhere:
    """A file object that cannot seek and keeps nothing."""

    def write(self, data: bytes) -> int:
        return len(data)


def form_of(output: Target) -> Form:
    with open_unwritten(output) as container:
        return Form(container.format.name, isinstance(output, OutputPipe))


def open_unwritten(output: Target, options: dict[str, str] | None = None) -> OutputContainer:
    """The output container, to find out what it can hold; no file is made and no byte is sent before the first packet.

    Of a pipe it is an imitation in memory.
    """
    if isinstance(output, OutputPipe):
        return av.open(io.BytesIO(), "w", format=output.format_name)
    if isinstance(output, ImageSequence):
        return open_images_unwritten(output)
    ending = output.suffix.lower()
    if ending not in (*CONTAINERS, *animations.SUFFIXES):
        raise OutputError(f"{output}: videos with the ending {output.suffix!r} are not written; use .mp4, .mkv or .mov")
    place = str(output.absolute())  # relative, `a:b.mp4` would be of protocol `a`
    return av.open(place, "w", container_options=options or {})


def open_images_unwritten(output: ImageSequence) -> OutputContainer:
    if output.suffix not in CODECS:
        raise OutputError(
            f"{output}: pictures with the ending {output.suffix!r} are not written; {', '.join(CODECS)} are"
        )
    return av.open(output.ffmpeg_pattern, "w", format=IMAGES)


def gives_back(format_name: str, codec: str) -> bool:
    """Whether a stream of this codec (FFmpeg's name of it, not of an encoder) can be read from such a file again."""
    return format_name not in GIVEN_BACK or codec in GIVEN_BACK[format_name]


def keeps_times(container: OutputContainer) -> bool:
    """Whether every frame has its own time there, or frames follow each other at one rate."""
    return container.format.name not in (Y4M, RAW, IMAGES, AVI)


def open_output(output: Target, options: dict[str, str]) -> OutputContainer:
    """The output container, to be written."""
    if isinstance(output, OutputPipe):
        unofficial = {"strict": "-1"} if output.format_name == Y4M else {}  # y4m of more than 8 bits
        return av.open(output, "w", format=output.format_name, container_options=unofficial)
    return open_unwritten(output, options)
