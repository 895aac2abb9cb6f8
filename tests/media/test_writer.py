"""Frames come out of the file at the times and with the tags they went in with."""

import errno
import struct
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.sidedata.sidedata import Type as SideData
from clips import moving_square, video_times, write_clip

from vfi_flow.errors import OutputError
from vfi_flow.media import writer as writer_module
from vfi_flow.media.encoder import EncoderOptions
from vfi_flow.media.encoder_choice import choose_encoder
from vfi_flow.media.frame import Window
from vfi_flow.media.pipe import OutputPipe
from vfi_flow.media.reader import VideoReader
from vfi_flow.media.writer import VideoWriter, write_error


def copy_frames(source: Path, output: Path, unit: Fraction, stamps: list[int], end: int, **options: str) -> None:
    with VideoReader(source, Window()) as reader:
        info = reader.info()
    encoder = choose_encoder(EncoderOptions(**options), info, output)
    with (
        VideoReader(source, Window()) as reader,
        VideoWriter(output, info, encoder, unit, Fraction(30)) as writer,
    ):
        for frame, stamp in zip(reader.frames(), stamps, strict=True):
            writer.write(frame.picture, stamp)
        writer.finish(end)


def movie_length(path: Path) -> Fraction:
    """What the header of an mp4 or mov file gives as its length; ISO/IEC 14496-12, 8.2.2, version 0."""
    data = path.read_bytes()
    box = data.index(b"mvhd") + 4
    time_scale, duration = struct.unpack(">2I", data[box + 12 : box + 20])
    return Fraction(duration, time_scale)


