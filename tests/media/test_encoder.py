"""The encoder is chosen and tried out before any work is done."""

import re
from fractions import Fraction
from pathlib import Path

import pytest

from vfi_flow.errors import ComponentError, OutputError, UsageError, VfiFlowError
from vfi_flow.media.encoder import EncoderOptions
from vfi_flow.media.encoder_choice import choose_encoder
from vfi_flow.media.frame import VideoInfo
from vfi_flow.media.pipe import OutputPipe
from vfi_flow.media.pixels.colour import Colour


def info(width: int = 64, height: int = 48, pix_fmt: str = "yuv420p") -> VideoInfo:
    return VideoInfo(
        path=Path("in.mp4"),
        width=width,
        height=height,
        pix_fmt=pix_fmt,
        colour=Colour(0, 2, 2, 2) if pix_fmt.startswith(("rgb", "gbr", "bgr")) else Colour(1, 1, 1, 1),
        codec="h264",
        rate=Fraction(30),
        unit=Fraction(1, 30),
        first_seconds=Fraction(0),
        frames=30,
        duration=Fraction(1),
        sample_aspect_ratio=None,
        display_matrix=None,
        interlaced=False,
        metadata={},
        disposition=1,
    )


def test_the_default_is_near_transparent_h264_in_the_format_of_the_source(tmp_path):
    encoder = choose_encoder(EncoderOptions(), info(pix_fmt="yuv444p"), tmp_path / "out.mp4")

    assert (encoder.codec, encoder.options, encoder.pix_fmt) == (
        "libx264",
        {"crf": "16", "preset": "medium"},
        "yuv444p",
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("codec", "others", "expected"),
    [
        ("libx264", {"b": "5M"}, {"preset": "medium", "b": "5M"}),
        ("libx264", {"tune": "film", "g": "12"}, {"crf": "16", "preset": "medium", "tune": "film", "g": "12"}),
        ("libx264", {"rc-lookahead": "50"}, {"crf": "16", "preset": "medium", "rc-lookahead": "50"}),
        (
            "libx265",
            {"x265-params": "sao=0"},
            {"crf": "18", "preset": "medium", "a53cc": "1", "x265-params": "log-level=error:sao=0"},
        ),
        ("libx264", {"qp": "45"}, {"preset": "medium", "qp": "45"}),
        ("mjpeg", {"b": "100k"}, {"b": "100k"}),
        ("prores_ks", {"profile": "hq"}, {"profile": "hq"}),
    ],
)
def test_other_options_of_the_encoder_go_with_the_usual_ones(tmp_path, codec, others, expected):
    chosen = choose_encoder(EncoderOptions(codec, others=others), info(), tmp_path / "out.mov")

    assert chosen.options == expected


def test_a_look_ahead_that_was_asked_for_stays(tmp_path):
    options = EncoderOptions("libx265", others={"x265-params": "rc-lookahead=60"})

    chosen = choose_encoder(options, info(3840, 2160), tmp_path / "out.mp4")

    assert chosen.options["x265-params"] == "log-level=error:rc-lookahead=60"


@pytest.mark.parametrize(
    ("codec", "preset", "width", "height", "expected"),
    [
        ("libx264", None, 1920, 1080, {}),
        ("libx264", None, 3840, 2160, {"rc-lookahead": "10"}),
        ("libx264", "slow", 1920, 1080, {"rc-lookahead": "40"}),
        ("libx264", "veryfast", 3840, 2160, {}),
        ("libx265", None, 3840, 2160, {"x265-params": "log-level=error:rc-lookahead=10"}),
        ("libx265", "ultrafast", 3840, 2160, {"x265-params": "log-level=error"}),
    ],
)
def test_of_large_frames_few_wait_in_memory_for_the_encoder(tmp_path, codec, preset, width, height, expected):
    chosen = choose_encoder(EncoderOptions(codec, preset=preset), info(width, height), tmp_path / "out.mp4")

    assert {name: chosen.options[name] for name in chosen.options if name not in ("crf", "preset", "a53cc")} == expected


@pytest.mark.parametrize(("ending", "codec"), [(".mp4", "libx264"), (".mkv", "libx264"), (".webm", "libvpx-vp9")])
def test_the_default_fits_the_container(tmp_path, ending, codec):
    assert choose_encoder(EncoderOptions(), info(), tmp_path / f"out{ending}").codec == codec


