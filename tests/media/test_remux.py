"""Sound, subtitles, attachments, chapters and tags arrive as they left."""

import io
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import clips
import pytest
from blending import Blend
from clips import moving_square, stream_packets, write_clip

from vfi_flow.media.container import form_of
from vfi_flow.media.encoder import EncoderOptions
from vfi_flow.media.encoder_choice import choose_encoder
from vfi_flow.media.frame import Window
from vfi_flow.media.pipe import OutputPipe
from vfi_flow.media.reader import VideoReader
from vfi_flow.media.remux import StreamCopier
from vfi_flow.media.streams import Fate, StreamChoice, choose_streams
from vfi_flow.media.timing import to_pts
from vfi_flow.media.writer import VideoWriter
from vfi_flow.pipeline.plan import Job, make_plan
from vfi_flow.pipeline.run import run

UNIT = Fraction(1, 90000)


WHOLE = Window()


def copy(
    source: Path, output: Path, window: Window = WHOLE, audio: bool = True
) -> tuple[list[str], list[StreamChoice]]:
    """`source` encoded again frame by frame, with its other streams: (warnings, dropped streams)."""
    with VideoReader(source, window) as reader:
        info = reader.info()
        choices = choose_streams(reader.container, reader.stream, form_of(output), audio, Fraction(1))
    encoder = choose_encoder(EncoderOptions(preset="ultrafast"), info, output)
    with (
        VideoReader(source, window) as reader,
        VideoWriter(output, info, encoder, UNIT, info.rate) as writer,
        StreamCopier(source, window, writer, choices) as copier,
    ):
        for frame in reader.frames():
            writer.write(frame.picture, to_pts(frame.seconds, UNIT))
            copier.copy_until(frame.seconds)
            end = frame.seconds + frame.duration
        copier.copy_until(None)
        writer.finish(to_pts(end, UNIT))
    return copier.warnings, [choice for choice in choices if choice.fate is Fate.DROPPED]


def packet_times(path: Path, kind: str) -> list[Fraction]:
    with av.open(str(path)) as container:
        stream = next(s for s in container.streams if s.type == kind)
        return [p.pts * p.time_base for p in container.demux(stream) if p.size]


@pytest.mark.parametrize(
    ("sound", "before", "after"),
    [
        ("aac", ".mp4", ".mp4"),
        ("aac", ".mp4", ".mkv"),
        ("aac", ".mkv", ".mp4"),
        ("libopus", ".webm", ".mkv"),
        ("libmp3lame", ".mp4", ".mov"),
        ("flac", ".mkv", ".mkv"),
        ("pcm_s16le", ".mov", ".mov"),
    ],
)
def test_sound_is_copied_bit_by_bit_with_its_tags(tmp_path, sound, before, after):
    video = {"codec": "libvpx-vp9", "options": {"crf": "40", "b": "0"}} if before == ".webm" else {}
    source = write_clip(tmp_path / f"in{before}", moving_square(30), sound=sound, **video)
    output = tmp_path / f"out{after}"

    warnings, dropped = copy(source, output)

    assert stream_packets(output, "audio") == stream_packets(source, "audio")
    assert dropped == [] and warnings == []
    with av.open(str(output)) as container:
        assert container.streams.audio[0].language == ("ger" if after == ".mov" else "deu")
        assert int(container.streams.audio[0].disposition) & 1


@pytest.mark.parametrize("slow", [Fraction(1), Fraction(2)], ids=["copied", "encoded anew"])
def test_mp3_whose_bit_rate_is_a_little_off_costs_no_frame_of_nut(tmp_path, monkeypatch, slow):
    monkeypatch.setattr(clips, "SAMPLE_RATE", 44100)
    source = write_clip(tmp_path / "in.mp4", moving_square(30), sound="libmp3lame", seconds_of_sound=20)
    with av.open(str(source)) as container:
        assert container.streams.audio[0].codec_context.bit_rate != 128000
    sent = io.BytesIO()

    run(make_plan(Job(source, OutputPipe(sent.write, "nut"), slow=slow)), Blend())

    with av.open(io.BytesIO(sent.getvalue())) as container:
        packets = [packet.stream.type for packet in container.demux() if packet.size]
    assert packets.count("video") == 30 * slow and packets.count("audio") > 760 * slow


