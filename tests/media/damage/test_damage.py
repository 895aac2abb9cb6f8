"""What is wrong with a file is named for each format, and what is missing can be held."""

import io
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from clips import moving_square, video_times, write_clip

from vfi_flow.errors import InputError
from vfi_flow.media.damage.matroska import broken_clusters
from vfi_flow.media.damage.nut import ends_with_index
from vfi_flow.media.frame import Window
from vfi_flow.media.pipe import InputPipe, OutputPipe
from vfi_flow.media.reader import VideoReader

FRAMES = 24
GROUPS = {"crf": "20", "preset": "veryfast", "g": "8"}
WMV = {"codec": "wmv2", "options": {}}


def read(path: Path, ignore_errors: bool = False, window: Window | None = None):
    with VideoReader(path, window or Window(), ignore_errors=ignore_errors) as reader:
        reader.info()
        reader.check_whole()
    with VideoReader(path, window or Window(), ignore_errors=ignore_errors) as reader:
        return list(reader.frames()), reader.warnings


def rewritten(path: Path, change) -> Path:
    data = bytearray(path.read_bytes())
    changed = path.with_stem("changed")
    changed.write_bytes(bytes(change(data) or data))
    return changed


def packets(path: Path) -> list[tuple[int, int]]:
    """(position, size) of the video packets."""
    with av.open(str(path)) as container:
        return [(p.pos, p.size) for p in container.demux(container.streams.video[0]) if p.size]


def test_every_frame_of_h264_with_b_frames_in_avi_comes_in_order(tmp_path):
    source = write_clip(tmp_path / "in.avi", moving_square(FRAMES), options={**GROUPS, "bf": "3"})

    frames, warnings = read(source)

    assert [frame.seconds for frame in frames] == [Fraction(n, 30) for n in range(FRAMES)]
    assert warnings == []


