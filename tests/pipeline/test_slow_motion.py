"""A slow motion keeps the rate and stretches everything else: frames, sound, subtitles, chapters."""

import io
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import tolerances
from blending import Blend
from clips import SAMPLE_RATE, moving_square, pixels, stream_packets, video_times, write_clip

from vfi_flow.media.encoder import EncoderOptions
from vfi_flow.media.frame import Window
from vfi_flow.media.lanes import stretching
from vfi_flow.pipeline.plan import Job, make_plan
from vfi_flow.pipeline.report import as_json
from vfi_flow.pipeline.run import run


def slowed(source: Path, output: Path, factor: str, **job):
    return run(make_plan(Job(source, output, slow=Fraction(factor), **job)), Blend())


@pytest.mark.parametrize("factor", ["4", "5/2", "1"])
@pytest.mark.parametrize("rate", [Fraction(30), Fraction(24000, 1001)], ids=str)
def test_the_rate_stays_and_the_length_grows(tmp_path, factor, rate):
    source = write_clip(tmp_path / "in.mp4", moving_square(20), rate=rate)

    report = slowed(source, tmp_path / "out.mp4", factor)

    assert video_times(tmp_path / "out.mp4") == [k / rate for k in range(int(20 * Fraction(factor)))]
    assert report.end_seconds == 20 * Fraction(factor) / rate == report.plan.duration
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].average_rate == rate


def test_a_variable_rate_is_stretched_as_it_is(tmp_path):
    ticks = [5, 8, 9, 14, 25, 26, 35]
    source = write_clip(tmp_path / "in.mp4", moving_square(7), pts=ticks, time_base=Fraction(1, 90), sound="aac")

    slowed(source, tmp_path / "out.mp4", "2")

    assert video_times(tmp_path / "out.mp4")[::2] == [2 * time for time in video_times(source)]


def test_source_frames_are_untouched(tmp_path):
    lossless = EncoderOptions(codec="ffv1")
    source = write_clip(tmp_path / "in.mkv", moving_square(6))

    slowed(source, tmp_path / "out.mkv", "3", encoder=lossless)

    before, after = pixels(source, "yuv420p"), pixels(tmp_path / "out.mkv", "yuv420p")
    assert all((a == b).all() for a, b in zip(before, after[::3], strict=True))


def heard(path: Path) -> np.ndarray:
    """Samples of the first channel from the time 0 of the file's picture on."""
    with av.open(str(path)) as container:
        origin = container.streams.video[0].start_time * container.streams.video[0].time_base
        frames = list(container.decode(audio=0))
    silence = np.zeros(max(0, round((frames[0].pts * frames[0].time_base - origin) * SAMPLE_RATE)))
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=SAMPLE_RATE)
    parts = [part.to_ndarray()[0] for frame in frames for part in resampler.resample(frame)]
    return np.concatenate([silence, *parts])


def pitch(samples: np.ndarray, seconds: float) -> float:
    """Frequency of the strongest tone in a tenth of a second around `seconds`."""
    middle, half = round(seconds * SAMPLE_RATE), SAMPLE_RATE // 20
    part = samples[middle - half : middle + half]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 8 * SAMPLE_RATE))
    return float(spectrum.argmax()) / 8


@pytest.mark.parametrize(
    ("sound", "ending", "codec"),
    [
        ("aac", ".mp4", "aac"),
        ("libmp3lame", ".mp4", "mp3"),
        ("flac", ".mkv", "flac"),
        ("libopus", ".mkv", "opus"),
        ("pcm_s16le", ".mov", "pcm_s16le"),
        ("ac3", ".mkv", "ac3"),
    ],
)
@pytest.mark.parametrize("factor", ["4", "5/2"])
def test_sound_is_as_long_as_the_picture_at_its_own_pitch(tmp_path, sound, ending, codec, factor):
    """The tone of the clip rises from 300 Hz by 400 Hz a second, so pitch tells time."""
    source = write_clip(tmp_path / f"in{ending}", moving_square(30), sound=sound)
    output = tmp_path / f"out{ending}"

    report = slowed(source, output, factor)

    factor = float(Fraction(factor))
    samples = heard(output)
    for seconds in (0.3 * factor, 0.5 * factor, 0.8 * factor):
        assert abs(pitch(samples, seconds) - (300 + 400 * seconds / factor)) < tolerances.STRETCHED_PITCH
    assert abs(len(samples) / SAMPLE_RATE - len(heard(source)) / SAMPLE_RATE * factor) < 1 / 30
    assert [stream.fate for stream in report.plan.streams] == ["converted"]
    with av.open(str(output)) as container:
        assert container.streams.audio[0].codec_context.codec.canonical_name == codec
        assert container.streams.audio[0].language == ("ger" if ending == ".mov" else "deu")


