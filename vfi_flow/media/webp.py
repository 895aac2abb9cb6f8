"""Animated WebP in: FFmpeg decodes the pictures inside, but not the animation (RFC 9649)."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer

from vfi_flow.media.animations import DOES_NOT_BLEND, IS_DISPOSED, WEBP_FLAGS, riff_chunks
from vfi_flow.media.pixels.colour import BT601, EXACT, FULL, LIMITED

MILLISECOND = Fraction(1, 1000)

HAS_ALPHA = 0x10
"""A flag of VP8X."""


@dataclass(frozen=True, slots=True)
class Part:
    """One ANMF chunk: a picture somewhere on the canvas."""

    left: int
    top: int
    milliseconds: int
    blends: bool
    """Laid over what is there; otherwise it replaces it."""
    is_disposed: bool
    """Its place is transparent again before the next one comes."""
    pixels: np.ndarray
    """(height, width, 4) uint8, straight alpha."""


def is_animated(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(21)
    return head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and len(head) > 20 and bool(head[20] & 0x02)


def open_animation(path: Path) -> InputContainer:
    """The animation as an APNG in memory: the same pixels and the same times, for FFmpeg to read."""
    data = path.read_bytes()
    memory = io.BytesIO()
    canvas = canvas_of(data)
    with av.open(memory, "w", format="apng") as container:
        stream = container.add_stream("apng", rate=25)
        stream.width, stream.height, stream.pix_fmt = canvas.shape[1], canvas.shape[0], "rgba"
        stream.codec_context.time_base = stream.time_base = MILLISECOND
        time = 0
        for part in parts(data):
            picture = av.VideoFrame.from_ndarray(drawn(canvas, part), "rgba")
            picture.pts, picture.time_base, picture.duration = time, MILLISECOND, max(1, part.milliseconds)
            container.mux(stream.encode(picture))
            time += max(1, part.milliseconds)
        container.mux(stream.encode(None))
    memory.seek(0)
    return av.open(memory, "r", format="apng")


def canvas_of(data: bytes) -> np.ndarray:
    """A transparent canvas of the size that VP8X gives."""
    start = next((start for kind, start, _ in riff_chunks(data) if kind == b"VP8X"), None)
    if start is None:
        raise ValueError("no header of an animation")
    width, height = number(data, start + 4) + 1, number(data, start + 7) + 1
    return np.zeros((height, width, 4), np.uint8)


def number(data: bytes, offset: int) -> int:
    """24 bits."""
    return int.from_bytes(data[offset : offset + 3], "little")


def parts(data: bytes) -> Iterator[Part]:
    """Every picture of the animation, decoded."""
    for kind, start, length in riff_chunks(data):
        if kind == b"ANMF" and length >= 16:
            flags = data[start + WEBP_FLAGS]
            yield Part(
                left=2 * number(data, start),
                top=2 * number(data, start + 3),
                milliseconds=number(data, start + 12),
                blends=not flags & DOES_NOT_BLEND,
                is_disposed=bool(flags & IS_DISPOSED),
                pixels=decoded(data[start + 16 : start + length], data[start + 6 : start + 12]),
            )


def decoded(chunks: bytes, size: bytes) -> np.ndarray:
    """The picture that an ANMF chunk holds, by FFmpeg; `size` is as ANMF and VP8X have it."""
    flags = HAS_ALPHA if chunks[:4] == b"ALPH" else 0
    head = b"VP8X" + (10).to_bytes(4, "little") + bytes([flags, 0, 0, 0]) + size
    body = b"WEBP" + head + chunks
    context = av.CodecContext.create("webp", "r")
    packet = av.Packet(b"RIFF" + len(body).to_bytes(4, "little") + body)
    [picture] = [*context.decode(packet), *context.decode(None)]
    is_rgb = picture.format.is_rgb
    rgba = picture.reformat(
        format="rgba",
        src_colorspace=None if is_rgb else BT601[0],
        src_color_range=FULL if is_rgb else LIMITED,
        dst_color_range=FULL,
        interpolation=EXACT,
        threads=1,
    )
    return rgba.to_ndarray()


def drawn(canvas: np.ndarray, part: Part) -> np.ndarray:
    """What is to be seen with `part` on the canvas; the canvas becomes what the next part finds."""
    place = canvas[part.top : part.top + part.pixels.shape[0], part.left : part.left + part.pixels.shape[1]]
    place[...] = over(part.pixels, place) if part.blends else part.pixels
    shown = canvas.copy()
    if part.is_disposed:
        place[...] = 0
    return shown


def over(front: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Straight alpha over straight alpha."""
    front_alpha = front[..., 3:] / np.float32(255)
    back_alpha = back[..., 3:] / np.float32(255) * (1 - front_alpha)
    alpha = front_alpha + back_alpha
    colour = (front[..., :3] * front_alpha + back[..., :3] * back_alpha) / np.maximum(alpha, 1e-6)
    return np.rint(np.concatenate([colour, 255 * alpha], axis=2)).astype(np.uint8)
