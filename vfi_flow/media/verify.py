"""A finished file read back, packet by packet, to be held against what was meant to be in it."""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.stream import Disposition

from vfi_flow.media.animations import durations
from vfi_flow.media.container import AVI
from vfi_flow.media.images import ImageSequence
from vfi_flow.media.opening import MICROSECOND, fraction, open_input, pick_video
from vfi_flow.media.streams import codec_of
from vfi_flow.media.text import says_something


@dataclass(frozen=True, slots=True)
class Found:
    frames: int
    first: Fraction | None
    """Time of the first frame; None where the container keeps no presentation times."""
    last: Fraction | None
    tick: Fraction
    """The container's clock: times are right to half of it."""
    amounts: dict[str, int]
    """What all other streams hold, by kind, as `amount_of` counts."""
    sound_starts: tuple[Fraction, ...] = ()
    """Time of the first packet of every stream of sound that has any."""


def is_pcm(codec: str) -> bool:
    """Whether every format cuts this sound into packets of its own."""
    return codec.startswith("pcm_")


def amount_of(packet: "av.Packet[Any]", codec: str) -> int:
    """1 for a packet with content, of PCM its bytes."""
    return packet.size if is_pcm(codec) else int(packet.size > 0)


def read_back(path: Path | ImageSequence) -> Found:
    """What `path` holds. Nothing is decoded, so this costs one pass over the file."""
    if isinstance(path, Path) and path.suffix.lower() in (".apng", ".webp"):
        return animation(path)
    with open_input(path) as opened:
        container = opened.container
        video = pick_video(container, path)
        tick = fraction(video.time_base) or MICROSECOND
        amounts: Counter[str] = Counter()
        frames, times = 0, []
        sound_starts: dict[int, Fraction] = {}
        for packet in container.demux([s for s in container.streams if s.type in ("video", "audio", "subtitle")]):
            if packet.size == 0:
                continue
            if packet.stream.index != video.index:
                is_cover = bool(packet.stream.disposition & Disposition.attached_pic)
                codec = codec_of(packet.stream)
                if not is_cover and says_something(packet, codec):
                    amounts[packet.stream.type] += amount_of(packet, codec)
                if packet.stream.type == "audio" and packet.pts is not None:
                    sound_starts.setdefault(packet.stream.index, packet.pts * (fraction(packet.time_base) or tick))
                continue
            frames += 1
            if packet.pts is not None:
                times.append(packet.pts)
        complete = frames > 0 and len(times) == frames and container.format.name != AVI
        return Found(
            frames,
            min(times) * tick if complete else None,
            max(times) * tick if complete else None,
            tick,
            dict(amounts),
            tuple(sound_starts[index] for index in sorted(sound_starts)),
        )


def animation(path: Path) -> Found:
    """An APNG or WebP animation, by the durations it stores."""
    starts = durations(path).starts
    return Found(len(starts), starts[0], starts[-1], Fraction(1, 1000), {})