@pytest.mark.parametrize("factor", [2, 4])
def test_what_is_heard_has_its_place_on_average(factor):
    random, unit = np.random.default_rng(0), Fraction(1, SAMPLE_RATE)
    places = 0.3 + 0.5 * np.arange(20) + random.uniform(0, 0.1, 20)
    seconds = np.arange(11 * SAMPLE_RATE) / SAMPLE_RATE
    loudness = sum(np.clip(1 - np.abs(seconds - place) / 0.06, 0, None) for place in places)
    sound = (0.3 * loudness * random.normal(size=len(seconds))).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, 0, unit
    graph, made = stretching(frame, Fraction(factor), "mono", is_early=False), []

    graph.push(frame)
    graph.push(None)
    with suppress(av.EOFError):
        while True:
            made.append(graph.pull().to_ndarray()[0])

    power = np.square(np.concatenate(made), dtype=np.float64)
    times = np.arange(len(power)) / SAMPLE_RATE / factor
    parts = [np.abs(times - place) < 0.2 for place in places]
    found = [np.average(times[part], weights=power[part]) for part in parts]
    assert abs(np.mean(found - places)) * 1000 < tolerances.STRETCHED_NOISE


def test_sound_without_an_encoder_for_the_container_gets_another(tmp_path):
    source = write_clip(tmp_path / "in.mkv", moving_square(10), sound="aac")

    report = slowed(source, tmp_path / "out.webm", "2")

    assert [(s.codec, s.encoder) for s in report.plan.streams] == [("aac", "libopus")]
    assert len(heard(tmp_path / "out.webm")) / SAMPLE_RATE == pytest.approx(20 / 30, abs=0.05)


def test_a_gap_in_the_sound_keeps_its_place(tmp_path):
    whole = write_clip(tmp_path / "whole.mov", moving_square(60), sound="pcm_s16le")
    source = without_sound_between(whole, tmp_path / "in.mkv", 0.5, 1.0)

    slowed(source, tmp_path / "out.mov", "2")

    samples = heard(tmp_path / "out.mov")
    assert np.abs(samples[round(1.2 * SAMPLE_RATE) : round(1.8 * SAMPLE_RATE)]).max() < 0.01
    assert abs(pitch(samples, 3.0) - (300 + 400 * 1.5)) < tolerances.STRETCHED_PITCH


@pytest.mark.parametrize("gap", [0.022, 0.09])
def test_a_short_gap_in_the_sound_keeps_its_place_too(tmp_path, gap):
    whole = write_clip(tmp_path / "whole.mov", moving_square(60), sound="pcm_s16le")
    source = without_sound_between(whole, tmp_path / "in.mkv", 0.5, 0.5 + gap)

    slowed(source, tmp_path / "out.mov", "4")

    assert abs(pitch(heard(tmp_path / "out.mov"), 6.0) - (300 + 400 * 1.5)) < tolerances.STRETCHED_PITCH


def without_sound_between(source: Path, output: Path, start: float, end: float) -> Path:
    with av.open(str(source)) as before, av.open(str(output), "w") as after:
        streams = {s.index: after.add_stream_from_template(s) for s in before.streams}
        for packet in before.demux():
            silent = packet.stream.type == "audio" and start <= (packet.pts or 0) * packet.time_base < end
            if packet.size and not silent:
                packet.stream = streams[packet.stream.index]
                after.mux(packet)
    return output


def test_the_report_tells_converted_streams_from_copied_ones(tmp_path):
    source = write_clip(tmp_path / "in.mkv", moving_square(10), sound="libmp3lame", subtitles=True)

    streams = as_json(slowed(source, tmp_path / "out.mkv", "2"))["streams"]

    assert [(s["kind"], s["codec"]) for s in streams["converted"]] == [("audio", "mp3")]
    assert [s["kind"] for s in streams["copied"]] == ["subtitle"]
    assert streams["converted"][0]["packets"] == len(stream_packets(tmp_path / "out.mkv", "audio"))


