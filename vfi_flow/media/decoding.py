"""Pictures out of a container, and what is known about those that do not come."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction

import av
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from vfi_flow.errors import NO_MORE_THREADS, OutOfMemoryError
from vfi_flow.media.damage.arrivals import ONE_PICTURE_A_PACKET, Arrivals, ByTime, InOrder
from vfi_flow.media.moment import Stamp
from vfi_flow.media.opening import fraction, reason
from vfi_flow.media.pixels.alpha_decoder import decoder_of
from vfi_flow.media.pixels.colour import Range
from vfi_flow.media.pixels.samples import kind_of_samples

FORMATS_IN_ORDER = ("avi", "h264", "hevc", "m4v", "obu", "mpegvideo")
"""Containers without presentation times."""

RECORDINGS = ("mpegts", "mpeg", "flv", "mpegtsraw")
"""Formats that may begin anywhere: the first pictures may refer to some from before the beginning."""

MOST_FAILURES = 100
"""Failed reads in a row after which the rest of a file is given up."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One picture, or the place of one that is missing."""

    stamp: Stamp
    picture: av.VideoFrame | None
    """None: there is none, or one with damage."""
    why: str = ""
    """What is wrong."""
    at_start: bool = False
    """Before the first whole picture of a format that may begin anywhere, where this is usual."""
    is_other: bool = False
    """There is a whole one, of another kind than those before."""


class Decoder:
    """Decodes one video stream past everything that is damaged in it."""

    def __init__(
        self, container: InputContainer, stream: VideoStream, is_early: Callable[[Stamp], bool] = lambda _: False
    ) -> None:
        """`is_early`: a picture with this stamp may be of another kind than those that follow."""
        self.container, self.stream, self._is_early = container, stream, is_early
        context = decoder_of(stream)
        assert isinstance(context, VideoCodecContext)
        self._codec = context
        codec = stream.codec_context.codec.canonical_name
        in_order = container.format.name in FORMATS_IN_ORDER
        self._is_recording = container.format.name in RECORDINGS
        kind = InOrder if in_order else ByTime
        self._arrivals: Arrivals = kind(codec in ONE_PICTURE_A_PACKET, waits_for_key_frame=self._is_recording)
        self._begins_with_key_frame: bool | None = None
        self._damaged: set[Stamp] = set()
        self.failure = ""
        """FFmpeg's last complaint since a picture came out."""
        self._failures_in_a_row = 0
        self._size: tuple[int, int] | None = None
        self._pix_fmt = ""
        self._range: Range | None = None
        self.decoded = 0
        """Whole pictures so far."""
        self.packet_bytes = 1
        """Of the packet that was read last."""

    def arrivals(self) -> Iterator[Arrival]:
        """What comes out, in the decoder's order."""
        packets = self.container.demux(self.stream)
        gap: BaseException | None = None
        after_gap = 0
        while self._failures_in_a_row < MOST_FAILURES:
            try:
                packet = next(packets, None)
            except av.BlockingIOError as error:  # a transport stream without a packet in 64 KiB: padding, or damage
                packets, after_gap = self.container.demux(self.stream), 0
                gap = None if self._begins_with_key_frame is None else error
                continue
            except (av.FFmpegError, OSError) as error:
                yield from self._failed(error)
                packets = self.container.demux(self.stream)
                continue
            if packet is None or (packet.size == 0 and packet.dts is None):  # PyAV ends with an empty one
                break
            if packet.size == 0:  # AVI: show the picture before for longer
                continue
            after_gap += 1
            if gap is not None and after_gap > 1:  # the first one had begun before
                yield from self._failed(gap)
                gap = None
            self._note(packet)
            try:
                pictures = self._codec.decode(packet)
            except av.BlockingIOError:  # of pthread_create, when the decoder is opened
                raise OutOfMemoryError(NO_MORE_THREADS) from None
            except (av.FFmpegError, OSError) as error:
                yield from self._failed(error, self._too_short(packet))
                continue
            yield from self._shown(pictures)
        yield from self._drained()
        for stamp in self._arrivals.rest():
            yield Arrival(stamp, None, self._why("a frame is missing"))

    @property
    def shape(self) -> Fraction | None:
        """Width by height of a pixel of the last picture, as the codec tells; None where it does not."""
        return fraction(self._codec.sample_aspect_ratio)

    def _note(self, packet: av.Packet) -> None:
        self._failures_in_a_row = 0
        self.packet_bytes = packet.size
        if self._begins_with_key_frame is None:
            self._begins_with_key_frame = packet.is_keyframe
        if packet.is_corrupt:
            self._damaged.add(packet.pts)
        self._arrivals.expect(packet)

    def _too_short(self, packet: av.Packet) -> str:
        """What is wrong with a packet of frames without a header, which can only be its length."""
        if self.container.format.name != "rawvideo":
            return ""
        kind = f"{self._codec.width}x{self._codec.height} {self._codec.pix_fmt}"
        return f"{packet.size} bytes are left, less than a frame of {kind}; are its size and format right?"

    def _failed(self, error: BaseException, what: str = "") -> Iterator[Arrival]:
        self._failures_in_a_row += 1
        self.failure = what or reason(error)
        if self.decoded or not isinstance(error, av.InvalidDataError):
            yield Arrival(None, None, self.failure)

    def _shown(self, pictures: list[av.VideoFrame]) -> Iterator[Arrival]:
        for picture in pictures:
            stamp, missing = self._arrivals.arrived(picture)
            starts = self.decoded == 0
            is_usual = starts and self._is_recording and not self._begins_with_key_frame
            if starts and self.failure and not missing and self._begins_with_key_frame:
                yield Arrival(None, None, self.failure)
            for earlier in missing:
                yield Arrival(earlier, None, self._why("a frame is missing"), at_start=is_usual)
            if wrong := self._damage_of(picture, stamp):
                yield Arrival(stamp, None, wrong, at_start=is_usual)
                continue
            if change := self._change_to(picture, stamp):
                yield Arrival(stamp, None, change, at_start=is_usual, is_other=True)
                continue
            self.failure = ""
            self.decoded += 1
            self._range = self._range or Range(picture.format.name, picture.color_range)
            yield Arrival(stamp, self._range.applied(picture))

    def _damage_of(self, picture: av.VideoFrame, stamp: Stamp) -> str:
        is_damaged = picture.is_corrupt or stamp in self._damaged
        self._damaged.discard(stamp)
        return "a frame is damaged" if is_damaged else ""

    def _change_to(self, picture: av.VideoFrame, stamp: Stamp) -> str:
        """What is other than in the pictures before; "" where nothing is."""
        if self._is_early(stamp):
            return ""
        size = (picture.width, picture.height)
        self._size = self._size or size
        if size != self._size:
            change = "the frame size changes from {}x{} to {}x{}".format(*self._size, *size)
            return f"{change}, which is not supported"
        self._pix_fmt = self._pix_fmt or picture.format.name
        if kind_of_samples(picture.format.name) != kind_of_samples(self._pix_fmt):
            change = f"the pixel format changes from {self._pix_fmt} to {picture.format.name}"
            return f"{change}, another depth or transparency, which is not supported"
        return ""

    def _drained(self) -> Iterator[Arrival]:
        """What the decoder still holds."""
        for _ in range(MOST_FAILURES):
            try:
                with suppress(av.EOFError):
                    yield from self._shown(self._codec.decode(None))
                return
            except (av.FFmpegError, OSError) as error:
                yield from self._failed(error)

    def _why(self, otherwise: str) -> str:
        return f"a frame cannot be decoded ({self.failure})" if self.failure else otherwise
