"""More than 8 bits and transparency through a whole job, read back by a decoder."""

from pathlib import Path

import av
import numpy as np
import pytest
from blending import Blend
from clips import moving_square, write_clip
from colour_bars import LUMA_WEIGHTS, bars, numbers_of
from deep_clips import moving_numbers, read_numbers, write_numbers
from tolerances import COLOUR_STEP

from vfi_flow.inference.alpha import between_transparent
from vfi_flow.media.encoder import EncoderOptions
from vfi_flow.media.endpoints import Target
from vfi_flow.media.pipe import OutputPipe
from vfi_flow.media.pixels.samples import bits_of, views
from vfi_flow.pipeline.plan import Job, make_plan
from vfi_flow.pipeline.run import run

LOSSLESS = {
    "libx264": {"qp": "0", "preset": "ultrafast"},
    "libx265": {"preset": "ultrafast", "x265-params": "lossless=1:log-level=none"},
}


def interpolated(source: Path, output: Target, interpolate=None, **options):
    job = Job(source, output, encoder=EncoderOptions(**options), find_cuts=False)
    return run(make_plan(job), interpolate or Blend())


def stored(path: Path) -> av.VideoFormat:
    with av.open(str(path)) as container:
        return container.streams.video[0].codec_context.format


@pytest.mark.parametrize(
    ("codec", "pix_fmt"),
    [
        *(("libx264", name) for name in ("yuv420p10le", "yuv422p10le", "yuv444p10le")),
        *(
            ("libx265", name)
            for name in ("yuv420p10le", "yuv422p12le", "yuv444p12le", "gbrp10le", "gbrp12le", "gray12le")
        ),
        *(
            ("ffv1", name)
            for name in ("yuv420p12le", "yuv444p16le", "gbrp16le", "gray16le", "yuva444p10le", "gbrap12le")
        ),
    ],
)
def test_depth_and_subsampling_of_the_source_are_those_of_the_result(tmp_path, codec, pix_fmt):
    source = write_numbers(
        tmp_path / "in.mkv",
        moving_numbers(pix_fmt, 4),
        pix_fmt,
        codec=codec,
        options=LOSSLESS.get(codec),
        matrix=0 if pix_fmt.startswith("gb") else 9,
        colour_range=2 if pix_fmt.startswith("gb") else 1,
    )

    report = interpolated(source, tmp_path / "out.mkv", codec="ffv1")

    before, after = read_numbers(source), read_numbers(tmp_path / "out.mkv")
    assert stored(source).name == stored(tmp_path / "out.mkv").name == pix_fmt
    assert report.frames == {"source": 4, "generated": 3, "held": 1}
    for n in range(4):
        for name, numbers in before[n].items():
            np.testing.assert_array_equal(after[2 * n][name], numbers)
    made = next(iter(after[1].values()))
    assert np.unique(made % (1 << (bits_of(pix_fmt) - 8))).size > 2, "numbers between those of 8 bits"


def test_twelve_bits_stay_twelve_bits_by_default(tmp_path):
    deep = write_clip(tmp_path / "in.mkv", moving_square(4), codec="ffv1", options={}, pix_fmt="yuv420p12le")

    plan = make_plan(Job(deep, tmp_path / "out.mp4"))

    assert (plan.encoder.codec, plan.encoder.pix_fmt) == ("libx265", "yuv420p12le")


def test_a_transparent_video_keeps_its_colour_tags(tmp_path):
    """libvpx's decoder, the only one that sees transparency, hands on none of them."""
    tags = {"matrix": 1, "primaries": 1, "transfer": 1}
    options = {"crf": "20", "b": "0", "cpu-used": "8"}
    source = write_clip(
        tmp_path / "in.webm", moving_square(4), codec="libvpx-vp9", options=options, pix_fmt="yuva420p", **tags
    )

    colour = make_plan(Job(source, tmp_path / "out.webm")).encoder.colour

    assert (colour.matrix, colour.primaries, colour.transfer, colour.assumed) == (1, 1, 1, False)


