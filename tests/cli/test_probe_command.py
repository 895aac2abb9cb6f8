"""`vfi-flow probe` says before what `vfi-flow interpolate` does after, and leaves nothing behind."""

import json
import time
from pathlib import Path

import av
import pytest
import tolerances
from blending import Blend
from clips import moving_square, scene, video_times, write_clip

from vfi_flow.cli.main import build_parser, main
from vfi_flow.media.encoder import EncoderOptions
from vfi_flow.pipeline.plan import Job, make_plan
from vfi_flow.pipeline.run import run


def probed(capsys, *words: object) -> dict:
    assert main(["probe", *map(str, words), "--json", "--no-trial"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return json.loads(out)


@pytest.mark.parametrize(
    "words", [[], ["-x", "5/2"], ["-r", "60000/1001"], ["-ss", "0.2", "-t", "0.4"], ["--slow", "3"]], ids=" ".join
)
@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_the_plan_is_what_a_job_makes(tmp_path, capsys, words, ending):
    source = write_clip(tmp_path / "in.mkv", moving_square(24), sound="aac", subtitles=True)
    output = tmp_path / f"out{ending}"
    found = probed(capsys, source, output, *words)
    options = dict(zip(words[::2], words[1::2], strict=True))
    assert list(tmp_path.iterdir()) == [source]

    job = ["interpolate", str(source), str(output), *words, "--progress", "none", "--model", "blend"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vfi_flow.inference.interpolator.Interpolator", Blend)
        assert main(job) == 0

    with av.open(str(output)) as container:
        kinds = sorted(stream.type for stream in container.streams if stream.type != "video")
        assert sorted(s["kind"] for s in found["streams"] if s["fate"] in ("copied", "converted")) == kinds
        assert container.streams.video[0].codec_context.width == found["input"]["width"]
    assert len(video_times(output)) == found["output"]["frames"]
    assert found["output"]["rate"] == expected_rate(options)
    fates = {s["kind"]: s["fate"] for s in found["streams"]}
    assert fates["subtitle"] == ("converted" if ending == ".mp4" else "copied")


def expected_rate(options: dict[str, str]) -> str:
    if "--slow" in options:
        return "30"
    return options.get("-r", {"5/2": "75"}.get(options.get("-x"), "60"))


def test_every_option_of_a_job_is_understood():
    [commands] = [action.choices for action in build_parser()._actions if isinstance(action.choices, dict)]
    known = {
        command: {name for action in commands[command]._actions for name in action.option_strings}
        for command in ("interpolate", "probe")
    }

    assert {"--scenes", "--parallel", "--adapt"} < known["interpolate"]
    assert known["probe"] - known["interpolate"] == {"--json", "--no-trial"}
    assert known["interpolate"] < known["probe"]


def test_a_list_of_cuts_that_cannot_be_read_is_told_before_the_job(tmp_path, capsys):
    source = write_clip(tmp_path / "in.mkv", moving_square(24))

    assert main(["probe", str(source), "--scenes", str(tmp_path / "none.json"), "--no-trial"]) == 2
    assert "none.json" in capsys.readouterr().err


@pytest.mark.parametrize("codec", ["libx264", "ffv1"])
def test_the_disk_is_right_roughly(tmp_path, capsys, codec):
    frames = [scene(7, 192, 96)[:, n : n + 128] for n in range(40)]
    source, output = write_clip(tmp_path / "in.mkv", frames), tmp_path / "out.mkv"
    expected = probed(capsys, source, output, "-c:v", codec)["output"]["video_bytes"]

    plan = make_plan(Job(source, output, encoder=EncoderOptions(codec=codec)))
    run(plan, Blend())

    with av.open(str(output)) as container:
        written = sum(packet.size for packet in container.demux(video=0))
    assert 1 / tolerances.DISK_ESTIMATE < expected / written < tolerances.DISK_ESTIMATE


def test_people_get_lines_that_name_every_stream(tmp_path, capsys):
    source = write_clip(tmp_path / "in.mkv", moving_square(24), sound="aac", subtitles=True)

    assert main(["probe", str(source), str(tmp_path / "out.mp4"), "-r", "60", "--no-trial"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{source} -> {tmp_path / 'out.mp4'}"
    assert "rate      30 -> 60 frames per second" in lines
    assert "frames    about 24 -> 48" in lines
    assert "stream    audio (aac, deu): copied" in lines
    assert any(
        line.startswith("stream    subtitle (srt") and line.endswith("converted, mp4 cannot hold it as it is")
        for line in lines
    )


def test_options_may_stand_before_the_output(tmp_path, capsys):
    source = write_clip(tmp_path / "in.mp4", moving_square(10))
    planned = []
    for words in (["-r", "50", "{in}", "{out}"], ["{in}", "-r", "50", "{out}"], ["{in}", "{out}", "-r", "50"]):
        names = [word.format(**{"in": source, "out": tmp_path / "out.mkv"}) for word in words]
        assert main(["probe", "--json", "--no-trial", *names]) == 0
        output = json.loads(capsys.readouterr().out)["output"]
        planned.append((output["path"], output["rate"]))

    assert planned == [(str(tmp_path / "out.mkv"), "50")] * 3


def test_a_name_may_begin_with_a_dash(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "-in.mp4", moving_square(4))

    assert main(["probe", "--json", "--no-trial", "--", "-in.mp4"]) == 0
    assert json.loads(capsys.readouterr().out)


def test_without_an_output_one_like_the_input_is_planned_even_where_it_exists(tmp_path, capsys):
    source = write_clip(tmp_path / "in.mov", moving_square(4))
    (tmp_path / "in.vfi.mov").write_bytes(b"precious")

    assert Path(probed(capsys, source)["output"]["path"]) == tmp_path / "in.vfi.mov"
    assert (tmp_path / "in.vfi.mov").read_bytes() == b"precious"


@pytest.mark.parametrize(("name", "code"), [("missing.mp4", 3), ("in.mp4", 7)])
def test_what_would_end_the_job_ends_the_probe(tmp_path, capsys, name, code):
    write_clip(tmp_path / "in.mp4", moving_square(4))
    (tmp_path / "out.mp4").write_bytes(b"there")

    assert main(["probe", str(tmp_path / name), str(tmp_path / "out.mp4"), "--no-trial"]) == code

    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1


class Slow(Blend):
    """Takes 20 ms for a frame, and a second to prepare itself."""

    prepared = False

    def __call__(self, frame0, frame1, taus, *, pts=0, before=None, after=None):
        time.sleep(0.02 * len(taus) + (0 if self.prepared else 1))
        self.prepared = True
        return super().__call__(frame0, frame1, taus, pts=pts)


@pytest.mark.parametrize(
    ("words", "new"),
    [([], 31), (["-x", "3"], 62), (["-x", "5/2"], 62), (["-r", "45"], 31), (["--slow", "2"], 31), (["-x", "1"], None)],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_time_is_that_of_the_new_frames(tmp_path, capsys, monkeypatch, words, new):
    monkeypatch.setattr("vfi_flow.inference.interpolator.Interpolator", Slow)
    source = write_clip(tmp_path / "in.mkv", moving_square(32))

    assert main(["probe", str(source), *words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["output"]
    assert main(["probe", str(source), *words]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("time")]

    if new is None:
        assert (found["engine"], found["model_seconds"], lines) == (None, None, [])
    else:
        assert 0.02 * new - 0.1 <= found["model_seconds"] < 0.02 * new + 1  # a machine that is busy is slower
        assert found["engine"] == "numpy"
        assert lines[0].endswith("for the new frames (numpy)")


def test_a_model_that_is_not_there_ends_the_probe_as_it_would_end_the_job(tmp_path, capsys):
    source = write_clip(tmp_path / "in.mkv", moving_square(4))

    assert main(["probe", str(source), "--model", "nobody"]) == 4
    assert "unknown model 'nobody'" in capsys.readouterr().err
