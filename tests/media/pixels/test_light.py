"""HDR10 metadata are read from frames and written by the encoders that can, to be read back from the result."""

from pathlib import Path

import av
import pytest
from deep_clips import moving_numbers, write_numbers

from vfi_flow.media.encoder import EncoderOptions
from vfi_flow.media.encoder_choice import choose_encoder
from vfi_flow.media.frame import Window
from vfi_flow.media.pixels.light import HLG, PQ, Light, light_of, light_options
from vfi_flow.media.reader import VideoReader

P3_AT_1000 = Light((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), (0.3127, 0.329), 1000.0, 0.005, 1200, 400)


def clip(
    path: Path, codec: str = "libx265", light: Light | None = P3_AT_1000, transfer: int = PQ, **options: str
) -> Path:
    settings = {"preset": "10" if codec == "libsvtav1" else "ultrafast", **options}
    settings |= light_options(codec, light) if light is not None else {}
    if codec == "libx265":
        settings["x265-params"] = ":".join(filter(None, ["log-level=none", settings.get("x265-params", "")]))
    numbers = moving_numbers("yuv420p10le", 3)
    return write_numbers(
        path, numbers, "yuv420p10le", codec=codec, options=settings, matrix=9, primaries=9, transfer=transfer
    )


def first_frame(path: Path) -> av.VideoFrame:
    with av.open(str(path)) as container:
        return next(container.decode(video=0))


def assert_near(found: Light | None, expected: Light) -> None:
    assert found is not None
    for name in ("red", "green", "blue", "white"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), abs=2e-5), name
    assert found.brightest == pytest.approx(expected.brightest, rel=1e-3)
    assert found.darkest == pytest.approx(expected.darkest, abs=1e-4)
    assert (found.max_content, found.max_average) == (expected.max_content, expected.max_average)


@pytest.mark.parametrize("ending", [".mkv", ".mp4"])
@pytest.mark.parametrize("codec", ["libx265", "libsvtav1"])
def test_what_an_encoder_is_told_comes_out_of_the_decoder(tmp_path, codec, ending):
    assert_near(light_of(first_frame(clip(tmp_path / f"in{ending}", codec))), P3_AT_1000)


def test_a_level_of_light_may_come_without_a_display(tmp_path):
    light = Light(max_content=800, max_average=120)

    assert light_of(first_frame(clip(tmp_path / "in.mkv", light=light))) == light


def test_a_frame_without_metadata_has_none(tmp_path):
    assert light_of(first_frame(clip(tmp_path / "in.mkv", light=None))) is None


@pytest.mark.parametrize(
    ("output", "codec", "chosen"),
    [
        ("out.mp4", None, "libx265"),
        ("out.mkv", "libsvtav1", "libsvtav1"),
        ("out.webm", None, "libsvtav1"),
        ("out.mkv", "libx264", "libx264"),
    ],
)
def test_the_default_encoder_of_hdr_keeps_it(tmp_path, output, codec, chosen):
    with VideoReader(clip(tmp_path / "in.mkv"), Window()) as reader:
        info = reader.info()

    encoder = choose_encoder(EncoderOptions(codec=codec), info, tmp_path / output)

    assert (encoder.codec, encoder.pix_fmt) == (chosen, "yuv420p10le")
    assert_near(info.colour.light, P3_AT_1000)
    lost = ("libx264 cannot store HDR10 metadata; use -c:v libx265 or libsvtav1 to keep it",)
    assert encoder.notes == (lost if chosen == "libx264" else ())


def test_hlg_without_metadata_is_hdr_too(tmp_path):
    with VideoReader(clip(tmp_path / "in.mkv", light=None, transfer=HLG), Window()) as reader:
        encoder = choose_encoder(EncoderOptions(), reader.info(), tmp_path / "out.mp4")

    assert (encoder.codec, encoder.colour.transfer, encoder.notes) == ("libx265", HLG, ())
