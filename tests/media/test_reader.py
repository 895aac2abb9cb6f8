"""Files are read on an exact clock, and what cannot be read is named."""

import errno
import math
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from clips import encode_tone, moving_square, remuxed, sound_only, video_times, write_clip

from vfi_flow.errors import InputError, OutOfMemoryError, UsageError
from vfi_flow.media import decoding
from vfi_flow.media import reader as reader_module
from vfi_flow.media.deinterlace import Deinterlace
from vfi_flow.media.frame import Window
from vfi_flow.media.reader import VideoReader


def times(path: Path, window: Window = Window()) -> list[Fraction]:  # noqa: B008  (frozen)
    with VideoReader(path, window) as reader:
        return [frame.seconds for frame in reader.frames()]


def decode_all(path: Path) -> None:
    with VideoReader(path, Window()) as reader:
        for _ in reader.frames():
            pass


def test_a_variable_rate_keeps_its_clock(tmp_path):
    ticks = [0, 3, 4, 9, 20, 21]
    clip = write_clip(tmp_path / "vfr.mp4", moving_square(6), pts=ticks, time_base=Fraction(1, 90))

    assert times(clip) == [Fraction(tick, 90) for tick in ticks]


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".mov"])
@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(30), Fraction(60000, 1001)], ids=str)
def test_a_constant_rate_is_read_exactly_from_every_container(tmp_path, rate, ending):
    clip = write_clip(tmp_path / f"clip{ending}", moving_square(20), rate=rate)

    assert times(clip) == [k / rate for k in range(20)]


@pytest.mark.parametrize("bframes", ["0", "3"])
@pytest.mark.parametrize("rate", [Fraction(240000, 1001), Fraction(30000, 1001)], ids=str)
def test_a_constant_rate_is_read_exactly_from_the_coarse_clock_of_a_phone(tmp_path, rate, bframes):
    clip = write_clip(tmp_path / "in.mov", moving_square(40), rate=rate, options={"crf": "20", "bf": bframes})
    phone = remuxed(clip, tmp_path / "phone.mov", movflags="faststart", video_track_timescale="600")

    assert any(time != number / rate for number, time in enumerate(video_times(phone)))
    assert times(phone) == [number / rate for number in range(40)]


@pytest.mark.parametrize("late", [2, 3, 40])
def test_a_variable_rate_keeps_its_coarse_clock(tmp_path, late):
    ticks = [round(n * Fraction(600 * 1001, 240000)) + (late if n >= 20 else 0) for n in range(40)]
    options = {"crf": "20", "bf": "0"}
    clip = write_clip(tmp_path / "in.mov", moving_square(40), pts=ticks, time_base=Fraction(1, 600), options=options)
    phone = remuxed(clip, tmp_path / "phone.mov", movflags="faststart", video_track_timescale="600")

    assert times(phone) == [Fraction(tick, 600) for tick in ticks]


@pytest.mark.parametrize("ticks", [[0, 16, 17, 33, 50, 67], [0, 17, 33, 34, 50, 67]], ids=str)
def test_frames_a_millisecond_apart_are_both_there_in_a_format_that_counts_milliseconds(tmp_path, ticks):
    clip = write_clip(
        tmp_path / "clip.mkv", moving_square(6), rate=Fraction(60), pts=ticks, time_base=Fraction(1, 1000)
    )

    with VideoReader(clip, Window()) as reader:
        unit = reader.info().unit
    with VideoReader(clip, Window()) as reader:
        found = [frame.seconds for frame in reader.frames()]

    assert found == sorted(set(found))
    assert all(abs(1000 * time - tick) < 1 for time, tick in zip(found, ticks, strict=True))
    assert all((time / unit).denominator == 1 for time in found)
    assert not reader.warnings


def test_a_video_that_starts_after_its_sound_does_so_here(tmp_path):
    clip = write_clip(tmp_path / "late.mp4", moving_square(8), pts=range(6, 14), time_base=Fraction(1, 30), sound="aac")

    assert times(clip) == [Fraction(k, 30) for k in range(6, 14)]