@pytest.mark.parametrize("codec", ["libx264", "libx265", "libsvtav1"])
def test_ten_bits_stay_ten_bits_by_every_usual_encoder(tmp_path, codec):
    source = write_numbers(tmp_path / "in.mkv", moving_numbers("yuv420p10le", 4), "yuv420p10le")

    report = interpolated(source, tmp_path / "out.mkv", codec=codec)

    assert stored(tmp_path / "out.mkv").name == "yuv420p10le"
    assert len(read_numbers(tmp_path / "out.mkv")) == 8
    assert report.warnings == []


@pytest.mark.parametrize("pix_fmt", ["yuv420p10le", "yuv422p12le", "yuv444p16le", "gray10le"])
def test_y4m_carries_every_depth_in_and_out(tmp_path, pix_fmt):
    source, piped = write_numbers(tmp_path / "in.mkv", moving_numbers(pix_fmt, 3), pix_fmt), bytearray()

    interpolated(source, OutputPipe(lambda data: piped.extend(data) or len(data), "yuv4mpegpipe"))
    (tmp_path / "out.y4m").write_bytes(piped)
    interpolated(tmp_path / "out.y4m", tmp_path / "again.mkv", codec="ffv1")

    before, after, again = (read_numbers(tmp_path / name) for name in ("in.mkv", "out.y4m", "again.mkv"))
    assert stored(tmp_path / "out.y4m").name == stored(tmp_path / "again.mkv").name == pix_fmt
    for n in range(3):
        for name, numbers in before[n].items():
            np.testing.assert_array_equal(after[2 * n][name], numbers)
            np.testing.assert_array_equal(again[4 * n][name], numbers)


def ramp(pix_fmt: str, matrix: int, colour_range: int) -> av.VideoFrame:
    picture = av.VideoFrame(320, 32, pix_fmt)
    columns = [numbers_of(np.full(3, level), matrix, colour_range, pix_fmt) for level in np.linspace(0, 1, 320)]
    for place, view in enumerate(views(picture).values()):
        step = 320 // view.shape[1]
        view[...] = [column[place] for column in columns[::step]]
    return picture


def flat(pix_fmt: str, matrix: int, colour_range: int) -> av.VideoFrame:
    picture = av.VideoFrame(320, 32, pix_fmt)
    for view, number in zip(
        views(picture).values(), numbers_of(np.full(3, 0.43), matrix, colour_range, pix_fmt), strict=True
    ):
        view[...] = number
    return picture


