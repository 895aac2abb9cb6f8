"""Video files out: frames at exact times into an encoder, packets into a container."""

import errno
import math
from contextlib import AbstractContextManager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.video.stream import VideoStream

from vfi_flow.errors import OutputError
from vfi_flow.media.encoder import Encoder, configure, open_unwritten
from vfi_flow.media.frame import VideoInfo
from vfi_flow.media.reader import reason

STALE_TAGS = ("DURATION", "NUMBER_OF_FRAMES", "NUMBER_OF_BYTES", "BPS", "_STATISTICS", "ENCODER", "VENDOR_ID")
"""Metadata of a stream that describes its packets, and is wrong for others."""

# mov writes a language only under its bibliographic code of ISO 639-2; mp4 and Matroska use the terminological one.
QUICKTIME_LANGUAGES = {
    "ces": "cze",
    "cym": "wel",
    "deu": "ger",
    "ell": "gre",
    "eus": "baq",
    "fas": "per",
    "fra": "fre",
    "hye": "arm",
    "isl": "ice",
    "kat": "geo",
    "mkd": "mac",
    "msa": "may",
    "nld": "dut",
    "ron": "rum",
    "slk": "slo",
    "sqi": "alb",
    "zho": "chi",
}

FINE_TIME_SCALE = 90_000

LARGEST_RATE_DENOMINATOR = 1_000_000


def partial_path(output: Path) -> Path:
    """Where the result grows until it is complete: `film.mkv` -> `film.partial.mkv`."""
    return output.with_name(f"{output.stem}.partial{output.suffix}")


def clock_options(path: Path, unit: Fraction) -> dict[str, str]:
    """mp4 and mov store on a clock of their own when a stream starts and ends, by default in milliseconds.

    A multiple of our clock makes the start exact; a fine one keeps the last sound packet inside the stored length.
    """
    if path.suffix.lower() not in (".mp4", ".m4v", ".mov"):
        return {}
    return {"movie_timescale": str(unit.denominator * math.ceil(FINE_TIME_SCALE / unit.denominator))}


def lasting_tags(metadata: dict[str, str], format_name: str) -> dict[str, str]:
    """The tags of a stream that are still true of its copy, in the words of the container."""
    tags = {key: value for key, value in metadata.items() if not key.upper().startswith(STALE_TAGS)}
    if format_name == "mov" and tags.get("language") in QUICKTIME_LANGUAGES:
        tags["language"] = QUICKTIME_LANGUAGES[tags["language"]]
    return tags


class VideoWriter(AbstractContextManager["VideoWriter"]):
    """Encodes frames into `path`; other streams may be added to `container` before the first frame.

    A frame's length on screen is known when the next one comes, so the writer holds one frame back.
    """

    def __init__(self, path: Path, info: VideoInfo, encoder: Encoder, unit: Fraction, rate: Fraction) -> None:
        self.path, self.unit = path, unit
        self.frames = 0
        self.container = open_unwritten(path, clock_options(path, unit))
        stream = self.container.add_stream(
            encoder.codec, rate=rate.limit_denominator(LARGEST_RATE_DENOMINATOR), options=dict(encoder.options)
        )
        assert isinstance(stream, VideoStream)
        self.stream = stream
        configure(self.stream, encoder, info, unit)
        self.stream.time_base = unit  # mp4 and mov take their clock from this
        self.stream.metadata.update(lasting_tags(info.metadata, self.container.format.name))
        self.stream.disposition = info.disposition
        if info.display_matrix:
            self.stream.set_display_matrix(info.display_matrix)
        self._held: tuple[av.VideoFrame, int] | None = None
        self._durations: dict[int, int] = {}

    def write(self, picture: av.VideoFrame, pts: int) -> None:
        """Show `picture` from `pts` (in units of the writer's clock, above that of the frame before) on."""
        if self._held is not None:
            self._encode_held(until=pts)
        self._held = (picture, pts)

    def finish(self, end: int) -> None:
        """Show the last frame until `end`, drain the encoder and complete the file."""
        if self._held is not None:
            self._encode_held(until=end)
        self._mux(self._call(self.stream.encode, None))
        self._call(self.container.close)

    def _encode_held(self, until: int) -> None:
        assert self._held is not None
        (picture, pts), self._held = self._held, None
        assert until > pts, (pts, until)
        self._durations[pts] = until - pts
        picture.pts, picture.time_base = pts, self.unit
        picture.pict_type = 0  # the decoder's choice of key frames is not the encoder's
        self._mux(self._call(self.stream.encode, picture))
        self.frames += 1

    def _mux(self, packets: list[av.Packet]) -> None:
        for packet in packets:
            if packet.pts in self._durations:
                packet.duration = self._durations.pop(packet.pts)
            self._call(self.container.mux, packet)

    def _call(self, function, *arguments):  # type: ignore[no-untyped-def]
        """`function(*arguments)` with FFmpeg's errors as sentences."""
        try:
            return function(*arguments)
        except (av.FFmpegError, OSError) as error:
            raise write_error(self.path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(av.FFmpegError, OSError, ValueError):  # the error on its way out says more
            self.container.close()


def write_error(path: Path, error: BaseException) -> OutputError:
    """The sentence for an encoder or muxer that failed in the middle of the work."""
    number = getattr(error, "errno", None)
    if number == errno.ENOSPC:
        return OutputError(f"{path}: no space left on the disk")
    if number == errno.ENOENT:
        return OutputError(f"{path.parent}: no such folder")
    return OutputError(f"{path}: writing failed: {reason(error)}")
