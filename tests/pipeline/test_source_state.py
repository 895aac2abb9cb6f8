"""A source that is another one is noticed, whichever of its bytes differ."""

import os
from pathlib import Path

import pytest

from vfi_flow.errors import InputError
from vfi_flow.media.images import ImageSequence
from vfi_flow.pipeline.source_state import CONTENT, EDGE_BYTES, SourceChanged, state_of, unchanging


def change_byte(path: Path, place: int) -> None:
    """Another byte there; size and time of the last change stay."""
    before, data = path.stat(), bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("place", [0, -1], ids=["first", "last"])
def test_the_first_and_the_last_byte_of_a_long_file_count(tmp_path, place):
    source = tmp_path / "in.mkv"
    source.write_bytes(bytes(3 * EDGE_BYTES))
    before = state_of(source)

    change_byte(source, place)

    assert {name for name, value in state_of(source).items() if value != before[name]} == {CONTENT}


@pytest.mark.parametrize("number", [1, 3])
def test_the_first_and_the_last_of_several_pictures_count(tmp_path, number):
    source = ImageSequence(tmp_path / "%d.png")
    for each in (1, 2, 3):
        source.path(each).write_bytes(bytes(100))
    before = state_of(source)

    change_byte(source.path(number), 50)

    assert {name for name, value in state_of(source).items() if value != before[name]} == {CONTENT}


def test_what_cannot_be_read_because_it_was_changed_meanwhile_is_said_to_have_changed(tmp_path):
    source = tmp_path / "in.mkv"
    source.write_bytes(bytes(100))

    with (
        pytest.raises(SourceChanged, match=r"in\.mkv: shrank from 100 to 60 bytes while it was read"),
        unchanging(source),
    ):
        os.truncate(source, 60)
        raise InputError("in.mkv: damaged")

    with pytest.raises(InputError, match="damaged") as caught, unchanging(source):
        raise InputError("in.mkv: damaged")
    assert not isinstance(caught.value, SourceChanged)