@pytest.mark.parametrize("colour_range", [1, 2], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", LUMA_WEIGHTS)
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le"])
@pytest.mark.parametrize("drawn", [flat, ramp, bars], ids=["flat", "ramp", "bars"])
def test_new_frames_do_not_pulse(tmp_path, drawn, pix_fmt, matrix, colour_range):
    """A still test picture: the mean of the new frames is that of the originals, in a lossless result."""
    picture = [view.copy() for view in views(drawn(pix_fmt, matrix, colour_range)).values()]
    source = write_numbers(
        tmp_path / "in.mkv", [picture] * 3, pix_fmt, matrix=matrix, colour_range=colour_range, size=(320, 32)
    )

    interpolated(source, tmp_path / "out.mkv", codec="ffv1")

    frames = read_numbers(tmp_path / "out.mkv")
    unit = 1 << (bits_of(pix_fmt) - 8)
    steps = [(frames[n][name].mean() - frames[n - 1][name].mean()) / unit for n in range(1, 5) for name in "yuv"]
    assert np.mean(np.abs(steps)) < COLOUR_STEP
    assert max(abs(step) for step in steps) < (1.5 * COLOUR_STEP if drawn is bars else COLOUR_STEP)


class TransparentBlend(Blend):
    """The weighted mean, transparency as `Interpolator` treats it."""

    def __call__(self, frame0, frame1, taus, *, pts=0, before=None, after=None):
        if frame0.shape[2] == 3:
            return super().__call__(frame0, frame1, taus)
        return between_transparent(frame0, frame1, taus, super().__call__, super().__call__)


def sprite(n: int, pix_fmt: str) -> list[np.ndarray]:
    """A red patch that goes right over a transparent ground of another colour."""
    picture = av.VideoFrame(64, 48, pix_fmt)
    is_rgb = picture.format.is_rgb
    bits = bits_of(pix_fmt)
    for name, view in views(picture).items():
        colours = {"red": (0.8, 0.1, 0.1), "ground": (0.0, 0.9, 0.0)}
        if is_rgb:
            values = {
                key: colour["rgb".index(name)] * ((1 << bits) - 1) if name in "rgb" else 0
                for key, colour in colours.items()
            }
        else:
            values = {
                key: numbers_of(np.array(colour), 1, 1, pix_fmt)["yuva".index(name)] for key, colour in colours.items()
            }
        if name == "a":
            values = {"red": (1 << bits) - 1, "ground": 0}
        view[...] = round(values["ground"])
        step = 64 // view.shape[1]
        view[view.shape[0] // 4 : view.shape[0] // 2, (16 + 8 * n) // step : (32 + 8 * n) // step] = round(
            values["red"]
        )
    return [view.copy() for view in views(picture).values()]


@pytest.mark.parametrize(
    ("ending", "codec", "pix_fmt", "written"),
    [
        (".mkv", "ffv1", "yuva420p", "yuva420p"),
        (".mkv", "ffv1", "yuva444p", "yuva444p"),
        (".mkv", "ffv1", "gbrap10le", "gbrap10le"),
        (".mkv", "ffv1", "bgra", "bgra"),
        (".mov", "prores_ks", "yuva444p10le", "yuva444p10le"),
        (".mov", "qtrle", "argb", "yuva444p10le"),
    ],
)
def test_transparency_goes_through_the_job(tmp_path, ending, codec, pix_fmt, written):
    is_rgb = av.VideoFormat(pix_fmt).is_rgb
    source = write_numbers(
        tmp_path / f"in{ending}",
        [sprite(n, pix_fmt) for n in range(3)],
        pix_fmt,
        codec=codec,
        matrix=0 if is_rgb else 1,
        colour_range=2 if is_rgb else 1,
    )
    output = tmp_path / f"out{ending}"

    interpolated(source, output, TransparentBlend())

    with av.open(str(output)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 6 and (frames[1].format.name.startswith(written[:5]) or frames[1].format.name == written)
    alpha = views(frames[1])["a"] / ((1 << bits_of(frames[1].format.name)) - 1)
    row = alpha[18]
    assert np.abs(row[[18, 22, 34, 38]] - 0.5).max() < 0.02
    assert np.abs(row[26:30] - 1).max() < 0.02 and row[:14].max() < 0.01 and row[44:].max() < 0.01
    colour = frames[1].reformat(format="rgba", src_colorspace=None if is_rgb else 1).to_ndarray()[18]
    for column in (18, 22, 28, 34):  # beside the edge chroma of 4:2:0 is shared with the ground
        assert np.abs(colour[column, :3] / 255 - (0.8, 0.1, 0.1)).max() < 0.06, column


def test_a_result_that_cannot_be_transparent_says_so(tmp_path):
    source = write_numbers(tmp_path / "in.mkv", [sprite(n, "yuva420p") for n in range(3)], "yuva420p")

    report = interpolated(source, tmp_path / "out.mp4", TransparentBlend())

    assert stored(tmp_path / "out.mp4").name == "yuv420p"
    assert any("cannot store transparency" in warning for warning in report.warnings)


def test_a_still_picture_that_fades_is_no_repetition(tmp_path):
    """Only alpha changes; every source frame keeps its own."""
    picture = sprite(0, "yuva420p")
    frames = [[*picture[:3], np.full_like(picture[3], alpha)] for alpha in (0, 200, 210, 255)]
    source = write_numbers(tmp_path / "in.mkv", frames, "yuva420p")

    report = interpolated(source, tmp_path / "out.mkv", TransparentBlend())

    assert report.frames == {"source": 4, "generated": 3, "held": 1}
    alphas = [frame["a"][0, 0] for frame in read_numbers(tmp_path / "out.mkv")]
    assert alphas == pytest.approx([0, 100, 200, 205, 210, 232, 255, 255], abs=1)
