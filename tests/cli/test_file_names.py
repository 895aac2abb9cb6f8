"""Names that FFmpeg, the terminal or the file system read in a way of their own, and files that are in the way."""

import json
import os
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest
from blending import Blend
from clips import moving_square, video_times, write_clip

from vfi_flow.cli.main import main
from vfi_flow.inference import interpolator as engine_module

TOO_LONG = "m" * 248 + ".mp4"
"""It fits, but not what grows beside it."""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.setattr(engine_module, "Interpolator", Blend)
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "in.mp4", moving_square(4))


def interpolate(*words: object) -> int:
    return main(["interpolate", *map(str, words), "--progress", "none"])


@pytest.mark.parametrize("name", ["b:c.mp4", "concat:a.mkv", "file:a.mp4", "50% [a]*?.mp4", "-n.mp4", "é \n.mkv"])
def test_a_name_is_a_name(name):
    os.rename("in.mp4", name)

    assert interpolate("-i", f"./{name}" if name.startswith("-") else name, f"x:{name}") == 0

    assert len(video_times(Path(f"x:{name}").absolute())) == 8


def test_the_bar_shows_all_of_a_name(capsys):
    os.rename("in.mp4", "Film [x264].mp4")

    assert main(["interpolate", "Film [x264].mp4", "out.mp4", "--progress", "bar"]) == 0

    assert "Film [x264].mp4 ━" in capsys.readouterr().err


def test_pictures_beside_a_per_cent_sign():
    Path("p").mkdir()

    assert interpolate("in.mp4", "p/50% [a]*_%03d.png") == 0
    assert interpolate("p/50% [a]*_%03d.png", "out.mkv") == 0

    assert len(video_times(Path("out.mkv"))) == 16


def test_pictures_in_a_folder_with_a_colon():
    Path("a:b").mkdir()

    assert interpolate("in.mp4", "a:b/%03d.png") == 0
    assert interpolate("a:b/%03d.png", "out.mkv") == 0

    assert len(video_times(Path("out.mkv"))) == 16


@pytest.mark.parametrize("name", [TOO_LONG, "m" * 300 + ".mp4"])
def test_a_name_that_is_too_long_is_exit_code_7(name, capsys):
    assert interpolate("in.mp4", name) == 7
    assert capsys.readouterr().err == f"vfi-flow: {name}: File name too long\n"
    assert os.listdir() == ["in.mp4"]


def test_an_input_whose_name_is_too_long_is_exit_code_3(capsys):
    name = "m" * 300 + ".mp4"

    assert interpolate(name, "out.mp4") == 3
    said = f"vfi-flow: {name}: not a video file that FFmpeg can read (File name too long)\n"
    assert capsys.readouterr().err == said


@pytest.mark.skipif(sys.platform != "linux", reason="names are text elsewhere")
def test_a_name_that_is_no_text_can_be_reported():
    name = os.fsdecode(b"x\xff.mp4")
    os.rename("in.mp4", name)

    assert interpolate(name, "out.mp4", "--report", "report.json") == 0

    report = Path("report.json").read_text(encoding="utf-8")
    assert json.loads(report)["input"]["path"].endswith(name)


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes with names")
def test_a_pipe_with_a_name_is_read_once():
    """As a shell writes `<(command)`."""
    write_clip(Path("in.mkv"), moving_square(8))
    os.mkfifo("pipe.mkv")
    writer = Thread(target=lambda: Path("pipe.mkv").write_bytes(Path("in.mkv").read_bytes()))
    writer.start()

    assert interpolate("pipe.mkv", "out.mkv") == 0

    writer.join()
    assert len(video_times(Path("out.mkv"))) == 16


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes with names")
@pytest.mark.parametrize("words", [[], ["-y"]])
def test_a_pipe_with_a_name_is_not_replaced(words, capsys):
    """Its reader would wait for ever."""
    os.mkfifo("pipe.mp4")

    assert interpolate("in.mp4", "pipe.mp4", *words) == 7

    assert "pipe.mp4: is no file that could be replaced; write to - and" in capsys.readouterr().err
    assert Path("pipe.mp4").is_fifo() and sorted(os.listdir()) == ["in.mp4", "pipe.mp4"]


