"""Chunks on disk: what is complete comes back as it was, anything else counts for nothing."""

import av
import pytest

from vfi_flow.media import chunks as chunks_module
from vfi_flow.media.chunks import SHORTEST_CHUNK, ChunkFolder, frames_in


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch):
    monkeypatch.setattr(chunks_module, "CHUNK_FRAMES", 10)


def packet(number: int) -> av.Packet:
    made = av.Packet(bytes([number]) * (number + 1))
    made.pts, made.dts, made.is_keyframe = number, number - 2, number % 10 == 0
    return made


def store(folder: ChunkFolder, first: int, end: int) -> None:
    chunk = folder.begin(first, b"extra")
    for number in range(first, end):
        chunk.write(packet(number))
    chunk.complete(end)


def test_packets_come_back_as_they_were(tmp_path):
    store(ChunkFolder(tmp_path), 10, 17)

    chunk = ChunkFolder(tmp_path).beginning_at(10)

    assert chunk is not None and (chunk.frames, chunk.end, chunk.extradata) == (7, 17, b"extra")
    found = [(bytes(p), p.pts, p.dts, p.is_keyframe) for p in chunk.read()]
    assert found == [(bytes(p), p.pts, p.dts, p.is_keyframe) for p in map(packet, range(10, 17))]


def test_a_folder_knows_which_frames_it_holds_from_before(tmp_path):
    folder = ChunkFolder(tmp_path)
    store(folder, 0, 6)
    store(folder, 20, 30)

    again = ChunkFolder(tmp_path)

    assert (folder.frames, folder.stored_frames, again.stored_frames, frames_in(tmp_path)) == (16, 0, 16, 16)
    assert [n for n in range(40) if again.holds(n)] == [*range(6), *range(20, 30)]
    assert not any(folder.holds(n) for n in range(40))
    assert again.beginning_at(6) is None and again.beginning_at(3) is None
    assert again.fits(b"extra") and not again.fits(b"other") and ChunkFolder.fits(folder, b"other")


def test_what_is_not_complete_is_removed(tmp_path):
    folder = ChunkFolder(tmp_path)
    store(folder, 0, 10)
    unfinished = folder.begin(10, b"extra")
    unfinished.write(packet(10))
    unfinished.close()
    (tmp_path / "000000010.new").write_text("{")

    ChunkFolder(tmp_path)

    assert sorted(file.name for file in tmp_path.iterdir()) == ["000000000.json", "000000000.packets"]


@pytest.mark.parametrize(
    ("first", "end"), [(0, 10), (3, 10), (6, 10), (7, 20), (9, 20), (10, 20), (24, 26), (31, 40)], ids=str
)
def test_a_chunk_ends_at_a_multiple_or_before_the_next_one_and_is_not_too_short(tmp_path, first, end):
    store(ChunkFolder(tmp_path), 26, 30)

    assert ChunkFolder(tmp_path).end_from(first) == end
    assert end - first >= SHORTEST_CHUNK or end == 26


def test_there_is_nothing_in_a_folder_that_does_not_exist(tmp_path):
    assert frames_in(tmp_path / "none") == 0
