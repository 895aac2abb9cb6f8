"""HDR goes through a whole job: tags, HDR10 metadata, place of chroma, transparent VP9; read back from the result."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from blending import Blend
from deep_clips import moving_numbers, read_numbers, write_numbers

from vfi_flow.errors import InputError
from vfi_flow.media import reader as reader_module
from vfi_flow.media.description import described
from vfi_flow.media.encoder import EncoderOptions
from vfi_flow.media.pixels.chroma_location import chroma_location
from vfi_flow.media.pixels.light import HLG, PQ, Light, light_of, light_options
from vfi_flow.pipeline.plan import Job, make_plan
from vfi_flow.pipeline.report import as_json
from vfi_flow.pipeline.run import run

LIGHT = Light((0.708, 0.292), (0.17, 0.797), (0.131, 0.046), (0.3127, 0.329), 4000.0, 0.005, 3000, 500)


def source_clip(path: Path, transfer: int, light: Light | None, location: str | None = None) -> Path:
    options = {"preset": "ultrafast"} | ({"chroma_sample_location": location} if location else {})
    parameters = light_options("libx265", light)["x265-params"] if light else ""
    options["x265-params"] = ":".join(filter(None, ["log-level=none", parameters]))
    return write_numbers(
        path,
        moving_numbers("yuv420p10le", 4),
        "yuv420p10le",
        codec="libx265",
        options=options,
        matrix=9,
        primaries=9,
        transfer=transfer,
    )


def interpolated(source: Path, output: Path, codec: str | None = None):
    job = Job(
        source,
        output,
        factor=Fraction(2),
        encoder=EncoderOptions(codec=codec, preset="10" if codec == "libsvtav1" else None),
    )
    return run(make_plan(job), Blend())


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ((), None),
        (
            ("DOVI configuration record: version: 1.0, profile: 8, level: 3, compatibility id: 1",),
            "Dolby Vision is not",
        ),
    ],
)
def test_light_that_changes_from_frame_to_frame_is_said_to_be_lost(tmp_path, monkeypatch, lines, sentence):
    source = source_clip(tmp_path / "in.mp4", PQ, None, "topleft")
    monkeypatch.setattr(reader_module, "described", lambda *stream: (*described(*stream), *lines))

    notes = make_plan(Job(source, tmp_path / "out.mp4")).notes

    assert ([sentence in note for note in notes] == [True]) if sentence else notes == ()


def test_colours_that_only_dolbys_decoders_know_are_refused(tmp_path, monkeypatch):
    source = source_clip(tmp_path / "in.mp4", PQ, None, "topleft")
    monkeypatch.setattr(
        reader_module, "described", lambda *stream: ("DOVI configuration record: version: 1.0, profile: 5, level: 3",)
    )

    with pytest.raises(InputError, match=r"in\.mp4: Dolby Vision profile 5, whose colours only its decoders know"):
        make_plan(Job(source, tmp_path / "out.mp4"))


@pytest.mark.parametrize("transfer", [PQ, HLG], ids=["PQ", "HLG"])
@pytest.mark.parametrize(
    ("codec", "ending"), [("libx265", ".mp4"), ("libx265", ".mkv"), ("libsvtav1", ".mp4"), (None, ".mov")]
)
def test_all_that_is_said_about_colour_is_in_the_result(tmp_path, codec, ending, transfer):
    light = LIGHT if transfer == PQ else None
    source = source_clip(tmp_path / "in.mp4", transfer, light, "topleft")
    output = tmp_path / f"out{ending}"

    report = interpolated(source, output, codec)

    with av.open(str(output)) as container:
        stream = container.streams.video[0]
        location = chroma_location(described(container, stream))
        frames = list(container.decode(stream))
    assert len(frames) == 8 and report.warnings == []
    for frame in frames:
        assert (frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc) == (9, 1, 9, transfer)
    assert location == "topleft"
    found = light_of(frames[0])
    if light is None:
        assert found is None
        return
    assert found is not None
    assert found.green == pytest.approx(light.green, abs=2e-5) and found.white == pytest.approx(light.white, abs=2e-5)
    assert (found.brightest, found.darkest) == (pytest.approx(4000), pytest.approx(0.005, abs=1e-4))
    assert (found.max_content, found.max_average) == (3000, 500)
    assert as_json(report)["output"]["colour"]["light"]["max_content"] == 3000


def test_transparent_vp9_goes_from_webm_to_webm(tmp_path):
    source = write_numbers(
        tmp_path / "in.webm",
        moving_numbers("yuva420p", 4),
        "yuva420p",
        codec="libvpx-vp9",
        options={"crf": "4", "b": "0"},
    )
    output = tmp_path / "out.webm"

    report = interpolated(source, output)

    before, after = read_numbers(source, "libvpx-vp9"), read_numbers(output, "libvpx-vp9")
    assert report.plan.info.pix_fmt == report.plan.encoder.pix_fmt == "yuva420p"
    assert len(after) == 8
    for n in range(4):
        assert np.abs(after[2 * n]["a"].astype(int) - before[n]["a"]).mean() < 2
    assert after[1]["a"].max() > 250 and after[1]["a"].min() < 5
