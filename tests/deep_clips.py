"""Clips in any pixel format, number by number: what the decoder gives back is what was put in."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from vfi_flow.media.pixels.samples import bits_of, views


def write_numbers(
    path: Path,
    pictures: Iterable[Sequence[np.ndarray]],
    pix_fmt: str,
    *,
    codec: str = "ffv1",
    options: dict[str, str] | None = None,
    matrix: int = 1,
    colour_range: int = 1,
    primaries: int = 2,
    transfer: int = 2,
    rate: int = 25,
    size: tuple[int, int] = (64, 48),
) -> Path:
    """A file at `path`; every picture is one array or number per channel."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        context = stream.codec_context
        context.thread_count = 1
        context.colorspace, context.color_range = matrix, colour_range
        context.color_primaries, context.color_trc = primaries, transfer
        for n, channels in enumerate(pictures):
            picture = av.VideoFrame(*size, pix_fmt)
            for view, values in zip(views(picture).values(), channels, strict=True):
                view[...] = values
            picture.colorspace, picture.color_range = matrix, colour_range
            picture.pts, picture.time_base = n, Fraction(1, rate)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def moving_numbers(pix_fmt: str, frames: int, size: tuple[int, int] = (64, 48)) -> list[list[np.ndarray]]:
    """Smooth waves that go sideways, in the middle of the numbers that the format has; alpha has a moving edge."""
    top, probe, clip = (1 << bits_of(pix_fmt)) - 1, views(av.VideoFrame(*size, pix_fmt)), []
    for n in range(frames):
        picture = []
        for place, (name, view) in enumerate(probe.items()):
            y, x = np.mgrid[: view.shape[0], : view.shape[1]]
            scale = size[0] / view.shape[1]
            waves = 0.5 + 0.25 * np.sin((x * scale - 2 * n) / 6 + place) * np.cos(y / 5)
            if name == "a":
                waves = np.clip((x - 10 - 2 * n) / 8, 0, 1)
            picture.append(np.rint(waves * top).astype(view.dtype))
        clip.append(picture)
    return clip


def read_numbers(path: Path, decoder: str | None = None) -> list[dict[str, np.ndarray]]:
    """Every frame's channels as they are stored, and the names of their formats."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if decoder is None:
            frames = list(container.decode(stream))
        else:
            context = av.CodecContext.create(decoder, "r")
            packets = [packet for packet in container.demux(stream) if packet.size]
            frames = [frame for packet in [*packets, None] for frame in context.decode(packet)]
        return [{name: view.copy() for name, view in views(frame).items()} for frame in frames]
