"""How a file counts time: from the stamps of its frames to exact seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from av.container import InputContainer
from av.video.stream import VideoStream

from vfi_flow.media.damage.quicktime import HEADER_ROUNDING, last_shown_until
from vfi_flow.media.endpoints import Source
from vfi_flow.media.frame import Window
from vfi_flow.media.moment import Moment, Stamp
from vfi_flow.media.opening import COARSE_FORMATS, MICROSECOND, clock_origin, fraction, start_of
from vfi_flow.media.timing import common_unit, constant_rate_time, standard_rate, standards_near, storable_unit

BARE_FORMATS = ("h264", "hevc", "mpegvideo", "m4v", "h261", "h263", "vc1", "dv")
"""Streams of frames without a container: their average rate is what FFmpeg assumes, 25 or a clock of DV."""

FINE_CLOCK = 1000
"""Units per second; FFmpeg takes such a clock for the rate where one or two frames tell nothing, as in WMV."""

COARSE_TICK = Fraction(1, 1000)
"""Seconds; phones count 600 ticks a second, of which a frame of 240000/1001 per second has two or three."""

FEWEST_TICKS = 2
"""Of a frame; with fewer of them any rate looks even."""


@dataclass(frozen=True, slots=True)
class FrameClock:
    """The clock of a file's video; all times but the job's are seconds on it."""

    tick: Fraction
    """Seconds that time stamps are counted in."""
    rate: Fraction
    """Frames per second, as far as the header knows."""
    snaps: bool
    """The container has rounded the time stamps; those of a constant rate are known exactly all the same."""
    start: Fraction
    """Where the video begins."""
    end: Fraction | None
    """Until when the last frame is shown, where the container says so."""
    origin: Fraction
    """Where the job's clock is 0."""
    slack: Fraction
    """By how much a whole file may end before its header says: AVI counts frames, others round times."""

    @property
    def step(self) -> Fraction:
        """What times of frames are multiples of."""
        return 1 / self.rate if self.snaps else self.tick

    def time(self, stamp: Stamp, last: Fraction | None) -> Fraction:
        """Of a frame after the one at `last`; one frame later where the file gives none."""
        if stamp is None:
            return self.start if last is None else last + 1 / self.rate
        time = stamp * self.tick
        even = constant_rate_time(time, self.start, self.rate, self.tick) if self.snaps else time
        return time if last is not None and even <= last < time else even  # two frames closer than the rate says

    def duration(self, moment: Moment) -> Fraction:
        """How long the file shows a picture after which nothing comes."""
        duration = (moment.picture.duration or 0) * self.tick
        if duration <= 0 or (self.snaps and abs(duration - 1 / self.rate) < self.tick):
            return 1 / self.rate
        rest = self.end - moment.time if self.end is not None else duration
        return rest if 0 < rest < duration - HEADER_ROUNDING else duration

    def unit(self, pictures: int) -> Fraction:
        """The largest unit that tells all times on the job's clock exactly, with so many `pictures` of a frame."""
        grid = [1 / self.rate] if self.snaps else []
        return storable_unit(common_unit(self.tick, self.origin, self.start, *grid) / pictures)


def frame_clock(source: Source, container: InputContainer, video: VideoStream, window: Window) -> FrameClock:
    """The clock of a file that is open, and of a job that makes `window` of it."""
    name = container.format.name
    average, guessed = (fraction(rate) for rate in (video.average_rate, video.guessed_rate))
    tick = fraction(video.time_base) or MICROSECOND
    if name in BARE_FORMATS:
        average = None
    if average is None and guessed == 1 / tick and guessed >= FINE_CLOCK:
        guessed = None
    snaps = any(coarse in name for coarse in COARSE_FORMATS)
    rate = average or guessed or Fraction(25)
    if snaps:
        rate = standard_rate(rate)
    elif "mp4" in name and tick >= COARSE_TICK and (even := even_rate(video, guessed, tick)):
        rate, snaps = even, True
    return FrameClock(
        tick=tick,
        rate=rate,
        snaps=snaps,
        start=start_of(video),
        end=last_shown_until(source, container, video),
        origin=clock_origin(container, window),
        slack=(Fraction(1, 2) if name == "avi" else 2) / rate,
    )


def even_rate(video: VideoStream, guessed: Fraction | None, tick: Fraction) -> Fraction | None:
    """The rate that an mp4 or mov file has if only its coarse clock makes it uneven: its codec's, or one close to that.

    All frames lie within a tick of their places then, from the first to the last. None where the file is uneven itself,
    or not known as a whole, and where the clock is exact or far too coarse.
    """
    stamps = [entry.timestamp for entry in video.index_entries]
    told = fraction(video.codec_context.framerate) or guessed
    if told is None or len(stamps) < 2 or len(stamps) != video.frames:
        return None
    for rate in (told, *standards_near(told)):
        frame = 1 / rate / tick
        if frame >= FEWEST_TICKS and deviation(stamps, frame) <= 1:
            return rate if frame.denominator > 1 else None
    return None


def deviation(stamps: Sequence[int], step: Fraction) -> Fraction:
    """How far at most one of `stamps` lies from its place among steps that begin with the first."""
    ticks, frames = step.numerator, step.denominator
    return Fraction(max(abs((stamp - stamps[0]) * frames - n * ticks) for n, stamp in enumerate(stamps)), frames)
