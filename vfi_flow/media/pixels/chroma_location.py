"""Where chroma lies between the pixels: a tag that PyAV hands on in one direction only."""

LOCATIONS = ("left", "center", "topleft", "top", "bottomleft", "bottom")
"""FFmpeg's names; also the values of its encoders' option chroma_sample_location."""


def chroma_location(lines: tuple[str, ...]) -> str | None:
    """The location that a stream states in its description (`described`), by FFmpeg's name; None: it states none."""
    words = map(str.strip, "".join(lines[:1]).replace("(", ",").replace(")", ",").split(","))
    return next((word for word in words if word in LOCATIONS), None)
