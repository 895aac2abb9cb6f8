"""Numbered pictures of 16 bits, of floats and with transparency."""

import warnings
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from blending import Blend
from clips import moving_square, write_clip
from deep_clips import moving_numbers

from vfi_flow.media.images import CODECS, ImageSequence
from vfi_flow.media.pixels.linear_light import srgb_encoded
from vfi_flow.media.pixels.samples import views
from vfi_flow.pipeline.plan import Job, make_plan
from vfi_flow.pipeline.run import run


def write_pictures(folder: Path, ending: str, pictures: list, pix_fmt: str, options=None) -> ImageSequence:
    folder.mkdir()
    for number, channels in enumerate(pictures, 1):
        context = av.CodecContext.create(CODECS[ending], "w")
        context.width, context.height, context.pix_fmt, context.time_base = 64, 48, pix_fmt, Fraction(1, 25)
        context.options = options or {}
        picture = av.VideoFrame(64, 48, pix_fmt)
        for view, values in zip(views(picture).values(), channels, strict=True):
            view[...] = values
        packets = [*context.encode(picture), *context.encode(None)]
        (folder / f"{number:03}{ending}").write_bytes(b"".join(map(bytes, packets)))
    return ImageSequence(folder / f"%03d{ending}")


def channels_of(path: Path) -> tuple[str, dict[str, np.ndarray]]:
    with av.open(str(path)) as container:
        picture = next(container.decode(video=0))
        return picture.format.name, {name: view.copy() for name, view in views(picture).items()}


def interpolated(source, output):
    return run(make_plan(Job(source, output, find_cuts=False)), Blend())


@pytest.mark.parametrize(
    ("ending", "pix_fmt"),
    [
        *((".png", name) for name in ("rgb48be", "rgba", "rgba64be", "gray16be", "ya8", "ya16be")),
        *((".tif", name) for name in ("rgb48le", "rgba", "rgba64le", "gray16le", "ya8", "ya16le")),
    ],
)
def test_pictures_of_any_depth_keep_every_bit(tmp_path, ending, pix_fmt):
    source = write_pictures(tmp_path / "in", ending, moving_numbers(pix_fmt, 3), pix_fmt)
    (tmp_path / "out").mkdir()
    output = ImageSequence(tmp_path / "out" / f"%03d{ending}")

    report = interpolated(source, output)

    assert report.warnings == [] and len(output.numbers()) == 6
    for number in (1, 2, 3):
        name, numbers = channels_of(output.path(2 * number - 1))
        assert name == pix_fmt
        for channel, values in channels_of(source.path(number))[1].items():
            np.testing.assert_array_equal(numbers[channel], values)
    name, made = channels_of(output.path(2))
    neighbours = [channels_of(source.path(number))[1] for number in (1, 2)]
    for channel, values in made.items():
        if channel != "a" or "y" not in made:
            between = sum(picture[channel].astype(float) for picture in neighbours) / 2
            assert np.abs(values - between).mean() < 2


def light(n: int, channels: int) -> list[np.ndarray]:
    """Linear light from 0 to 20 times white, moving."""
    y, x = np.mgrid[:48, :64]
    waves = [10 * (1 + np.sin((x - 2 * n) / 9 + c) * np.cos(y / 7)) for c in range(min(channels, 3))]
    return [*waves, np.full((48, 64), 1.0)][:channels]


@pytest.mark.parametrize("options", [{}, {"format": "half"}], ids=["float", "half"])
@pytest.mark.parametrize(("pix_fmt", "channels"), [("gbrpf32le", 3), ("gbrapf32le", 4), ("grayf32le", 1)])
def test_exr_keeps_light_beyond_white(tmp_path, pix_fmt, channels, options):
    source = write_pictures(tmp_path / "in", ".exr", [light(n, channels) for n in range(3)], pix_fmt, options)
    (tmp_path / "out").mkdir()
    output = ImageSequence(tmp_path / "out" / "%03d.exr")

    interpolated(source, output)

    for number in (1, 2, 3):
        name, numbers = channels_of(output.path(2 * number - 1))
        assert name == channels_of(source.path(number))[0]
        for channel, values in channels_of(source.path(number))[1].items():
            np.testing.assert_array_equal(numbers[channel], values)
    made, before, after = (channels_of(path)[1] for path in (output.path(2), source.path(1), source.path(2)))
    channel = next(iter(made))
    low, high = np.minimum(before[channel], after[channel]), np.maximum(before[channel], after[channel])
    assert (made[channel] >= 0.99 * low - 0.01).all() and (made[channel] <= 1.01 * high + 0.01).all()
    assert made[channel].max() > 15


def test_what_is_no_number_is_dark_in_new_pictures(tmp_path):
    frames = [np.stack(light(n, 3)) for n in range(2)]
    for number, value in ((5, np.nan), (6, np.inf), (7, -np.inf)):
        for frame in frames:
            frame[:, number, 9] = value
    source = write_pictures(tmp_path / "in", ".exr", [list(frame) for frame in frames], "gbrpf32le", {})
    (tmp_path / "out").mkdir()
    output = ImageSequence(tmp_path / "out" / "%03d.exr")

    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        interpolated(source, output)

    made = channels_of(output.path(2))[1]
    assert all(values[5:8, 9].tolist() == pytest.approx([0, 100, 0], abs=0.01) for values in made.values())


def test_sixteen_bits_become_linear_light_without_a_loss(tmp_path):
    """Half floats would hold ten of them in what is bright."""
    levels = np.linspace(60000, 65535, 48 * 64).reshape(48, 64).round()
    source = write_pictures(tmp_path / "in", ".png", [[levels] * 3] * 2, "rgb48be", {})
    (tmp_path / "out").mkdir()
    output = ImageSequence(tmp_path / "out" / "%03d.exr")

    interpolated(source, output)

    encoded = srgb_encoded(channels_of(output.path(1))[1]["r"].astype(np.float32))
    assert np.abs(encoded * 65535 - levels).max() < 1


def test_a_video_becomes_linear_light_and_back(tmp_path):
    flat = [np.full((48, 64, 3), 118, np.uint8)] * 2
    clip = write_clip(tmp_path / "in.mkv", flat, codec="ffv1", options={}, pix_fmt="bgr0", colour_range=2)
    (tmp_path / "out").mkdir()
    pictures = ImageSequence(tmp_path / "out" / "%03d.exr")

    interpolated(clip, pictures)
    interpolated(pictures, tmp_path / "back.mkv")

    for number in range(1, 5):
        assert channels_of(pictures.path(number))[1]["r"].mean() == pytest.approx(0.181, abs=0.001)  # sRGB: 118 is 18 %
    with av.open(str(tmp_path / "back.mkv")) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 8
    for frame in frames:
        assert frame.color_trc == 13
        luma = views(frame)["y"].mean() / (1 << (frame.format.components[0].bits - 8))
        assert luma == pytest.approx(16 + 118 * 219 / 255, abs=0.6)


def test_a_moving_clip_becomes_sixteen_bit_pictures_when_it_has_them(tmp_path):
    (tmp_path / "out").mkdir()
    source = write_clip(tmp_path / "in.mkv", moving_square(3), pix_fmt="yuv420p10le")

    interpolated(source, ImageSequence(tmp_path / "out" / "%03d.png"))

    assert channels_of(tmp_path / "out" / "002.png")[0] == "rgb48be"
