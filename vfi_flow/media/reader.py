"""Decoded frames on an exact clock, from files that may be damaged, cut off or start anywhere."""

import math
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.sidedata.sidedata import Type as SideData
from av.stream import Discard

from vfi_flow.errors import InputError
from vfi_flow.media.animations import plays
from vfi_flow.media.changes import Changes
from vfi_flow.media.cropping import crop_of, cropped
from vfi_flow.media.damage.ending import broken_off, broken_promise, promised_end
from vfi_flow.media.damage.holding import Hold
from vfi_flow.media.damage.integrity import damages
from vfi_flow.media.damage.matroska import Elements
from vfi_flow.media.decoding import RECORDINGS, Decoder
from vfi_flow.media.deinterlace import Deinterlace, deinterlaced
from vfi_flow.media.description import described, immersive
from vfi_flow.media.durations import cut, shown
from vfi_flow.media.endpoints import Source
from vfi_flow.media.frame import SourceFrame, VideoInfo, Window
from vfi_flow.media.frame_clock import BARE_FORMATS, frame_clock
from vfi_flow.media.moment import Moment, Timed
from vfi_flow.media.opening import MICROSECOND, PIPE_HINT, fraction, open_input, pick_video
from vfi_flow.media.pipe import InputPipe
from vfi_flow.media.pixels.chroma_location import chroma_location
from vfi_flow.media.pixels.colour import colour_of, with_tags_of
from vfi_flow.media.pixels.light import dynamic_light, needs_dolby_vision
from vfi_flow.media.pixels.samples import kind_of_samples
from vfi_flow.media.rotation import display_matrix
from vfi_flow.media.side_data import side_data
from vfi_flow.media.whole import flaw

ROUNDING = Fraction(1, 20)
"""Of a frame: so little of one at the end of a window comes from times that a container has rounded."""

CODEC_TELLS_SHAPE = (*RECORDINGS, *BARE_FORMATS)
"""Formats that do not say themselves what shape pixels have."""

SAME = "they have the time stamp of the one before"
BACKWARDS = "the time stamps go backwards"
TOO_LATE = "their time stamps lie after the end"
UNFOUNDED = "the recording begins in the middle of what they refer to"

ADVICE = "pass --ignore-errors to show the frame before instead of what is damaged or missing"
CHANGE_ADVICE = (
    "use -t or -ss to make the part before or after that, or pass --ignore-errors to show the frame before instead"
)


