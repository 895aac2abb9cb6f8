"""Files opened: what they are and where their clock starts."""

from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from types import TracebackType

import av
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from vfi_flow.errors import InputError
from vfi_flow.media import webp
from vfi_flow.media.container import RAW
from vfi_flow.media.endpoints import Source
from vfi_flow.media.frame import Window
from vfi_flow.media.images import CODECS, ImageSequence
from vfi_flow.media.pipe import InputPipe, RawFrames

COARSE_FORMATS = ("matroska", "webm", "flv", "asf")
"""Containers that round time stamps to milliseconds, however they were meant."""

PLAYLIST = "hls"
"""An m3u8 file; it may have the same video in several sizes, with sound for each."""

TEXT_FORMATS = ("tty",)
"""FFmpeg draws a text file as a terminal would; nobody means that."""

PIPE_HINT = "pipe y4m, Matroska, NUT or an mp4 whose index comes first (-movflags +faststart)"

MICROSECOND = Fraction(1, 1_000_000)

FIRST_PACKETS = 32
"""Packets among which the frame is that is shown first."""


def fraction(rational: object) -> Fraction | None:
    """PyAV's rationals (Fraction or AVRational, by version) as Fraction; None for unknown."""
    numerator, denominator = getattr(rational, "numerator", 0), getattr(rational, "denominator", 0)
    return Fraction(numerator, denominator) if numerator and denominator else None


@dataclass(frozen=True, slots=True)
class Input(AbstractContextManager["Input"]):
    """An open source; leaving the block closes it."""

    container: InputContainer
    pipe_reader: InputPipe.Reader | None = None

    def close(self) -> None:
        self.container.close()
        if self.pipe_reader is not None:
            self.pipe_reader.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_input(source: Source) -> Input:
    """The source as PyAV container; InputError with the reason where it is none."""
    match source:
        case InputPipe():
            opened = open_pipe(source)
        case ImageSequence():
            opened = Input(open_images(source))
        case Path():
            opened = Input(open_file(source))
    if opened.container.format.name in TEXT_FORMATS:
        opened.close()
        raise InputError(f"{source}: not a video file but text")
    return opened


def open_pipe(pipe: InputPipe) -> Input:
    reader = pipe.open()
    try:
        if pipe.raw is not None:
            return Input(open_raw(reader, pipe.raw), reader)
        return Input(av.open(reader, "r", metadata_errors="replace"), reader)
    except (av.FFmpegError, OSError, ValueError) as error:
        reader.close()
        raise InputError(f"{pipe}: not a video that can be read from a pipe ({reason(error)}); {PIPE_HINT}") from None


def open_raw(reader: InputPipe.Reader, raw: RawFrames) -> InputContainer:
    options = {
        "video_size": f"{raw.width}x{raw.height}",
        "pixel_format": raw.pix_fmt,
        "framerate": str(raw.rate),
    }
    return av.open(reader, "r", format=RAW, options=options)


def open_images(images: ImageSequence) -> InputContainer:
    if images.suffix not in CODECS:
        raise InputError(f"{images}: pictures with the ending {images.suffix!r} are not read; {', '.join(CODECS)} are")
    options = {"framerate": str(images.rate), "start_number": str(images.first_number())}
    try:
        return av.open(images.ffmpeg_pattern, "r", format="image2", options=options)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise InputError(f"{images}: the first picture cannot be read ({reason(error)})") from None


def open_file(path: Path) -> InputContainer:
    try:
        if path.is_dir():  # of which Windows would say that permission is denied
            raise InputError(f"{path}: is a directory, expected a video file")
        if path.is_file() and path.stat().st_size == 0:
            raise InputError(f"{path}: the file is empty")
        if path.suffix.lower() == ".webp" and webp.is_animated(path):
            return webp.open_animation(path)
        return av.open(str(path.absolute()), metadata_errors="replace")  # relative, `a:b.mp4` would be of protocol `a`
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except PermissionError:
        raise InputError(f"{path}: permission denied") from None
    except (av.FFmpegError, OSError, ValueError) as error:
        raise InputError(f"{path}: not a video file that FFmpeg can read ({reason(error)})") from None


def reason(error: BaseException) -> str:
    """FFmpeg's own words without the call they came from."""
    return getattr(error, "strerror", None) or str(error)


def pick_video(container: InputContainer, path: Source) -> VideoStream:
    """The first video stream that is not a cover picture; the largest where a playlist has the same one in several."""
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if streams:
        stream = max(streams, key=pixels_of) if container.format.name == PLAYLIST else streams[0]
        if stream.codec_context is None:
            raise InputError(f"{path}: no decoder for its video stream")
        return stream
    found = ", ".join(sorted({"cover picture" if s.type == "video" else s.type for s in container.streams}))
    raise InputError(f"{path}: no video stream (found: {found or 'nothing'})")


def pixels_of(stream: VideoStream) -> int:
    return stream.codec_context.width * stream.codec_context.height if stream.codec_context is not None else 0


def clock_origin(container: InputContainer, window: Window) -> Fraction:
    """The file's time at which the job's clock is 0: where the window starts.

    A file that starts late (a recording that counts from midnight) is moved to 0 as ffmpeg does, and so is one whose
    video starts early (a recording in which the counter begins again). One of which only sound starts early, as sound
    with encoder delay does, is not.
    """
    starts = {stream.index: start_of(stream) for stream in container.streams if stream.start_time is not None}
    if container.format.name == "nut" and container.file is None:
        starts |= first_times(container.name)
    first = min(starts.values(), default=Fraction(0))
    is_early = any(starts.get(stream.index, 0) < 0 for stream in container.streams.video)
    return (first if is_early else max(Fraction(0), first)) + window.start


def start_of(stream: Stream) -> Fraction:
    return (stream.start_time or 0) * (fraction(stream.time_base) or MICROSECOND)


def first_times(path: str) -> dict[int, Fraction]:
    """When the video streams of a NUT file begin, by their index: for those with B-frames FFmpeg guesses, and wrongly.

    Of a pipe that is not known.
    """
    found: dict[int, list[Fraction]] = {}
    with suppress(av.FFmpegError, OSError), av.open(path, metadata_errors="replace") as container:
        for packet in islice(container.demux(container.streams.video), FIRST_PACKETS):
            if packet.pts is not None:
                time = packet.pts * (fraction(packet.time_base) or MICROSECOND)
                found.setdefault(packet.stream.index, []).append(time)
    return {index: min(times) for index, times in found.items()}
