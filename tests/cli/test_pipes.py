"""`-` as INPUT and OUTPUT: three processes that never see a file, as with `ffmpeg ... | vfi-flow ... | ffmpeg ...`."""

import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import FrameType

import av
import numpy as np
import pytest
from blending import Blend
from clips import moving_square, pixels, scene, stream_packets, video_times, write_clip

from vfi_flow.cli.main import main
from vfi_flow.cli.stops import heard_by, stops_as_interrupts
from vfi_flow.errors import InputError, OutputError, VerificationError
from vfi_flow.media.encoder import EncoderOptions
from vfi_flow.media.frame import Window
from vfi_flow.media.pipe import InputPipe, OutputPipe
from vfi_flow.media.writer import VideoWriter
from vfi_flow.pipeline.plan import Job, make_plan
from vfi_flow.pipeline.run import run

TESTS = Path(__file__).parents[1]

JOB = """
import sys
from blending import Blend
from vfi_flow.cli.main import main
from vfi_flow.inference import interpolator
interpolator.Interpolator = Blend
sys.exit(main(["interpolate", *sys.argv[1:]]))
"""

DECODE = """
import sys, av
with av.open(sys.argv[1]) as source, av.open(sys.stdout.buffer, "w", format=sys.argv[2]) as target:
    video = source.streams.video[0]
    stream = target.add_stream("rawvideo", rate=video.average_rate)
    stream.width, stream.height, stream.pix_fmt = video.width, video.height, video.codec_context.pix_fmt
    stream.time_base = 1 / video.average_rate
    for frame in source.decode(video):
        target.mux(stream.encode(frame))
"""

ENCODE = """
import sys, av
with av.open(sys.stdin.buffer) as source, av.open(sys.argv[1], "w") as target:
    video = source.streams.video[0]
    stream = target.add_stream("ffv1", rate=video.average_rate)
    stream.width, stream.height, stream.pix_fmt = video.width, video.height, video.codec_context.pix_fmt
    for frame in source.decode(video):
        frame.pict_type = 0
        target.mux(stream.encode(frame))
    target.mux(stream.encode(None))
"""


def start(code: str, *words: object, **pipes) -> subprocess.Popen:
    path = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, **pipes)


def through_pipes(source: Path, output: Path, between: str, *words: object) -> str:
    """`source` decoded, interpolated and encoded by three processes; the second one's stderr."""
    before = start(DECODE, source, between, stdout=subprocess.PIPE)
    job = start(JOB, "-", "-", *words, stdin=before.stdout, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=False)
    before.stdout.close()
    after = start(ENCODE, output, stdin=job.stdout)
    job.stdout.close()
    err = job.stderr.read().decode()
    assert [p.wait(timeout=30) for p in (before, job, after)] == [0, 0, 0], err
    return err


