"""The finished result, proved against what was written."""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vfi_flow.errors import InputError, OutputError, VerificationError
from vfi_flow.media import animations
from vfi_flow.media.images import ImageSequence
from vfi_flow.media.pipe import OutputPipe
from vfi_flow.media.remux import StreamCopier
from vfi_flow.media.timing import to_pts
from vfi_flow.media.verify import Found, is_pcm, read_back
from vfi_flow.media.writer import VideoWriter
from vfi_flow.pipeline.output_files import files_of
from vfi_flow.pipeline.plan import Plan

FORMATS_WITHOUT_NEGATIVE_TIME = (".mkv", ".webm")
"""Where sound starts before 0 (encoder delay), these move all streams so that it starts at 0.

FFmpeg counts from where the encoder's delay ends, and looks only at the packets that come first: then it is less.
"""

FORMATS_WITH_OFFSET = (".ts", *animations.SUFFIXES)
"""The muxer moves the whole clock, as animations have no time at which they start; the distance between times is
checked, not the first time."""


@dataclass(slots=True)
class Written:
    """What went into the encoder."""

    kinds: Counter[str]
    first: Fraction | None = None
    last: Fraction = Fraction(0)
    end: Fraction = Fraction(0)
    drift: Fraction = Fraction(0)
    """How far a frame was from where it would be at an even rate."""


def verify(plan: Plan, written: Written, writer: VideoWriter, copier: StreamCopier) -> None:
    """VerificationError where the result does not hold what was made."""
    if isinstance(writer.path, OutputPipe):
        if writer.packets != written.kinds.total():
            raise VerificationError(f"{writer.path}: {writer.packets} frames sent instead of {written.kinds.total()}")
        return
    verify_file(plan, written, copier, writer.path)


def verify_file(plan: Plan, written: Written, copier: StreamCopier, finished: Path | ImageSequence) -> None:
    """VerificationError where the finished file, read back, is not what was written into it."""
    try:
        found = read_back(finished)
    except InputError as error:
        if not files_of(finished):
            raise OutputError(f"{finished}: was removed by somebody else before it was finished") from error
        raise VerificationError(f"{plan.job.output}: the finished file cannot be read back: {error}") from error
    differences = []
    frames = written.kinds.total()
    if found.frames != frames:
        differences.append(f"{found.frames} frames instead of {frames}")
    if isinstance(finished, Path) and found.first is not None and found.last is not None and written.first is not None:
        first, last = (to_pts(seconds, plan.unit) * plan.unit for seconds in (written.first, written.last))
        moved = clock_shift(finished, copier, found, found.first - first)
        for name, is_, ought in (("first", found.first, first), ("last", found.last, last)):
            if abs(is_ - (ought + moved)) > found.tick:
                differences.append(f"the {name} frame at {float(is_):.6f} s instead of {float(ought + moved):.6f} s")
    for kind in ("audio", "subtitle"):
        expected = sum(stream.amount for stream in copier.copied.values() if stream.kind == kind)
        if (there := found.amounts.get(kind, 0)) != expected:
            counts_bytes = any(is_pcm(stream.codec) for stream in copier.copied.values() if stream.kind == kind)
            unit = "packets and bytes of PCM" if counts_bytes else "packets"
            differences.append(f"{there} {kind} {unit} instead of {expected}")
    if differences:
        raise VerificationError(f"{plan.job.output}: the finished file has {'; '.join(differences)}; it was not kept")


def clock_shift(output: Path, copier: StreamCopier, found: Found, observed: Fraction) -> Fraction:
    """How far the container moved all times, of the ways in which it may; those of the video moved by `observed`."""
    suffix = output.suffix.lower()
    if suffix in FORMATS_WITH_OFFSET:
        return observed
    if suffix not in FORMATS_WITHOUT_NEGATIVE_TIME or copier.start >= 0:
        return Fraction(0)
    if 0 < observed <= -copier.start and moves_sound(copier, found, observed):
        return observed
    return min((Fraction(0), -copier.start), key=lambda shift: abs(shift - observed))


def moves_sound(copier: StreamCopier, found: Found, shift: Fraction) -> bool:
    """Whether all sound was moved by `shift`, too, up to the rounding of sound and video."""
    starts = [copier.starts[i] for i, s in copier.copied.items() if s.kind == "audio" and i in copier.starts]
    if not starts or len(starts) != len(found.sound_starts):
        return False
    moved = (is_ - ought for is_, ought in zip(found.sound_starts, starts, strict=True))
    return all(abs(by - shift) <= 2 * found.tick for by in moved)
