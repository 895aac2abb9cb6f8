"""What changes in the middle of a video and the result cannot follow costs a line."""

from fractions import Fraction
from pathlib import Path

import pytest
from clips import moving_square, write_clip
from tolerances import JOINED_RANGES

from vfi_flow.media.deinterlace import Deinterlace
from vfi_flow.media.frame import Window
from vfi_flow.media.reader import VideoReader

WHOLE = Window()
FIRST, SECOND = Fraction(12, 11), Fraction(16, 11)


def joined(path: Path, *parts: dict) -> Path:
    """A bare H.264 stream of parts of 9 frames each."""
    clips = [write_clip(path.with_name(f"{n}.h264"), moving_square(9), **part) for n, part in enumerate(parts)]
    path.write_bytes(b"".join(clip.read_bytes() for clip in clips))
    return path


def read(path: Path, window: Window = WHOLE, deinterlace: Deinterlace = Deinterlace.OFF):
    with VideoReader(path, window, deinterlace=deinterlace) as reader:
        info = reader.info()
    with VideoReader(path, window, deinterlace=deinterlace) as reader:
        list(reader.frames())
    return info, [warning.removeprefix(f"{path}: ") for warning in reader.warnings]


def test_another_shape_of_pixels_in_the_second_part_is_named(tmp_path):
    info, warnings = read(joined(tmp_path / "in.h264", {"aspect": FIRST}, {"aspect": SECOND}))

    assert info.sample_aspect_ratio == FIRST
    assert warnings == ["the shape of pixels changes at 0.300 s; the result has that of the beginning throughout"]


@pytest.mark.parametrize(
    ("window", "shape"),
    [(Window(Fraction(0), Fraction(3, 10)), FIRST), (Window(Fraction(2, 5)), SECOND)],
    ids=["before the change", "after it"],
)
def test_a_part_with_one_shape_of_pixels_has_that_one(tmp_path, window, shape):
    info, warnings = read(joined(tmp_path / "in.h264", {"aspect": FIRST}, {"aspect": SECOND}), window)

    assert info.sample_aspect_ratio == shape and warnings == []


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [(6, 1, True), (1, 9, True), (6, 5, False), (6, 2, False), (2, 1, False), (1, 1, False)],
)
def test_another_colour_matrix_in_the_second_part_is_named(tmp_path, first, second, told):
    """The result has one tag; what is the same, or has no tag, is no change."""
    warnings = read(joined(tmp_path / "in.h264", {"matrix": first}, {"matrix": second}))[1]

    assert [warning.startswith("the colour matrix changes at 0.300 s") for warning in warnings] == [True] * told


INTERLACED = {"options": {"crf": "20", "x264-params": "tff=1", "bf": "0"}}


def test_a_part_that_is_interlaced_is_named_at_the_end(tmp_path):
    source = joined(tmp_path / "in.h264", {}, INTERLACED)

    info, warnings = read(source)

    assert not info.interlaced
    assert warnings == ["9 of 18 frames are interlaced; see --deinterlace"]
    assert read(source, deinterlace=Deinterlace.AUTO)[1] == []
    assert read(source, Window(Fraction(0), Fraction(3, 10)))[1] == []


def test_a_video_that_begins_interlaced_is_told_by_its_first_frame(tmp_path):
    info, warnings = read(joined(tmp_path / "in.h264", INTERLACED, {}))

    assert info.interlaced and warnings == []


@pytest.mark.parametrize("pix_fmts", [("yuv420p", "yuvj420p"), ("yuvj420p", "yuv420p")], ids=" then ".join)
def test_a_part_of_another_range_is_as_bright_as_the_first(tmp_path, pix_fmts):
    parts = [{"pix_fmt": pix_fmt, "colour_range": 2 if "j" in pix_fmt else 1} for pix_fmt in pix_fmts]
    with VideoReader(joined(tmp_path / "in.h264", *parts), WHOLE) as reader:
        pictures = [frame.picture for frame in reader.frames()]

    assert {picture.format.name for picture in pictures} == {pix_fmts[0]}
    luma = [picture.to_ndarray()[: picture.height].mean() for picture in pictures]
    assert len(luma) == 18 and luma[9:] == pytest.approx(luma[:9], abs=JOINED_RANGES)