def test_sound_can_be_dropped(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(10), sound="aac")

    report = slowed(source, tmp_path / "out.mp4", "2", audio=False)

    with av.open(str(tmp_path / "out.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video"]
    assert [stream.fate for stream in report.plan.streams] == ["left out"]


def test_subtitles_and_chapters_are_stretched(tmp_path):
    source = write_clip(tmp_path / "in.mkv", moving_square(30), subtitles=True, chapters=True)

    slowed(source, tmp_path / "out.mkv", "3")

    with av.open(str(tmp_path / "out.mkv")) as container:
        text = container.streams.subtitles[0]
        times = [(p.pts * p.time_base, p.duration * p.time_base) for p in container.demux(text) if p.size]
        marks = [(c["start"] * c["time_base"], c["end"] * c["time_base"]) for c in container.chapters()]
    assert times == [(Fraction(9 * n, 10), Fraction(6, 10)) for n in range(3)]
    assert marks == [(0, Fraction(3, 2)), (Fraction(3, 2), 3)]


def test_a_window_is_slowed_with_its_sound(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(60), sound="aac")

    slowed(source, tmp_path / "out.mp4", "2", window=Window(Fraction(1, 2), Fraction(3, 2)))

    assert video_times(tmp_path / "out.mp4") == [Fraction(k, 30) for k in range(60)]
    assert abs(pitch(heard(tmp_path / "out.mp4"), 1.0) - (300 + 400 * 1.0)) < tolerances.STRETCHED_PITCH


def joined_sounds(path: Path, *sounds: tuple[int, str, int], codec: str = "mp2") -> Path:
    """A recording with one sound after the other: rate, channels, and pitch; a second long, with breaks."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        track = container.add_stream(codec, rate=sounds[0][0])
        track.layout = sounds[0][1]
        container.start_encoding()
        for picture in moving_square(25 * len(sounds)):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
        for second, sound in enumerate(sounds):
            for packet in encoded(codec, *sound):
                packet.pts = packet.dts = round((packet.pts * packet.time_base + second * Fraction(11, 10)) * 90_000)
                packet.stream, packet.time_base = track, Fraction(1, 90_000)
                container.mux(packet)
    return path


def encoded(codec: str, rate: int, layout: str, hertz: int) -> list[av.Packet]:
    """Packets that say themselves what they are."""
    memory = io.BytesIO()
    with av.open(memory, "w", format={"aac": "adts"}.get(codec, codec)) as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        wave = (0.3 * np.sin(2 * np.pi * hertz * np.arange(rate) / rate)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(np.stack([wave] * stream.layout.nb_channels), format="fltp", layout=layout)
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), 0
        container.mux([*stream.encode(frame), *stream.encode(None)])
    memory.seek(0)
    return [packet for packet in av.open(memory).demux(audio=0) if packet.size]


def test_sound_that_changes_on_the_way_is_heard_to_the_end(tmp_path):
    sounds = [(44100, "mono", 440), (48000, "stereo", 880), (44100, "mono", 440)]
    source = joined_sounds(tmp_path / "in.ts", *sounds)

    report = slowed(source, tmp_path / "out.mp4", "2")

    assert not [warning for warning in report.warnings if "left out" in warning]
    samples = heard(tmp_path / "out.mp4")
    assert [pitch(samples, second) for second in (1, 3, 5)] == pytest.approx([440, 880, 440], abs=5)


@pytest.mark.parametrize(
    ("ending", "second", "is_told"),
    [
        (".mp4", (48000, "mono", 440), True),
        (".mkv", (44100, "stereo", 440), True),
        (".ts", (48000, "mono", 440), False),
        (".mp4", (44100, "mono", 880), False),
    ],
)
def test_copied_sound_that_changes_on_the_way_is_named_where_it_sounds_wrong(tmp_path, ending, second, is_told):
    source = joined_sounds(tmp_path / "in.ts", (44100, "mono", 440), second, codec="aac")

    report = run(make_plan(Job(source, tmp_path / f"out{ending}")), Blend())

    told = [warning for warning in report.warnings if "audio stream 1 has another rate or other channels" in warning]
    assert len(told) == is_told
