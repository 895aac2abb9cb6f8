"""New frames come back in the colours of the frames beside them."""

import av
import numpy as np
import pytest
import tolerances

from vfi_flow.errors import InputError
from vfi_flow.media.pixels.colour import FULL, LIMITED, Colour, Converter, colour_in, colour_of
from vfi_flow.media.pixels.samples import views

LUMA_WEIGHTS = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}


def picture_of(planes: list[np.ndarray], pix_fmt: str, matrix: int = 1, colour_range: int = LIMITED) -> av.VideoFrame:
    height, width = planes[0].shape
    picture = av.VideoFrame(width, height, pix_fmt)
    for plane, values in zip(picture.planes, planes, strict=True):
        rows = np.zeros((plane.height, plane.line_size), np.uint8)
        rows[:, : values.shape[1]] = values
        plane.update(rows.tobytes())
    picture.colorspace, picture.color_range = matrix, colour_range
    return picture


def planes_of(picture: av.VideoFrame) -> list[np.ndarray]:
    planes = []
    for plane in picture.planes:
        rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        planes.append(rows[:, : plane.width].astype(np.float64))
    return planes


def yuv_of(rgb: np.ndarray, matrix: int, colour_range: int) -> list[int]:
    """The textbook formula, rounded to whole code values."""
    red_weight, blue_weight = LUMA_WEIGHTS[matrix]
    red, green, blue = rgb
    luma = red_weight * red + (1 - red_weight - blue_weight) * green + blue_weight * blue
    chroma = (blue - luma) / (2 - 2 * blue_weight), (red - luma) / (2 - 2 * red_weight)
    if colour_range == FULL:
        return [round(luma), *(round(128 + c) for c in chroma)]
    return [round(16 + luma * 219 / 255), *(round(128 + c * 224 / 255) for c in chroma)]


def flat(values: list[int], pix_fmt: str, matrix: int, colour_range: int) -> av.VideoFrame:
    sample = av.VideoFrame(64, 32, pix_fmt)
    planes = [np.full((p.height, p.width), v, np.uint8) for p, v in zip(sample.planes, values, strict=False)]
    return picture_of(planes, pix_fmt, matrix, colour_range)


@pytest.mark.parametrize("colour_range", [LIMITED, FULL], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", [1, 6, 9])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p"])
def test_flat_colours_survive_the_way_through_rgb_without_a_step(pix_fmt, matrix, colour_range):
    colour = Colour(matrix, colour_range, 2, 2)
    converter = Converter(colour, pix_fmt, colour)
    steps = []
    for rgb in np.random.default_rng(0).uniform(5, 250, (150, 3)):
        picture = flat(yuv_of(rgb, matrix, colour_range), pix_fmt, matrix, colour_range)
        back = converter.from_rgb(converter.to_rgb(picture))
        steps.append([b.mean() - a.mean() for a, b in zip(planes_of(picture), planes_of(back), strict=True)])

    assert np.abs(np.mean(steps, axis=0)).max() < tolerances.COLOUR_STEP
    assert np.abs(steps).max() <= 1


