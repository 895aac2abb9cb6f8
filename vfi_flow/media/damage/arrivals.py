"""Which packets have become pictures: how a picture that never comes is noticed."""

import heapq
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

import av

from vfi_flow.media.moment import Stamp

ONE_PICTURE_A_PACKET = frozenset(
    (
        *("h264", "hevc", "av1", "vp9", "mpeg1video", "mpeg2video", "dvvideo", "prores", "dnxhd", "cfhd"),
        *("mjpeg", "png", "tiff", "bmp", "exr", "webp", "jpeg2000", "rawvideo", "wrapped_avframe", "v210"),
        *("ffv1", "huffyuv", "ffvhuff", "utvideo", "magicyuv"),
    )
)
"""Codecs (FFmpeg's names) without packets that show nothing, as VP8's hidden references and MPEG-4's place holders."""


class Arrivals(Protocol):
    def expect(self, packet: "av.Packet[Any]") -> None:
        """`packet` goes into the decoder."""

    def arrived(self, picture: av.VideoFrame) -> tuple[Stamp, Sequence[Stamp]]:
        """The picture's time stamp, and the stamps of those that should have come before it and did not."""

    def rest(self) -> Sequence[Stamp]:
        """The stamps of those that have not come when the decoder is empty."""


class ByTime:
    """A decoder shows pictures in order of time: when one comes, all earlier ones have come or never will.

    packets    0  3  1  2  6  4  5        in order of decoding, every one with its time
    pictures   0  1  3                    2 is missing as soon as 3 is there
    """

    def __init__(self, is_countable: bool, waits_for_key_frame: bool) -> None:
        """`is_countable`: every packet becomes a picture, if `waits_for_key_frame` from the first key frame on."""
        self._is_countable, self._waits = is_countable, waits_for_key_frame
        self._waiting: list[int] = []
        self._first: int | None = None

    def expect(self, packet: "av.Packet[Any]") -> None:
        if not self._is_countable or packet.pts is None or packet.is_discard:
            return
        if self._first is None:
            if self._waits and not packet.is_keyframe:
                return  # what comes before the first key frame refers to something that is not there
            self._first = packet.pts
        if packet.pts >= self._first:
            heapq.heappush(self._waiting, packet.pts)

    def arrived(self, picture: av.VideoFrame) -> tuple[Stamp, Sequence[Stamp]]:
        stamp = picture.pts if picture.pts is not None else picture.dts
        missing: list[Stamp] = []
        while stamp is not None and self._waiting and self._waiting[0] < stamp:
            missing.append(heapq.heappop(self._waiting))
        if self._waiting and self._waiting[0] == stamp:
            heapq.heappop(self._waiting)
        return stamp, missing

    def rest(self) -> Sequence[Stamp]:
        return sorted(self._waiting)


class InOrder:
    """For containers that know only the order of decoding (AVI, bare streams): the n-th picture has the n-th time."""

    def __init__(self, is_countable: bool, waits_for_key_frame: bool) -> None:
        self._is_countable, self._waits = is_countable, waits_for_key_frame
        self._waiting: deque[Stamp] = deque()

    def expect(self, packet: "av.Packet[Any]") -> None:
        self._waits = self._waits and not packet.is_keyframe
        if not self._waits:
            self._waiting.append(packet.dts)

    def arrived(self, picture: av.VideoFrame) -> tuple[Stamp, Sequence[Stamp]]:
        return (self._waiting.popleft() if self._waiting else picture.dts), ()

    def rest(self) -> Sequence[Stamp]:
        return list(self._waiting) if self._is_countable else ()
