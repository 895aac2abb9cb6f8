"""Covers, styled subtitles, time codes, fonts: in the result, converted, or left out with one line."""

import io
import struct
from contextlib import nullcontext
from dataclasses import replace
from fractions import Fraction
from itertools import count, pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import av
import numpy as np
import pytest
from av.stream import Disposition
from blending import Blend
from clips import SAMPLE_RATE, encode_tone, moving_square, sound_only, stream_packets, with_cover, write_clip

from vfi_flow.errors import ComponentError, VerificationError
from vfi_flow.media import window_packets
from vfi_flow.media.container import form_of
from vfi_flow.media.damage.quicktime import Box, boxes
from vfi_flow.media.encoder import EncoderOptions
from vfi_flow.media.frame import Window
from vfi_flow.media.lanes import CopyLane
from vfi_flow.media.opening import open_input
from vfi_flow.media.sound_encoder import add_sound
from vfi_flow.media.streams import Fate
from vfi_flow.media.tags import QUICKTIME_LANGUAGES
from vfi_flow.media.verify import Found
from vfi_flow.media.window_packets import WindowPackets
from vfi_flow.pipeline import result
from vfi_flow.pipeline.plan import Job, make_plan
from vfi_flow.pipeline.run import run

FRAMES = 30
HEADER = (
    "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour\n"
    "Style: Default,Arial,20,&H00FFFFFF\n\n[Events]\nFormat: Layer, Start, End, Style, Text\n"
)


def doubled(source: Path, output: Path, **job):
    return run(make_plan(Job(source, output, bridge_repeats=False, **job)), Blend())


def fates(report) -> dict[str, tuple[str, str]]:
    return {choice.kind: (choice.fate, choice.codec) for choice in report.plan.streams}


def with_styled_text(path: Path) -> Path:
    """A Matroska file with ASS subtitles: slanted, in two lines, in French."""
    plain = write_clip(path.with_name("plain.mkv"), moving_square(FRAMES), options={"bf": "0"})
    with av.open(str(plain)) as before, av.open(str(path), "w") as after:
        video = after.add_stream_from_template(before.streams.video[0])
        text = after.add_stream("ass")
        text.time_base = text.codec_context.time_base = Fraction(1, 1000)
        text.codec_context.subtitle_header = HEADER.encode()
        text.metadata["language"] = "fra"
        for n, words in enumerate((r"{\i1}Bonjour{\i0}", r"deux\Nlignes")):
            packet = av.Packet(f"{n},0,Default,,0,0,0,,{words}".encode())
            packet.stream, packet.time_base = text, Fraction(1, 1000)
            packet.pts = packet.dts = 100 + 400 * n
            packet.duration = 300
            after.mux(packet)
        for packet in before.demux(before.streams.video[0]):
            if packet.size:
                packet.stream = video
                after.mux(packet)
    return path