@pytest.mark.parametrize(
    ("codec", "source", "written"),
    [
        ("libx264", "yuvj420p", "yuvj420p"),
        ("libsvtav1", "yuvj420p", "yuv420p"),
        ("libx264", "nv12", "nv12"),
        ("ffv1", "nv12", "yuv420p"),
        ("libx264", "rgb24", "yuv444p"),
        ("libvpx-vp9", "rgb24", "gbrp"),
        ("libx264", "yuv411p", "yuv422p"),
        ("libx264", "yuv420p10le", "yuv420p10le"),
        ("libx264", "yuv420p12le", "yuv420p10le"),
        ("libx264", "yuv422p12le", "yuv422p10le"),
        ("libx264", "p010le", "yuv420p10le"),
        ("libx264", "gbrp10le", "yuv444p10le"),
        ("libx264", "gray10le", "gray10le"),
        ("libx264", "yuva420p", "yuv420p"),
        ("libx265", "gbrp12le", "gbrp12le"),
        ("libx265", "gray12le", "gray12le"),
        ("libx265", "yuva420p10le", "yuv420p10le"),
        ("libx265", "yuv444p16le", "yuv444p12le"),
        ("libsvtav1", "yuv444p10le", "yuv420p10le"),
        ("libsvtav1", "gray", "yuv420p"),
        ("libvpx-vp9", "yuv420p10le", "yuv420p"),
        ("libvpx-vp9", "yuva444p10le", "yuva420p"),
        ("prores_ks", "yuv420p", "yuv422p10le"),
        ("prores_ks", "rgba", "yuva444p10le"),
        ("ffv1", "pal8", "bgra"),
        ("ffv1", "yuv444p12le", "yuv444p12le"),
        ("ffv1", "rgb48be", "gbrp16le"),
        ("ffv1", "ya8", "ya8"),
    ],
)
def test_a_format_that_the_encoder_lacks_gets_the_nearest_that_keeps_its_chroma(tmp_path, codec, source, written):
    encoder = choose_encoder(EncoderOptions(codec=codec), info(pix_fmt=source), tmp_path / "out.mkv")

    assert encoder.pix_fmt == written


def test_a_size_that_the_format_cannot_hold_gets_one_that_can_and_says_so(tmp_path):
    encoder = choose_encoder(EncoderOptions(), info(63, 47), tmp_path / "out.mp4")

    assert encoder.pix_fmt == "yuv444p"
    assert encoder.notes == ("libx264 cannot store 63x47 yuv420p; yuv444p is written",)


@pytest.mark.parametrize(
    ("ending", "source", "codec", "written"),
    [
        (".mov", "yuva444p12le", "prores_ks", "yuva444p10le"),
        (".mov", "rgba", "prores_ks", "yuva444p10le"),
        (".webm", "yuva420p", "libvpx-vp9", "yuva420p"),
        (".mkv", "gbrap10le", "ffv1", "gbrap10le"),
        (".mp4", "yuva420p", "libx264", "yuv420p"),
    ],
)
def test_transparency_is_kept_where_the_container_can(tmp_path, ending, source, codec, written):
    encoder = choose_encoder(EncoderOptions(), info(pix_fmt=source), tmp_path / f"out{ending}")

    assert (encoder.codec, encoder.pix_fmt) == (codec, written)
    lost = ("libx264 cannot store transparency (yuva420p); yuv420p is written without it",)
    assert encoder.notes == (lost if ending == ".mp4" else encoder.notes)


@pytest.mark.parametrize(
    ("codec", "source", "notes"),
    [
        ("libx264", "yuv420p10le", ()),
        ("libx264", "p010le", ()),
        ("libx264", "yuv422p12le", ("libx264 cannot store yuv422p12le; yuv422p10le is written",)),
        ("libsvtav1", "gray10le", ()),
    ],
)
def test_only_what_is_lost_is_noted(tmp_path, codec, source, notes):
    encoder = choose_encoder(EncoderOptions(codec=codec), info(pix_fmt=source), tmp_path / "out.mkv")

    assert encoder.notes == notes


@pytest.mark.parametrize(("size", "chosen"), [((64, 48), "libsvtav1"), ((63, 47), "libvpx-vp9")])
def test_ten_bits_stay_ten_bits_in_webm_too(tmp_path, size, chosen):
    encoder = choose_encoder(EncoderOptions(), info(*size, "yuv420p10le"), tmp_path / "out.webm")

    assert (encoder.codec, encoder.pix_fmt) == (chosen, "yuv420p10le" if chosen == "libsvtav1" else "yuv420p")


def test_a_depth_can_be_asked_for(tmp_path):
    wanted = EncoderOptions(codec="libx265", pix_fmt="yuv420p10")

    assert choose_encoder(wanted, info(), tmp_path / "out.mkv").pix_fmt == "yuv420p10le"


def test_rgb_becomes_yuv_with_the_matrix_of_its_height(tmp_path):
    encoder = choose_encoder(EncoderOptions(), info(1280, 720, "rgb24"), tmp_path / "out.mp4")

    assert (encoder.colour.matrix, encoder.colour.range) == (1, 1)


