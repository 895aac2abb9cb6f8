"""The check of the finished wheel must be able to fail."""

from fractions import Fraction

import av
import pytest
from check_result import problems, sound_packets


@pytest.fixture(scope="module")
def clips(make_clips, tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for name, rate in (("once", 12), ("twice", 24)):
        make_clips.write_clip(folder / f"{name}.mp4", "meadow", 64, 48, Fraction(rate), Fraction(1, 2))
    make_clips.write_clip(folder / "other_sound.mp4", "orbit", 64, 48, Fraction(24), Fraction(1, 2))
    return folder


def test_a_clip_made_at_twice_the_rate_passes(clips):
    assert problems(clips / "once.mp4", clips / "twice.mp4") == []


def test_missing_frames_are_reported(clips):
    [count, times] = problems(clips / "once.mp4", clips / "once.mp4")

    assert "6 frames, expected 12" in count
    assert "frame 1 at 1/12 s instead of 1/24 s" in times


def test_another_sound_is_reported(clips):
    [sound] = problems(clips / "once.mp4", clips / "other_sound.mp4")

    assert "packets of the sound" in sound


def test_one_changed_byte_of_the_sound_is_seen(clips, tmp_path):
    changed = tmp_path / "changed.mp4"
    with av.open(str(clips / "twice.mp4")) as source, av.open(str(changed), "w") as target:
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for n, packet in enumerate(source.demux()):
            if packet.dts is None:
                continue
            stream = streams[packet.stream.index]
            if stream.type == "audio" and n % 2:
                data = bytearray(bytes(packet))
                data[-1] ^= 1
                copy = av.Packet(bytes(data))
                copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, packet.duration
                copy.time_base = packet.time_base
                packet = copy
            packet.stream = stream
            target.mux(packet)

    assert len(sound_packets(changed)) == len(sound_packets(clips / "twice.mp4"))
    assert problems(clips / "once.mp4", changed) != []
