"""What others append to a recording, and space that a recorder has reserved, is no damage."""

import io
import struct
from fractions import Fraction
from pathlib import Path

import av
import pytest
from clips import moving_square, remuxed, write_clip

from vfi_flow.errors import InputError
from vfi_flow.media.damage.ending import promised_end
from vfi_flow.media.frame import Window
from vfi_flow.media.pipe import InputPipe
from vfi_flow.media.reader import VideoReader

FRAMES = 24
GROUPS = {"crf": "20", "preset": "veryfast", "g": "8"}
JUNK = b"JUNK" + struct.pack("<I", 16) + bytes(16)


def read(path: Path) -> int:
    """Frames of a file that is not thought damaged."""
    with VideoReader(path, Window()) as reader:
        reader.check_whole()
    with VideoReader(path, Window()) as reader:
        frames = list(reader.frames())
    assert reader.warnings == []
    return len(frames)


def refused(path: Path, window: Window | None = None) -> bool:
    with VideoReader(path, window or Window()) as reader:
        try:
            reader.check_whole()
        except InputError:
            return True
    return False


def write_bytes(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def fragments(folder: Path) -> bytes:
    source = write_clip(folder / "plain.mp4", moving_square(FRAMES), options=GROUPS)
    flags = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    return remuxed(source, folder / "fragments.mp4", **flags).read_bytes()


TRAILERS = {
    "a camera's records": bytes(range(1, 200)) * 20,
    "a log": b"$GPRMC,092725.00,A,4717.11399,N,00833.91590,E,0.004,77.52,091202,,,A*57\n" * 40,
    "ones": b"\xff" * 4096,
    "zeros": bytes(4096),
    "a few bytes": b"\xff\xfe\xfd",
}


@pytest.mark.parametrize("trailer", TRAILERS)
@pytest.mark.parametrize("kind", ["mp4", "mov", "fragments"])
def test_what_stands_behind_the_last_box_is_no_damage(tmp_path, kind, trailer):
    if kind == "fragments":
        data = fragments(tmp_path)
    else:
        data = write_clip(tmp_path / f"plain.{kind}", moving_square(FRAMES), options=GROUPS).read_bytes()

    assert read(write_bytes(tmp_path / "in.mp4", data + TRAILERS[trailer])) == FRAMES


def test_a_fragment_that_cannot_be_found_is_damage_and_no_trailer(tmp_path):
    data = fragments(tmp_path)
    place = data.rindex(b"moof") - 4

    assert refused(write_bytes(tmp_path / "in.mp4", data[:place] + b"$GPRMC,0927" + data[place:]))


APPENDED = {
    "a chunk of junk": lambda data: data + JUNK,
    "an index": lambda data: data[:4] + struct.pack("<I", data.rindex(b"idx1") - 8) + data[8:],
    "a log": lambda data: data + b"GPS0" + b"abc" * 20,
    "no length": lambda data: data[:4] + b"\xff" * 4 + data[8:],
    "the length of the whole file": lambda data: data[:4] + struct.pack("<I", len(data)) + data[8:],
    "ones": lambda data: data + b"\xff" * 4096,
    "zeros": lambda data: data + bytes(4096),
}


@pytest.mark.parametrize("change", APPENDED)
def test_what_stands_behind_the_chunks_of_avi_is_no_damage(tmp_path, change):
    source = write_clip(tmp_path / "in.avi", moving_square(FRAMES), codec="mpeg4", options={})

    assert read(write_bytes(source, APPENDED[change](source.read_bytes()))) == FRAMES


def test_an_index_of_avi_that_breaks_off_is_damage_wherever_it_stands(tmp_path):
    source = write_clip(tmp_path / "in.avi", moving_square(FRAMES), codec="mpeg4", options={})
    data = APPENDED["an index"](source.read_bytes())

    assert refused(write_bytes(source, data[:-40]))


def test_an_avi_that_lacks_more_or_less_than_its_head_is_truncated(tmp_path):
    source = write_clip(tmp_path / "in.avi", moving_square(FRAMES), codec="mpeg4", options={})
    data = source.read_bytes()

    for missing in (7, 9, 10, 24):
        assert refused(write_bytes(source, data[:-missing])), missing


PADDED = {
    "ones behind": lambda data: data + b"\xff" * 188 * 3,
    "zeros behind": lambda data: data + bytes(1000),
    "many zeros behind": lambda data: data + bytes(1 << 20),
    "zeros in front": lambda data: bytes(1000) + data,
}


@pytest.mark.parametrize("change", PADDED)
@pytest.mark.parametrize("packet", [188, 192])
def test_space_that_a_recorder_has_reserved_in_a_transport_stream_is_no_damage(tmp_path, packet, change):
    plain = write_clip(tmp_path / "plain.mp4", moving_square(FRAMES), options=GROUPS)
    source = remuxed(plain, tmp_path / "in.ts", mpegts_m2ts_mode=str(int(packet == 192)))

    assert read(write_bytes(source, PADDED[change](source.read_bytes()))) == FRAMES


@pytest.mark.parametrize("size", [188, 1 << 20])
def test_zeros_inside_of_a_transport_stream_are_damage(tmp_path, size):
    source = write_clip(tmp_path / "in.ts", moving_square(FRAMES), options=GROUPS)
    data = source.read_bytes()
    middle = len(data) // 376 * 188

    assert refused(write_bytes(source, data[:middle] + bytes(size) + data[middle:]))


def test_zeros_are_told_from_lost_pictures_in_a_pipe(tmp_path):
    data = write_clip(tmp_path / "in.ts", moving_square(FRAMES, 320, 240), options={"crf": "1"}).read_bytes()
    middle = len(data) // 376 * 188

    def frames(data: bytes) -> int:
        with VideoReader(InputPipe(io.BytesIO(data)), Window()) as reader:
            return len(list(reader.frames()))

    assert frames(data + bytes(1 << 20)) == FRAMES
    with pytest.raises(InputError):
        frames(data[:middle] + bytes(1 << 20) + data[middle + 188 * 60 :])


@pytest.mark.parametrize("rest", [b"\r\n--boundary--\r\n", bytes(2048)], ids=["a boundary", "zeros"])
@pytest.mark.parametrize("live", ["0", "1"])
def test_a_few_bytes_behind_a_webm_file_are_no_damage(tmp_path, live, rest):
    plain = write_clip(tmp_path / "plain.webm", moving_square(FRAMES), codec="libvpx", options={})
    source = remuxed(plain, tmp_path / "in.webm", live=live)

    data = source.read_bytes()

    assert read(write_bytes(source, data + rest)) == FRAMES
    assert refused(write_bytes(source, data[:-60]))


@pytest.mark.parametrize("value", [b"\0", b"\xff"], ids=["zeros", "ones"])
def test_a_wmv_whose_rest_was_never_written_is_damaged(tmp_path, value):
    frames = moving_square(FRAMES, 320, 240)
    data = write_clip(tmp_path / "in.wmv", frames, codec="wmv2", options={}, sound="libmp3lame").read_bytes()
    half = len(data) // 2

    assert not refused(write_bytes(tmp_path / "whole.wmv", data + value * 4096))
    assert refused(write_bytes(tmp_path / "cut.wmv", data[:half] + value * (len(data) - half)))


def test_a_cut_wmv_with_sound_is_damaged_for_a_part_of_it_too(tmp_path):
    frames = moving_square(FRAMES, 320, 240)
    data = write_clip(tmp_path / "in.wmv", frames, codec="wmv2", options={}, sound="libmp3lame").read_bytes()
    cut = write_bytes(tmp_path / "cut.wmv", data[: len(data) // 2])

    assert not refused(tmp_path / "in.wmv", Window(end=Fraction(7, 10)))
    assert refused(cut, Window(end=Fraction(7, 10)))
    assert not refused(cut, Window(end=Fraction(1, 10)))


@pytest.mark.parametrize("value", [b"\0", b"\xff"], ids=["zeros", "ones"])
@pytest.mark.parametrize("packet", [188, 192])
def test_a_transport_stream_whose_rest_was_never_written_is_damaged(tmp_path, packet, value):
    plain = write_clip(tmp_path / "plain.mp4", moving_square(FRAMES, 320, 240), options={"crf": "1"})
    data = remuxed(plain, tmp_path / "in.ts", mpegts_m2ts_mode=str(int(packet == 192))).read_bytes()
    half = len(data) // packet // 2 * packet + 100

    assert refused(write_bytes(tmp_path / "cut.ts", data[:half] + value * (len(data) - half)))


@pytest.mark.parametrize("lost", [100, 2000, 188 * 20])
def test_a_transport_stream_whose_first_bytes_are_lost_is_damaged(tmp_path, lost):
    plain = write_clip(tmp_path / "plain.mp4", moving_square(FRAMES, 320, 240), options={"crf": "1"})
    data = remuxed(plain, tmp_path / "in.ts").read_bytes()

    assert refused(write_bytes(tmp_path / "changed.ts", bytes(lost) + data[lost:]))


def test_damage_in_the_last_fragments_is_told_from_a_trailer(tmp_path):
    data = fragments(tmp_path)
    bare, moof = data[: data.rindex(b"mfra") - 4], data.rindex(b"moof") - 4
    changed = {
        "other bytes": data[:moof] + bytes(range(1, 200)) + data[moof + 199 :],
        "zeros from inside of a fragment on": data[: moof - 500] + bytes(len(data) - moof + 500),
        "ones from inside of a fragment on": data[: moof - 500] + b"\xff" * (len(data) - moof + 500),
    }

    for rest in (b"GPS0" * 100, bytes(4096), b"\xff" * 4096):
        assert not refused(write_bytes(tmp_path / "in.mp4", bare + rest))
    assert [what for what, data in changed.items() if not refused(write_bytes(tmp_path / "in.mp4", data))] == []


@pytest.mark.parametrize("flags", ["frag_keyframe+empty_moov", "dash+frag_keyframe"])
def test_the_end_of_fragments_with_b_frames_is_that_of_their_last_picture(tmp_path, flags):
    source = write_clip(tmp_path / "plain.mp4", moving_square(FRAMES), options={**GROUPS, "bf": "3"})
    path = remuxed(source, tmp_path / "in.mp4", movflags=flags + "+default_base_moof", use_editlist="0")

    with av.open(str(path)) as container:
        video = container.streams.video[0]
        end = max(p.pts + p.duration for p in container.demux(video) if p.size) * video.time_base
    with av.open(str(path)) as container:
        assert promised_end(container, container.streams.video[0]) == end
