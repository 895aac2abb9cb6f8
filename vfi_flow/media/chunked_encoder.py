"""Encoders of a video stream: in one go, or in chunks that are also kept on disk."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from fractions import Fraction
from typing import Any, Protocol

import av
from av.video.stream import VideoStream

from vfi_flow.media.chunks import SHORTEST_CHUNK, ChunkFile, ChunkFolder

Packets = list["av.Packet[Any]"]


class FrameEncoder(Protocol):
    """Frames 0, 1, 2 ... in order into packets whose times are numbers of frames."""

    def encode(self, number: int, picture: av.VideoFrame | None) -> Packets:
        """What comes out with frame `number`; `picture` None: a chunk on disk holds it."""

    def finish(self) -> Packets:
        """What comes out after the last frame."""

    def keep(self) -> None:
        """No further frame will come, though it is not the end; what has been made is kept as far as possible."""

    def close(self) -> None: ...


class PlainEncoder:
    """One encoder from the first frame to the last one."""

    def __init__(self, stream: VideoStream) -> None:
        self.stream = stream

    def encode(self, number: int, picture: av.VideoFrame | None) -> Packets:
        assert picture is not None
        return self.stream.encode(picture)

    def finish(self) -> Packets:
        return self.stream.encode(None)

    def keep(self) -> None:
        pass

    def close(self) -> None:
        pass


class ChunkedEncoder:
    """A new encoder for every chunk; its packets go into the chunk's file, too.

    Chunks that are there already are read instead. A chunk that is cut short by `keep` leaves the rest of its frames to
    another one, so all later ones begin and end where they would have.

        frames      0         250        500        750
        first run   |---------|---x                        x: interrupted at frame 350
        second run  |(read)---|(r)|------|----------|
    """

    def __init__(
        self,
        stream: VideoStream,
        frame_time: Fraction,
        folder: ChunkFolder,
        another: Callable[[], AbstractContextManager[VideoStream]],
    ) -> None:
        """`another` opens one more encoder like that of `stream`, which only writes the header.

        So there is no more than one at a time that holds frames: hundreds of MB in HD.
        """
        self.stream, self.folder, self._another, self._frame_time = stream, folder, another, frame_time
        self._encoder: VideoStream | None = None
        self._opened = ExitStack()
        self._file: ChunkFile | None = None
        self._end = 0
        self._stored: Iterator[av.Packet[Any]] = iter(())
        self._next: av.Packet[Any] | None = None
        self._last = -1

    def encode(self, number: int, picture: av.VideoFrame | None) -> Packets:
        self._last = number
        if picture is None:
            return list(self._read(number))
        if self._file is None:
            self._begin(number)
        packets = self._encoded(picture)
        return packets + self._complete() if number + 1 == self._end else packets

    def finish(self) -> Packets:
        return [] if self._file is None else self._complete()

    def keep(self) -> None:
        if self._file is not None and self._last + 1 - self._file.first >= SHORTEST_CHUNK:
            self._complete()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._opened.close()

    def _read(self, number: int) -> "Iterator[av.Packet[Any]]":
        """The packets that can be shown when frame `number` and those before it are known."""
        if chunk := self.folder.beginning_at(number):
            self._stored = chunk.read()
            self._next = next(self._stored, None)
        while self._next is not None and (self._next.pts or 0) <= number:
            self._next.stream, self._next.time_base = self.stream, self._frame_time
            yield self._next
            self._next = next(self._stored, None)

    def _begin(self, number: int) -> None:
        encoder = self._opened.enter_context(self._another())
        extradata = bytes(encoder.codec_context.extradata or b"")
        assert extradata == bytes(self.stream.codec_context.extradata or b""), "two streams that do not join"
        self._file, self._end = self.folder.begin(number, extradata), self.folder.end_from(number)
        self._encoder = encoder

    def _complete(self) -> Packets:
        assert self._file is not None
        packets = self._encoded(None)
        self._encoder = None
        self._opened.close()
        self._file.complete(self._last + 1)
        self._file = None
        return packets

    def _encoded(self, picture: av.VideoFrame | None) -> Packets:
        assert self._file is not None and self._encoder is not None
        packets = self._encoder.encode(picture)
        for packet in packets:
            self._file.write(packet)
            packet.stream = self.stream
        return packets
