"""`vfi-flow interpolate` as people type it: options, exit codes, one sentence on stderr, nothing half-written."""

import json
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from blending import Blend
from clips import moving_square, sound_only, stream_packets, video_times, with_cover, write_clip

from vfi_flow.cli.main import COMMANDS, main
from vfi_flow.errors import ComponentError
from vfi_flow.inference import interpolator as engine_module


@pytest.fixture(autouse=True)
def blend_for_a_model(monkeypatch):
    monkeypatch.setattr(engine_module, "Interpolator", Blend)


def interpolate(*words: object) -> int:
    return main(["interpolate", *map(str, words)])


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "in.mp4", moving_square(30), sound="aac")


def test_the_plain_command_doubles_the_frames_and_keeps_the_sound(clip, tmp_path, capsys):
    output = tmp_path / "out.mp4"

    assert interpolate(clip, output) == 0

    assert video_times(output) == [Fraction(k, 60) for k in range(60)]
    assert stream_packets(output, "audio") == stream_packets(clip, "audio")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("words", "rate", "frames"),
    [
        (["-x", "5/2"], 75, 75),
        (["-x", "2.5"], 75, 75),
        (["-r", "60"], 60, 60),
        (["-r", "60000/1001"], Fraction(60000, 1001), 60),
        (["--rate", "film"], 24, 24),
        (["-r", "59.94"], Fraction(60000, 1001), 60),
        (["--slow", "2.5"], 30, 75),
        (["--factor", "3", "-ss", "0.5"], 90, 45),
        (["-ss", "0.5", "-t", "0.2"], 60, 12),
        (["-ss", "0.51", "-t", "0.3", "-r", "24"], 24, 7),
        (["-ss", "500ms", "-t0.2"], 60, 12),
        (["-to=0.2"], 60, 12),
        (["-ss", "0:00:00.5", "-to", "00:00.7"], 60, 12),
        (["-an", "-c:v", "libx265", "-crf", "30", "-preset", "ultrafast", "-pix_fmt", "yuv444p"], 60, 60),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_ffmpegs_spellings_are_understood(clip, tmp_path, words, rate, frames):
    output = tmp_path / "out.mp4"

    assert interpolate("-i", clip, output, *words) == 0

    times = video_times(output)
    assert len(times) == frames
    assert all(b - a == 1 / Fraction(rate) for a, b in pairwise(times))


def test_encoder_options_reach_the_file(clip, tmp_path):
    words = ["-an", "-c:v", "libvpx-vp9", "-crf", "50", "-pix_fmt", "yuv444p"]

    assert interpolate(clip, tmp_path / "out.webm", *words) == 0

    with av.open(str(tmp_path / "out.webm")) as container:
        [stream] = container.streams
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("vp9", "yuv444p")


def test_further_encoder_options_reach_the_file(clip, tmp_path):
    """x264 notes its settings in the stream."""
    words = ["-an", "-b:v", "300k", "-tune", "animation", "-g", "12", "-profile:v", "high"]
    assert interpolate(clip, tmp_path / "out.mp4", *words, "--encoder-option", "trellis=0") == 0

    data = (tmp_path / "out.mp4").read_bytes()
    assert all(setting in data for setting in (b"rc=abr", b"bitrate=300", b"deblock=1:1:1", b"keyint=12", b"trellis=0"))
    with av.open(str(tmp_path / "out.mp4")) as container:
        keys = [packet.is_keyframe for packet in container.demux(video=0) if packet.size]
    assert not any(not any(keys[start : start + 12]) for start in range(0, len(keys) - 12))


def test_model_options_reach_the_model_and_the_report(clip, tmp_path):
    report = tmp_path / "report.json"
    words = ["--model", "fast", "--steps", "0", "--seed", "7", "--device", "cpu", "--threads", "1", "--strength", "0.5"]

    assert interpolate(clip, tmp_path / "out.mp4", *words, "--tile", "512", "--scale", "0.5", "--report", report) == 0

    options = {"model": "fast", "steps": 0, "seed": 7, "device": "cpu", "threads": 1, "tile": 512}
    options |= {"scale": Fraction(1, 2)}
    assert Blend.options == options
    found = json.loads(report.read_text())
    assert found["model"] == {
        "name": "blend",
        "hash": "00",
        "engine": "numpy",
        "steps": 0,
        "strength": 0.5,
        "seed": 7,
        "tile": "off",
        "scale": "1/2",
    }
    assert found["frames"]["written"] == 60


def test_progress_as_json_is_one_object_a_line_on_stderr(clip, tmp_path, capsys):
    assert interpolate(clip, tmp_path / "out.mp4", "--progress", "json") == 0

    out, err = capsys.readouterr()
    events = [json.loads(line) for line in err.splitlines()]
    assert out == ""
    assert [events[0]["event"], events[-1]["event"]] == ["start", "done"]
    assert events[-1]["frame"] == events[-1]["frames"] == 60
    assert {event["v"] for event in events} == {1}


def test_the_bar_counts_frames_on_stderr(clip, tmp_path, capsys):
    assert interpolate(clip, tmp_path / "out.mp4", "--progress", "bar") == 0

    out, err = capsys.readouterr()
    assert out == "" and "60/60" in err and "frames/s" in err


def test_no_progress_means_silence(clip, tmp_path, capsys):
    assert interpolate(clip, tmp_path / "out.mp4", "--progress", "none") == 0

    assert capsys.readouterr() == ("", "")


def test_a_stream_that_is_converted_costs_a_line(tmp_path, capsys):
    source = write_clip(tmp_path / "in.mkv", moving_square(10), sound="aac", subtitles=True)

    assert interpolate(source, tmp_path / "out.mp4", "--progress", "none") == 0

    said = f"vfi-flow: {source}: subtitle stream (srt) becomes mov_text: mp4 cannot hold it as it is\n"
    assert capsys.readouterr().err == said


def test_a_stream_that_cannot_be_kept_costs_a_line_not_the_render(tmp_path, capsys):
    source = with_cover(tmp_path / "in.mp4")

    assert interpolate(source, tmp_path / "out.mov", "--progress", "none") == 0

    said = f"vfi-flow: {source}: cover picture stream (mjpeg) left out: mov holds no such picture\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize(("choice", "kinds"), [("stretch", ["video", "audio"]), ("drop", ["video"])])
def test_the_sound_of_a_slow_motion_is_stretched_or_dropped(clip, tmp_path, capsys, choice, kinds):
    output = tmp_path / "out.mp4"

    assert interpolate(clip, output, "--slow", "3", "--slow-audio", choice, "--progress", "none") == 0

    with av.open(str(output)) as container:
        assert [stream.type for stream in container.streams] == kinds
        assert all(abs(s.duration * s.time_base - 3) < Fraction(1, 20) for s in container.streams)
    assert capsys.readouterr().err == ""


def test_overwrite_replaces(clip, tmp_path):
    (tmp_path / "out.mp4").write_bytes(b"old")

    assert interpolate(clip, tmp_path / "out.mp4", "-y") == 0

    assert len(video_times(tmp_path / "out.mp4")) == 60


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def cut_off(path: Path) -> Path:
    whole = write_clip(path, moving_square(60), options={"g": "1"}).read_bytes()
    return write(path, whole[: len(whole) * 6 // 10])


BAD_INPUTS = {
    "missing": (lambda d: d / "missing.mp4", "no such file"),
    "folder": (lambda d: d, "is a directory"),
    "empty": (lambda d: write(d / "empty.mp4", b""), "the file is empty"),
    "text": (lambda d: write(d / "notes.txt", b"not a video\n" * 99), "not a video file"),
    "sound only": (lambda d: sound_only(d / "song.m4a"), "no video stream (found: audio)"),
    "cut off": (lambda d: cut_off(d / "cut.mkv"), "the file is truncated"),
}


@pytest.mark.parametrize("kind", BAD_INPUTS)
def test_an_unreadable_input_is_exit_code_3(tmp_path, capsys, kind):
    make, reason = BAD_INPUTS[kind]
    path = make(tmp_path)
    before = files(tmp_path)

    assert interpolate(path, tmp_path / "out.mp4", "--progress", "none") == 3

    assert_one_sentence(capsys.readouterr().err, f"{path}: ", reason)
    assert files(tmp_path) == before


def assert_one_sentence(err: str, *parts: str) -> None:
    assert err.startswith("vfi-flow: ") and err.count("\n") == 1
    assert all(part in err for part in parts), err


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["{out}", "-c:v", "nosuch"], 4, "no encoder named 'nosuch'"),
        (["{dir}/out.webm", "-c:v", "libx264"], 4, "cannot hold libx264 video"),
        (["{dir}/none/out.mp4"], 7, "no such folder"),
        (["{dir}/out.xyz"], 7, "videos with the ending '.xyz' are not written"),
        (["{in}"], 7, "is the input itself"),
        (["{dir}"], 7, "is a folder"),
        (["{out}", "-ss", "2", "-to", "1"], 2, "starts at 2 s and ends at 1 s: nothing is in it"),
        (["{out}", "--report", "{dir}/none/report.json"], 7, "none: no such folder for the report"),
        (["{out}", "--report", "{dir}"], 7, "expected a file for the report"),
        (["{out}", "--report", "-"], 7, "-: the report goes to a file"),
        (["{out}", "-ss", "99"], 3, "no frame in the part from 99 s to its end"),
        (["{out}", "-ss", "99999999999999999999"], 2, "later than any video"),
        (["{out}", "-x", "1/9999999999"], 2, "less than a frame in 1000000 seconds is no video"),
        (["{out}", "-tune", "tin"], 2, "does not open with -crf 16 -preset medium -tune tin"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_work_ends_with_its_exit_code(clip, tmp_path, capsys, words, code, sentence):
    names = {"in": clip, "out": tmp_path / "out.mp4", "dir": tmp_path}
    before = files(tmp_path)

    assert interpolate(clip, *(word.format(**names) for word in words), "--progress", "none") == code

    assert_one_sentence(capsys.readouterr().err, sentence)
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["-x", "0"], "0 is not above 0"),
        (["-x", "-2"], "-2 is not above 0"),
        (["-r", "abc"], "'abc' is not a number"),
        (["-r", "60", "-x", "2"], "not allowed with"),
        (["--slow", "2", "-x", "2"], "not allowed with"),
        (["--slow", "0.5"], "0.5 is below 1"),
        (["-x", "1e5000"], "'1e5000' is not a number"),
        (["-ss", "soon"], "'soon' is not a time"),
        (["-crf", "good"], "'good' is not a number"),
        (["-b:v", "fast"], "'fast' is not a number of bits a second"),
        (["-b:v", "0"], "'0' is not a number of bits a second"),
        (["-g", "0"], "'0' is not a whole number above 0"),
        (["--encoder-option", "cq"], "'cq' is not an option; write NAME=VALUE"),
        (["--strength", "3"], "'3' is not a number from 0 to 2"),
        (["--threads", "0"], "'0' is not a whole number above 0"),
        (["--threads", "99999999999"], "99999999999 are too many, at most 1024"),
        (["--scale", "1/0"], "'1/0' is not auto, 1, 1/2, 1/4 or 1/8"),
        (["--tile", "256"], "256 pixels are too few for a tile, at least 512"),
        (["--parallel", "0"], "'0' is not a whole number above 0"),
        (["--steps", "9"], "invalid choice"),
        (["--cut-fill", "melt"], "invalid choice"),
        (["--dedup", "maybe"], "invalid choice"),
        (["--protect", "maybe"], "invalid choice"),
        (["more.mp4"], "unrecognized arguments: more.mp4"),
        (["-threads", "1"], "unrecognized arguments: -threads"),
        (["-rc", "vbr"], "unrecognized arguments: -rc"),
        (["-hide_banner"], "unrecognized arguments: -hide_banner"),
        (["-y", "-n"], "argument -n: not allowed with argument -y/--overwrite"),
        (["-threads", "1", "--"], "unrecognized arguments: -threads"),
    ],
    ids=" ".join,
)
def test_misuse_is_exit_code_2(clip, tmp_path, capsys, words, sentence):
    with pytest.raises(SystemExit) as caught:
        interpolate(clip, tmp_path / "out.mp4", *words)

    assert caught.value.code == 2
    assert_one_sentence(capsys.readouterr().err, sentence, "--help")
    assert not (tmp_path / "out.mp4").exists()


