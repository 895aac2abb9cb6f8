"""Containers that results are written into: files by their ending, standard output by its format."""

import io

import av
from av.container import OutputContainer

from vfi_flow.errors import OutputError
from vfi_flow.media.pipe import OutputPipe, Target

CONTAINERS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".ts")
"""Endings of containers that keep every time stamp; AVI, for one, has none."""

Y4M = "yuv4mpegpipe"
"""Uncompressed frames at one constant rate, without time stamps and without sound."""

PIPE_FORMATS = (Y4M, "nut", "matroska")
"""Formats that can be written without ever going back."""


def open_unwritten(output: Target, options: dict[str, str] | None = None) -> OutputContainer:
    """The output container, to find out what it can hold; no file is made and no byte is sent before the first packet.

    Of a pipe it is an imitation in memory.
    """
    if isinstance(output, OutputPipe):
        return av.open(io.BytesIO(), "w", format=output.format_name)
    if output.suffix.lower() not in CONTAINERS:
        raise OutputError(f"{output}: videos with the ending {output.suffix!r} are not written; use .mp4, .mkv or .mov")
    return av.open(str(output), "w", container_options=options or {})


def open_output(output: Target, options: dict[str, str]) -> OutputContainer:
    """The output container, to be written."""
    if isinstance(output, OutputPipe):
        return av.open(output, "w", format=output.format_name)
    return open_unwritten(output, options)