def test_a_file_that_counts_from_midnight_starts_at_zero(tmp_path):
    clip = write_clip(tmp_path / "late.mp4", moving_square(4), pts=range(9000, 9004), time_base=Fraction(1, 30))

    assert times(clip) == [Fraction(k, 30) for k in range(4)]


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_a_video_that_starts_before_zero_is_moved_there_and_one_whose_sound_does_stays(tmp_path, kind):
    """Sound before 0 is what its decoder needs first."""
    clip = write_clip(tmp_path / "in.mov", moving_square(8), sound="aac", options={"bf": "0", "crf": "20"})
    options = {"avoid_negative_ts": "disabled"}
    with av.open(str(clip)) as before, av.open(str(tmp_path / "in.ts"), "w", container_options=options) as after:
        streams = {stream.index: after.add_stream_from_template(stream) for stream in before.streams}
        for packet in before.demux():
            if packet.size:
                early = int(Fraction(1, 5) / packet.time_base) if packet.stream.type == kind else 0
                packet.pts, packet.dts = packet.pts - early, packet.dts - early
                packet.stream = streams[packet.stream.index]
                after.mux(packet)

    assert times(tmp_path / "in.ts") == [Fraction(k, 30) for k in range(8)]


def moved(source: Path, target: Path, seconds: Fraction) -> Path:
    """A recording that begins `seconds` later on its clock, which ends after 2^33 / 90000 s and begins again."""
    options = {"mpegts_copyts": "1", "muxdelay": "0"}
    with av.open(str(source)) as before, av.open(str(target), "w", container_options=options) as after:
        streams = {stream.index: after.add_stream_from_template(stream) for stream in before.streams}
        for packet in before.demux():
            if packet.size:
                shift = int(seconds / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = streams[packet.stream.index]
                after.mux(packet)
    return target


@pytest.mark.parametrize("early", [Fraction(1, 2), Fraction(5)], ids=["inside", "just before"])
def test_a_recording_whose_clock_begins_again_starts_at_zero(tmp_path, early):
    clip = write_clip(tmp_path / "clip.mp4", moving_square(30), sound="aac", options={"crf": "20", "g": "10"})
    recording = moved(clip, tmp_path / "clip.ts", Fraction(2**33, 90000) - early)

    found = times(recording)

    assert 0 <= found[0] < Fraction(1, 20)  # its sound begins earlier
    assert [time - found[0] for time in found] == [Fraction(k, 30) for k in range(30)]
    assert len(times(recording, Window(Fraction(1, 2)))) == sum(time >= Fraction(1, 2) for time in found)


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
@pytest.mark.parametrize(("start", "end", "first", "count"), [("0.5", "0.9", 15, 12), ("0.51", None, 16, 44)])
def test_a_window_is_exact_to_the_frame_wherever_the_key_frames_are(tmp_path, ending, start, end, first, count):
    options = {"crf": "20", "preset": "veryfast", "g": "12"}
    clip = write_clip(tmp_path / f"clip{ending}", moving_square(60, width=160), options=options)
    with VideoReader(clip, Window()) as reader:
        everything = [(f.pts, f.picture.to_ndarray(format="yuv420p")) for f in reader.frames()]

    with VideoReader(clip, Window(Fraction(start), Fraction(end) if end else None)) as reader:
        part = [(f.pts, f.picture.to_ndarray(format="yuv420p"), f.index, f.seconds) for f in reader.frames()]

    assert len(part) == count
    for n, (pts, picture, index, seconds) in enumerate(part):
        assert (pts, index) == (everything[first + n][0], n)
        assert seconds == Fraction(first + n, 30) - Fraction(start)
        np.testing.assert_array_equal(picture, everything[first + n][1])


@pytest.mark.parametrize("start", ["0.42", "0.8"])
@pytest.mark.parametrize("ending", [".h264", ".hevc", ".m2v", ".ivf"])
def test_a_bare_stream_in_which_nobody_can_seek_has_a_window_too(tmp_path, ending, start):
    codec, options = {
        ".h264": ("libx264", {"preset": "ultrafast"}),
        ".hevc": ("libx265", {"preset": "ultrafast", "x265-params": "log-level=none"}),
        ".m2v": ("mpeg2video", {"qscale": "2"}),
        ".ivf": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}),
    }[ending]
    clip = write_clip(
        tmp_path / f"s{ending}", moving_square(30), rate=Fraction(25), codec=codec, options={**options, "g": "12"}
    )
    with VideoReader(clip, Window()) as reader:
        everything = [frame.picture.to_ndarray(format="yuv420p") for frame in reader.frames()]

    with VideoReader(clip, Window(Fraction(start), Fraction("1.08"))) as reader:
        info = reader.info()
    with VideoReader(clip, Window(Fraction(start), Fraction("1.08"))) as reader:
        part = [(f.seconds, f.picture.to_ndarray(format="yuv420p")) for f in reader.frames()]

    first = math.ceil(Fraction(start) * 25)
    assert [seconds for seconds, _ in part] == [Fraction(n, 25) - Fraction(start) for n in range(first, 27)]
    assert info.first_seconds == part[0][0]
    for n, (_, picture) in enumerate(part):
        np.testing.assert_array_equal(picture, everything[first + n])