def test_a_report_replaces_no_file_unasked(clip, tmp_path, capsys):
    cuts, report = tmp_path / "cuts.json", tmp_path / "report.json"
    assert main(["scenes", str(clip), str(cuts)]) == 0
    listed = cuts.read_text()
    report.write_text("precious")
    words = ["--scenes", cuts, "--progress", "none"]

    assert interpolate(clip, tmp_path / "out.mp4", *words, "--report", cuts, "-y") == 7
    assert_one_sentence(capsys.readouterr().err, "cuts.json: is the list of cuts; choose another name for the report")
    assert interpolate(clip, tmp_path / "out.mp4", *words, "--report", report) == 7
    assert_one_sentence(capsys.readouterr().err, "report.json exists; pass --overwrite to replace it")
    assert (cuts.read_text(), report.read_text()) == (listed, "precious") and not (tmp_path / "out.mp4").exists()
    assert interpolate(clip, tmp_path / "out.mp4", *words, "--report", report, "-y") == 0
    assert json.loads(report.read_text())["frames"]["written"] > 0


def test_a_missing_output_name_is_exit_code_2(clip, capsys):
    with pytest.raises(SystemExit) as caught:
        interpolate(clip)

    assert caught.value.code == 2
    assert_one_sentence(capsys.readouterr().err, "required: OUTPUT")