@pytest.mark.parametrize(
    ("between", "words", "rate", "count"),
    [
        ("yuv4mpegpipe", ["-x", "2"], Fraction(60000, 1001), 40),
        ("yuv4mpegpipe", ["-r", "50", "-f", "yuv4mpegpipe"], Fraction(50), 34),
        ("nut", ["-x", "3", "-f", "nut"], Fraction(90000, 1001), 60),
        ("matroska", ["-x", "2", "-ss", "0.2", "-f", "matroska", "-c:v", "ffv1"], Fraction(60000, 1001), 28),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_between_two_programs_nothing_is_lost(tmp_path, between, words, rate, count):
    source = write_clip(tmp_path / "in.mp4", moving_square(20), rate=Fraction(30000, 1001))

    err = through_pipes(source, tmp_path / "out.mkv", between, *words)

    with av.open(str(tmp_path / "out.mkv")) as container:
        assert abs(container.streams.video[0].average_rate / rate - 1) < Fraction(1, 1000)
    result, originals = pixels(tmp_path / "out.mkv", "yuv420p"), pixels(source, "yuv420p")
    assert len(result) == count
    if words[0] == "-x" and "-ss" not in words:
        assert all(np.array_equal(a, b) for a, b in zip(originals, result[:: int(words[1])], strict=True))
    assert "Traceback" not in err


def job_on(source: bytes, *words: object) -> tuple[bytes, bytes, int]:
    job = start(JOB, "-", "-", *words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = job.communicate(source, timeout=30)
    return out, err, job.returncode


def test_sound_and_subtitles_go_through_where_the_format_holds_them(tmp_path):
    source = write_clip(tmp_path / "in.mkv", moving_square(30), sound="aac", subtitles=True)

    out, err, code = job_on(source.read_bytes(), "-f", "matroska")

    (tmp_path / "out.mkv").write_bytes(out)
    assert code == 0, err
    assert stream_packets(tmp_path / "out.mkv", "audio") == stream_packets(source, "audio")
    assert stream_packets(tmp_path / "out.mkv", "subtitle") == stream_packets(source, "subtitle")
    times = video_times(tmp_path / "out.mkv")
    assert len(times) == 60 and all(abs(b - a - Fraction(1, 60)) <= Fraction(1, 1000) for a, b in pairwise(times))


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupt_does_not_wait_for_a_sender_who_has_gone_quiet(tmp_path, number):
    frame = b"FRAME\n" + bytes(64 * 48 * 3 // 2)
    words = ["-", tmp_path / "out.mkv", "--progress", "json"]
    job = start(JOB, *words, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    job.stdin.write(b"YUV4MPEG2 W64 H48 F30:1 Ip C420jpeg\n" + 60 * frame)
    job.stdin.flush()
    for line in job.stderr:
        if b'"progress"' in line:
            break
    time.sleep(0.3)  # every thread waits for the one that waits for the sender

    job.send_signal(number)
    rest = job.stderr.read()

    assert job.wait(timeout=10) == 130 and rest.splitlines()[-1] == b"vfi-flow: interrupted"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupt_does_not_wait_for_a_sender_who_never_finishes_the_first_frame(tmp_path, number):
    job = start(JOB, "-", tmp_path / "out.mkv", "--progress", "none", stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    job.stdin.write(b"YUV4MPEG2 W640 H480 F30:1 Ip C420jpeg\nFRAME\n" + bytes(1 << 17))  # a pipe takes half of it
    job.stdin.flush()

    job.send_signal(number)

    assert job.wait(timeout=10) == 130
    assert job.stderr.read() == b"vfi-flow: interrupted\n"


@pytest.mark.parametrize("calls_before", [0, 1, 2, 3, 5, 8])
def test_an_interrupt_while_bytes_come_ends_the_job(tmp_path, calls_before):
    """Which would take it for the end of the stream."""
    source = write_clip(tmp_path / "in.mkv", moving_square(20, 320, 240), codec="rawvideo", options={}, sound="aac")

    class Interrupted(io.BytesIO):
        calls = 0

        def read(self, size: int | None = -1) -> bytes:
            self.calls += 1
            if self.calls == calls_before + 1:
                raise KeyboardInterrupt
            return super().read(size)

    with pytest.raises(KeyboardInterrupt):
        run(make_plan(Job(InputPipe(Interrupted(source.read_bytes())), tmp_path / "out.mkv")), Blend())

    assert os.listdir(tmp_path) == ["in.mkv"]


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("calls_before", range(5))
def test_a_signal_just_when_bytes_are_asked_for_ends_the_job(tmp_path, calls_before):
    """Where an exception would come before the first line of what could catch it."""
    source = write_clip(tmp_path / "in.mkv", moving_square(20, 320, 240), codec="rawvideo", options={}, sound="aac")
    pipe, calls = InputPipe(io.BytesIO(source.read_bytes())), 0

    def send_signal(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        if frame.f_code is InputPipe.Reader.read.__code__:
            calls += 1
            if calls == calls_before + 1:
                signal.raise_signal(signal.SIGINT)

    traced = sys.gettrace()
    sys.settrace(send_signal)
    try:
        with pytest.raises(KeyboardInterrupt), stops_as_interrupts(), heard_by(pipe):
            make_plan(Job(pipe, tmp_path / "out.mkv"))
    finally:
        sys.settrace(traced)

    assert calls >= calls_before + 1


def test_a_stop_while_the_last_of_the_sound_is_copied_ends_the_job(tmp_path):
    source = write_clip(tmp_path / "in.mkv", moving_square(4, 64, 48), codec="rawvideo", options={}, sound="aac")
    asked = iter(8 * [False] + [True])

    with pytest.raises(KeyboardInterrupt):
        run(
            make_plan(Job(InputPipe(io.BytesIO(source.read_bytes())), tmp_path / "out.mkv")),
            Blend(),
            stop=lambda: next(asked),
        )

    assert os.listdir(tmp_path) == ["in.mkv"]


@pytest.mark.usefixtures("heard")
def test_an_interrupt_does_not_wait_for_a_reader_who_has_stopped_reading(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(60, 320, 240))
    job = start(JOB, source, "-", "--progress", "none", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    job.stdout.read(1)

    job.send_signal(signal.SIGTERM)

    assert job.wait(timeout=10) == 130
    assert job.stderr.read() == b"vfi-flow: interrupted\n"


@pytest.mark.parametrize("calls_before", [0, 1, 7])
def test_an_interrupt_while_bytes_leave_ends_the_job(tmp_path, calls_before):
    """FFmpeg, which has them written, would drop it and go on."""
    source, calls = write_clip(tmp_path / "in.mp4", moving_square(5)), []

    def write(part: memoryview) -> int:
        calls.append(len(part))
        if len(calls) == calls_before + 1:
            raise KeyboardInterrupt
        return len(part)

    with pytest.raises(KeyboardInterrupt):
        run(make_plan(Job(source, OutputPipe(write, "yuv4mpegpipe"))), Blend())

    assert len(calls) == calls_before + 1


def test_what_the_format_does_not_hold_costs_a_line(tmp_path):
    source = write_clip(tmp_path / "in.mkv", moving_square(10), sound="aac")

    out, err, code = job_on(source.read_bytes(), "--progress", "none")

    assert code == 0 and out.startswith(b"YUV4MPEG2 ") and out.count(b"FRAME\n") == 20
    assert err.decode().splitlines() == [
        "vfi-flow: standard input: audio stream (aac) left out: yuv4mpegpipe cannot hold it"
    ]


def test_sound_whose_header_would_come_too_late_is_encoded_again(tmp_path):
    """Matroska learns the shape of AAC from a transport stream after its header is gone."""
    source = write_clip(tmp_path / "in.ts", moving_square(10), sound="aac")

    out, err, code = job_on(source.read_bytes(), "-f", "matroska", "--progress", "none")

    (tmp_path / "out.mkv").write_bytes(out)
    assert code == 0, err
    assert err.endswith(b"audio stream (aac) becomes aac: matroska cannot hold it as it is\n")
    assert len(stream_packets(tmp_path / "out.mkv", "audio")) >= len(stream_packets(source, "audio"))
    assert len(video_times(tmp_path / "out.mkv")) == 20


def raw_frames(path: Path) -> bytes:
    with av.open(str(path)) as container:
        return b"".join(frame.to_ndarray().tobytes() for frame in container.decode(video=0))


def test_frames_without_a_header_come_in_and_go_out(tmp_path):
    source = write_clip(tmp_path / "in.mkv", moving_square(10), sound="aac")

    bare, told, code = job_on(source.read_bytes(), "-f", "rawvideo", "-x", "1", "--progress", "none")

    assert code == 0 and b"audio stream (aac) left out: pictures hold nothing else" in told
    assert bare == raw_frames(source)

    words = ["-f", "matroska", "-c:v", "ffv1", "-x", "1", "--raw", "64x48:yuv420p", "-framerate", "ntsc"]
    out, told, code = job_on(bare, *words)

    (tmp_path / "out.mkv").write_bytes(out)
    assert code == 0, told
    assert raw_frames(tmp_path / "out.mkv") == bare
    assert video_times(tmp_path / "out.mkv")[-1] == pytest.approx(9 * 1001 / 30000, abs=0.001)


def test_a_last_frame_without_a_header_that_is_cut_off_is_noticed():
    _, told, code = job_on(bytes(64 * 48 * 3 // 2 * 5 + 100), "--raw", "64x48:yuv420p", "--progress", "none")

    assert code == 3 and b"after frame 5: 100 bytes are left, less than a frame of 64x48 yuv420p" in told


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["in.mp4", "out.mp4", "--raw", "64x48:gray"], "--raw is for standard input (-); in.mp4 is a file"),
        (["-", "out.mp4", "-framerate", "30"], "-framerate is for numbered pictures"),
    ],
)
def test_what_frames_without_a_header_are_must_be_said(capsys, words, sentence):
    assert main(["interpolate", *words]) == 2
    assert sentence in capsys.readouterr().err


def test_progress_without_a_total_still_counts(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(20))
    before = start(DECODE, source, "yuv4mpegpipe", stdout=subprocess.PIPE)
    words = ["-", str(tmp_path / "out.mp4"), "--progress", "json", "--report", str(tmp_path / "report.json")]
    job = start(JOB, *words, stdin=before.stdout, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = job.communicate(timeout=30)
    before.stdout.close()
    before.wait(timeout=30)

    events = [json.loads(line) for line in err.splitlines() if line.startswith(b"{")]
    report = json.loads((tmp_path / "report.json").read_text())
    assert job.returncode == 0 and out == b""
    assert events[0] == {"v": 1, "event": "start", "file": "standard input", "frames": None}
    assert (events[-1]["event"], events[-1]["frame"], events[-1]["frames"]) == ("done", 40, 40)
    assert (report["frames"]["planned"], report["frames"]["written"]) == (None, 40)
    assert len(video_times(tmp_path / "out.mp4")) == 40


def test_a_reader_that_ends_early_is_said_in_one_sentence(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(60, 320, 240))
    words = [source, "-", "--progress", "none"]
    job = start(JOB, *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    job.stdout.read(1000)
    job.stdout.close()
    err = job.stderr.read().decode()

    assert job.wait(timeout=30) == 7
    assert err == "vfi-flow: standard output: the program that reads it has ended\n"


@pytest.mark.parametrize("calls_before", range(4))
def test_what_is_not_taken_is_an_error_of_the_result_whatever_was_being_written(tmp_path, calls_before):
    """Most of these bytes are sound; a packet of it that does not fit would only be left out."""
    source = write_clip(tmp_path / "in.mkv", moving_square(30), sound="pcm_s16le")
    calls = []

    def write(part: memoryview) -> int:
        calls.append(len(part))
        if len(calls) > calls_before:
            raise OSError(errno.EIO, "it burns")
        return len(part)

    with pytest.raises(OutputError, match="standard output: it burns"):
        run(make_plan(Job(source, OutputPipe(write, "matroska"), encoder=EncoderOptions("ffv1"))), Blend())

    assert len(calls) == calls_before + 1


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not a video that can be read from a pipe"),
        (b"no video at all\n" * 99, "not a video"),
        (b"YUV4MPEG2 W64 H48 F30:1 Ip C420jpeg\n", "no frame could be decoded"),
    ],
    ids=["empty", "text", "no frame"],
)
def test_an_input_that_is_no_video_is_exit_code_3(data, sentence):
    out, err, code = job_on(data, "--progress", "none")

    assert (code, out) == (3, b"")
    assert err.count(b"\n") == 1 and err.startswith(b"vfi-flow: standard input: ") and sentence in err.decode()


def test_a_stream_that_breaks_off_inside_a_frame_is_exit_code_3(tmp_path):
    frame = b"FRAME\n" + bytes(64 * 48 * 3 // 2)
    data = b"YUV4MPEG2 W64 H48 F30:1 Ip C420jpeg\n" + 9 * frame

    assert job_on(data, "--progress", "none")[2] == 0
    _, err, code = job_on(data[:-1000], "--progress", "none")

    torn = tmp_path / "torn.y4m"
    torn.write_bytes(data[:-1000])

    with pytest.raises(InputError, match="breaks off inside a frame"):
        make_plan(Job(torn, tmp_path / "out.mp4"))
    assert code == 3
    said = b"vfi-flow: standard input: the stream breaks off inside a frame, after 0.27 s; pass --ignore-errors"
    assert err.splitlines()[-1].startswith(said)


@pytest.mark.parametrize("format_name", ["nut", "matroska", "yuv4mpegpipe"])
def test_colours_of_a_palette_go_into_a_pipe(tmp_path, format_name):
    source, sent = write_clip(tmp_path / "in.gif", moving_square(5), codec="gif", pix_fmt="rgb8", rate=Fraction(20)), []

    def write(part: memoryview) -> int:
        sent.append(bytes(part))
        return len(part)

    run(make_plan(Job(source, OutputPipe(write, format_name))), Blend())

    (tmp_path / "out").write_bytes(b"".join(sent))
    truth, found = pixels(source), pixels(tmp_path / "out")
    assert len(found) == 10
    assert np.abs(np.array(found[::2], int) - truth).mean() < (0.1 if format_name == "nut" else 3)


def test_frames_with_parameters_are_whole_frames(tmp_path):
    frame = b"FRAME Ip\n" + bytes(64 * 48 * 3 // 2)
    data = b"YUV4MPEG2 W64 H48 F30:1 Ip C420jpeg\n" + 9 * frame
    (tmp_path / "in.y4m").write_bytes(data)

    assert job_on(data, "--progress", "none")[2] == 0
    report = run(make_plan(Job(tmp_path / "in.y4m", tmp_path / "out.mkv")), Blend())
    assert sum(report.frames.values()) == 18


def test_an_mp4_with_its_index_at_the_end_is_refused_with_the_way_out(tmp_path):
    """A small one would be kept whole by FFmpeg's buffer and be read."""
    frames = [scene(seed, 320, 240) for seed in range(10)]
    source = write_clip(tmp_path / "in.mp4", frames, options={"crf": "5", "preset": "ultrafast"})

    _, err, code = job_on(source.read_bytes(), "--progress", "none")

    assert code == 3 and err.count(b"\n") == 1 and b"+faststart" in err


def test_a_file_that_promises_more_than_comes_is_exit_code_3(tmp_path):
    whole = write_clip(tmp_path / "in.mkv", moving_square(60), options={"g": "1"}).read_bytes()

    _, err, code = job_on(whole[: len(whole) * 6 // 10], "--progress", "none")

    assert code == 3 and b"bytes of a cluster are missing" in err


def job_in_memory(data: bytes, format_name: str, **options) -> tuple[InputPipe, bytes, object]:
    source, sent = InputPipe(io.BytesIO(data)), bytearray()

    def write(part: memoryview) -> int:
        sent.extend(part)
        return len(part)

    report = run(make_plan(Job(source, OutputPipe(write, format_name), **options)), Blend(), **options.pop("run", {}))
    return source, bytes(sent), report


def test_uneven_frames_are_kept_by_nut_and_said_for_y4m(tmp_path):
    ticks = [0, 3, 4, 9, 20, 21, 30]
    source = write_clip(
        tmp_path / "in.nut", moving_square(7), pts=ticks, time_base=Fraction(1, 90), options={"bf": "0"}
    )

    _, nut, report = job_in_memory(source.read_bytes(), "nut")
    (tmp_path / "out.nut").write_bytes(nut)
    assert video_times(tmp_path / "out.nut")[::2] == [Fraction(tick, 90) for tick in ticks]
    assert report.warnings == []

    _, y4m, report = job_in_memory(source.read_bytes(), "yuv4mpegpipe")
    assert y4m.count(b"FRAME\n") == 14
    assert report.warnings == [
        "standard output: the times of unevenly spaced frames are lost in this format; use -r RATE or another"
    ]


def test_full_range_stays_full_range():
    with_range = b"YUV4MPEG2 W64 H48 F30:1 Ip C420jpeg XCOLORRANGE=FULL\n" + 2 * (b"FRAME\n" + bytes(64 * 48 * 3 // 2))

    _, y4m, _ = job_in_memory(with_range, "yuv4mpegpipe")

    assert b"XCOLORRANGE=FULL" in y4m[: y4m.index(b"\n")]


def test_a_sender_who_goes_on_is_left_soon_after_the_window(tmp_path):
    """Though no subtitle says that it is over: the last one is shown before."""
    source = write_clip(
        tmp_path / "in.mkv", moving_square(360), codec="rawvideo", options={}, sound="aac", subtitles=True
    )
    data, two_seconds = source.read_bytes(), Window(Fraction(0), Fraction(2))
    run(make_plan(Job(source, tmp_path / "from file.mkv", window=two_seconds)), Blend())

    pipe, sent, _ = job_in_memory(data, "matroska", window=two_seconds)

    (tmp_path / "out.mkv").write_bytes(sent)
    assert pipe.length < len(data) / 2
    assert len(video_times(tmp_path / "out.mkv")) == 120
    for kind in ("audio", "subtitle"):
        assert stream_packets(tmp_path / "out.mkv", kind) == stream_packets(tmp_path / "from file.mkv", kind) != []


def test_a_long_stream_is_not_kept_in_memory(tmp_path):
    """With a subtitle stream that is silent after the first second, and sound beside raw frames."""
    source = write_clip(
        tmp_path / "in.mkv", moving_square(150), codec="rawvideo", options={}, sound="aac", subtitles=True
    )
    data = source.read_bytes()
    pipe, most = InputPipe(io.BytesIO(data)), 0
    output = OutputPipe(len, "matroska")

    def watch(progress):
        nonlocal most
        most = max(most, pipe.kept)

    run(make_plan(Job(pipe, output)), Blend(), on_progress=watch)

    assert 0 < most < len(data) / 3
    assert pipe.kept == 0


def test_frames_that_did_not_leave_are_noticed(tmp_path, monkeypatch):
    source = write_clip(tmp_path / "in.mkv", moving_square(10))
    honest = VideoWriter._mux
    monkeypatch.setattr(VideoWriter, "_mux", lambda self, packets: honest(self, packets[1:]) if packets else None)

    with pytest.raises(VerificationError, match="0 frames sent instead of 20"):
        job_in_memory(source.read_bytes(), "nut")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["in.mkv", "out.mkv", "-f", "nut"], "-f nut is for standard output"),
        (["in.mkv", "-", "-c:v", "libx264", "-f", "yuv4mpegpipe"], "yuv4mpegpipe cannot hold libx264 video"),
    ],
)
def test_misuse_of_formats_is_said(tmp_path, capfd, monkeypatch, words, sentence):
    write_clip(tmp_path / "in.mkv", moving_square(2))
    monkeypatch.chdir(tmp_path)

    assert main(["interpolate", *words]) in (2, 4)

    assert sentence in capfd.readouterr().err


def test_a_probe_of_a_stream_says_what_is_unknown(tmp_path):
    source = write_clip(tmp_path / "in.mp4", moving_square(5))
    before = start(DECODE, source, "yuv4mpegpipe", stdout=subprocess.PIPE)
    code = JOB.replace('"interpolate"', '"probe"')
    job = start(code, "-", "-f", "nut", "--json", stdin=before.stdout, stdout=subprocess.PIPE)
    out, _ = job.communicate(timeout=30)
    before.stdout.close()
    before.wait(timeout=30)

    found = json.loads(out)
    assert job.returncode == 0
    assert (found["input"]["frames"], found["output"]["frames"], found["output"]["video_bytes"]) == (None, None, None)
