"""Decoded frames on an exact clock, from files that may be damaged, cut off or start anywhere."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from fractions import Fraction
from types import TracebackType
from typing import Self

import av
from av.stream import Discard

from vfi_flow.errors import InputError
from vfi_flow.media.colour import colour_of
from vfi_flow.media.ending import check_boxes, check_frames, check_promise, promised_end
from vfi_flow.media.endpoints import Source
from vfi_flow.media.frame import SourceFrame, VideoInfo, Window
from vfi_flow.media.opening import (
    COARSE_FORMATS,
    MICROSECOND,
    PIPE_HINT,
    clock_origin,
    fraction,
    open_input,
    pick_video,
    reason,
)
from vfi_flow.media.pipe import InputPipe
from vfi_flow.media.rotation import display_matrix
from vfi_flow.media.timing import common_unit, constant_rate_time, standard_rate, storable_unit

TAIL = Fraction(1)
"""Seconds before the end from which on it is checked that a file is all there."""


class VideoReader(AbstractContextManager["VideoReader"]):
    """The frames of one window of a file, decoded as they are asked for.

    with VideoReader(path, Window()) as reader:
        for frame in reader.frames(): ...
    """

    def __init__(self, path: Source, window: Window, threads: int | None = None) -> None:
        self.path, self.window = path, window
        self.warnings: list[str] = []
        self._packet_bytes = 1
        self._input = open_input(path)
        self.container = self._input.container
        try:
            self.stream = pick_video(self.container, path)
        except InputError:
            self._input.close()
            raise
        self.stream.thread_type = "AUTO"
        if threads:
            self.stream.thread_count = threads
        for stream in self.container.streams:
            if stream is not self.stream:
                stream.discard = Discard.all
        self.tick = fraction(self.stream.time_base) or MICROSECOND
        self.rate = fraction(self.stream.average_rate) or fraction(self.stream.guessed_rate) or Fraction(25)
        self.origin = clock_origin(self.container, window)
        start = self.stream.start_time
        self.stream_start = start * self.tick if start is not None else Fraction(0)
        self.snaps = any(name in self.container.format.name for name in COARSE_FORMATS)
        if self.snaps:
            self.rate = standard_rate(self.rate)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._input.close()

    def __enter__(self) -> Self:
        return self

    def frames(self) -> Iterator[SourceFrame]:
        """All frames of the window in order of time; InputError where the file is damaged or ends too early."""
        self._seek()
        index, last, skipped, shown = 0, None, 0, Fraction(0)
        for picture in self._pictures():
            time = self._time(picture, last)
            if last is not None and time <= last:
                skipped += 1
                continue
            last, shown = time, self._duration(picture)
            seconds = time - self.origin
            if seconds < 0:
                continue
            if self.window.length is not None and seconds >= self.window.length:
                break
            yield SourceFrame(index, int(picture.pts or 0), seconds, shown, picture)
            index += 1
        else:
            self._check_end((last or Fraction(0)) + shown, shown)
        if skipped:
            self.warnings.append(f"{self.path}: {skipped} frames left out whose time stamps go backwards")
        if index == 0:
            raise InputError(f"{self.path}: no frame in {describe(self.window)}")

    def info(self) -> VideoInfo:
        """What the header and the first frame of the window say."""
        first = next(self.frames())
        picture, context = first.picture, self.stream.codec_context
        try:
            colour = colour_of(picture)
        except InputError as error:
            raise InputError(f"{self.path}: {error}") from None
        duration = self._expected_duration(first)
        grid = [1 / self.rate] if self.snaps else []
        return VideoInfo(
            path=self.path,
            width=picture.width,
            height=picture.height,
            pix_fmt=picture.format.name,
            colour=colour,
            codec=context.name,
            rate=self.rate,
            unit=storable_unit(common_unit(self.tick, self.origin, self.stream_start, *grid)),
            first_seconds=first.seconds,
            frames=None if duration is None else max(1, round(duration * self.rate)),
            duration=duration,
            sample_aspect_ratio=fraction(self.stream.sample_aspect_ratio),
            display_matrix=display_matrix(picture),
            interlaced=bool(picture.interlaced_frame),
            metadata=dict(self.stream.metadata),
            disposition=self.stream.disposition,
        )

    def _expected_duration(self, first: SourceFrame) -> Fraction | None:
        """Length of the window's frames, the first of which is `first`; None where nothing tells."""
        end = promised_end(self.container, self.stream)
        if end is None and self.container.duration:
            end = self.origin + self.container.duration * MICROSECOND
        if end is None:
            return self.window.length
        rest = max(first.duration, end - self.origin - first.seconds)
        return min(rest, self.window.length) if self.window.length else rest

    def check_reaches_end(self) -> None:
        """InputError where the last part is missing that the header promises: better said before the work than after.

        To be called last; it leaves the file at its end.
        """
        if isinstance(self.path, InputPipe):
            return
        promised = promised_end(self.container, self.stream)
        window_end = None if self.window.length is None else self.origin + self.window.length
        if window_end is not None and (promised is None or window_end <= promised):
            return
        check_boxes(self.path, self.container)
        if promised is None:
            return
        end = self.stream_start
        try:
            self.container.seek(int(max(promised - TAIL, self.stream_start) / self.tick), stream=self.stream)
            for packet in self.container.demux(self.stream):
                if packet.pts is not None:
                    end = max(end, (packet.pts + (packet.duration or 0)) * self.tick)
        except (av.FFmpegError, OSError):
            return  # what cannot be seeked in is judged when it is decoded
        self._check_end(end, 1 / self.rate)

    def _seek(self) -> None:
        """To a key frame at or before the window; to the start of the file where the container cannot."""
        target = self.origin - Fraction(1, 2)
        if self.window.start == 0 or isinstance(self.path, InputPipe):
            return
        try:
            self.container.seek(int(target / self.tick), stream=self.stream)
            first = next(self._pictures(), None)
            landed = first is not None and self._time(first, None) <= self.origin
            self.container.seek(int(target / self.tick) if landed else 0, stream=self.stream)
        except (av.FFmpegError, InputError):
            self.container.seek(0)

    def _pictures(self) -> Iterator[av.VideoFrame]:
        """Decoded pictures. What comes before the first one may be damaged: a recording may start anywhere."""
        decoded, corrupt, size, failure, packet = 0, 0, None, "", None
        packets = self.container.demux(self.stream)
        while True:
            try:
                packet = next(packets, None)
                pictures = packet.decode() if packet is not None else []
            except (av.FFmpegError, OSError) as error:
                if decoded or not isinstance(error, av.InvalidDataError):
                    raise InputError(f"{self.path}: decoding stopped after frame {decoded}: {reason(error)}") from None
                failure, pictures = f": {reason(error)}", []
            if packet is None:
                break
            self._packet_bytes = packet.size or self._packet_bytes
            for picture in pictures:
                size = size or (picture.width, picture.height)
                if size != (picture.width, picture.height):
                    raise InputError(
                        f"{self.path}: the frame size changes from {size[0]}x{size[1]} to "
                        f"{picture.width}x{picture.height}, which is not supported"
                    )
                decoded += 1
                corrupt += picture.is_corrupt
                yield picture
        if not decoded:
            hint = f"; {PIPE_HINT}" if failure and isinstance(self.path, InputPipe) else ""
            raise InputError(f"{self.path}: no frame could be decoded{failure}{hint}")
        if corrupt:
            self.warnings.append(f"{self.path}: {corrupt} frames are damaged in the file")

    def _time(self, picture: av.VideoFrame, last: Fraction | None) -> Fraction:
        """The frame's time on the file's clock; one frame after the last where the file gives none."""
        pts = picture.pts if picture.pts is not None else picture.dts
        if pts is None:
            return self.stream_start if last is None else last + 1 / self.rate
        time = pts * (fraction(picture.time_base) or self.tick)
        return constant_rate_time(time, self.stream_start, self.rate, self.tick) if self.snaps else time

    def _duration(self, picture: av.VideoFrame) -> Fraction:
        duration = (picture.duration or 0) * self.tick
        if duration <= 0 or (self.snaps and abs(duration - 1 / self.rate) < self.tick):
            return 1 / self.rate
        return duration

    def _check_end(self, end: Fraction, frame_time: Fraction) -> None:
        check_frames(self.path, self.container, end, self._packet_bytes)
        check_promise(self.path, promised_end(self.container, self.stream), end, max(2 / self.rate, 2 * frame_time))


def describe(window: Window) -> str:
    end = "its end" if window.end is None else f"{float(window.end):g} s"
    return f"the part from {float(window.start):g} s to {end}"