def test_one_look_tells_what_the_result_must_keep(tmp_path):
    clip = write_clip(
        tmp_path / "clip.mp4",
        moving_square(10),
        rate=Fraction(25),
        matrix=1,
        primaries=1,
        transfer=1,
        rotation=90,
        aspect=Fraction(4, 3),
    )

    with VideoReader(clip, Window()) as reader:
        info = reader.info()

    assert (info.width, info.height, info.pix_fmt, info.codec) == (64, 48, "yuv420p", "h264")
    assert (info.rate, info.frames, info.duration) == (25, 10, Fraction(2, 5))
    assert (info.colour.matrix, info.colour.range, info.colour.primaries, info.colour.transfer) == (1, 1, 1, 1)
    assert info.sample_aspect_ratio == Fraction(4, 3)
    assert info.display_matrix is not None and info.display_matrix[:5] == (0, -65536, 0, 65536, 0)


def test_frames_are_decoded_as_they_are_asked_for(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", moving_square(300))
    with VideoReader(clip, Window(), threads=1) as reader:
        next(reader.frames())

        rest = sum(1 for packet in reader.container.demux(reader.stream) if packet.size)

    assert rest > 200


def test_a_window_after_the_end_holds_no_frame(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", moving_square(4))

    with pytest.raises(InputError, match=r"no frame in the part from 9 s to its end"):
        times(clip, Window(Fraction(9)))


def test_a_window_must_end_after_its_start():
    with pytest.raises(UsageError, match="starts at 2 s and ends at 1 s: nothing is in it"):
        Window(Fraction(2), Fraction(1))


ALL_KEY_FRAMES = {"crf": "20", "g": "1"}


def write_bytes(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def truncated(path: Path, part: float) -> Path:
    """A clip that says how long it is in its first bytes, cut off after `part` of them."""
    whole = write_clip(path.with_stem("whole"), moving_square(60), options=ALL_KEY_FRAMES)
    if path.suffix == ".mp4":
        whole = remuxed(whole, path, movflags="+faststart")
    return write_bytes(path, whole.read_bytes()[: int(whole.stat().st_size * part)])


def zeroed(path: Path) -> Path:
    data = bytearray(write_clip(path, moving_square(60), options=ALL_KEY_FRAMES).read_bytes())
    third = len(data) // 3
    data[third : 2 * third] = bytes(third)
    return write_bytes(path, bytes(data))


BAD_INPUTS = {
    "missing": (lambda d: d / "missing.mp4", "no such file"),
    "folder": (lambda d: d, "is a directory, expected a video file"),
    "empty": (lambda d: write_bytes(d / "empty.mp4", b""), "the file is empty"),
    "text": (lambda d: write_bytes(d / "notes.mp4", b"not a video\n" * 50), "not a video file that FFmpeg can read"),
    "text named so": (lambda d: write_bytes(d / "notes.txt", b"not a video\n" * 50), "not a video file but text"),
    "sound only": (lambda d: sound_only(d / "song.m4a"), "no video stream (found: audio)"),
    "truncated mp4": (lambda d: truncated(d / "cut.mp4", 0.6), "a frame is missing"),
    "zeros inside": (lambda d: zeroed(d / "zeros.mp4"), "a frame is damaged"),
    "truncated mkv": (lambda d: truncated(d / "cut.mkv", 0.6), "the file is truncated"),
    "mp4 without index": (
        lambda d: write_bytes(d / "noindex.mp4", write_clip(d / "whole.mp4", moving_square(9)).read_bytes()[:2000]),
        "not a video file that FFmpeg can read",
    ),
}


def test_a_cover_picture_is_not_taken_for_the_video(tmp_path):
    with av.open(str(tmp_path / "song.m4a"), "w", format="mp4") as container:
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(moving_square(1)[0], "rgb24")
        sound = container.add_stream("aac", rate=48000)
        sound.codec_context.layout = "stereo"
        container.mux([*cover.encode(picture), *cover.encode(None)])
        for packet in encode_tone(sound, 0.3):
            container.mux(packet)

    with pytest.raises(InputError, match=r"no video stream \(found: audio, cover picture\)"):
        decode_all(tmp_path / "song.m4a")


def parts_of_two_sizes(folder: Path) -> Path:
    """9 frames of one size, 9 of another."""
    parts = [write_clip(folder / f"{n}.h264", moving_square(9, width)) for n, width in enumerate((64, 96))]
    return write_bytes(folder / "both.h264", b"".join(part.read_bytes() for part in parts))


def test_a_size_that_changes_on_the_way_is_named(tmp_path):
    with pytest.raises(InputError, match=r"at 0\.300 s the frame size changes from 64x48 to 96x48.*use -t or -ss"):
        decode_all(parts_of_two_sizes(tmp_path))


def test_a_size_that_changes_inside_of_a_window_is_named(tmp_path):
    with pytest.raises(InputError, match=r"at 0\.200 s the frame size changes from 64x48 to 96x48"):
        times(parts_of_two_sizes(tmp_path), Window(Fraction(1, 10)))


@pytest.mark.parametrize("deinterlace", [Deinterlace.OFF, Deinterlace.ON])
@pytest.mark.parametrize(
    ("first", "end", "width"), [(0, 9, 64), (3, 9, 64), (9, None, 96), (11, None, 96), (Fraction(25, 2), None, 96)]
)
def test_each_part_of_a_video_whose_size_changes_can_be_read(tmp_path, first, end, width, deinterlace):
    window = Window(first / Fraction(30), None if end is None else end / Fraction(30))

    with VideoReader(parts_of_two_sizes(tmp_path), window, deinterlace=deinterlace) as reader:
        frames = list(reader.frames())

    assert len(frames) == (end or 18) - math.ceil(first)
    assert {frame.picture.width for frame in frames} == {width}


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_a_missing_end_is_noticed_without_decoding_up_to_it(tmp_path, ending):
    path = truncated(tmp_path / f"cut{ending}", 0.8)

    with VideoReader(path, Window()) as reader, pytest.raises(InputError, match="the file is truncated"):
        reader.check_whole()
    with VideoReader(path, Window(Fraction(0), Fraction(1))) as reader:
        reader.check_whole()


@pytest.mark.parametrize("part", [0.5, 0.9, 0.999])
def test_a_file_in_fragments_without_a_length_is_noticed_too(tmp_path, part):
    whole = write_clip(tmp_path / "whole.mp4", moving_square(60), options=ALL_KEY_FRAMES)
    path = remuxed(whole, tmp_path / "fragments.mp4", movflags="frag_keyframe+empty_moov+default_base_moof")
    with VideoReader(path, Window()) as reader:
        reader.check_whole()
    write_bytes(path, path.read_bytes()[: int(path.stat().st_size * part)])

    with VideoReader(path, Window()) as reader, pytest.raises(InputError, match="bytes are missing at its end"):
        reader.check_whole()


def later_fragments(path: Path, first: int) -> bytes:
    """What begins a file in fragments, each with an index of its own, and those from the one number `first` on."""
    data = path.read_bytes()
    places = [n - 4 for n in range(len(data)) if data[n : n + 4] in (b"sidx", b"mfra")]
    return data[: places[0]] + data[places[first] : places[-1]]


def test_fragments_that_begin_late_are_not_thought_cut_off(tmp_path):
    whole = write_clip(tmp_path / "whole.mp4", moving_square(60), options={"crf": "20", "g": "10"})
    parts = later_fragments(remuxed(whole, tmp_path / "fragments.mp4", movflags="dash+frag_keyframe"), first=3)
    path = write_bytes(tmp_path / "late.mp4", parts)

    with VideoReader(path, Window()) as reader:
        assert reader.info().frames in (30, 31)
        reader.check_whole()
    with VideoReader(path, Window(), ignore_errors=True) as reader:
        assert len(list(reader.frames())) == 30
        assert reader.warnings == []
    write_bytes(path, parts[:-9])
    with VideoReader(path, Window()) as reader, pytest.raises(InputError, match="the file is truncated"):
        reader.check_whole()


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".mov", ".ts"])
def test_a_whole_file_is_not_thought_cut_off(tmp_path, ending):
    path = write_clip(tmp_path / f"clip{ending}", moving_square(70), sound="aac", seconds_of_sound=4.0)

    with VideoReader(path, Window()) as reader:
        reader.check_whole()


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(
    ("ending", "codec"), [(".flv", "libx264"), (".wmv", "wmv2"), (".mp4", "libx264"), (".mkv", "libx264")]
)
def test_a_file_of_one_or_two_frames_is_not_thought_cut_off(tmp_path, ending, codec, count):
    options = {"bf": "0"} if codec == "libx264" else {}
    path = write_clip(tmp_path / f"clip{ending}", moving_square(count), rate=Fraction(25), codec=codec, options=options)

    with VideoReader(path, Window()) as reader:
        assert reader.info().rate == 25
        reader.check_whole()
    assert times(path) == [Fraction(number, 25) for number in range(count)]


def test_a_picture_with_a_video_behind_it_is_a_picture(tmp_path):
    video = write_clip(tmp_path / "in.mp4", moving_square(9))
    context = av.CodecContext.create("mjpeg", "w")
    context.width, context.height, context.pix_fmt, context.time_base = 64, 48, "yuvj420p", Fraction(1, 25)
    picture = av.VideoFrame.from_ndarray(moving_square(1)[0], "rgb24").reformat(format="yuvj420p")
    photo = b"".join(bytes(packet) for packet in [*context.encode(picture), *context.encode(None)])
    path = write_bytes(tmp_path / "photo.jpg", photo + video.read_bytes())

    with VideoReader(path, Window()) as reader:
        reader.check_whole()
    assert times(path) == [0]


@pytest.mark.parametrize("kind", BAD_INPUTS)
def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path, kind):
    make, reason = BAD_INPUTS[kind]
    path = make(tmp_path)

    with pytest.raises(InputError) as caught:
        decode_all(path)

    assert str(path) in str(caught.value) and reason in str(caught.value)
    assert "\n" not in str(caught.value)