def covers(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        marked = [s for s in container.streams.video if s.disposition & Disposition.attached_pic]
        return [bytes(packet) for packet in container.demux(marked) if packet.size] if marked else []


def texts(path: Path) -> list[tuple[Fraction, Fraction, str]]:
    """(start, length, words) of all subtitles, decoded."""
    found = []
    with av.open(str(path)) as container:
        stream = container.streams.subtitles[0]
        for packet in container.demux(stream):
            subtitle = stream.codec_context.decode2(packet) if packet.size else None
            for rect in subtitle or ():
                found.append(
                    (packet.pts * packet.time_base, packet.duration * packet.time_base, rect.dialogue.decode())
                )
    return found


@pytest.mark.parametrize("before", [".mp4", ".mkv"])
@pytest.mark.parametrize("after", [".mp4", ".mkv"])
def test_a_cover_is_kept_bit_by_bit(tmp_path, before, after):
    source = with_cover(tmp_path / f"in{before}")

    report = doubled(source, tmp_path / f"out{after}")

    assert len(covers(source)) == 1 and covers(tmp_path / f"out{after}") == covers(source)
    assert fates(report)["cover picture"] == (Fate.COPIED, "mjpeg")
    assert stream_packets(tmp_path / f"out{after}", "audio") == stream_packets(source, "audio")


def test_a_cover_of_a_later_part_is_kept_too(tmp_path):
    source = with_cover(tmp_path / "in.mp4")

    doubled(source, tmp_path / "out.mp4", window=Window(Fraction(1, 2)))

    assert covers(tmp_path / "out.mp4") == covers(source)


def test_a_cover_that_has_no_place_costs_one_line(tmp_path):
    report = doubled(with_cover(tmp_path / "in.mp4"), tmp_path / "out.mov")

    [dropped] = [choice for choice in report.plan.streams if choice.fate is Fate.DROPPED]
    assert (dropped.kind, dropped.reason) == ("cover picture", "mov holds no such picture")


@pytest.mark.parametrize(("after", "fate"), [(".mp4", Fate.DROPPED), (".mkv", Fate.COPIED)])
def test_a_cover_that_cannot_be_read_does_not_end_the_job(tmp_path, after, fate):
    plain = write_clip(tmp_path / "plain.mp4", moving_square(FRAMES), options={"bf": "0"})
    with av.open(str(plain)) as before, av.open(str(tmp_path / "in.mkv"), "w") as target:
        video = target.add_stream_from_template(before.streams.video[0])
        target.add_attachment("cover.jpg", "image/jpeg", b"no picture at all" * 9)
        for packet in before.demux():
            if packet.size:
                packet.stream = video
                target.mux(packet)

    report = doubled(tmp_path / "in.mkv", tmp_path / f"out{after}")

    [choice] = report.plan.streams
    assert (choice.kind, choice.fate) == ("cover picture", fate)
    assert covers(tmp_path / f"out{after}") == ([b"no picture at all" * 9] if fate is Fate.COPIED else [])


def with_edits(path: Path, edits: list[tuple[Fraction, Fraction]]) -> Path:
    """The mp4 file at `path`, of which only these parts are shown: (start, length) in seconds."""
    data = bytearray(path.read_bytes())
    file = io.BytesIO(bytes(data))

    def inside(box: Box) -> dict[bytes, Box]:
        return {part.name: part for part in boxes(file, box.begin, box.end)}

    moov = inside(Box(b"", 0, len(data)))[b"moov"]
    for trak in [box for box in boxes(file, moov.begin, moov.end) if box.name == b"trak"][::-1]:
        parts = inside(trak)
        clock, table = inside(parts[b"mdia"])[b"mdhd"].begin + 12, inside(parts[b"edts"])[b"elst"]
        scale, first = (int.from_bytes(data[place : place + 4], "big") for place in (clock, table.begin + 12))
        entries = [
            struct.pack(">IiI", int(length * 1000), first + int(start * scale), 1 << 16) for start, length in edits
        ]
        content = struct.pack(">II", 0, len(edits)) + b"".join(entries)
        for box in (table, parts[b"edts"], trak, moov):
            size = int.from_bytes(data[box.begin - 8 : box.begin - 4], "big") + len(content) - (table.end - table.begin)
            data[box.begin - 8 : box.begin - 4] = size.to_bytes(4, "big")
        data[table.begin : table.end] = content
    path.write_bytes(data)
    return path


EDITS = [(Fraction(0), Fraction(2, 5)), (Fraction(6, 5), Fraction(2, 5))]


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".ts", ".avi", ".webm"])
def test_sound_goes_on_behind_a_part_that_was_cut_out(tmp_path, ending):
    clip = write_clip(tmp_path / "in.mp4", moving_square(60), rate=Fraction(25), sound="aac", options={"g": "5"})

    report = doubled(with_edits(clip, EDITS), tmp_path / f"out{ending}")

    assert not any("left out" in warning for warning in report.warnings)
    with av.open(str(tmp_path / f"out{ending}")) as container:
        heard = sum(frame.samples for frame in container.decode(audio=0))
    assert abs(heard / 48000 - 0.8) < 0.07


def test_sound_that_begins_in_the_middle_of_a_file_is_encoded_from_the_beginning_of_the_picture_on(tmp_path):
    clip = write_clip(tmp_path / "in.mp4", moving_square(60), rate=Fraction(25), sound="aac", options={"g": "5"})

    doubled(with_edits(clip, [(Fraction(6, 5), Fraction(2, 5))]), tmp_path / "out.webm")

    with av.open(str(tmp_path / "out.webm")) as container:
        assert container.streams.video[0].start_time == 0
        heard = sum(frame.samples for frame in container.decode(audio=0))
    assert abs(heard / 48000 - 0.4) < 0.07


def loud_samples(path: Path) -> int:
    """Samples of the first channel from the first to the last that is not nearly silent."""
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
        channels = container.streams.audio[0].layout.nb_channels
    packed = frames[0].shape[0] == 1 and channels > 1
    wave = np.concatenate([frame[0][:: channels if packed else 1] for frame in frames]).astype(np.float64)
    loud = np.flatnonzero(np.abs(wave) > 0.02 * np.abs(wave).max())
    return int(loud[-1] - loud[0])


@pytest.mark.parametrize("before", [".mkv", ".avi"])
@pytest.mark.parametrize("after", [".mp4", ".mov"])
def test_raw_sound_that_tells_no_layout_is_copied(tmp_path, before, after):
    source = write_clip(tmp_path / f"in{before}", moving_square(FRAMES), sound="pcm_s16le", options={"bf": "0"})

    report = doubled(source, tmp_path / f"out{after}")

    assert fates(report)["audio"] == (Fate.COPIED, "pcm_s16le")
    assert b"".join(stream_packets(tmp_path / f"out{after}", "audio")) == b"".join(stream_packets(source, "audio"))


