"""Video files out: frames at exact times into an encoder, packets into a container."""

import errno
import math
import os
from array import array
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from vfi_flow.errors import OutputError, UsageError
from vfi_flow.media.animations import FASTEST_GIF, plays_option, without_blending
from vfi_flow.media.chunked_encoder import ChunkedEncoder, FrameEncoder, PlainEncoder
from vfi_flow.media.chunks import ChunkFolder
from vfi_flow.media.container import Y4M, form_of, keeps_times, open_output
from vfi_flow.media.encoder import LARGEST_RATE_DENOMINATOR, Encoder, configure
from vfi_flow.media.endpoints import Target
from vfi_flow.media.frame import VideoInfo
from vfi_flow.media.images import ImageSequence
from vfi_flow.media.opening import reason
from vfi_flow.media.pipe import NOBODY_READS, OutputPipe
from vfi_flow.media.pixels.palette import palette_for
from vfi_flow.media.scheduling import ordinary_priority
from vfi_flow.media.side_data import LIGHT, without
from vfi_flow.media.tags import lasting_tags
from vfi_flow.media.timing import to_pts

FINE_TIME_SCALE = 90_000

MOST_REORDERED = 16
"""Frames that may be decoded between a frame's decoding and its showing, in H.264 and HEVC."""


def is_quicktime(path: Target) -> bool:
    return isinstance(path, Path) and path.suffix.lower() in (".mp4", ".m4v", ".mov")


def tag_options(path: Target, names: Iterable[str]) -> dict[str, str]:
    """mp4 and mov have a list of tags for players, and one of any names as phones write it (com.apple.quicktime.make).

    FFmpeg writes one of them: that of any names where there are such.
    """
    is_free = is_quicktime(path) and any("." in name for name in names)
    return {"movflags": "use_metadata_tags"} if is_free else {}


def clock_options(path: Target, unit: Fraction) -> dict[str, str]:
    """mp4 and mov store on a clock of their own when a stream starts and ends, by default in milliseconds.

    A multiple of our clock makes the start exact; a fine one keeps the last sound packet inside the stored length.
    """
    if not is_quicktime(path):
        return {}
    return {"movie_timescale": str(unit.denominator * math.ceil(FINE_TIME_SCALE / unit.denominator))}


def check_rate(path: Target, rate: Fraction) -> None:
    """UsageError for a GIF that no player would show at its rate."""
    if isinstance(path, Path) and path.suffix.lower() == ".gif" and rate > FASTEST_GIF:
        raise UsageError(
            f"{path}: a GIF shows at most {FASTEST_GIF} frames per second, {float(rate):.6g} are planned; "
            f"use -r {FASTEST_GIF}, or .apng or .webp"
        )