@pytest.mark.parametrize(("sound", "samples"), [("aac", 1024), ("libmp3lame", 1152), ("ac3", 1536)])
def test_sound_from_a_clock_of_milliseconds_gets_the_clock_of_its_samples(tmp_path, sound, samples):
    source = write_clip(tmp_path / "in.mkv", moving_square(60), sound=sound)

    copy(source, tmp_path / "out.mp4")

    times = packet_times(tmp_path / "out.mp4", "audio")
    steps = {(b - a) * 48000 for a, b in pairwise(times)}
    assert steps == {samples}
    assert all(abs(a - b) < Fraction(1, 1000) for a, b in zip(times, packet_times(source, "audio"), strict=True))


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_sound_and_picture_keep_their_distance(tmp_path, ending):
    source = write_clip(
        tmp_path / "in.mp4", moving_square(30), pts=range(5, 35), time_base=Fraction(1, 30), sound="aac"
    )
    output = tmp_path / f"out{ending}"

    copy(source, output)

    def distance(path: Path) -> Fraction:
        return packet_times(path, "video")[0] - packet_times(path, "audio")[0]

    assert abs(distance(output) - distance(source)) <= Fraction(1, 1000)


def test_a_window_takes_the_packets_that_start_in_it(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(60), sound="aac")
    output = tmp_path / "out.mp4"
    start, end = Fraction(1, 2), Fraction(5, 4)

    copy(source, output, Window(start, end))

    pairs = zip(packet_times(source, "audio"), stream_packets(source, "audio"), strict=True)
    inside = [(time, packet) for time, packet in pairs if start <= time < end]
    assert stream_packets(output, "audio") == [packet for _, packet in inside]
    shift = start - inside[0][0] + packet_times(output, "audio")[0]
    assert abs(shift) < Fraction(1, 10000)


def test_sound_can_be_left_out(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(10), sound="aac")

    copy(source, tmp_path / "out.mp4", audio=False)

    with av.open(str(tmp_path / "out.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video"]


def test_subtitles_chapters_titles_and_fonts_are_kept_where_the_container_can(tmp_path):
    plain = write_clip(
        tmp_path / "plain.mkv", moving_square(30), sound="aac", subtitles=True, chapters=True, options={"bf": "0"}
    )
    source = with_attachment(plain, tmp_path / "in.mkv")

    _, dropped = copy(source, tmp_path / "out.mkv")

    assert dropped == []
    assert stream_packets(tmp_path / "out.mkv", "subtitle") == [b"line 0", b"line 1", b"line 2"]
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert container.metadata["title"] == "A moving square"
        marks = [(c["start"] * c["time_base"], c["metadata"]["title"]) for c in container.chapters()]
        assert marks == [(0, "first"), (Fraction(1, 2), "second")]
        [font] = [s for s in container.streams if s.type == "attachment"]
        assert (font.name, font.data) == ("type.ttf", b"not a font")


def test_what_the_container_cannot_hold_is_dropped_with_a_reason(tmp_path):
    plain = write_clip(tmp_path / "plain.mkv", moving_square(30), sound="aac", subtitles=True, options={"bf": "0"})
    source = with_attachment(plain, tmp_path / "in.mkv")

    _, dropped = copy(source, tmp_path / "out.mp4")

    assert [(s.kind, s.reason) for s in dropped] == [("attachment", "mp4 holds no attachments")]
    assert stream_packets(tmp_path / "out.mp4", "audio") == stream_packets(source, "audio")


def test_chapters_are_cut_to_the_window(tmp_path):
    source = write_clip(tmp_path / "in.mkv", moving_square(30), chapters=True)

    copy(source, tmp_path / "out.mkv", Window(Fraction(2, 5), Fraction(7, 10)))

    with av.open(str(tmp_path / "out.mkv")) as container:
        marks = [(c["start"] * c["time_base"], c["end"] * c["time_base"]) for c in container.chapters()]
        assert marks == [(0, Fraction(1, 10)), (Fraction(1, 10), Fraction(3, 10))]


def with_attachment(source: Path, output: Path) -> Path:
    with av.open(str(source)) as before, av.open(str(output), "w") as after:
        streams = {s.index: after.add_stream_from_template(s) for s in before.streams}
        for index, stream in streams.items():
            stream.metadata.update(before.streams[index].metadata)
        after.metadata.update(before.metadata)
        after.set_chapters(before.chapters())
        after.add_attachment("type.ttf", "font/ttf", b"not a font")
        for packet in before.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                after.mux(packet)
    return output