@pytest.mark.parametrize("codec", ["pcm_alaw", "pcm_mulaw"])
def test_telephone_sound_keeps_every_sample_in_matroska(tmp_path, codec):
    source = write_clip(tmp_path / "in.mov", moving_square(FRAMES), sound=codec, options={"bf": "0"})

    report = doubled(source, tmp_path / "out.mkv")

    def samples(path: Path) -> np.ndarray:
        with av.open(str(path)) as container:
            return np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(audio=0)])

    assert fates(report)["audio"] == (Fate.CONVERTED, codec)
    np.testing.assert_array_equal(samples(tmp_path / "out.mkv"), samples(source))


def playlist(folder: Path, shared_sound: bool) -> Path:
    """The same clip in two sizes, the small one first; sound belongs to each of them, or to both."""
    lines, group = ["#EXTM3U"], ',AUDIO="a"' if shared_sound else ""
    if shared_sound:
        lines.append('#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",DEFAULT=YES,URI="sound.m3u8"')
    for name, width, rate in (("small", 64, 50_000), ("large", 96, 90_000), ("sound", 0, 0)):
        if width:
            sound = None if shared_sound else "aac"
            write_clip(folder / f"{name}.ts", moving_square(FRAMES, width), sound=sound, options={"bf": "0"})
            lines += [f"#EXT-X-STREAM-INF:BANDWIDTH={rate}{group}", f"{name}.m3u8"]
        else:
            sound_only(folder / f"{name}.ts")
        segment = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.0,\n{name}.ts\n#EXT-X-ENDLIST\n"
        (folder / f"{name}.m3u8").write_text(segment)
    (folder / "in.m3u8").write_text("\n".join(lines) + "\n")
    return folder / "in.m3u8"


@pytest.mark.parametrize("shared_sound", [False, True])
def test_of_a_playlist_the_largest_picture_is_taken_with_its_sound(tmp_path, shared_sound):
    report = doubled(playlist(tmp_path, shared_sound), tmp_path / "out.mp4")

    assert report.plan.info.width == 96
    assert [choice.kind for choice in report.plan.streams] == ["audio"]
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]


def with_surround(path: Path, layout: str, channel: int) -> Path:
    """A tone in one channel of FLAC with these channels."""
    plain = write_clip(path.with_name("plain.mkv"), moving_square(FRAMES), options={"bf": "0"})
    with av.open(str(plain)) as before, av.open(str(path), "w") as after:
        video = after.add_stream_from_template(before.streams.video[0])
        sound = after.add_stream("flac", rate=48000)
        sound.codec_context.layout = layout
        channels = sound.codec_context.layout.nb_channels
        samples = np.zeros((1, channels * 48000), np.int16)
        samples[0, channel::channels] = 8000 * np.sin(np.arange(48000) * 2 * np.pi * 60 / 48000)
        for packet in before.demux(before.streams.video[0]):
            if packet.size:
                packet.stream = video
                after.mux(packet)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
        after.mux([*sound.encode(frame), *sound.encode(None)])
    return path


class Heard(NamedTuple):
    layout: str
    levels: np.ndarray


def loudness_of(source: Path, output: Path, slow: Fraction | None) -> Heard:
    """What the sound of a result is, and how loud every channel of it."""
    report = doubled(source, output, slow=slow, overwrite=True)
    assert fates(report)["audio"][0] is Fate.CONVERTED
    with av.open(str(output)) as container:
        [sound] = container.streams.audio
        name, channels = sound.layout.name, sound.layout.nb_channels
        interleaved = av.AudioResampler(format="s16", layout=sound.layout)
        frames = [packed.to_ndarray() for frame in container.decode(sound) for packed in interleaved.resample(frame)]
    return Heard(name, np.abs(np.concatenate(frames, axis=1).reshape(-1, channels).astype(float)).mean(axis=0))


@pytest.mark.parametrize("slow", [None, Fraction(2)], ids=["copied", "slow"])
@pytest.mark.parametrize(
    ("layout", "ending", "becomes", "where"),
    [
        ("5.1(side)", ".webm", "5.1", range(6)),
        ("5.1(side)", ".mov", "5.1", range(6)),
        ("5.0(side)", ".webm", "5.1", [0, 1, 2, 4, 5]),
        ("5.0(side)", ".mov", "5.0", range(5)),
        ("quad", ".webm", "quad", range(4)),
        ("3.0", ".webm", "3.0", range(3)),
        ("7.1", ".webm", "7.1", range(8)),
        ("2.1", ".webm", "5.1", [0, 1, 3]),
        ("2.1", ".mov", "2.1", range(3)),
        ("4.0", ".webm", "5.1", [0, 1, 2]),
        ("4.1", ".webm", "5.1", [0, 1, 2, 3]),
        ("7.1", ".mov", "7.1", range(8)),
    ],
)
def test_surround_sound_keeps_every_channel_in_what_the_encoder_knows(tmp_path, slow, layout, ending, becomes, where):
    for channel, place in enumerate(where):
        heard = loudness_of(with_surround(tmp_path / "in.mkv", layout, channel), tmp_path / f"{channel}{ending}", slow)

        assert heard.layout == becomes
        assert heard.levels.argmax() == place and heard.levels[place] > 1000


