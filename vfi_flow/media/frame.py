"""Decoded frames and what is known about the video they come from."""

from dataclasses import dataclass
from fractions import Fraction

import av
from av.stream import Disposition

from vfi_flow.errors import UsageError
from vfi_flow.media.animations import FOR_EVER
from vfi_flow.media.endpoints import Source
from vfi_flow.media.pixels.colour import Colour

LONGEST_VIDEO = 10**9
"""Seconds; no time of a video is later."""


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a file that is used, in seconds after the file's start; half open."""

    start: Fraction = Fraction(0)
    end: Fraction | None = None
    """None: to the end of the file."""

    def __post_init__(self) -> None:
        if max(self.start, self.end or 0) > LONGEST_VIDEO:
            raise UsageError(f"the part to use starts or ends later than any video, after {LONGEST_VIDEO} s")
        if self.end is not None and self.end <= self.start:
            raise UsageError(
                f"the part to use starts at {float(self.start):g} s and ends at {float(self.end):g} s: nothing is in it"
            )

    @property
    def length(self) -> Fraction | None:
        return None if self.end is None else self.end - self.start


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """One decoded frame on the job's clock."""

    index: int
    """0 for the first frame of the window."""
    pts: int
    """The file's own time stamp; names the frame whatever part of the file is read."""
    seconds: Fraction
    """Time after the start of the window."""
    duration: Fraction
    """How long it is on screen: until the next frame or the end of the window; the last of a file: as the file says."""
    picture: av.VideoFrame
    """Pixels as decoded. Shared between threads: read only."""


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What one look at a file, first frame decoded, tells about its video stream."""

    path: Source
    width: int
    height: int
    pix_fmt: str
    colour: Colour
    codec: str
    rate: Fraction
    """Mean frame rate as the file states it."""
    unit: Fraction
    """A time of which every frame time is a multiple."""
    first_seconds: Fraction
    """Time of the first frame after the start of the window."""
    frames: int | None
    """Frames in the window, estimated from the file's header; None where it does not tell."""
    duration: Fraction | None
    """Length of these frames, estimated likewise."""
    sample_aspect_ratio: Fraction | None
    display_matrix: tuple[int, ...] | None
    """Nine integers as FFmpeg stores rotation and mirroring; None where the file has none."""
    interlaced: bool
    metadata: dict[str, str]
    disposition: Disposition
    dynamic_light: str | None = None
    """HDR that changes from frame to frame, by its name; None: the file has none."""
    has_captions: bool = False
    """Closed captions lie beside its frames."""
    immersive: tuple[str, ...] = ()
    """What it is beside a flat picture, of `description.IMMERSIVE`."""
    plays: int = FOR_EVER
    """How often it plays, if it is an animation."""
