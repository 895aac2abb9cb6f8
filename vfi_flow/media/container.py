"""Containers that results are written into."""

from pathlib import Path

import av

from vfi_flow.errors import OutputError

CONTAINERS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".ts")
"""Endings of containers that keep every time stamp; AVI, for one, has none."""


def open_unwritten(output: Path, options: dict[str, str] | None = None) -> av.container.OutputContainer:
    """The output container by its file name; no file is made before the first packet."""
    if output.suffix.lower() not in CONTAINERS:
        raise OutputError(f"{output}: videos with the ending {output.suffix!r} are not written; use .mp4, .mkv or .mov")
    return av.open(str(output), "w", container_options=options or {})
