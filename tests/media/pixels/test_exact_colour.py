"""Colour of more than 8 bits, and beside transparency, comes back to the last bit."""

import av
import numpy as np
import pytest
from colour_bars import LUMA_WEIGHTS, bars, numbers_of
from tolerances import COLOUR_STEP, RGB_OF_ROUNDED_YUV

from vfi_flow.media.pixels.colour import FULL, LIMITED, Colour, Converter, colour_in
from vfi_flow.media.pixels.exact_colour import enlarged, reduced
from vfi_flow.media.pixels.samples import bits_of, views

DEEP = ["yuv420p10le", "yuv422p10le", "yuv444p10le", "yuv420p12le", "yuv444p12le", "yuv444p16le", "p010le"]


def steps(before: av.VideoFrame, after: av.VideoFrame) -> list[np.ndarray]:
    """Differences of the channels in code values of 8 bits."""
    unit = 1 << (bits_of(before.format.name) - 8)
    pairs = zip(views(before).values(), views(after).values(), strict=True)
    return [(b.astype(float) - a) / unit for a, b in pairs]


@pytest.mark.parametrize("colour_range", [LIMITED, FULL], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", LUMA_WEIGHTS)
@pytest.mark.parametrize("pix_fmt", DEEP)
def test_flat_colours_come_back_to_the_last_bit(pix_fmt, matrix, colour_range):
    colour = Colour(matrix, colour_range, 2, 2)
    converter = Converter(colour, pix_fmt, colour)
    for rgb in np.random.default_rng(0).uniform(0.02, 0.98, (12, 3)):
        picture = av.VideoFrame(20, 12, pix_fmt)
        values = numbers_of(rgb, matrix, colour_range, pix_fmt)
        for channel, value in zip(views(picture).values(), values, strict=True):
            channel[...] = value * (64 if pix_fmt == "p010le" else 1)

        array = converter.to_rgb(picture)
        back = converter.from_rgb(array)
        to_another_model = Converter(colour, "gbrp16le", colour_in("gbrp16le", colour, 12)).to_rgb(picture)

        assert array.dtype == np.uint16
        assert np.abs(to_another_model / 65535 - rgb).max() < RGB_OF_ROUNDED_YUV / (1 << bits_of(pix_fmt)) + 1e-5
        assert back.format.name == pix_fmt
        assert max(np.abs(step).max() for step in steps(picture, back)) == 0


@pytest.mark.parametrize("pix_fmt", ["gray10le", "gray12le", "gray16be", "gbrp10le", "gbrp12le", "rgb48be", "gbrp16le"])
def test_every_grey_comes_back(pix_fmt):
    top = (1 << bits_of(pix_fmt)) - 1
    picture = av.VideoFrame(512, 4, pix_fmt)
    for channel in views(picture).values():
        channel[...] = np.linspace(0, top, 512).round()
    colour = Colour(1 if pix_fmt.startswith("gray") else 0, FULL, 2, 2)
    converter = Converter(colour, pix_fmt, colour)

    back = converter.from_rgb(converter.to_rgb(picture))

    assert max(np.abs(step).max() for step in steps(picture, back)) == 0


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 3), (17, 9), (18, 10)])
@pytest.mark.parametrize("halvings", [(0, 0), (0, 1), (1, 1), (2, 2), (0, 2)])
def test_chroma_keeps_its_mean_and_its_size(width, height, halvings):
    small = -(-height // (1 << halvings[0])), -(-width // (1 << halvings[1]))
    plane = np.random.default_rng(0).normal(size=small).astype(np.float32)

    large = enlarged(plane, height, width)
    back = reduced(large, *small)

    assert large.shape == (height, width) and back.shape == small
    assert reduced(enlarged(np.full_like(plane, 0.25), height, width), *small) == pytest.approx(0.25)
    assert np.abs(back - plane).max() <= np.abs(plane).max()


def test_chroma_of_a_ramp_stays_where_it_is():
    ramp = np.tile(np.arange(32, dtype=np.float32), (32, 1))

    for plane in (ramp, ramp.T.copy()):
        back = reduced(enlarged(plane, 64, 64), 32, 32)
        assert np.abs(back - plane)[2:-2, 2:-2].max() < 1e-5


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("yuv420p10le", "yuv444p10le"),
        ("yuv420p", "yuv420p10le"),
        ("yuva420p", "yuva444p10le"),
        ("gray10le", "yuv420p10le"),
    ],
)
def test_another_depth_or_subsampling_keeps_luma(source, target):
    picture = av.VideoFrame(32, 16, source)
    for channel in views(picture).values():
        channel[...] = np.random.default_rng(2).integers(64, 200, channel.shape) << (bits_of(source) - 8)
    colour = Colour(9, LIMITED, 9, 16)

    made = Converter(colour, target, colour).to_target(picture)

    before, after = views(picture)["y"].astype(int), views(made)["y"].astype(int)
    np.testing.assert_array_equal(before << (bits_of(target) - bits_of(source)), after)
    assert (made.colorspace, made.color_range, made.color_primaries, made.color_trc) == (9, LIMITED, 9, 16)


@pytest.mark.parametrize(
    "pix_fmt", ["yuva420p", "yuva444p10le", "gbrap", "gbrap12le", "rgba", "rgba64be", "ya8", "bgra"]
)
def test_transparency_goes_through_untouched(pix_fmt):
    picture = av.VideoFrame(16, 16, pix_fmt)
    for channel in views(picture).values():
        channel[...] = np.random.default_rng(3).integers(70, 180, channel.shape) << (bits_of(pix_fmt) - 8)
    is_rgb = picture.format.is_rgb
    colour = Colour(0 if is_rgb else 1, FULL if is_rgb or pix_fmt == "ya8" else LIMITED, 2, 2)
    converter = Converter(colour, pix_fmt, colour)

    array = converter.to_rgb(picture)
    back = converter.from_rgb(array)

    assert array.shape == (16, 16, 4)
    np.testing.assert_array_equal(views(back)["a"], views(picture)["a"])


def test_transparency_that_cannot_be_stored_costs_no_channel():
    colour = Colour(1, LIMITED, 2, 2)

    assert Converter(colour, "yuv420p", colour).to_rgb(av.VideoFrame(16, 16, "yuva420p")).shape == (16, 16, 3)


@pytest.mark.parametrize("colour_range", [LIMITED, FULL], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", LUMA_WEIGHTS)
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuva420p"])
def test_colour_bars_keep_their_means(pix_fmt, matrix, colour_range):
    """Over the channels: a bar without any blue may be rounded out of RGB and come back one number off."""
    colour = Colour(matrix, colour_range, 2, 2)
    picture = bars(pix_fmt, matrix, colour_range)
    converter = Converter(colour, pix_fmt, colour)

    back = converter.from_rgb(converter.to_rgb(picture))

    assert np.mean([abs(step.mean()) for step in steps(picture, back)]) < COLOUR_STEP