@pytest.mark.parametrize("after", [".mkv", ".mp4"])
def test_texts_on_screen_when_a_part_begins_and_ends_are_in_it(tmp_path, after):
    """Three lines of 0.2 s each, at 0, 0.3 and 0.6 s."""
    source = write_clip(tmp_path / "in.mkv", moving_square(FRAMES), subtitles=True, rate=Fraction(30))
    output = tmp_path / f"out{after}"

    doubled(source, output, window=Window(Fraction(1, 10), Fraction(7, 10)))

    with av.open(str(output)) as container:
        [text] = container.streams.subtitles
        found = [
            (float(p.pts * p.time_base), float(p.duration * p.time_base)) for p in container.demux(text) if p.size > 2
        ]
    assert found == [pytest.approx(each, abs=0.002) for each in ((0, 0.1), (0.2, 0.2), (0.5, 0.1))]


@pytest.mark.parametrize(
    ("sound", "after", "becomes"),
    [("flac", ".ts", "aac"), ("pcm_s16le", ".ts", "aac"), ("aac", ".webm", "opus"), ("pcm_s16le", ".webm", "opus")],
)
def test_sound_that_a_container_does_not_hold_is_encoded_anew(tmp_path, sound, after, becomes):
    source, output = tmp_path / "in.mkv", tmp_path / f"out{after}"
    write_clip(source, moving_square(FRAMES), sound=sound)

    report = doubled(source, output)

    assert fates(report)["audio"] == (Fate.CONVERTED, sound)
    with av.open(str(output)) as container:
        assert container.streams.audio[0].codec_context.codec.canonical_name == becomes
    assert loud_samples(output) == pytest.approx(loud_samples(source), abs=200)


def test_text_that_a_transport_stream_would_not_give_back_costs_a_line(tmp_path):
    report = doubled(with_styled_text(tmp_path / "in.mkv"), tmp_path / "out.ts")

    assert fates(report)["subtitle"][0] is Fate.DROPPED


def test_a_video_that_a_transport_stream_would_not_give_back_is_refused(tmp_path):
    source = write_clip(tmp_path / "in.mkv", moving_square(4))

    with pytest.raises(ComponentError, match="mpegts cannot hold ffv1 video"):
        doubled(source, tmp_path / "out.ts", encoder=EncoderOptions(codec="ffv1"))


@pytest.mark.parametrize("after", [".mp4", ".mov"])
def test_styled_subtitles_become_text_where_the_container_wants_it(tmp_path, after):
    output = tmp_path / f"out{after}"

    report = doubled(with_styled_text(tmp_path / "in.mkv"), output)

    assert fates(report)["subtitle"][0] is Fate.CONVERTED
    assert [(start, length) for start, length, words in texts(output) if words] == [
        (Fraction(1, 10), Fraction(3, 10)),
        (Fraction(1, 2), Fraction(3, 10)),
    ]
    words = [words for *_, words in texts(output) if words]
    assert "Bonjour" in words[0] and words[1] in ("deux\\Nlignes", "deux\nlignes")
    with av.open(str(output)) as container:
        assert container.streams.subtitles[0].codec_context.name == "mov_text"
        assert container.streams.subtitles[0].language in ("fra", "fre")


def test_styled_subtitles_stay_as_they_are_in_matroska(tmp_path):
    source = with_styled_text(tmp_path / "in.mkv")

    report = doubled(source, tmp_path / "out.mkv")

    assert fates(report)["subtitle"][0] is Fate.COPIED
    assert stream_packets(tmp_path / "out.mkv", "subtitle") == stream_packets(source, "subtitle")


def test_text_goes_to_mp4_and_back_and_is_slowed_down_with_the_picture(tmp_path):
    source = write_clip(tmp_path / "in.mkv", moving_square(FRAMES), subtitles=True, options={"bf": "0"})

    doubled(source, tmp_path / "there.mp4")
    doubled(tmp_path / "there.mp4", tmp_path / "again.mp4")
    doubled(tmp_path / "again.mp4", tmp_path / "back.mkv", slow=Fraction(2))

    once = [(Fraction(3 * n, 10), Fraction(1, 5), f"line {n}") for n in range(3)]
    assert [text for text in texts(tmp_path / "there.mp4") if text[2]] == once
    assert [text for text in texts(tmp_path / "again.mp4") if text[2]] == once
    assert texts(tmp_path / "back.mkv") == [(2 * start, 2 * length, words) for start, length, words in once]