@pytest.mark.parametrize("command", ["interpolate", "probe", "evaluate", "export"])
def test_the_help_names_every_scale(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])

    assert "1|1/2|1/4|1/8" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_fits_a_terminal_of_80_columns(command, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main([command, "--help"])

    assert max(len(line) for line in capsys.readouterr().out.splitlines()) <= 80


@pytest.mark.parametrize(
    "words", ["{i} {o} -x 3", "{i} -x 3 {o}", "-x 3 -i {i} {o}", "-i {i} -x 3 {o}", "-y {i} -x 3 {o}"]
)
def test_options_may_stand_anywhere(clip, tmp_path, words):
    assert interpolate(*words.format(i=clip, o=tmp_path / "out.mp4").split()) == 0

    assert len(video_times(tmp_path / "out.mp4")) == 90


def test_an_output_that_exists_is_exit_code_7_and_stays(clip, tmp_path, capsys):
    output = write(tmp_path / "out.mp4", b"precious")

    assert interpolate(clip, output) == 7

    assert capsys.readouterr().err == f"vfi-flow: {output} exists; pass --overwrite to replace it\n"
    assert output.read_bytes() == b"precious"


def test_a_missing_engine_is_exit_code_4(clip, tmp_path, capsys, monkeypatch):
    def missing(**options):
        raise ComponentError("no ONNX Runtime; install one of them")

    monkeypatch.setattr(engine_module, "Interpolator", missing)

    assert interpolate(clip, tmp_path / "out.mp4", "--progress", "none") == 4

    assert_one_sentence(capsys.readouterr().err, "no ONNX Runtime")
    assert list(files(tmp_path)) == ["in.mp4"]
