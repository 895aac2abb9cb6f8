"""Pixel formats are looked into channel by channel."""

import av
import numpy as np
import pytest

from vfi_flow.media.pixels.samples import bits_of, has_alpha, layout_of, readable_format, views

READABLE = [
    *("yuv420p", "yuvj422p", "yuv444p10le", "yuv422p12le", "yuv440p10le", "yuva420p", "yuva444p16le", "yuv410p"),
    *("gbrp", "gbrap", "gbrp10le", "gbrap12le", "gbrpf32le", "gbrapf32le"),
    *("gray", "gray10le", "gray16be", "ya8", "ya16le", "ya16be", "grayf32le"),
    *("rgb24", "bgra", "argb", "rgb48le", "rgb48be", "rgba64be"),
]


@pytest.mark.parametrize("pix_fmt", READABLE)
def test_channels_are_written_and_read_one_by_one(pix_fmt):
    picture = av.VideoFrame(18, 10, pix_fmt)
    rng = np.random.default_rng(0)
    written = {}
    for name, numbers in views(picture).items():
        written[name] = rng.integers(0, 2 ** min(bits_of(pix_fmt), 16), numbers.shape).astype(numbers.dtype)
        numbers[...] = written[name]

    for name, numbers in views(picture).items():
        np.testing.assert_array_equal(numbers, written[name])


@pytest.mark.parametrize("pix_fmt", ["rgb24", "gbrp", "bgra", "rgba", "rgb48le", "rgb48be", "rgba64le", "gbrp16le"])
def test_channels_are_those_that_pyav_sees(pix_fmt):
    dtype = np.uint16 if bits_of(pix_fmt) > 8 else np.uint8
    colour = "rgb48le" if dtype is np.uint16 else "rgb24"
    array = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, (10, 18, 3)).astype(dtype)
    picture = av.VideoFrame.from_ndarray(array, colour).reformat(format=pix_fmt)

    found = views(picture)

    for place, name in enumerate("rgb"):
        np.testing.assert_array_equal(found[name], array[..., place])


@pytest.mark.parametrize("pix_fmt", ["yuv410p", "yuv420p10le", "yuv422p", "yuv440p", "yuva444p"])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (17, 9), (64, 48)])
def test_chroma_has_the_size_that_ffmpeg_gives_it(pix_fmt, width, height):
    picture = av.VideoFrame(width, height, pix_fmt)

    channels = views(picture)

    assert channels["y"].shape == (height, width)
    assert channels["u"].shape == (picture.planes[1].height, picture.planes[1].width)


@pytest.mark.parametrize(("source", "readable"), [("y210le", "yuv422p10le"), ("xv30le", "yuv444p10le")])
def test_numbers_of_a_repacked_format_are_the_same(source, readable):
    planar = av.VideoFrame(16, 16, readable)
    for numbers in views(planar).values():
        numbers[...] = np.random.default_rng(2).integers(0, 1024, numbers.shape)

    again = planar.reformat(format=source, threads=1).reformat(format=readable, threads=1)

    assert (layout_of(source), readable_format(source)) == (None, readable)
    for before, after in zip(views(planar).values(), views(again).values(), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(("pix_fmt", "unit"), [("p010le", 64), ("p012le", 16), ("p210le", 64), ("nv20le", 1)])
def test_chroma_that_shares_a_plane_is_told_apart(pix_fmt, unit):
    picture = av.VideoFrame(16, 16, pix_fmt)
    for value, numbers in enumerate(views(picture).values(), 300):
        numbers[...] = value * unit

    planes = [np.unique(np.frombuffer(plane, np.uint16)) // unit for plane in picture.planes]

    assert [plane.tolist() for plane in planes] == [[300], [301, 302]]


def test_a_palette_may_be_transparent():
    assert (has_alpha("pal8"), bits_of("pal8"), readable_format("pal8")) == (True, 8, "rgba")


def test_what_cannot_be_looked_into_has_no_layout():
    assert readable_format("bayer_rggb8") is None