@pytest.mark.parametrize("after", [".mov", ".mp4", ".mkv"])
@pytest.mark.parametrize("before", [".mov", ".mkv"])
@pytest.mark.parametrize(("start", "code"), [(Fraction(0), "01:02:03:08"), (Fraction(1, 2), "01:02:03:38")])
def test_a_time_code_counts_the_frames_of_the_result_and_is_not_called_lost(tmp_path, before, after, start, code):
    """The fourth frame of a second at twice the rate, and half a second later."""
    plain = write_clip(tmp_path / "plain.mp4", moving_square(FRAMES), aspect=Fraction(4, 3), options={"bf": "0"})
    source, output = tmp_path / f"in{before}", tmp_path / f"out{after}"
    with av.open(str(plain)) as opened, av.open(str(source), "w") as container:
        video = container.add_stream_from_template(opened.streams.video[0])
        video.metadata["timecode"] = "01:02:03:04"
        for packet in opened.demux(video=0):
            if packet.size:
                packet.stream = video
                container.mux(packet)

    report = doubled(source, output, window=Window(start))

    with av.open(str(output)) as container:
        tags = {key.lower(): value for key, value in container.streams.video[0].metadata.items()}
        assert tags["timecode"] == code
        assert container.streams.video[0].sample_aspect_ratio == Fraction(4, 3)
    assert all(choice.fate is not Fate.DROPPED for choice in report.plan.streams)
    assert np.all([choice.kind == "data" for choice in report.plan.streams])


@pytest.mark.parametrize("language", ["fra", "fre", "deu", "ces", "cze", "swe", "ron", "slk", "zho"])
def test_a_language_is_not_lost_in_mov(tmp_path, language):
    plain = write_clip(tmp_path / "plain.mkv", moving_square(6), sound="aac", options={"bf": "0"})
    with av.open(str(plain)) as before, av.open(str(tmp_path / "in.mkv"), "w") as after:
        streams = [after.add_stream_from_template(stream) for stream in before.streams]
        streams[1].metadata["language"] = language
        for packet in before.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                after.mux(packet)

    doubled(tmp_path / "in.mkv", tmp_path / "out.mov")

    with av.open(str(tmp_path / "out.mov")) as container:
        found = container.streams.audio[0].language
    assert found == QUICKTIME_LANGUAGES.get(language, language)


