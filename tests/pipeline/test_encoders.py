"""Every usual encoder makes a result that a decoder opens; those that need hardware say what is missing."""

from fractions import Fraction

import av
import numpy as np
import pytest
from blending import Blend
from clips import moving_square, pixels, write_clip

from vfi_flow.errors import ComponentError
from vfi_flow.media.encoder import HARDWARE, EncoderOptions
from vfi_flow.media.encoder_choice import choose_encoder
from vfi_flow.media.frame import Window
from vfi_flow.media.reader import VideoReader
from vfi_flow.pipeline.plan import Job, make_plan
from vfi_flow.pipeline.run import run


@pytest.mark.parametrize(
    ("codec", "ending", "found", "pix_fmt"),
    [
        ("libx264", ".mp4", "h264", "yuv420p"),
        ("libx265", ".mp4", "hevc", "yuv420p"),
        ("libx265", ".mkv", "hevc", "yuv420p"),
        ("libsvtav1", ".mp4", "av1", "yuv420p"),
        ("libsvtav1", ".webm", "av1", "yuv420p"),
        ("libvpx-vp9", ".webm", "vp9", "yuv420p"),
        ("libvpx-vp9", ".mkv", "vp9", "yuv420p"),
        ("ffv1", ".mkv", "ffv1", "yuv420p"),
        ("prores_ks", ".mov", "prores", "yuv422p10le"),
        ("prores", ".mov", "prores", "yuv422p10le"),
        ("dnxhd", ".mov", None, None),
        ("utvideo", ".avi", "utvideo", "yuv420p"),
        ("mjpeg", ".mov", "mjpeg", "yuvj420p"),
    ],
)
def test_a_result_of_every_encoder_opens_and_shows_what_it_should(tmp_path, codec, ending, found, pix_fmt):
    source = write_clip(tmp_path / "in.mp4", moving_square(6, 128, 96), matrix=6, options={"crf": "8"})
    output = tmp_path / f"out{ending}"
    job = Job(source, output, encoder=EncoderOptions(codec=codec, preset=None), find_cuts=False)
    if found is None:  # an encoder for the sizes of television only
        with pytest.raises(ComponentError, match=f"{codec} .* does not open"):
            make_plan(job)
        return

    run(make_plan(job), Blend())

    with av.open(str(output)) as container:
        context = container.streams.video[0].codec_context
        assert (context.codec.canonical_name, context.pix_fmt) == (found, pix_fmt)
        assert container.streams.video[0].average_rate == 60
    frames, drawn = pixels(output), pixels(source)
    assert len(frames) == 12
    for n in range(6):
        assert np.abs(frames[2 * n].astype(float) - drawn[n]).mean() < 5


@pytest.mark.parametrize(
    "codec", ["h264_nvenc", "hevc_nvenc", "av1_nvenc", "h264_qsv", "hevc_qsv", "h264_amf", "hevc_amf"]
)
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le"])
def test_an_encoder_of_a_gpu_opens_or_says_what_it_needs(tmp_path, codec, pix_fmt):
    source = write_clip(tmp_path / "in.mkv", moving_square(2, 256, 256), pix_fmt=pix_fmt, rate=Fraction(30))
    with VideoReader(source, Window()) as reader:
        info = reader.info()
    try:
        encoder = choose_encoder(EncoderOptions(codec=codec), info, tmp_path / "out.mkv")
    except ComponentError as error:
        needs = next(name for part, name in HARDWARE.items() if codec.endswith(part))
        assert str(error).startswith((f"{codec} needs {needs}, and none was found (", f"no encoder named '{codec}'"))
        return

    assert encoder.codec == codec