@pytest.mark.parametrize("ending", [".mp4", ".mov"])
@pytest.mark.parametrize("unit", [Fraction(1001, 60000), Fraction(1, 630000), Fraction(1, 7)], ids=str)
def test_every_time_and_the_length_are_exact(tmp_path, unit, ending):
    stamps = [2, 3, 5, 6, 11, 12, 20, 21]
    output = tmp_path / f"out{ending}"

    copy_frames(write_clip(tmp_path / "in.mp4", moving_square(8)), output, unit, stamps, end=25)

    assert video_times(output) == [stamp * unit for stamp in stamps]
    assert movie_length(output) == 25 * unit
    with av.open(str(output)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 8


@pytest.mark.parametrize(("ending", "codec"), [(".mkv", "libx264"), (".mkv", "ffv1"), (".webm", "libvpx-vp9")])
def test_matroska_times_are_right_to_its_millisecond(tmp_path, ending, codec):
    unit, stamps, output = Fraction(1001, 60000), [0, 1, 2, 3, 4, 6, 7, 8], tmp_path / f"out{ending}"

    copy_frames(write_clip(tmp_path / "in.mp4", moving_square(8)), output, unit, stamps, end=9, codec=codec)

    assert video_times(output) == [Fraction(round(stamp * unit * 1000), 1000) for stamp in stamps]


def test_colour_shape_and_rotation_travel_along(tmp_path):
    source = write_clip(
        tmp_path / "in.mp4",
        moving_square(4),
        matrix=9,
        colour_range=2,
        primaries=9,
        transfer=14,
        rotation=270,
        aspect=Fraction(16, 11),
    )
    output = tmp_path / "out.mp4"

    copy_frames(source, output, Fraction(1, 30), [0, 1, 2, 3], end=4)

    with av.open(str(output)) as container:
        stream = container.streams.video[0]
        picture = next(container.decode(stream))
        assert (picture.colorspace, picture.color_range) == (9, 2)
        assert (picture.color_primaries, picture.color_trc) == (9, 14)
        assert stream.sample_aspect_ratio == Fraction(16, 11)
        assert stream.metadata["language"] == "eng"
        with av.open(str(source)) as before:
            original = next(before.decode(video=0))
            assert bytes(picture.side_data.get(SideData.DISPLAYMATRIX)) == bytes(
                original.side_data.get(SideData.DISPLAYMATRIX)
            )


@pytest.mark.parametrize("unit", [Fraction(1, 30), Fraction(1, 90000)], ids=str)
def test_the_stream_itself_names_the_plain_rate_whatever_the_clock(tmp_path, unit):
    output = tmp_path / "out.mp4"

    copy_frames(
        write_clip(tmp_path / "in.mp4", moving_square(8)),
        output,
        unit,
        [k * int(1 / unit) // 30 for k in range(8)],
        end=int(1 / unit),
    )

    with av.open(str(output)) as container:
        assert container.streams.video[0].codec_context.framerate == 30


def test_the_decoder_does_not_choose_the_key_frames_of_the_result(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(20), options={"g": "1"})
    output = tmp_path / "out.mp4"

    copy_frames(source, output, Fraction(1, 30), list(range(20)), end=20)

    with av.open(str(output)) as container:
        assert sum(packet.is_keyframe for packet in container.demux(video=0) if packet.size) == 1


def test_a_folder_that_went_away_is_named(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(4))

    with pytest.raises(OutputError, match="gone: no such folder"):
        copy_frames(source, tmp_path / "gone" / "out.mp4", Fraction(1, 30), [0, 1, 2, 3], end=4)


def test_a_full_disk_is_named(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(60, 320, 240), options={"crf": "1"})
    full = tmp_path / "out.mkv"
    full.symlink_to("/dev/full")

    with pytest.raises(OutputError, match="no space left on the disk"):
        copy_frames(source, full, Fraction(1, 30), list(range(60)), end=60, crf="1")


@pytest.mark.parametrize(("ending", "tag"), [(".mp4", "hvc1"), (".mov", "hvc1")])
def test_hevc_has_the_tag_that_every_player_opens(tmp_path, ending, tag):
    output = tmp_path / f"out{ending}"
    source = write_clip(tmp_path / "in.mp4", moving_square(4))

    copy_frames(source, output, Fraction(1, 30), [0, 1, 2, 3], end=4, codec="libx265")

    with av.open(str(output)) as container:
        assert container.streams.video[0].codec_context.codec_tag == tag


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
@pytest.mark.parametrize("frames", [1, 2, 3])
def test_the_shortest_videos(tmp_path, codec, ending, frames):
    source = write_clip(tmp_path / "in.mkv", moving_square(frames))
    unit, stamps = Fraction(1, 1000), [40 * n for n in range(frames)]

    copy_frames(source, tmp_path / f"out{ending}", unit, stamps, 40 * frames, codec=codec)

    assert video_times(tmp_path / f"out{ending}") == [Fraction(stamp, 1000) for stamp in stamps]


def test_a_time_of_decoding_that_an_encoder_makes_up_does_not_get_into_the_file(tmp_path, monkeypatch):
    """As x265 does for a video of one frame."""
    finish = writer_module.PlainEncoder.finish

    def made_up(encoder):
        for packet in finish(encoder):
            packet.dts = -(2**62)
            yield packet

    monkeypatch.setattr(writer_module.PlainEncoder, "finish", lambda encoder: list(made_up(encoder)))
    source, output = write_clip(tmp_path / "in.mkv", moving_square(1)), tmp_path / "out.mp4"

    copy_frames(source, output, Fraction(1, 1000), [0], 40)

    with av.open(str(output)) as container:
        [packet] = [packet for packet in container.demux(video=0) if packet.size]
        assert packet.pts == 0 and -1 < packet.dts * packet.time_base <= 0


def test_a_reader_that_has_ended_is_told_from_an_encoder_that_fails(monkeypatch):
    """On Windows, where both are an invalid argument."""
    monkeypatch.setattr(writer_module, "NOBODY_READS", (errno.EPIPE, errno.EINVAL))
    pipe = OutputPipe(len, "nut")

    ended = write_error(pipe, OSError(errno.EINVAL, "Invalid argument"))
    failed = write_error(pipe, av.ArgumentError(errno.EINVAL, "Invalid argument"))

    assert str(ended) == "standard output: the program that reads it has ended"
    assert str(failed) == "standard output: Invalid argument"