@pytest.mark.parametrize("ending", [".mp4", ".mov"])
def test_chapters_are_not_called_a_lost_stream(tmp_path, ending):
    """Beside them mp4 and mov have a track with their names as text."""
    source = write_clip(tmp_path / f"in{ending}", moving_square(30), sound="aac", chapters=True, options={"bf": "0"})

    report = doubled(source, tmp_path / f"out{ending}")

    with av.open(str(source)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio", "data"]
    assert [kind for kind in fates(report) if kind != "video"] == ["audio"]
    assert not [warning for warning in report.warnings if "data stream" in warning]


@pytest.mark.parametrize("after", [".mp4", ".mov", ".avi", ".mkv"])
@pytest.mark.parametrize("sound", ["pcm_s16le", "pcm_s24le"])
def test_sound_without_packets_of_its_own_is_cut_anew_by_every_format_and_is_all_there(tmp_path, sound, after):
    source = write_clip(tmp_path / "in.mkv", moving_square(FRAMES), sound=sound)

    doubled(source, tmp_path / f"out{after}", window=Window(Fraction(1, 10)))

    before, found = (b"".join(stream_packets(path, "audio")) for path in (source, tmp_path / f"out{after}"))
    assert before.endswith(found)
    of_the_part = len(before) * 9 // 10
    assert of_the_part - 2 * 1024 * 6 <= len(found) <= of_the_part + 2 * 1024 * 6  # whole packets of the source


def test_a_stream_that_waits_for_a_key_packet_begins_with_one():
    """As TrueHD does, which not every FFmpeg encodes."""
    waiting = {1}
    packets = [(1, False), (2, False), (1, True), (1, False), (2, False)]
    packets = [SimpleNamespace(stream=SimpleNamespace(index=index), is_keyframe=is_key) for index, is_key in packets]

    assert [window_packets.is_early(packet, waiting) for packet in packets] == [True, False, False, False, False]


@pytest.mark.parametrize("after", [".mp4", ".mov"])
def test_a_time_code_gives_way_to_chapters_where_there_is_no_sound(tmp_path, after):
    source = remuxed(write_clip(tmp_path / "plain.mp4", moving_square(FRAMES), chapters=True), tmp_path / "in.mkv")

    report = doubled(source, tmp_path / f"out{after}")

    with av.open(str(tmp_path / f"out{after}")) as container:
        assert [chapter["metadata"]["title"] for chapter in container.chapters()] == ["first", "second"]
    assert any(warning.endswith("does not keep the tag TIMECODE") for warning in report.warnings)


@pytest.mark.parametrize(("start", "code"), [(Fraction(0), "01:02:03:08"), (Fraction(1, 2), "01:02:03:38")])
def test_a_time_code_of_the_file_is_that_of_the_first_frame_too(tmp_path, start, code):
    source = remuxed(write_clip(tmp_path / "plain.mp4", moving_square(FRAMES), sound="aac"), tmp_path / "in.mkv")

    doubled(source, tmp_path / "out.mkv", window=Window(start))

    with av.open(str(tmp_path / "out.mkv")) as container:
        assert {key.lower(): value for key, value in container.metadata.items()}["timecode"] == code


def remuxed(plain: Path, path: Path, shift: Fraction = Fraction(0)) -> Path:
    """`plain` with a time code of the file, its clock moved by `shift` seconds."""
    with av.open(str(plain)) as opened, av.open(str(path), "w") as container:
        streams = [stream for stream in opened.streams if stream.type in ("video", "audio")]
        targets = {stream.index: container.add_stream_from_template(stream) for stream in streams}
        container.metadata["timecode"] = "01:02:03:04"
        container.set_chapters(opened.chapters())
        for packet in opened.demux(streams):
            if packet.size:
                packet.stream = targets[packet.stream.index]
                moved = int(shift / packet.time_base)
                packet.pts, packet.dts = packet.pts + moved, packet.dts + moved
                container.mux(packet)
    return path


@pytest.mark.parametrize(("after", "starts"), [(".mp4", Fraction(0)), (".mkv", Fraction(1, 8))])
def test_sound_that_an_edit_list_hides_is_not_heard(tmp_path, after, starts):
    """The second half of a clip, copied from its first key frame on, as `ffmpeg -ss 0.5 -c copy` does."""
    plain = write_clip(tmp_path / "plain.mp4", moving_square(FRAMES), sound="aac", options={"bf": "0", "g": "60"})
    source = remuxed(plain, tmp_path / "in.mp4", -Fraction(1, 2))

    doubled(source, tmp_path / f"out{after}")

    with av.open(str(tmp_path / f"out{after}")) as container:
        video = container.streams.video[0]
        times = [packet.pts * packet.time_base for packet in container.demux(video) if packet.size]
    assert len(times) == FRAMES and min(times) <= starts


@pytest.mark.parametrize(("after", "slow"), [(".webm", None), (".mkv", Fraction(2))])
@pytest.mark.parametrize("moved", [0, Fraction(-1, 200)], ids=["in step", "out of step"])
def test_sound_that_begins_before_an_encoders_delay_stays_in_step(tmp_path, monkeypatch, after, slow, moved):
    """FFmpeg moves such a clock to where the delay ends; it may be moved by no other time than the sound."""
    plain = write_clip(tmp_path / "plain.mp4", moving_square(FRAMES), sound="aac", options={"bf": "0", "g": "60"})
    source = remuxed(plain, tmp_path / "in.mp4", -Fraction(1, 2))
    honest = result.read_back

    def read_back(path: Path) -> Found:
        found = honest(path)
        return replace(found, first=found.first + moved, last=found.last + moved)

    monkeypatch.setattr(result, "read_back", read_back)

    with pytest.raises(VerificationError, match="frame at") if moved else nullcontext():
        doubled(source, tmp_path / f"out{after}", slow=slow)


def test_sound_of_avi_keeps_its_place_where_a_part_begins_inside_a_block(tmp_path):
    source = write_clip(tmp_path / "in.avi", moving_square(FRAMES), codec="mpeg4", sound="libmp3lame")
    start = Fraction(3, 10)

    doubled(source, tmp_path / "out.mkv", window=Window(start))

    before, after = (times_of(path, "audio") for path in (source, tmp_path / "out.mkv"))
    expected = [time - start for time in before if time >= start]
    assert len(after) == len(expected)
    assert all(abs(found - time) <= Fraction(1, 1000) for found, time in zip(after, expected, strict=True))


def test_encoder_delay_does_not_hold_the_first_frame_of_an_avi(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(FRAMES), sound="aac")
    assert min(times_of(source, "audio")) < 0

    doubled(source, tmp_path / "out.avi")

    with av.open(str(tmp_path / "out.avi")) as container:
        shown = [frame.pts for frame in container.decode(video=0)]
    assert len(shown) == 2 * FRAMES and all(after - before == 1 for before, after in pairwise(shown))


def times_of(path: Path, kind: str) -> list[Fraction]:
    with av.open(str(path)) as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        return [packet.pts * packet.time_base for packet in container.demux(stream) if packet.size]


def test_packets_that_do_not_fit_are_told_in_one_line(tmp_path):
    """Two recordings in one file: the clock of the second begins again."""
    part = write_clip(tmp_path / "part.ts", moving_square(FRAMES), sound="mp2")
    source = tmp_path / "both.ts"
    source.write_bytes(part.read_bytes() * 2)

    report = doubled(source, tmp_path / "out.mp4", ignore_errors=True)

    told = [warning for warning in report.warnings if "packets of audio stream 1 were left out" in warning]
    assert len(told) == 1 and int(told[0].split()[0]) > 10


@pytest.mark.parametrize(
    ("codec", "job", "kept", "told"),
    [
        ("libx264", {}, FRAMES, ""),
        ("libx265", {}, FRAMES, ""),
        ("mpeg2video", {}, FRAMES, ""),
        ("mpeg4", {}, 0, "mpeg4 is not known to keep the closed captions; use -c:v libx264 or libx265"),
        ("libx264", {"factor": Fraction(5, 2)}, None, "only those beside frames that stay are kept"),
    ],
)
def test_closed_captions_are_kept_or_called_lost(tmp_path, codec, job, kept, told):
    plain = write_clip(tmp_path / "plain.h264", moving_square(FRAMES), options={"crf": "20", "bf": "0"})
    source = tmp_path / "in.h264"
    source.write_bytes(with_captions(plain.read_bytes()))

    report = doubled(source, tmp_path / "out.mkv", encoder=EncoderOptions(codec=codec), **job)

    with av.open(str(tmp_path / "out.mkv")) as container:
        there = sum("A53_CC" in {one.type.name for one in frame.side_data} for frame in container.decode(video=0))
    assert kept is None or there in (kept, kept + bool(kept))  # the last frame may repeat its own while it is held
    assert any(told in note for note in report.plan.notes) if told else "captions" not in " ".join(report.plan.notes)


def with_captions(stream: bytes) -> bytes:
    """H.264 (Annex B) with a pair of letters before the first slice of every frame (SEI, ATSC A/53)."""
    units = stream.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")[1:]
    letters, done = count(), []
    for unit in units:
        if unit[0] & 31 in (1, 5) and unit[1] & 128:
            captions = b"\xb5\0\x31GA94\x03\x41\xff\xfc" + bytes([65 + next(letters) % 26, 66]) + b"\xff"
            done.append(b"\6\4" + bytes([len(captions)]) + captions + b"\x80")
        done.append(unit)
    return b"".join(b"\0\0\0\1" + unit for unit in done)


def test_pictures_of_text_that_are_shown_until_the_next_are_taken_over_by_a_part():
    """As PGS and DVB subtitles are: without a duration."""
    parts = [SimpleNamespace(pts=pts, dts=pts) for pts in (-90, -40, -40)]
    standing = {3: [], 4: [SimpleNamespace(pts=-7, dts=-7)]}
    for part in parts:
        window_packets.keep_last(standing[3], part)
    other = standing[4][0]

    assert list(window_packets.taken_over(standing)) == [(0, parts[1]), (0, parts[2]), (0, other)]
    assert all((part.pts, part.dts) == (0, 0) for part in (*parts[1:], other)) and not standing


@pytest.mark.parametrize("start", ["1/10", "2/5", "9/10"])
def test_sound_of_an_early_part_of_flv_begins_with_it(tmp_path, start):
    """FFmpeg cannot seek in front of its first sound, which the encoder's delay puts after 0."""
    source = write_clip(tmp_path / "in.flv", moving_square(FRAMES), codec="flv1", options={}, sound="libmp3lame")

    doubled(source, tmp_path / "out.mkv", window=Window(Fraction(start), Fraction(start) + Fraction(1, 10)))

    assert 0 <= times_of(tmp_path / "out.mkv", "audio")[0] < Fraction(3, 100)


def with_late_sound(plain: Path, path: Path, late: Fraction) -> Path:
    """`plain` with its sound moved by `late` seconds."""
    with av.open(str(plain)) as before, av.open(str(path), "w") as after:
        targets = {stream.index: after.add_stream_from_template(stream) for stream in before.streams}
        packets = [packet for packet in before.demux() if packet.size]
        for packet in packets:
            ticks = int(late / packet.time_base) if packet.stream.type == "audio" else 0
            packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            packet.stream = targets[packet.stream.index]
            after.mux(packet)
    return path


def test_no_frame_is_lost_where_nut_does_not_say_when_the_video_begins(tmp_path):
    """FFmpeg takes the time of the first sound for it."""
    video = {"codec": "mpeg4", "options": {"bf": "1"}, "rate": Fraction(25)}
    plain = write_clip(tmp_path / "plain.mp4", moving_square(FRAMES), **video, sound="libmp3lame")
    source = with_late_sound(plain, tmp_path / "in.nut", Fraction(1, 12))

    report = doubled(source, tmp_path / "out.mkv", factor=Fraction(1))

    assert report.frames["source"] == FRAMES and times_of(tmp_path / "out.mkv", "video")[0] == 0


def test_flac_in_nut_is_whole(tmp_path):
    source = write_clip(tmp_path / "in.nut", moving_square(FRAMES), sound="flac", seconds_of_sound=1.2)

    report = doubled(source, tmp_path / "out.mkv", factor=Fraction(1))

    assert report.frames["source"] == FRAMES


def test_sound_that_begins_late_is_encoded_anew_with_all_its_bits(tmp_path):
    """Behind the first 5 MB, where FFmpeg does not look, so it does not know the format of the samples."""
    noise = [np.random.default_rng(n).integers(0, 256, (800, 1000, 3), np.uint8) for n in range(4)]
    video = {"codec": "ffv1", "options": {}, "pix_fmt": "bgr0", "colour_range": 2, "rate": Fraction(2)}
    plain = write_clip(tmp_path / "plain.mkv", noise, **video, sound="wavpack", seconds_of_sound=0.25)
    source = with_late_sound(plain, tmp_path / "in.mkv", Fraction(7, 4))

    report = doubled(source, tmp_path / "out.mp4", factor=Fraction(1))

    assert fates(report)["audio"][0] == "converted" and stream_packets(tmp_path / "out.mp4", "audio")
    with av.open(str(source)) as container, form_of(Path("out.mkv")).imitation() as trial:
        assert add_sound(trial, container.streams.audio[0], "wavpack").codec_context.format.bits == 32


@pytest.mark.parametrize("after", [".mp4", ".mov"])
def test_the_last_sound_of_a_file_that_gives_no_durations_is_kept(tmp_path, after):
    plain = write_clip(tmp_path / "plain.mkv", moving_square(FRAMES), options={"bf": "0"}, sound="alac")
    source = remuxed(plain, tmp_path / "in.mkv")
    with av.open(str(source)) as container:
        assert not any(packet.duration for packet in container.demux(audio=0))

    doubled(source, tmp_path / f"out{after}")

    assert stream_packets(tmp_path / f"out{after}", "audio") == stream_packets(source, "audio")


def test_a_sound_packet_lasts_as_long_as_the_one_before_where_its_duration_is_absurd():
    """Vorbis in Ogg that ends inside the packet before: FFmpeg says 2^32 - 62."""
    with form_of(Path("out.mp4")).imitation() as container:
        lane = CopyLane(container.add_stream("aac", rate=SAMPLE_RATE), None, Fraction(1))
        durations = []
        for pts, duration in ((0, 1024), (1024, 576), (1600, 2**32 - 62), (2176, 0), (2752, -5)):
            packet = av.Packet(b"sound")
            packet.pts, packet.duration, packet.time_base = pts, duration, Fraction(1, SAMPLE_RATE)
            durations += [one.duration for one in lane.packets(packet, Fraction(pts, SAMPLE_RATE))]

    assert durations == [1024, 576, 576, 576, 576]


def test_every_sound_of_a_part_of_ogg_begins_with_it(tmp_path):
    """A second of sound lies in a page, and FFmpeg seeks to a page of any stream."""
    source, start = tmp_path / "in.ogg", 11
    with av.open(str(source), "w") as container:
        video = container.add_stream("libvpx", rate=2)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sounds = [container.add_stream(codec, rate=SAMPLE_RATE, layout="stereo") for codec in ("libopus", "flac")]
        packets = [packet for sound in sounds for packet in encode_tone(sound, start + 2)]
        for n, array in enumerate(moving_square(2 * start + 4)):
            picture = av.VideoFrame.from_ndarray(array, "rgb24")
            picture.pts, picture.time_base = n, Fraction(1, 2)
            packets += video.encode(picture)
        for packet in sorted([*packets, *video.encode(None)], key=lambda packet: (packet.pts or 0) * packet.time_base):
            container.mux(packet)

    with open_input(source) as opened:
        window = Window(Fraction(start))
        read = WindowPackets(source, opened.container, window, [1, 2], lambda packet, time: False)
        begins = {packet.stream.index: time for time, packet in reversed(list(read)) if packet is not None}

    assert begins.keys() == {1, 2} and max(begins.values()) < Fraction(1, 10)


@pytest.mark.parametrize("after", [".mp4", ".mkv"])
def test_a_stream_that_has_nothing_in_the_part_costs_a_line(tmp_path, after):
    source = write_clip(tmp_path / "in.mkv", moving_square(FRAMES), sound="aac", seconds_of_sound=0.3)

    report = doubled(source, tmp_path / f"out{after}", window=Window(Fraction(1, 2)))

    assert "audio stream 1 has no packet in this part; in the result it is missing or empty" in report.warnings
