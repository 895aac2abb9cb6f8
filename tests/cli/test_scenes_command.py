"""`vfi-flow scenes` lists the cuts, and `--scenes FILE` obeys the list, to the frame, whatever part is used."""

import json
from fractions import Fraction

import numpy as np
import pytest
from blending import Blend
from clips import pixels, scene, video_times, write_clip

from vfi_flow.cli.main import main
from vfi_flow.inference import interpolator as engine_module

RATE = Fraction(24000, 1001)
CUTS = (9, 16, 30)


@pytest.fixture(autouse=True)
def blend_for_a_model(monkeypatch):
    monkeypatch.setattr(engine_module, "Interpolator", Blend)


def shots(lengths=(9, 7, 14, 6)) -> list[np.ndarray]:
    """Scenes that pan by a pixel a frame."""
    frames = []
    for number, length in enumerate(lengths):
        wide = scene(number + 1, 192, 96)
        frames += [wide[:, n : n + 128] for n in range(length)]
    return frames


@pytest.fixture(params=[".mkv", ".mp4"])
def clip(request, tmp_path):
    options = {"g": "12", "crf": "12"}
    return write_clip(tmp_path / f"in{request.param}", shots(), rate=RATE, options=options, sound="aac")


def listed(clip, *words) -> dict:
    path = clip.with_name("cuts.json")
    assert main(["scenes", str(clip), str(path), "-y", "--progress", "none", *words]) == 0
    return json.loads(path.read_text())


def render(clip, *words) -> dict:
    report, output = clip.with_name("report.json"), clip.with_name("out.mkv")
    job = ["interpolate", str(clip), str(output), "-y", "-c:v", "ffv1", "--report", str(report), "--progress", "none"]
    assert main([*job, *map(str, words)]) == 0
    return json.loads(report.read_text())


def test_every_cut_is_listed_with_its_frame_and_exact_time(clip):
    found = listed(clip)

    assert found["scenes_version"] == 1 and found["frames"] == 36
    assert found["source"]["rate"] == "24000/1001" and found["source"]["width"] == 128
    assert [cut["frame"] for cut in found["cuts"]] == list(CUTS)
    times = [Fraction(cut["time"]) for cut in found["cuts"]]
    assert times == [n / RATE for n in CUTS]
    decoded = video_times(clip)
    assert all(abs(decoded[n] - time) < Fraction(1, 1000) for n, time in zip(CUTS, times, strict=True))
    assert all(0.7 < cut["score"] < 1.5 for cut in found["cuts"])


def test_a_part_is_listed_on_the_clock_of_the_whole(clip):
    whole = {cut["time"] for cut in listed(clip)["cuts"]}

    found = listed(clip, "-ss", "0.5", "-to", "1.3")

    assert {cut["time"] for cut in found["cuts"]} == {str(16 / RATE), str(30 / RATE)} < whole
    assert found["start"] == "1/2"


def test_an_edited_list_is_obeyed_in_the_whole_and_in_a_part(clip):
    found = listed(clip)
    del found["cuts"][1]  # no cut at 16
    found["cuts"] += [{"frame": 20, "time": str(20 / RATE)}]
    edited = clip.with_name("edited.json")
    edited.write_text(json.dumps(found))

    whole = render(clip, "--scenes", edited)
    frames = pixels(clip.with_name("out.mkv"))
    part = render(clip, "--scenes", edited, "-ss", "0.6", "-to", "1")  # frames 15 to 23

    held = [n for n in range(1, 36) if np.array_equal(frames[2 * n - 1], frames[2 * n - 2])]
    assert held == [9, 20, 30]
    assert whole["cuts_seconds"] == [round(float(n / RATE), 6) for n in (9, 20, 30)]
    assert part["cuts_seconds"] == [round(float(20 / RATE - Fraction(6, 10)), 6)]


def test_a_cut_may_be_filled_with_a_blend(clip):
    report = render(clip, "--cut-fill", "blend")

    before, between, after = (frame.astype(int) for frame in pixels(clip.with_name("out.mkv"))[16:19])
    assert report["frames"]["blended"] == 3 and report["frames"]["held"] == 1
    assert np.abs(between - (before + after) / 2).mean() < 2


def test_a_list_holds_where_two_pictures_are_made_of_each_frame(clip):
    listed(clip)

    report = render(clip, "--scenes", str(clip.with_name("cuts.json")), "--deinterlace", "fields")

    assert report["cuts_seconds"] == [round(float(cut / RATE), 6) for cut in CUTS]


