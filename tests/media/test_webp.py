"""Animated WebP is read frame by frame, as RFC 9649 says how its parts lie over each other."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from blending import Blend

from vfi_flow.errors import InputError
from vfi_flow.media.animations import durations
from vfi_flow.media.webp import Part, drawn, is_animated, open_animation, over
from vfi_flow.pipeline.plan import Job, make_plan
from vfi_flow.pipeline.run import run


def chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def lossless(pixels: np.ndarray) -> bytes:
    """The chunk of one picture, by FFmpeg's encoder."""
    context = av.CodecContext.create("libwebp", "w")
    context.height, context.width = pixels.shape[:2]
    context.pix_fmt, context.time_base, context.options = "bgra", Fraction(1, 25), {"lossless": "1"}
    picture = av.VideoFrame.from_ndarray(pixels, "rgba").reformat(format="bgra")
    data = b"".join(map(bytes, [*context.encode(picture), *context.encode(None)]))
    return data[data.index(b"VP8L") :]


def number(value: int) -> bytes:
    return struct.pack("<I", value)[:3]


def animation(path: Path, size: tuple[int, int], parts: list[tuple[int, int, int, int, np.ndarray]]) -> Path:
    """`parts` are left, top, milliseconds, flags and pixels."""
    body = chunk(b"VP8X", bytes([0x12, 0, 0, 0]) + number(size[0] - 1) + number(size[1] - 1))
    body += chunk(b"ANIM", bytes(6))
    for left, top, milliseconds, flags, pixels in parts:
        height, width = pixels.shape[:2]
        head = number(left // 2) + number(top // 2) + number(width - 1) + number(height - 1)
        body += chunk(b"ANMF", head + number(milliseconds) + bytes([flags]) + lossless(pixels))
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body)
    return path


def patch(height: int, width: int, *rgba: int) -> np.ndarray:
    return np.full((height, width, 4), rgba, np.uint8)


def test_parts_lie_over_each_other_with_their_times(tmp_path):
    red, green, blue = (255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 255)
    path = animation(
        tmp_path / "in.webp",
        (16, 12),
        [
            (0, 0, 40, 2, patch(12, 16, *red)),
            (4, 2, 70, 1, patch(4, 6, *green)),
            (10, 6, 33, 0, patch(4, 4, *blue)),
        ],
    )

    assert is_animated(path)
    with open_animation(path) as container:
        frames = list(container.decode(video=0))

    assert [frame.pts * frame.time_base for frame in frames] == [0, Fraction(40, 1000), Fraction(110, 1000)]
    first, second, third = (frame.to_ndarray(format="rgba") for frame in frames)
    assert (first == red).all()
    assert (second[2:6, 4:10] == green).all() and (second[0] == red).all() and (second[6:] == red).all()
    assert third[2:6, 4:10].max() == 0, "the second part was taken away"
    assert (third[6:10, 10:14] == blue).all() and (third[0] == red).all()


def test_half_transparent_pixels_mix():
    made = over(patch(1, 1, 200, 0, 0, 128), patch(1, 1, 0, 100, 0, 255))

    assert made[0, 0].tolist() == pytest.approx([100, 50, 0, 255], abs=1)
    assert over(patch(1, 1, 9, 9, 9, 0), patch(1, 1, 0, 100, 0, 0))[0, 0, 3] == 0


def test_a_part_that_does_not_blend_replaces_what_is_there():
    canvas = patch(4, 4, 10, 20, 30, 255)

    shown = drawn(canvas, Part(0, 0, 40, blends=False, is_disposed=False, pixels=patch(2, 2, 0, 0, 0, 0)))

    assert shown[:2, :2].max() == 0 and (shown[2:] == (10, 20, 30, 255)).all()


def test_an_animation_is_interpolated_into_an_animation(tmp_path):
    pictures = [patch(12, 16, 40 * n, 200, 100, 255) for n in range(4)]
    source = animation(tmp_path / "in.webp", (16, 12), [(0, 0, 50, 2, picture) for picture in pictures])

    report = run(make_plan(Job(source, tmp_path / "out.webp", find_cuts=False, bridge_repeats=False)), Blend())

    assert report.frames == {"source": 4, "generated": 3, "held": 1}
    with open_animation(tmp_path / "out.webp") as container:
        frames = list(container.decode(video=0))
    assert [frame.pts * frame.time_base for frame in frames] == [Fraction(25 * n, 1000) for n in range(8)]
    reds = [int(frame.to_ndarray(format="rgb24")[6, 8, 0]) for frame in frames]
    assert reds == pytest.approx([0, 20, 40, 60, 80, 100, 120, 120], abs=3)


@pytest.mark.parametrize("length", [7, 8])
def test_a_chunk_of_odd_length_is_followed_by_a_byte_that_does_not_count(tmp_path, length):
    """RFC 9649, 2.3."""
    parts = [(0, 0, 40, 2, patch(12, 16, 9, 9, 9, 255)), (0, 0, 70, 2, patch(12, 16, 99, 9, 9, 255))]
    path = animation(tmp_path / "in.webp", (16, 12), parts)
    data = path.read_bytes()
    start = data.index(b"ANIM")
    body = data[12:start] + chunk(b"ABCD", bytes(length)) + data[start:]
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body)

    assert durations(path).frames == (Fraction(40, 1000), Fraction(70, 1000))
    with open_animation(path) as container:
        assert len(list(container.decode(video=0))) == 2


@pytest.mark.parametrize("cut", [31, 60, 90, 120])
def test_an_animation_that_is_cut_off_is_said_to_be(tmp_path, cut):
    parts = [(0, 0, 50, 2, patch(12, 16, 40 * n, 200, 100, 255)) for n in range(4)]
    path = animation(tmp_path / "in.webp", (16, 12), parts)
    path.write_bytes(path.read_bytes()[:-cut])

    with pytest.raises(InputError, match=r"in\.webp: not a video file that FFmpeg can read \(the file is truncated\)"):
        make_plan(Job(path, tmp_path / "out.webp"))


def test_a_picture_that_stands_still_is_no_animation(tmp_path):
    still = chunk(b"VP8X", bytes(4) + number(15) + number(11)) + lossless(patch(12, 16, 1, 2, 3, 255))
    path = tmp_path / "still.webp"
    path.write_bytes(b"RIFF" + struct.pack("<I", len(still) + 4) + b"WEBP" + still)

    assert not is_animated(path)
