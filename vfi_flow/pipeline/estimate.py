"""How large a result will be and how long it takes, roughly, from a few frames that are really encoded or made."""

import time
from fractions import Fraction
from functools import partial
from itertools import islice, pairwise

from av.video.stream import VideoStream

from vfi_flow.media.container import open_unwritten
from vfi_flow.media.encoder import configure
from vfi_flow.media.pixels.colour import Converter
from vfi_flow.media.pixels.palette import palette_for
from vfi_flow.media.scheduling import ordinary_priority
from vfi_flow.pipeline.ordered_pool import at_once
from vfi_flow.pipeline.output_frames import Interpolate
from vfi_flow.pipeline.plan import Plan, reader_for

TRIAL_FRAMES = 12

KEY_FRAME_DISTANCE = 250
"""Frames between two that stand for themselves, as most encoders choose it."""

SHARE_OF_NEW_FRAME = Fraction(1, 10)
"""Bytes of a frame between two others, of those of a source frame, where an encoder predicts one from the other.

Six clips of 480 to 640 columns, doubled by blending and encoded at our default settings, came to 0.77 to 1.17 times the
estimate with libx264 (2026-11).
"""


def estimate_bytes(plan: Plan) -> int | None:
    """Expected bytes of the result's video stream, None where its length is unknown; nothing is written."""
    if plan.frames is None or plan.info.frames is None:
        return None
    keys, others = trial_sizes(plan)
    if not others or mean(others) > mean(keys) / 2:  # nothing is predicted, whatever the frames are called
        return round(mean(keys) * plan.frames)
    old = min(plan.frames, plan.info.frames)
    new = plan.frames - old
    key_frames = 1 + plan.frames // KEY_FRAME_DISTANCE
    return round(mean(keys) * key_frames + mean(others) * (old + SHARE_OF_NEW_FRAME * new))


MOST_TRIED = 8
"""New frames in an interval of the trial, so that what is done once for all of them counts no more than it does."""

COUNTED_INTERVALS = 1000
"""Enough to tell how many new frames an interval of the source gets."""


def estimate_seconds(plan: Plan, interpolate: Interpolate, calls: int) -> float | None:
    """Seconds for the new frames, None where their number is unknown; decoding and encoding run beside.

    An interval between frames of the source is made for it, because an engine still prepares itself then, and after it
    so many others as `calls` of `interpolate` run at the same time.
    """
    new = count_new_frames(plan)
    if not new:
        return None if new is None else 0.0
    converter = Converter(plan.info.colour, plan.encoder.pix_fmt, plan.encoder.colour)
    with reader_for(plan.job) as reader:
        frames = [converter.to_rgb(frame.picture) for frame in islice(reader.frames(), calls + 2)]
    if len(frames) < 2:
        return 0.0
    assert plan.info.frames is not None
    (before, after), *others = pairwise(frames)
    others = others or [(after, before)]
    each = min(MOST_TRIED, max(1, round(new / (plan.info.frames - 1))))
    taus = [(number + 1) / (each + 1) for number in range(each)]
    interpolate(before, after, taus=taus)
    began = time.perf_counter()
    tasks = ((pair, partial(interpolate, *pair, taus=taus)) for pair in others)
    made = each * len(list(at_once(tasks, calls)))
    return (time.perf_counter() - began) / made * new


def count_new_frames(plan: Plan) -> int | None:
    """Frames that are between frames of the source, None where that is unknown; its rate is taken to be constant."""
    if plan.info.frames is None:
        return None
    intervals = plan.info.frames - 1
    looked_at = min(intervals, COUNTED_INTERVALS)
    times = [plan.info.first_seconds + number / plan.info.rate for number in range(looked_at + 1)]
    between = [
        instant
        for left, (start, end) in enumerate(pairwise(times))
        for instant in plan.division.between(left, start, end)
        if instant.tau > 0
    ]
    return round(Fraction(len(between) * intervals, looked_at)) if looked_at else 0


def mean(sizes: list[int]) -> Fraction:
    return Fraction(sum(sizes), len(sizes))


def trial_sizes(plan: Plan) -> tuple[list[int], list[int]]:
    """Bytes of the first frames as `plan.encoder` packs them: those that stand for themselves, and the others."""
    converter = Converter(plan.info.colour, plan.encoder.pix_fmt, plan.encoder.colour)
    job, packets = plan.job, []
    with reader_for(job) as reader, open_unwritten(job.output) as container:
        stream = container.add_stream(plan.encoder.codec, rate=25, options=dict(plan.encoder.options))
        assert isinstance(stream, VideoStream)
        configure(stream, plan.encoder, plan.info, Fraction(1, 25))
        with ordinary_priority():
            stream.codec_context.open()
        with_palette = palette_for(plan.encoder.codec, plan.info.width, plan.info.height, plan.encoder.pix_fmt)
        for number, frame in enumerate(islice(reader.frames(), TRIAL_FRAMES)):
            picture = with_palette(converter.to_target(frame.picture))
            picture.pts, picture.time_base, picture.pict_type = number, Fraction(1, 25), 0
            packets += stream.encode(picture)
        packets += stream.encode(None)
    keys = [packet.size for packet in packets if packet.is_keyframe]
    if not keys:  # APNG marks none
        return [packet.size for packet in packets], []
    return keys, [packet.size for packet in packets if not packet.is_keyframe]
