"""Where chroma lies between the pixels: a tag that PyAV hands on in one direction only."""

import av.logging
from av.container import InputContainer
from av.stream import Stream

LOCATIONS = ("left", "center", "topleft", "top", "bottomleft", "bottom")
"""FFmpeg's names; also the values of its encoders' option chroma_sample_location."""


def chroma_location(container: InputContainer, stream: Stream) -> str | None:
    """The location that the stream states, by FFmpeg's name; None where it states none.

    PyAV has no attribute for it, but FFmpeg's description of a file names it to those who want to know everything.
    """
    level = av.logging.get_level()
    av.logging.set_level(av.logging.VERBOSE)
    av.logging.set_libav_level(av.logging.VERBOSE)
    try:
        lines = container.dumps_format().splitlines()  # type: ignore[attr-defined]
    finally:
        av.logging.set_libav_level(av.logging.INFO)
        av.logging.set_level(level)
    start = f"Stream #0:{stream.index}"
    line = next((text for text in map(str.strip, lines) if text.startswith(tuple(start + end for end in ":[("))), "")
    words = map(str.strip, line.replace("(", ",").replace(")", ",").split(","))
    return next((word for word in words if word in LOCATIONS), None)
