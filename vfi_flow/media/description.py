"""FFmpeg's own description of a file, for what PyAV has no attribute for."""

import av.logging
from av.container import InputContainer
from av.stream import Stream


def described(container: InputContainer, stream: Stream) -> tuple[str, ...]:
    """The lines about one stream, its side data included, as FFmpeg shows them to those who want to know everything.

    To be called before any decoder's thread runs: one that logs meanwhile may wait for Python, and Python for it.
    """
    level = av.logging.get_level()
    av.logging.set_level(av.logging.VERBOSE)
    av.logging.set_libav_level(av.logging.VERBOSE)
    try:
        lines = [line.strip() for line in container.dumps_format().splitlines()]  # type: ignore[attr-defined]
    finally:
        av.logging.set_libav_level(av.logging.INFO)
        av.logging.set_level(level)
    starts = [number for number, line in enumerate(lines) if line.startswith("Stream #")]
    heads = tuple(f"Stream #0:{stream.index}{end}" for end in ":[(")
    own = next((number for number in starts if lines[number].startswith(heads)), len(lines))
    end = next((number for number in starts if number > own), len(lines))
    return tuple(lines[own:end])


IMMERSIVE = ("Spherical Mapping", "Stereo 3D")


def immersive(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Which of `IMMERSIVE` the stream has: players show it around the viewer, or an image for each eye."""
    return tuple(name for name in IMMERSIVE if value_of(lines, name) not in (None, "2D"))


def value_of(lines: tuple[str, ...], name: str) -> str | None:
    """What stands after `name` and a colon."""
    return next((line.removeprefix(f"{name}:").strip() for line in lines if line.startswith(f"{name}:")), None)