class VideoReader(AbstractContextManager["VideoReader"]):
    """The frames of one window of a file, decoded as they are asked for.

    with VideoReader(path, Window()) as reader:
        for frame in reader.frames(): ...
    """

    def __init__(
        self,
        path: Source,
        window: Window,
        threads: int | None = None,
        ignore_errors: bool = False,
        deinterlace: Deinterlace = Deinterlace.OFF,
    ) -> None:
        """`ignore_errors`: what is damaged or missing is no InputError, the frame before stands in for it."""
        self.path, self.window, self.ignore_errors, self.deinterlace = path, window, ignore_errors, deinterlace
        self._changes = Changes()
        self.warnings: list[str] = []
        self._threads = threads
        self._described: tuple[str, ...] = ()
        self._open()
        self._elements = Elements()
        if isinstance(path, InputPipe) and "matroska" in self.container.format.name:
            path.watch(self._elements.feed)
        try:
            self.clock = frame_clock(path, self.container, self.stream, window)
        except BaseException:
            self._input.close()
            raise

    def _open(self) -> None:
        self._input = open_input(self.path)
        self.container = self._input.container
        try:
            self.stream = pick_video(self.container, self.path)
        except InputError:
            self._input.close()
            raise
        self._described = self._described or described(self.container, self.stream)
        self.stream.thread_type = "AUTO"
        if self._threads:
            self.stream.thread_count = self._threads
        for stream in self.container.streams:
            if stream is not self.stream:
                stream.discard = Discard.all

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._input.close()

    def __enter__(self) -> Self:
        return self

    def frames(self) -> Iterator[SourceFrame]:
        """All frames of the window in order of time; InputError where one is damaged or missing."""
        self._seek()
        self._changes = Changes()
        timed = self._timed()
        if self.deinterlace is not Deinterlace.OFF:
            timed = deinterlaced(timed, self.deinterlace)
        if crop := crop_of(self._described):
            timed = cropped(timed, crop)
        start, length, usual, index = self.clock.origin, self.window.length, 1 / self.clock.rate, 0
        for moment, duration in shown(timed, start, None if length is None else start + length, usual):
            seconds = moment.time - start
            if length is not None:
                duration = cut(duration, length - seconds, usual, self.clock.tick)
            yield SourceFrame(index, moment.stamp or 0, seconds, duration, moment.picture)
            index += 1
        if index == 0:
            raise InputError(f"{self.path}: no frame in {describe(self.window)}")
        changes = self._changes.sentences(self.deinterlace is not Deinterlace.OFF)
        self.warnings += [f"{self.path}: {change}" for change in changes]

    def info(self) -> VideoInfo:
        """What the header and the first frame of the window say."""
        if needs_dolby_vision(self._described):
            raise InputError(f"{self.path}: Dolby Vision profile 5, whose colours only its decoders know")
        first = next(self.frames())
        picture, context = first.picture, self.stream.codec_context
        try:
            colour = colour_of(with_tags_of(self.stream, picture), chroma_location(self._described))
        except InputError as error:
            raise InputError(f"{self.path}: {error}") from None
        duration, rate = self._expected_duration(first), self.clock.rate * self.deinterlace.pictures
        return VideoInfo(
            path=self.path,
            width=picture.width,
            height=picture.height,
            pix_fmt=picture.format.name,
            colour=colour,
            codec=context.name,
            rate=rate,
            unit=self.clock.unit(self.deinterlace.pictures),
            first_seconds=first.seconds,
            frames=None if duration is None else self._expected_frames(duration, first, rate),
            duration=duration,
            sample_aspect_ratio=self._changes.first_shape or fraction(self.stream.sample_aspect_ratio),
            display_matrix=display_matrix(picture),
            interlaced=self._changes.begins_interlaced and self.deinterlace is Deinterlace.OFF,
            metadata=dict(self.stream.metadata),
            disposition=self.stream.disposition,
            dynamic_light=dynamic_light(self._described, picture),
            has_captions=side_data(picture, SideData.A53_CC) is not None,
            immersive=immersive(self._described),
            plays=plays(self.path),
        )

    def _expected_duration(self, first: SourceFrame) -> Fraction | None:
        """Length of the window's frames, the first of which is `first`; None where nothing tells."""
        end = self.clock.end or promised_end(self.container, self.stream)
        if end is None and self.container.duration:
            end = self.clock.origin - self.window.start + self.container.duration * MICROSECOND
        if end is None:
            return self.window.length
        rest = max(first.duration, end - self.clock.origin - first.seconds)
        return min(rest, self.window.length - first.seconds) if self.window.length else rest

    def _expected_frames(self, duration: Fraction, first: SourceFrame, rate: Fraction) -> int:
        """Frames of `duration`, the first of which is `first`; where the window ends inside one, that one counts."""
        is_cut = self.window.length is not None and duration == self.window.length - first.seconds
        return max(1, math.ceil(duration * rate - ROUNDING) if is_cut else round(duration * rate))

    def check_whole(self) -> None:
        """InputError where the file is damaged or cut off, as far as that shows without decoding.

        Better said before the work than after. To be called last; it leaves the file at its end.
        """
        if isinstance(self.path, InputPipe) or self.ignore_errors:
            return
        if what := flaw(self.path, self.container, self.stream, self.clock, self.window):
            raise InputError(f"{self.path}: {what}; {ADVICE}")

    def _seek(self) -> None:
        """To a key frame at or before the window; to the start of the file where the container cannot."""
        target = self.clock.origin - Fraction(1, 2)
        if self.window.start == 0 or isinstance(self.path, InputPipe):
            return
        try:
            self.container.seek(int(target / self.clock.tick), stream=self.stream)
            arrivals = Decoder(self.container, self.stream).arrivals()
            first = next((arrival for arrival in arrivals if arrival.picture is not None), None)
            landed = first is not None and self.clock.time(first.stamp, None) <= self.clock.origin
            self.container.seek(int(target / self.clock.tick) if landed else 0, stream=self.stream)
        except (av.FFmpegError, InputError):
            self._go_back()

    def _go_back(self) -> None:
        """To the start of the file; what is a bare stream of frames has to be opened again."""
        try:
            self.container.seek(0)
        except av.FFmpegError:
            self._input.close()
            self._open()

    def _timed(self) -> Iterator[Timed]:
        for moment in near(self._moments(), self.clock.origin):
            yield Timed(moment, self.clock.duration(moment))

    def _moments(self) -> Iterator[Moment]:
        """Whole pictures at rising times, from the start of the file or a key frame before the window on."""
        hold = Hold(self.clock.rate, self.clock.step)
        if self.ignore_errors and isinstance(self.path, Path):
            for damage in damages(self.path, self.container, self.stream):
                self.warnings.append(f"{self.path}: {damage.what}")
                hold.has_gaps = True
        decoder, promised = self._decoder(hold), promised_end(self.container, self.stream)
        left_out: Counter[str] = Counter()
        length = Fraction(0)
        for arrival in decoder.arrivals():
            picture = arrival.picture
            if picture is not None and self.container.format.name in CODEC_TELLS_SHAPE:
                self._changes.decoded(picture, decoder.shape)
            has_time = picture is not None or arrival.is_other or arrival.stamp is not None
            time = self.clock.time(arrival.stamp, hold.last) if has_time else None
            if time is not None and hold.last is not None and time <= hold.last:
                if picture is not None and time < hold.last:
                    self._complain(BACKWARDS, hold.last)
                if picture is not None:
                    left_out[SAME if time == hold.last else BACKWARDS] += 1
            elif hold.has_gaps and time is not None and promised is not None and time > promised:
                left_out[TOO_LATE] += 1
            elif arrival.at_start:
                left_out[UNFOUNDED] += 1
            else:
                if picture is None:
                    advice = CHANGE_ADVICE if arrival.is_other else ADVICE
                    self._complain(arrival.why, time, decoder.decoded, advice)
                elif time is not None and (self._is_in_window(time) or self._changes.pictures == 0):
                    self._changes.see(picture, time - self.clock.origin)
                length = Fraction(0) if picture is None else (picture.duration or 0) * self.clock.tick
                yield from hold.moments(arrival.stamp, time, picture)
        if not decoder.decoded:
            hint = f"; {PIPE_HINT}" if decoder.failure and isinstance(self.path, InputPipe) else ""
            raise InputError(f"{self.path}: no frame could be decoded{decoder.failure and ': '}{decoder.failure}{hint}")
        yield from self._ended(hold, hold.end(length), promised, decoder.packet_bytes)
        self.warnings += [f"{self.path}: {count} frames left out: {why}" for why, count in left_out.items()]
        if hold.lost and not hold.held:
            self.warnings.append(f"{self.path}: {hold.lost} frames could not be decoded and are missing")
        if hold.held:
            self.warnings.append(f"{self.path}: {hold.held} frames are damaged or missing; the one before is held")

    def _ended(self, hold: Hold, end: Fraction, promised: Fraction | None, packet_bytes: int) -> Iterator[Moment]:
        """What is held up to the promised end; InputError where that is not ignored."""
        off = broken_off(self.path, self.container, end, packet_bytes)
        if missing := self._elements.missing:
            off = f"the stream breaks off after {float(end):.2f} s; {missing} bytes of a cluster are missing"
        for what in filter(None, (off, broken_promise(promised, end, self.clock.slack))):
            self._complain(what, None)
            self.warnings.append(f"{self.path}: {what}")
            hold.has_gaps = True
        if hold.has_gaps and promised is not None:
            yield from hold.up_to(promised)

    def _decoder(self, hold: Hold) -> Decoder:
        """Before the window pictures may be of any kind; those without a time come after the last in `hold`."""
        origin = self.clock.origin
        return Decoder(self.container, self.stream, lambda stamp: self.clock.time(stamp, hold.last) < origin)

    def _complain(self, what: str, time: Fraction | None, decoded: int | None = None, advice: str = ADVICE) -> None:
        """InputError about something at `time` (None: unknown), unless it is ignored or before the window."""
        if self.ignore_errors or (time is not None and not self._is_in_window(time)):
            return
        if time is not None:
            what = f"at {float(time - self.clock.origin):.3f} s {what}"
        elif decoded is not None:
            what = f"decoding stopped after frame {decoded}: {what}"
        raise InputError(f"{self.path}: {what}; {advice}")

    def _is_in_window(self, time: Fraction) -> bool:
        seconds = time - self.clock.origin
        return seconds >= 0 and (self.window.length is None or seconds < self.window.length)


def near(moments: Iterable[Moment], start: Fraction) -> Iterator[Moment]:
    """Those from `start` on, and before them what may be seen or needed of them: two of the same kind."""
    early: deque[Moment] = deque(maxlen=2)
    for moment in moments:
        if early and kind_of(early[-1].picture) != kind_of(moment.picture):
            early.clear()
        if moment.time < start:
            early.append(moment)
            continue
        while early:
            yield early.popleft()
        yield moment
    yield from early


def kind_of(picture: av.VideoFrame) -> tuple[int, int, object]:
    return picture.width, picture.height, kind_of_samples(picture.format.name)


def describe(window: Window) -> str:
    end = "its end" if window.end is None else f"{float(window.end):g} s"
    return f"the part from {float(window.start):g} s to {end}"