@pytest.mark.parametrize(
    ("name", "options", "keep", "sentence"),
    [
        ("clip.nut", {}, lambda d, p: p[12][0] + p[12][1], "it has no index at its end"),
        ("clip.nut", {"codec": "rawvideo", "options": {}}, lambda d, p: p[12][0] - 3, "it has no index at its end"),
        ("clip.ts", {}, lambda d, p: len(d) // 2 // 188 * 188 + 50, "it breaks off after 50 bytes of a packet"),
        ("clip.avi", {"codec": "mpeg4"}, lambda d, p: len(d) - 100, "100 bytes are missing at its end"),
        ("clip.mkv", {}, lambda d, p: len(d) - 100, "the file is truncated"),
        ("clip.wmv", WMV, lambda d, p: len(d) - 100, "100 bytes are missing at its end"),
        ("clip.wmv", WMV | {"sound": "libmp3lame"}, lambda d, p: len(d) // 2, "the file is truncated"),
    ],
    ids=["nut between frames", "raw nut between frames", "ts", "avi", "mkv", "wmv", "wmv with sound"],
)
def test_a_file_that_was_cut_off_is_named_before_the_work(tmp_path, name, options, keep, sentence):
    source = write_clip(tmp_path / name, moving_square(FRAMES), **({"options": GROUPS} | options))
    length = keep(source.read_bytes(), packets(source))

    with pytest.raises(InputError, match=sentence) as caught:
        read(rewritten(source, lambda data: data[:length]))

    assert "--ignore-errors" in str(caught.value)


def test_a_wmv_whose_sound_lasts_longer_is_whole(tmp_path):
    """All its streams are as long as the file, says FFmpeg."""
    source = write_clip(tmp_path / "in.wmv", moving_square(FRAMES), **WMV, sound="libmp3lame", seconds_of_sound=2)

    frames, warnings = read(source)

    assert len(frames) == FRAMES and warnings == []


@pytest.mark.parametrize("name", ["clip.mkv", "clip.nut", "clip.ts", "clip.avi"])
@pytest.mark.parametrize("change", ["drop", "repeat"])
def test_bytes_that_vanish_or_come_twice_are_noticed_wherever_they_are(tmp_path, name, change):
    codec = "mpeg4" if name == "clip.avi" else "libx264"
    source = write_clip(tmp_path / name, moving_square(FRAMES), codec=codec, options=GROUPS if codec != "mpeg4" else {})
    size = source.stat().st_size

    for place in range(600, size - 300, size // 9):
        part = (place, place + 90)
        bad = rewritten(
            source, lambda d, p=part: d[: p[0]] + (d[p[0] : p[1]] * 2 if change == "repeat" else b"") + d[p[1] :]
        )
        with pytest.raises(InputError):
            read(bad)


def test_one_wrong_byte_is_seen_by_the_checksum_of_its_cluster(tmp_path):
    source = write_clip(tmp_path / "in.mkv", moving_square(FRAMES), codec="ffv1", options={})
    position, size = packets(source)[10]

    def flip(data):
        data[position + size // 2] ^= 1

    assert list(broken_clusters(source)) == []
    [(what, seconds)] = broken_clusters(rewritten(source, flip))
    assert "damaged between bytes" in what and seconds == 0


def test_damage_after_the_window_does_not_matter(tmp_path):
    source = write_clip(tmp_path / "in.mkv", moving_square(240, 160), options={"crf": "1", "g": "10"})
    position, size = packets(source)[-5]

    def flip(data):
        data[position + size // 2] ^= 1

    bad = rewritten(source, flip)
    frames, _ = read(bad, window=Window(Fraction(0), Fraction(1)))
    assert len(frames) == 30
    with pytest.raises(InputError, match="damaged"):
        read(bad)


def test_a_picture_that_cannot_be_decoded_is_named_or_held(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(FRAMES), codec="png", pix_fmt="rgb24", options={})
    position, size = packets(source)[10]

    def zero(data):
        data[position : position + size] = bytes(size)

    bad = rewritten(source, zero)
    with pytest.raises(InputError, match="pass --ignore-errors to show the frame before"):
        read(bad)
    frames, warnings = read(bad, ignore_errors=True)

    assert [frame.seconds for frame in frames] == video_times(source)
    shown = [frame.picture.to_ndarray(format="rgb24") for frame in frames]
    np.testing.assert_array_equal(shown[10], moving_square(FRAMES)[9])
    np.testing.assert_array_equal(shown[11], moving_square(FRAMES)[11])
    assert any("1 frames are damaged or missing; the one before is held" in warning for warning in warnings)


def test_a_missing_end_is_held_up_to_the_length_in_the_header(tmp_path):
    whole = write_clip(tmp_path / "in.mkv", moving_square(60), options={**GROUPS, "crf": "1"})
    bad = rewritten(whole, lambda data: data[: len(data) * 2 // 3])

    frames, warnings = read(bad, ignore_errors=True)

    assert [frame.seconds for frame in frames] == [Fraction(n, 30) for n in range(60)]
    held = sum(frame.picture is before.picture for before, frame in pairwise(frames))
    assert held > 5 and any(f"{held} frames are damaged or missing" in warning for warning in warnings)


def test_a_recording_that_begins_anywhere_is_not_damaged(tmp_path):
    source = write_clip(tmp_path / "in.ts", moving_square(60), options={**GROUPS, "g": "12"})
    start = source.stat().st_size // 188 // 3 * 188

    frames, _ = read(rewritten(source, lambda data: data[start:]))

    assert 20 < len(frames) < 45


@pytest.mark.parametrize("name", ["clip.mkv", "clip.nut"])
def test_a_stream_that_breaks_off_in_a_pipe_is_noticed(tmp_path, name):
    """Matroska as it is written where the writer cannot go back: no length anywhere."""
    written = bytearray()
    pipe = OutputPipe(lambda data: written.extend(data) or len(data), "matroska" if name == "clip.mkv" else "nut")
    source = write_clip(tmp_path / "in.mkv", moving_square(60), options={"crf": "1", "g": "8", "bf": "0"})
    with av.open(str(source)) as before, av.open(pipe, "w", format=pipe.format_name) as after:
        stream = after.add_stream_from_template(before.streams.video[0])
        for packet in before.demux(video=0):
            if packet.size:
                packet.stream = stream
                after.mux(packet)
    pipe.send()

    def frames(data: bytes) -> int:
        with VideoReader(InputPipe(io.BytesIO(data)), Window()) as reader:
            return len(list(reader.frames()))

    assert frames(bytes(written)) == 60
    for length in range(len(written) // 3, len(written) - 20, len(written) // 7):
        with pytest.raises(InputError, match=r"breaks off|a frame is (missing|damaged)|decoding stopped"):
            frames(bytes(written[:length]))


@pytest.mark.skipif(sys.platform == "win32", reason="there no open file can be removed")
@pytest.mark.parametrize("name", ["clip.y4m", "clip.nut", "clip.mkv"])
def test_a_file_that_is_removed_while_it_is_read_is_read_to_its_end(tmp_path, name):
    codec = {"codec": "wrapped_avframe", "options": {}} if name == "clip.y4m" else {}
    source = write_clip(tmp_path / name, moving_square(60), **codec)

    with VideoReader(source, Window()) as reader:
        frames = reader.frames()
        next(frames)
        source.unlink()

        assert len(list(frames)) == 59


def test_an_index_is_told_from_other_bytes(tmp_path):
    data = write_clip(tmp_path / "in.nut", moving_square(3), codec="rawvideo", options={}).read_bytes()

    assert ends_with_index(data, len(data)) and ends_with_index(data[-64:], len(data))
    assert not any(ends_with_index(data[:length], length) for length in range(1, len(data), 97))