def test_the_list_goes_to_standard_output_and_replaces_nothing_unasked(clip, capsys):
    assert main(["scenes", str(clip)]) == 0
    out, err = capsys.readouterr()
    assert len(json.loads(out)["cuts"]) == 3 and err == ""

    precious = clip.with_name("cuts.json")
    precious.write_text("edited")
    assert main(["scenes", str(clip), str(precious)]) == 7
    assert precious.read_text() == "edited"
    assert "pass --overwrite" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "words", "sentence"),
    [
        ({"source": {"rate": "25"}}, [], "the list is for a video with rate 25,"),
        ({"source": {"width": 640}}, [], "the list is for a video with width 640,"),
        ({"cuts": [{"time": "1/7"}]}, [], "is between two frames"),
        ({"cuts": [{"time": "5"}]}, [], "cut 1 (5.000000 s) is after the end of"),
        ({"cuts": [{"frame": 3}]}, ["-ss", "0.1"], "cut 1 (frame 3) has no time"),
        ({"cuts": [{"frame": 300}]}, [], "cut 1 (frame 300) is after the end of"),
        ({"cuts": [{"frame": 1.5}]}, [], "cut 1 is not understood"),
        ({"cuts": [{"frame": -1}]}, [], "cut 1 is not understood"),
        ({"cuts": [{"seconds": -1}]}, [], "cut 1 is not understood"),
        ({"cuts": [{"frame": True}]}, [], "cut 1 is not understood"),
        ({"cuts": [{"seconds": 10**400}]}, [], "cut 1 is not understood"),
        ({"cuts": [{"time": "1/2", "seconds": 0.7}]}, [], "of cut 1 differ; delete the one that is wrong"),
    ],
)
def test_a_list_that_does_not_fit_is_exit_code_2_and_nothing_is_left(tmp_path, capsys, change, words, sentence):
    clip = write_clip(tmp_path / "in.mkv", shots(), rate=RATE)
    path = clip.with_name("cuts.json")
    path.write_text(json.dumps({"scenes_version": 1, "cuts": [], **change}))
    job = ["interpolate", str(clip), str(tmp_path / "out.mkv"), "--scenes", str(path), "--progress", "none", *words]

    assert main(job) == 2

    err = capsys.readouterr().err
    assert err.startswith(f"vfi-flow: {path}: ") and sentence in err and err.count("\n") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cuts.json", "in.mkv"]


@pytest.mark.parametrize(
    ("cuts", "sentences"),
    [
        ([{"frame": 9}, {"frame": 36}], ["cut 2 (frame 36) begins no scene here"]),
        ([{"frame": 0}, {"time": "0"}, {"frame": 9, "time": str(9 / RATE)}], []),
        (
            [{"frame": 12, "time": str(9 / RATE)}],
            ["cut 1 (0.375375 s) is at frame 9, not 12; its time counts"],
        ),
    ],
)
def test_lines_that_are_not_obeyed_are_told(tmp_path, cuts, sentences):
    clip = write_clip(tmp_path / "in.mkv", shots(), rate=RATE)
    path = clip.with_name("cuts.json")
    path.write_text(json.dumps({"scenes_version": 1, "cuts": cuts}))

    report = render(clip, "--scenes", path)

    assert report["cuts_seconds"] == [round(float(9 / RATE), 6)]
    assert report["warnings"] == [f"{path}: {sentence}" for sentence in sentences]
    part = render(clip, "--scenes", path, "-t", "0.5")
    assert not any("begins no scene" in warning for warning in part["warnings"])


def test_the_list_of_a_damaged_file_is_made_as_its_frames_are(tmp_path, capsys):
    clip = write_clip(tmp_path / "in.mkv", shots(), rate=RATE, options={"g": "1", "crf": "12"})
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size * 3 // 4])

    assert main(["scenes", str(clip), str(tmp_path / "cuts.json"), "--progress", "none"]) == 3
    assert "pass --ignore-errors" in capsys.readouterr().err
    found = listed(clip, "--ignore-errors")

    assert [cut["frame"] for cut in found["cuts"]][:2] == list(CUTS[:2])
    render(clip, "--ignore-errors", "--scenes", clip.with_name("cuts.json"))


def test_a_list_is_understood_in_other_spellings_too(clip):
    """As editors of other systems save it."""
    path = clip.with_name("cuts.json")
    assert main(["scenes", str(clip), str(path), "-y"]) == 0
    text = path.read_text().replace(f'"rate": "{RATE}"', f'"rate": "{RATE.numerator}/{RATE.denominator}"')
    path.write_text(text, encoding="utf-8-sig")

    report = render(clip, "--scenes", str(path))

    assert report["cuts_seconds"] == [round(float(cut / RATE), 6) for cut in CUTS]


def test_a_frame_without_a_time_is_one_of_the_source_where_two_pictures_are_made_of_each(clip):
    path = clip.with_name("cuts.json")
    path.write_text(json.dumps({"scenes_version": 1, "cuts": [{"frame": cut} for cut in CUTS]}))

    report = render(clip, "--scenes", str(path), "--deinterlace", "fields")

    assert report["cuts_seconds"] == [round(float(cut / RATE), 6) for cut in CUTS]


def test_a_list_that_is_missing_is_exit_code_2(clip, capsys):
    job = ["interpolate", str(clip), str(clip.with_name("out.mkv")), "--scenes", "nowhere.json"]

    assert main(job) == 2

    assert capsys.readouterr().err.startswith("vfi-flow: nowhere.json: the list of cuts cannot be read: ")


def test_names_that_are_too_long_are_one_sentence(tmp_path, capsys):
    assert main(["scenes", "x" * 300, str(tmp_path / "out.json")]) in (3, 7)

    error = capsys.readouterr().err
    assert "File name too long" in error and error.count("\n") == 1


def test_what_came_up_while_reading_is_told(tmp_path, capsys):
    parts = [write_clip(tmp_path / f"{n}.h264", shots((9,)), aspect=Fraction(n, 11)) for n in (12, 16)]
    joined = tmp_path / "in.h264"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))

    assert main(["scenes", str(joined), str(tmp_path / "cuts.json"), "--progress", "none"]) == 0

    assert "in.h264: the shape of pixels changes at " in capsys.readouterr().err