def test_what_only_has_the_name_of_an_unfinished_result_is_not_removed_unasked(capsys):
    Path("out.partial.mp4").write_text("mine")

    assert interpolate("in.mp4", "out.mp4") == 7
    assert "out.partial.mp4: is in the way, the unfinished result needs this name; rename it, or" in (
        capsys.readouterr().err
    )
    assert Path("out.partial.mp4").read_text() == "mine"

    assert interpolate("in.mp4", "out.mp4", "-y") == 0
    assert sorted(os.listdir()) == ["in.mp4", "out.mp4"]


def test_what_a_killed_job_has_left_is_removed():
    Path("out.partial.mp4").write_text("half of a video")
    Path("out.mp4.lock").touch()

    assert interpolate("in.mp4", "out.mp4") == 0
    assert sorted(os.listdir()) == ["in.mp4", "out.mp4"]


def test_a_folder_with_the_name_of_the_unfinished_result_stays(capsys):
    Path("out.partial.mp4").mkdir()

    assert interpolate("in.mp4", "out.mp4", "-y") == 7
    assert capsys.readouterr().err.endswith("the unfinished result needs this name; rename it\n")


@pytest.mark.parametrize(
    ("name", "what"), [("in.mp4", "the input"), ("link.mp4", "the input"), ("out.mp4", "the result")]
)
def test_a_report_replaces_neither_the_input_nor_the_result(name, what, capsys):
    Path("link.mp4").symlink_to("in.mp4")
    before = Path("in.mp4").read_bytes()

    assert interpolate("in.mp4", "out.mp4", "--report", name) == 7

    assert capsys.readouterr().err == f"vfi-flow: {name}: is {what} itself; choose another name for the report\n"
    assert Path("in.mp4").read_bytes() == before and not Path("out.mp4").exists()


def test_a_list_of_cuts_does_not_replace_its_video(capsys):
    before = Path("in.mp4").read_bytes()

    assert main(["scenes", "in.mp4", "in.mp4", "-y"]) == 7

    assert capsys.readouterr().err == "vfi-flow: in.mp4: is the input itself; choose another name for the list\n"
    assert Path("in.mp4").read_bytes() == before


@pytest.mark.parametrize("command", [["probe", "in.mp4", "--no-trial"], ["scenes", "in.mp4"]], ids=["probe", "scenes"])
@pytest.mark.parametrize("place", ["full", "nobody", "ascii"])
@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
def test_what_is_printed_and_does_not_arrive_is_exit_code_7(command, place):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUNBUFFERED": ""}
    if place == "ascii":
        os.rename("in.mp4", "é.mp4")
        command = ["é.mp4" if word == "in.mp4" else word for word in command]
        environment["PYTHONIOENCODING"] = "ascii"
    reading, writing = os.pipe()
    if place == "nobody":
        os.close(reading)
    out = os.open("/dev/full", os.O_WRONLY) if place == "full" else writing
    program = [sys.executable, "-c", "import sys; from vfi_flow.cli.main import main; sys.exit(main())", *command]
    done = subprocess.run(program, env=environment, stdout=out, stderr=subprocess.PIPE, text=True, check=False)

    said = {"full": "No space left on device", "nobody": "Broken pipe"}
    assert done.returncode == (0 if place == "ascii" else 7)
    assert done.stderr == ("" if place == "ascii" else f"vfi-flow: standard output: {said[place]}\n")


@pytest.mark.parametrize("command", [["probe", "--json", "--no-trial"], ["scenes"]], ids=["probe", "scenes"])
def test_json_on_a_console_of_another_encoding_is_json(command):
    os.rename("in.mp4", "\u00e9\u65e5.mp4")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONIOENCODING": "cp1252"}
    program = [sys.executable, "-m", "vfi_flow.cli.main", *command, "\u00e9\u65e5.mp4"]
    done = subprocess.run(program, env=environment, capture_output=True, check=True)

    found = json.loads(done.stdout.decode("ascii"))
    assert found.get("source", found.get("input"))["path"] == "\u00e9\u65e5.mp4"


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX")
def test_where_standard_error_is_closed_the_work_is_done():
    program = f"{sys.executable} -m vfi_flow.cli.main scenes in.mp4 2>&-"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(program, env=environment, shell=True, capture_output=True, check=False)

    assert (done.returncode, json.loads(done.stdout)["cuts"]) == (0, [])