class VideoWriter(AbstractContextManager["VideoWriter"]):
    """Encodes frames into `path`; other streams may be added to `container` before the first frame.

    The encoder counts frames and knows one nominal rate; its packets get their true times afterwards. So the rate that
    ends up inside the video stream is the one people expect, however fine the clock of the container.

        frame    0    1    2    3          what the encoder is told
        pts      0   17   33   52          what the container is told; rising, so the order of decoding stays right
    """

    def __init__(
        self,
        path: Target,
        info: VideoInfo,
        encoder: Encoder,
        unit: Fraction,
        rate: Fraction,
        chunks: ChunkFolder | None = None,
        tags: Iterable[str] = (),
    ) -> None:
        """With `chunks` what is encoded is kept there, too, and what is there is not encoded again.

        `tags` are the names of those that the file will get.
        """
        self.path, self.unit, self.chunks = path, unit, chunks
        self._info, self._settings = info, encoder
        self.rate = rate.limit_denominator(LARGEST_RATE_DENOMINATOR)
        options = {**clock_options(path, unit), **tag_options(path, tags), **plays_option(path, info.plays)}
        if isinstance(path, OutputPipe) and path.format_name == Y4M:
            path.pixel_shape = info.sample_aspect_ratio
        self.container = open_output(path, options)
        self.stream = self._add_encoder(self.container)
        if self.stream.codec_context.codec.canonical_name == "hevc" and is_quicktime(path):
            self.stream.codec_context.codec_tag = "hvc1"  # Apple's players open no other
        self.counts = not keeps_times(self.container)
        self.stream.time_base = 1 / self.rate if self.counts else unit  # y4m, mp4 and mov take their clock from this
        self.stream.metadata.update(lasting_tags(info.metadata, self.container.format.name))
        self.stream.disposition = info.disposition
        if info.display_matrix:
            self.stream.set_display_matrix(info.display_matrix)
        self._with_palette = palette_for(encoder.codec, info.width, info.height, encoder.pix_fmt)
        self._without_light = encoder.codec == "png" and info.colour.light is not None
        self._frame_time = max(1, to_pts(1 / self.rate, unit))
        self._pts = array("q")
        self._held: av.VideoFrame | None = None
        self._encoder: FrameEncoder = PlainEncoder(self.stream)
        if chunks is not None:
            self._encoder = ChunkedEncoder(self.stream, 1 / self.rate, chunks, self._another_encoder)
        self.packets = 0
        """Given to the container; one for every frame when it is finished."""

    def _add_encoder(self, container: OutputContainer) -> VideoStream:
        stream = container.add_stream(self._settings.codec, rate=self.rate, options=dict(self._settings.options))
        assert isinstance(stream, VideoStream)
        configure(stream, self._settings, self._info, 1 / self.rate)
        return stream

    @contextmanager
    def _another_encoder(self) -> Iterator[VideoStream]:
        """One like the first, opened."""
        with form_of(self.path).imitation() as container:
            stream = self._add_encoder(container)
            with ordinary_priority():
                stream.codec_context.open()
            yield stream

    def start(self) -> None:
        """Write the header; all other streams have been added."""
        with ordinary_priority():
            self._call(self.container.start_encoding)
        if self.chunks is not None and not self.chunks.fits(bytes(self.stream.codec_context.extradata or b"")):
            raise UsageError(
                f"{self.chunks.path}: the encoder makes another kind of stream than in the interrupted job (another "
                "version of it, or another number of threads); start again with --overwrite instead of --resume"
            )

    def write(self, picture: av.VideoFrame | None, pts: int) -> None:
        """Show `picture` from `pts` (in units of the container's clock, above that of the frame before) on.

        It is encoded with the next call, when it is known how long it stays. None: it is in a chunk on disk.
        """
        assert not self._pts or pts > self._pts[-1], (pts, self._pts[-1])
        self._pts.append(pts)
        if len(self._pts) > 1:
            self._mux(self._encode_held(len(self._pts) - 2))
        self._held = picture

    def finish(self, end: int) -> None:
        """Show the last frame until `end`, drain the encoder and complete the file."""
        self._pts.append(end)
        if len(self._pts) > 1:
            self._mux(self._encode_held(len(self._pts) - 2))
        self._mux(self._call(self._encoder.finish))
        self._call(self.container.close)
        if self.container.format.name == "webp" and isinstance(self.path, Path):
            self._call(without_blending, self.path)

    def keep(self) -> None:
        """No more frames will come: keep those that came in their chunk; the file stays incomplete."""
        if self._pts:
            self._encode_held(len(self._pts) - 1)
        self._call(self._encoder.keep)

    def _encode_held(self, number: int) -> list[av.Packet]:
        picture, self._held = self._held, None
        if picture is not None:
            picture = without(picture, LIGHT) if self._without_light else self._with_palette(picture)
            picture.pts, picture.time_base = number, 1 / self.rate
            picture.pict_type = 0  # the decoder's choice of key frames is not the encoder's
        return self._call(self._encoder.encode, number, picture)

    def _mux(self, packets: list[av.Packet]) -> None:
        for packet in packets:
            frame, decoded_at = packet.pts, packet.dts
            assert frame is not None and decoded_at is not None
            # For a video of one frame x265 makes up any time.
            decoded_at = min(max(decoded_at, frame - MOST_REORDERED), frame)
            if not self.counts:
                packet.pts, packet.dts, packet.time_base = self._time(frame), self._time(decoded_at), self.unit
                packet.duration = self._time(frame + 1) - packet.pts
            self._call(self.container.mux, packet)
            self.packets += 1

    def _time(self, frame: int) -> int:
        """Time of a frame; decoding may start before the first one, as far as the frames after it are apart."""
        if frame < 0:
            return 2 * self._pts[0] - self._time(-frame)
        beyond = max(0, frame - (len(self._pts) - 1))  # a video of one or two frames whose decoding starts two early
        return self._pts[frame - beyond] + beyond * self._frame_time

    def mux_other(self, packet: "av.Packet[Any]") -> None:
        """Give the container a packet of another stream; ValueError or FFmpegError where it does not fit there."""
        try:
            self.container.mux(packet)
            self._send()
        except OSError as error:
            raise write_error(self.path, error) from error

    def _call(self, function, *arguments):  # type: ignore[no-untyped-def]
        """`function(*arguments)` with FFmpeg's errors as sentences."""
        try:
            result = function(*arguments)
            self._send()
            return result
        except (av.FFmpegError, OSError) as error:
            raise write_error(self.path, error) from error

    def _send(self) -> None:
        if isinstance(self.path, OutputPipe):
            self.path.send()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(av.FFmpegError, OSError, ValueError):  # the error on its way out says more
            self.container.close()
        self._encoder.close()


def write_error(path: Target, error: BaseException) -> OutputError:
    """The sentence for an encoder or muxer that failed in the middle of the work."""
    number = getattr(error, "errno", None)
    if number == errno.ENOSPC:
        return OutputError(f"{path}: no space left on the disk")
    if isinstance(path, OutputPipe):
        is_gone = number in NOBODY_READS and not isinstance(error, av.FFmpegError)  # which never sees the pipe
        gone = "the program that reads it has ended" if is_gone else reason(error)
        return OutputError(f"{path}: {gone}")
    if number == errno.ENOENT:
        named = getattr(error, "filename", None) or (path.pattern if isinstance(path, ImageSequence) else path)
        folder = Path(os.fsdecode(named)).parent
        return OutputError(f"{folder}: no such folder")
    return OutputError(f"{path}: writing failed: {reason(error)}")