def quarter_turns(degrees: int) -> tuple[int, ...] | None:
    """The matrix of a rotation counter-clockwise by a multiple of 90 degrees; None for none."""
    if degrees % 360 == 0:
        return None
    cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees % 360]
    one = 1 << 16
    return (one * cosine, -one * sine, 0, one * sine, one * cosine, 0, 0, 0, 1 << 30)


@pytest.mark.parametrize("ignore_errors", [False, True])
def test_a_decoder_that_gets_no_threads_is_not_taken_for_a_damaged_file(tmp_path, monkeypatch, ignore_errors):
    class Refused:
        def decode(self, packet):
            raise av.BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    class Decoder(decoding.Decoder):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self._codec = Refused()

    monkeypatch.setattr(reader_module, "Decoder", Decoder)
    clip = write_clip(tmp_path / "in.mp4", moving_square(4))

    with VideoReader(clip, Window(), ignore_errors=ignore_errors) as reader, pytest.raises(OutOfMemoryError):
        reader.info()


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_quarter_turn_has_the_matrix_that_ffmpeg_writes(tmp_path, degrees):
    source = write_clip(tmp_path / "in.mp4", moving_square(2), rotation=degrees)

    with VideoReader(source, Window()) as reader:
        assert reader.info().display_matrix == quarter_turns(degrees) == quarter_turns(degrees - 360)
    assert quarter_turns(0) is None


@pytest.mark.parametrize("rate", [Fraction(60), Fraction(60000, 1001), Fraction(24)], ids=str)
@pytest.mark.parametrize("ending", [".h264", ".hevc", ".m2v"])
def test_a_bare_stream_has_the_rate_that_it_names_itself(tmp_path, ending, rate):
    codec = {".h264": "libx264", ".hevc": "libx265", ".m2v": "mpeg2video"}[ending]
    options = {"preset": "ultrafast", "x265-params": "log-level=none"} if ending != ".m2v" else {"qscale": "2"}
    path = write_clip(tmp_path / f"s{ending}", moving_square(12), rate=rate, codec=codec, options=options)

    with VideoReader(path, Window()) as reader:
        assert reader.info().rate == rate
    with VideoReader(path, Window()) as reader:
        times = [frame.seconds for frame in reader.frames()]
    assert all(abs(time - number / rate) < Fraction(1, 10000) for number, time in enumerate(times))


def test_a_folder_is_said_to_be_one_also_where_opening_it_is_denied(tmp_path, monkeypatch):
    """As Windows does."""

    def denied(*words, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(av, "open", denied)

    with pytest.raises(InputError, match="is a directory, expected a video file"):
        VideoReader(tmp_path, Window())
