"""The place of chroma is read from the file's description and written by an encoder's option."""

import av
import pytest
from deep_clips import moving_numbers, write_numbers

from vfi_flow.media.description import described
from vfi_flow.media.pixels.chroma_location import LOCATIONS, chroma_location


@pytest.mark.parametrize("location", LOCATIONS)
def test_a_location_comes_back(tmp_path, location):
    path = write_numbers(
        tmp_path / "in.mkv",
        moving_numbers("yuv420p", 2),
        "yuv420p",
        codec="libx264",
        options={"chroma_sample_location": location},
    )

    with av.open(str(path)) as container:
        assert chroma_location(described(container, container.streams.video[0])) == location
        assert av.logging.get_level() is None


def test_a_file_that_says_nothing_has_none(tmp_path):
    path = write_numbers(tmp_path / "in.mkv", moving_numbers("yuv420p", 2), "yuv420p")

    with av.open(str(path)) as container:
        assert chroma_location(described(container, container.streams.video[0])) is None