@pytest.mark.parametrize(
    ("options", "video", "output", "error", "sentence"),
    [
        ({"codec": "nosuch"}, {}, "o.mp4", ComponentError, "no encoder named 'nosuch'"),
        ({"codec": "aac"}, {}, "o.mp4", UsageError, "aac encodes audio, not video"),
        ({"codec": "libx264"}, {}, "o.webm", ComponentError, "webm cannot hold libx264 video"),
        ({}, {}, "o.xyz", OutputError, "videos with the ending '.xyz' are not written"),
        ({}, {}, "o", OutputError, "videos with the ending '' are not written"),
        ({"pix_fmt": "nosuch"}, {}, "o.mp4", UsageError, "no pixel format named 'nosuch'"),
        ({"pix_fmt": "gbrp"}, {}, "o.mp4", ComponentError, "libx264 has no pixel format gbrp"),
        ({"pix_fmt": "yuv420p12le"}, {}, "o.mp4", ComponentError, "libx264 has no pixel format yuv420p12le"),
        ({"codec": "ffv1", "pix_fmt": "yaf16le"}, {}, "o.mkv", UsageError, "-pix_fmt yaf16le is not supported"),
        ({"codec": "ffv1", "crf": "20"}, {}, "o.mkv", UsageError, "ffv1 has no option -crf"),
        ({"others": {"time_base": "1/3"}}, {}, "o.mp4", UsageError, "time_base is no option to choose"),
        ({"codec": "ffv1", "others": {"tune": "film"}}, {}, "o.mkv", UsageError, "ffv1 has no option -tune"),
        (
            {"others": {"tune": "tin"}},
            {},
            "o.mp4",
            UsageError,
            "open with -crf 16 -preset medium -tune tin",
        ),
        ({"preset": "nosuch"}, {}, "o.mp4", UsageError, "libx264 has no preset 'nosuch'; it has ultrafast"),
        ({"crf": "nan"}, {}, "o.mp4", UsageError, "libx264 (64x48 yuv420p) does not open with -crf nan"),
        ({"codec": "rawvideo"}, {}, "o.mov", ComponentError, "use -pix_fmt rgb24, bgr24, rgba, bgra or -c:v ffv1 and"),
        (
            {"codec": "rawvideo", "pix_fmt": "rgb24"},
            {},
            "o.mkv",
            ComponentError,
            "matroska does not give back rawvideo of rgb24; use -pix_fmt yuv420p, yuv422p, gray, rgba or -c:v ffv1",
        ),
        ({"codec": "rawvideo", "pix_fmt": "yuv422p10le"}, {}, "o.avi", ComponentError, "avi does not give back"),
        ({"pix_fmt": "yuv420p"}, {"width": 63}, "o.mp4", UsageError, "cannot store 63x48 as yuv420p"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else None,
)
def test_what_cannot_work_is_refused_before_the_work(tmp_path, options, video, output, error, sentence):
    with pytest.raises(VfiFlowError) as caught:
        choose_encoder(EncoderOptions(**options), info(**video), tmp_path / output)

    assert type(caught.value) is error and sentence in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("source", "written"),
    [("gbrpf32le", "gbrp16le"), ("gbrapf32le", "gbrap16le"), ("grayf32le", "gray16le")],
)
def test_pictures_of_floats_become_16_bits_in_ffv1(tmp_path, source, written):
    encoder = choose_encoder(EncoderOptions(codec="ffv1"), info(pix_fmt=source), tmp_path / "o.mkv")

    assert encoder.pix_fmt == written
    assert encoder.notes == (f"ffv1 cannot store {source}; {written} is written",)


@pytest.mark.parametrize(
    ("codec", "rate", "other"),
    [("mpeg4", "75000/1001", "75"), ("mpeg1video", "12", "24000/1001"), ("libsvtav1", "1000", "60")],
)
def test_a_rate_that_the_encoder_does_not_know_is_refused_with_one_that_it_knows(tmp_path, codec, rate, other):
    sentence = f"{codec} cannot count {rate} frames per second; use -r {other} or another -c:v"

    with pytest.raises(UsageError, match=re.escape(sentence)):
        choose_encoder(EncoderOptions(codec=codec), info(), tmp_path / "o.mkv", Fraction(rate))

    assert choose_encoder(EncoderOptions(codec=codec), info(), tmp_path / "o.mkv", Fraction(other)).codec == codec


@pytest.mark.parametrize(
    ("output", "pix_fmt"),
    [("o.mov", "rgb24"), ("o.avi", "yuv420p"), ("o.mkv", "yuv420p"), ("o.mkv", "yuvj420p"), ("o.nut", "gbrp10le")],
)
def test_raw_video_that_is_read_again_is_written(tmp_path, output, pix_fmt):
    target = OutputPipe(len, "nut") if output == "o.nut" else tmp_path / output

    assert choose_encoder(EncoderOptions(codec="rawvideo", pix_fmt=pix_fmt), info(), target).pix_fmt == pix_fmt