@pytest.mark.parametrize("colour_range", [LIMITED, FULL], ids=["limited", "full"])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "nv12", "gray"])
def test_every_grey_comes_back_as_it_was(pix_fmt, colour_range):
    first, last = (0, 255) if colour_range == FULL else (16, 235)
    ramp = np.tile(np.arange(first, last + 1, dtype=np.uint8).repeat(2), (4, 1))
    chroma = {"yuv420p": [np.full((2, ramp.shape[1] // 2), 128, np.uint8)] * 2, "gray": []}
    picture = picture_of([ramp, *chroma.get(pix_fmt, chroma["yuv420p"])], pix_fmt if pix_fmt != "nv12" else "yuv420p")
    picture.color_range = colour_range
    picture = picture.reformat(format=pix_fmt)
    colour = colour_of(picture)

    back = Converter(colour, pix_fmt, colour).from_rgb(Converter(colour, pix_fmt, colour).to_rgb(picture))

    np.testing.assert_array_equal(planes_of(back)[0], planes_of(picture)[0])


@pytest.mark.parametrize("colour_range", [LIMITED, FULL], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", [1, 6, 9])
def test_rgb_is_what_the_textbook_says(matrix, colour_range):
    colour = Colour(matrix, colour_range, 2, 2)
    for rgb in np.random.default_rng(1).uniform(10, 245, (30, 3)):
        picture = flat(yuv_of(rgb, matrix, colour_range), "yuv444p", matrix, colour_range)

        found = Converter(colour, "rgb24", colour_in("rgb24", colour, 32)).to_rgb(picture)

        assert found.shape == (32, 64, 3)
        assert np.abs(found[16, 32] - rgb).max() < tolerances.RGB_OF_ROUNDED_YUV


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p10le"])
def test_whiter_than_white_and_blacker_than_black_come_back(pix_fmt):
    """Cameras record both; clipped in new frames only, lights and shadows would flicker."""
    luma = np.tile(np.arange(1, 255, dtype=np.uint8).repeat(2), (4, 1))
    picture = picture_of([luma, *[np.full((2, luma.shape[1] // 2), 128, np.uint8)] * 2], "yuv420p")
    colour = colour_of(picture)
    picture = picture.reformat(format=pix_fmt)
    converter = Converter(colour, pix_fmt, colour)

    back = converter.from_rgb(converter.to_rgb(picture))

    np.testing.assert_array_equal(views(back)["y"], views(picture)["y"])


def test_saturated_colours_of_limited_range_do_not_pulse():
    """Their RGB lies outside of [0, 1], mildly."""
    steps = []
    colour = Colour(1, LIMITED, 2, 2)
    converter = Converter(colour, "yuv444p", colour)
    for luma, blue, red in [(63, 102, 240), (32, 240, 118), (173, 42, 26), (219, 16, 138), (78, 214, 230)]:
        picture = flat([luma, blue, red], "yuv444p", 1, LIMITED)
        back = converter.from_rgb(converter.to_rgb(picture))
        steps.append([b.mean() - a.mean() for a, b in zip(planes_of(picture), planes_of(back), strict=True)])

    assert np.abs(steps).max() <= 1


def test_a_photograph_like_picture_keeps_its_brightness():
    y, x = np.mgrid[:96, :128]
    luma = (120 + 60 * np.sin(x / 9) * np.cos(y / 7)).astype(np.uint8)
    chroma = [(128 + 25 * np.sin(x[:48, :64] / s)).astype(np.uint8) for s in (11, 17)]
    picture = picture_of([luma, *chroma], "yuv420p")
    converter = Converter(colour_of(picture), "yuv420p", colour_of(picture))

    back = converter.from_rgb(converter.to_rgb(picture))

    for before, after in zip(planes_of(picture), planes_of(back), strict=True):
        assert abs(after.mean() - before.mean()) < tolerances.COLOUR_STEP


def test_a_frame_in_the_right_format_is_not_touched():
    picture = flat([90, 100, 110], "yuv420p", 1, LIMITED)
    colour = colour_of(picture)

    assert Converter(colour, "yuv420p", colour).to_target(picture) is picture


@pytest.mark.parametrize(("rgb", "plane"), [((0, 0, 255), 1), ((255, 0, 0), 2)], ids=["blue", "red"])
@pytest.mark.parametrize("matrix", [1, 6])
def test_the_purest_blue_and_red_of_full_range_have_the_largest_chroma(matrix, rgb, plane):
    """By the textbook 255.5; what goes beyond a byte would come out as 0, the complementary colour."""
    colour = Colour(matrix, FULL, 2, 2)

    made = Converter(colour, "yuv444p", colour).from_rgb(np.full((32, 64, 3), rgb, np.uint8))

    assert (planes_of(made)[plane] == 255).all()


def test_another_subsampling_keeps_luma_exactly():
    luma = np.random.default_rng(2).integers(0, 256, (31, 63), dtype=np.uint8)
    picture = picture_of([luma, *[np.full((16, 32), 120, np.uint8)] * 2], "yuv420p", 6)
    colour = colour_of(picture)

    wider = Converter(colour, "yuv444p", colour).to_target(picture)

    np.testing.assert_array_equal(planes_of(wider)[0], luma)
    assert (wider.colorspace, wider.color_range) == (6, LIMITED)


@pytest.mark.parametrize(("height", "matrix"), [(576, 6), (719, 6), (720, 1), (2160, 1)])
def test_an_untagged_picture_is_taken_by_its_height(height, matrix):
    picture = av.VideoFrame(16, height, "yuv420p")

    assert colour_of(picture) == Colour(matrix, LIMITED, 2, 2, assumed=True)


def test_the_old_full_range_formats_are_full_range():
    assert colour_of(av.VideoFrame(16, 16, "yuvj420p")).range == FULL


@pytest.mark.parametrize(("tag", "meant"), [(0, FULL), (LIMITED, LIMITED), (FULL, FULL)])
@pytest.mark.parametrize("pix_fmt", ["gray", "gray10le", "ya8"])
def test_grey_is_full_range_where_it_does_not_say_otherwise(pix_fmt, tag, meant):
    picture = av.VideoFrame(16, 16, pix_fmt)
    picture.color_range = tag

    assert colour_of(picture).range == meant


def test_only_a_change_between_rgb_and_yuv_changes_the_meaning():
    rgb, hlg = Colour(0, FULL, 1, 13), Colour(9, LIMITED, 9, 18)

    assert colour_in("yuv444p", hlg, 1080) == hlg
    assert colour_in("yuv444p", rgb, 1080) == Colour(1, LIMITED, 1, 13)
    assert colour_in("gbrp", hlg, 1080) == Colour(0, FULL, 9, 18)


def test_xyz_is_refused():
    with pytest.raises(InputError, match=r"xyz12le .*is not supported"):
        colour_of(av.VideoFrame(16, 16, "xyz12le"))


def test_a_matrix_that_cannot_be_converted_is_named():
    picture = av.VideoFrame(16, 16, "yuv420p")
    picture.colorspace = 8

    with pytest.raises(InputError, match="colour matrix 8 is not supported"):
        colour_of(picture)
