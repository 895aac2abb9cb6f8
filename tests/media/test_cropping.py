"""What a file stores but does not want to be shown is not in the result either."""

from pathlib import Path

import av
import numpy as np
import pytest
from blending import Blend
from clips import pixels, scene, write_clip

from vfi_flow.media.cropping import crop_of, shown
from vfi_flow.media.deinterlace import Deinterlace
from vfi_flow.media.description import described
from vfi_flow.media.frame import Window
from vfi_flow.media.reader import VideoReader
from vfi_flow.media.sides import Sides
from vfi_flow.pipeline.plan import Job, make_plan
from vfi_flow.pipeline.run import run
from vfi_flow.training.decoding import decode

HEIGHT, WIDTH, ROWS = 96, 128, 16


def bordered(path: Path) -> Path:
    """A video whose first `ROWS` rows are not to be shown: Matroska's DisplayUnit is turned into its PixelCropTop."""
    write_clip(path, [scene(n, WIDTH, HEIGHT) for n in range(4)], codec="ffv1", pix_fmt="bgr0")
    head, unit, rest = path.read_bytes().partition(b"\x54\xb2\x81")
    assert unit
    path.write_bytes(head + b"\x54\xbb\x81" + bytes([ROWS]) + rest[1:])
    return path


def test_the_description_tells_what_is_cut_off(tmp_path):
    with av.open(str(bordered(tmp_path / "in.mkv"))) as container:
        assert crop_of(described(container, container.streams.video[0])) == Sides(left=0, right=0, top=ROWS, bottom=0)
    with av.open(str(write_clip(tmp_path / "plain.mkv", [scene(0, WIDTH, HEIGHT)] * 2))) as container:
        assert crop_of(described(container, container.streams.video[0])) == Sides()


@pytest.mark.parametrize("deinterlace", [Deinterlace.OFF, Deinterlace.ON])
def test_frames_come_without_it(tmp_path, deinterlace):
    source = bordered(tmp_path / "in.mkv")

    with VideoReader(source, Window(), deinterlace=deinterlace) as reader:
        info = reader.info()
    with VideoReader(source, Window(), deinterlace=deinterlace) as reader:
        frames = list(reader.frames())

    assert (info.width, info.height) == (WIDTH, HEIGHT - ROWS) and len(frames) == 4
    if deinterlace is Deinterlace.OFF:
        whole = pixels(source)
        for frame, stored in zip(frames, whole, strict=True):
            assert np.array_equal(frame.picture.to_ndarray(format="rgb24"), stored[ROWS:])


def test_what_is_measured_and_learned_from_is_what_is_shown(tmp_path):
    source = bordered(tmp_path / "in.mkv")

    found = [frame.rgb for frame in decode(source)]

    assert all(np.array_equal(one, whole[ROWS:]) for one, whole in zip(found, pixels(source), strict=True))


@pytest.mark.parametrize("crop", [Sides(left=9, right=0, top=0, bottom=0), Sides(left=0, right=0, top=3, bottom=9)])
def test_a_picture_that_would_be_cut_off_wholly_stays(crop):
    array = np.arange(8 * 8).reshape(8, 8)

    assert np.array_equal(shown(array, crop), array)


def test_the_result_shows_what_players_show(tmp_path):
    run(make_plan(Job(bordered(tmp_path / "in.mkv"), tmp_path / "out.mkv")), Blend())

    assert {frame.shape for frame in pixels(tmp_path / "out.mkv")} == {(HEIGHT - ROWS, WIDTH, 3)}
