"""`vfi-flow evaluate` with a fake interpolator: the table, the JSON, and one sentence for what is wrong."""

import json
import os
import re
import sys
from types import ModuleType
from typing import ClassVar

import numpy as np
import pytest

pytest.importorskip("kornia")
pytest.importorskip("cv2")

from clips import moving_square, write_clip

from vfi_flow.cli.main import main
from vfi_flow.errors import OutputError
from vfi_flow.training.baselines import blend
from vfi_flow.training.lpips import expected_shapes


class FakeInterpolator:
    """Blends; how it was opened and whether it was closed is kept."""

    opened: ClassVar[list[dict]] = []
    closed = 0

    def __init__(self, **options) -> None:
        self.opened.append(options)
        self.model_name, self.model_hash, self.engine = options["model"], "ab12", "none"

    def __enter__(self) -> "FakeInterpolator":
        return self

    def __exit__(self, *_: object) -> None:
        type(self).closed += 1

    def __call__(self, frame0, frame1, taus, pts=0, before=None, after=None):
        return [blend(frame0, frame1, tau) for tau in taus]


@pytest.fixture
def interpolator(monkeypatch):
    module = ModuleType("vfi_flow.inference.interpolator")
    module.Interpolator = FakeInterpolator
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(FakeInterpolator, "opened", [])
    monkeypatch.setattr(FakeInterpolator, "closed", 0)
    return FakeInterpolator


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    write_clip(folder / "a.mp4", moving_square(7))
    write_clip(folder / "b.mp4", moving_square(5, width=80, height=56))
    return folder


def test_model_and_baselines_stand_in_one_table_and_in_the_json(folder, tmp_path, interpolator, capsys):
    code = main(["evaluate", "--data", str(folder), "--json", str(tmp_path / "result.json"), "--strength", "0.5"])
    out, document = capsys.readouterr().out, json.loads((tmp_path / "result.json").read_text())

    assert code == 0
    names = ["base steps 0", "base steps 1 strength 0.5", "repeat", "blend", "dis", "minterpolate"]
    assert [method["name"] for method in document["methods"]] == names
    assert all(f"\n| {name} " in out for name in names)
    assert "All: 2 clips, 6 places" in out
    assert [options["steps"] for options in interpolator.opened] == [0, 1]
    assert [options["strength"] for options in interpolator.opened] == [None, 0.5]
    assert interpolator.closed == 2
    assert document["settings"]["model"] == {"name": "base", "hash": "ab12", "engine": "none"}
    by_name = {method["name"]: method["overall"]["psnr_db"] for method in document["methods"]}
    assert by_name["base steps 0"] == by_name["blend"] and by_name["dis"]["mean"] > by_name["blend"]["mean"]


def test_several_strengths_are_points_of_a_curve_for_each_number_of_steps(folder, tmp_path, interpolator):
    page = tmp_path / "report.html"
    command = ["evaluate", "--data", str(folder), "--baselines", "blend", "--html", str(page)]

    code = main([*command, "--steps", "0,1,2", "--strength", "1.5,0.5", "--neighbours", "both"])

    opened = [(options["steps"], options["strength"]) for options in interpolator.opened]
    assert code == 0
    assert opened == [twin for one in [(0, None), (1, 0.5), (1, 1.5), (2, 0.5), (2, 1.5)] for twin in (one, one)]
    lines = re.findall(r'<polyline points="([^"]*)"', page.read_text())
    assert (
        sum(len(line.split()) == 3 for line in lines) == 4
    )  # the mean and both strengths; two steps, with and without


@pytest.mark.parametrize("wrong", ["", "a", "1,"])
def test_a_strength_that_is_no_number_is_one_sentence(folder, capsys, wrong):
    with pytest.raises(SystemExit) as exit:
        main(["evaluate", "--data", str(folder), "--strength", wrong])

    assert exit.value.code == 2
    assert f"{wrong.split(',')[-1]!r} is not a number from 0 to 2" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["2.5", "nan", "1,-1"])
def test_a_strength_out_of_range_is_one_sentence(folder, capsys, wrong):
    with pytest.raises(SystemExit):
        main(["evaluate", "--data", str(folder), f"--strength={wrong}"])

    assert f"{wrong.split(',')[-1]!r} is not a number from 0 to 2" in capsys.readouterr().err


def test_a_result_replaces_no_clip_and_no_other_result(folder, tmp_path, capsys):
    clip = sorted(folder.iterdir())[0]
    before = clip.read_bytes()
    command = ["evaluate", "--data", str(folder), "--steps", "none", "--baselines", "blend"]

    assert main([*command, "--json", str(clip)]) == 7
    assert main([*command, "--json", str(tmp_path / "same"), "--html", str(tmp_path / "same")]) == 7

    said = capsys.readouterr().err.splitlines()
    assert said == [
        f"vfi-flow: {path}: is {what}; choose another name for the results"
        for path, what in ((clip, "one of the clips"), (tmp_path / "same", "named twice"))
    ]
    assert clip.read_bytes() == before and not (tmp_path / "same").exists()


def test_the_table_is_there_even_where_the_file_cannot_be_written(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("vfi_flow.cli.evaluate.write_complete", fails)
    command = ["evaluate", "--data", str(folder), "--steps", "none", "--baselines", "blend"]

    assert main([*command, "--json", str(tmp_path / "out.json")]) == 7

    assert "| blend" in capsys.readouterr().out


def fails(path, data):
    raise OutputError(f"{path}: cannot be written")


def test_without_the_model_nothing_of_it_is_loaded(folder, interpolator, capsys):
    code = main(["evaluate", "--data", str(folder), "--steps", "none", "--baselines", "blend", "--per-clip", "all"])

    assert code == 0 and interpolator.opened == []
    assert "2 clips, 5 places" in capsys.readouterr().out


def test_another_tau_keeps_other_neighbours(folder, tmp_path, capsys):
    arguments = [
        "--steps",
        "none",
        "--baselines",
        "blend,minterpolate",
        "--tau",
        "1/4",
        "--json",
        str(tmp_path / "r.json"),
    ]
    code = main(["evaluate", "--data", str(folder), *arguments])

    assert code == 0
    clips = json.loads((tmp_path / "r.json").read_text())["clips"]
    assert [clip["places"] for clip in clips] == [[1, 2, 3], [1]]


def test_a_users_own_interpolator_is_measured_too(folder, tmp_path, monkeypatch, capsys):
    (tmp_path / "mine.py").write_text("def later(frame0, frame1, tau):\n    return frame1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    code = main(
        ["evaluate", "--data", str(folder), "--steps", "none", "--baselines", "none", "--against", "mine:later"]
    )

    assert code == 0
    assert "| mine:later " in capsys.readouterr().out


@pytest.mark.parametrize("wrong", ["raise ValueError('no')", "raise SystemExit('no')"])
def test_what_a_users_own_interpolator_does_wrong_is_a_sentence_and_exit_code_4(
    folder, tmp_path, monkeypatch, capsys, wrong
):
    (tmp_path / "bad_one.py").write_text(f"def f(frame0, frame1, tau):\n    {wrong}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "bad_one", raising=False)

    assert main(["evaluate", "--data", str(folder), "--steps", "none", "--against", "bad_one:f"]) == 4

    kind = wrong.split()[1].partition("(")[0]
    assert capsys.readouterr().err.endswith(f"vfi-flow: --against bad_one:f: {kind}: no\n")


def test_gains_are_counted_from_the_method_that_is_named(folder, tmp_path, interpolator, capsys):
    path = tmp_path / "result.json"
    words = ["--steps", "0", "--baselines", "blend,dis,repeat", "--reference", "repeat", "--json", str(path)]

    assert main(["evaluate", "--data", str(folder), *words]) == 0

    assert " gain on repeat, dB |" in capsys.readouterr().out
    methods = {method["name"]: method for method in json.loads(path.read_text())["methods"]}
    own, repeated = methods["base steps 0"], methods["repeat"]
    assert own["psnr_gain_db"]["gain_over"] == "repeat"
    psnr = [np.mean([clip["psnr_db"] for clip in method["by_clip"].values()]) for method in (own, repeated)]
    assert own["psnr_gain_db"]["mean"] == pytest.approx(psnr[0] - psnr[1])


def test_lpips_is_measured_when_its_weights_are_given(folder, tmp_path, capsys):
    random = np.random.default_rng(0)
    weights = {name: np.abs(random.normal(size=shape)) for name, shape in expected_shapes().items()}
    np.savez(tmp_path / "weights.npz", **weights)
    common = ["evaluate", "--data", str(folder), "--steps", "none", "--baselines", "blend"]

    assert main([*common, "--lpips", str(tmp_path / "weights.npz")]) == 0
    assert "LPIPS" in capsys.readouterr().out
    assert main(common) == 0
    assert "LPIPS" not in capsys.readouterr().out


def test_a_bad_folder_is_one_sentence_and_exit_code_3(tmp_path, capsys):
    empty, broken, short = (tmp_path / name for name in ("empty", "broken", "short"))
    for path in (empty, broken, short):
        path.mkdir()
    (broken / "clip.mp4").write_text("not a video")
    write_clip(short / "clip.mp4", moving_square(2))

    for path, reason in {
        tmp_path / "missing": "no such folder",
        empty: "no video in this folder",
        broken: "not a video file that FFmpeg can read",
        short: "2 frames are too few",
    }.items():
        code = main(["evaluate", "--data", str(path), "--steps", "none"])
        error = capsys.readouterr().err
        assert code == 3
        assert reason in error and str(path) in error and error.count("\n") == 1


def test_a_bad_clip_among_good_ones_is_left_out_with_a_line_and_exit_code_1(tmp_path, capsys, caplog):
    write_clip(tmp_path / "good.mp4", moving_square(5))
    (tmp_path / "text.mp4").write_text("not a video")

    assert main(["evaluate", "--data", str(tmp_path), "--steps", "none", "--baselines", "blend"]) == 1
    assert "All: 1 clips, 3 places" in capsys.readouterr().out
    assert "text.mp4: not a video file that FFmpeg can read" in caplog.text and "left out" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["--steps", "none", "--baselines", "none"], 2, "nothing to evaluate"),
        (["--steps", "none", "--baselines", "rife"], 2, "unknown baseline 'rife'"),
        (["--steps", "none", "--tau", "1/9"], 2, "--tau must be"),
        (["--steps", "none", "--gap", "0"], 2, "--gap must be at least 1"),
        (["--steps", "none", "--draws", "1"], 2, "--draws must be"),
        (["--steps", "none", "--against", "nowhere:f"], 2, "no module 'nowhere'"),
        (["--steps", "none", "--against", "math:nothing"], 2, "no callable 'nothing'"),
        (["--steps", "none", "--against", "math"], 2, "MODULE:NAME"),
        (["--steps", "none", "--against", ".relative:f"], 2, "--against .relative:f: cannot be imported (TypeError: "),
        (
            ["--steps", "none", "--against", "math:cos", "--against", "math:cos"],
            2,
            "two methods have one name: math:cos",
        ),
        (
            ["--steps", "none", "--reference", "rife"],
            2,
            "rife is not among the methods: repeat, blend",
        ),
        (["--steps", "none", "--lpips", "missing.npz"], 3, "missing.npz: no such file"),
        (["--steps", "none", "--json", "missing/r.json"], 7, "missing: no such folder for the results"),
        (["--steps", "none", "--json", "."], 7, ".: is a folder, expected a file for the results"),
        (["--steps", "none", "--lpips", "/dev/null"], 3, "/dev/null: not an .npz file with the weights of LPIPS"),
    ],
)
def test_wrong_arguments_are_one_sentence(folder, arguments, code, reason, capsys):
    assert main(["evaluate", "--data", str(folder), *arguments]) == code
    error = capsys.readouterr().err
    assert reason in error and error.count("\n") == 1


@pytest.mark.parametrize("code", ["def f(:", "import sys; sys.exit(3)", "1 / 0"], ids=["syntax", "exit", "error"])
def test_a_module_that_cannot_be_imported_is_one_sentence(folder, tmp_path, monkeypatch, capsys, code):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "odd_module.py").write_text(code)
    monkeypatch.delitem(sys.modules, "odd_module", raising=False)

    assert main(["evaluate", "--data", str(folder), "--steps", "none", "--against", "odd_module:f"]) == 2
    error = capsys.readouterr().err
    assert "--against odd_module:f: cannot be imported (" in error and error.count("\n") == 1


def test_what_works_in_place_does_not_change_the_frames_of_others(folder, tmp_path, monkeypatch):
    def blend_in_place(frame0, frame1, tau):
        frame0[:] = 0
        frame1[:] = 0
        return frame0

    module = ModuleType("in_place")
    module.f = blend_in_place
    monkeypatch.setitem(sys.modules, "in_place", module)
    command = ["evaluate", "--data", str(folder), "--steps", "none", "--baselines", "blend", "--json"]

    assert main([*command, str(tmp_path / "alone.json")]) == 0
    assert main([*command, str(tmp_path / "beside.json"), "--against", "in_place:f"]) == 0
    alone, beside = (json.loads((tmp_path / f"{name}.json").read_text())["methods"] for name in ("alone", "beside"))
    assert alone[-1]["overall"]["psnr_db"] == beside[-1]["overall"]["psnr_db"] and beside[0]["name"] == "in_place:f"


def test_a_clip_whose_name_is_no_text_is_on_the_page(tmp_path):
    name = os.fsdecode(b"caf\xe9.mp4")
    write_clip(tmp_path / name, moving_square(5))
    page = tmp_path / "page.html"

    assert (
        main(["evaluate", "--data", str(tmp_path), *["--steps", "none", "--baselines", "blend", "--html"], str(page)])
        == 0
    )
    assert "caf\\udce9" in page.read_text()


@pytest.mark.parametrize(
    "arguments", [["--steps", "x"], ["--steps", "1,1"], ["--steps=-1"], ["--per-clip", "0"], ["--tau", "half"]]
)
def test_values_that_cannot_be_parsed_are_misuse(folder, arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", "--data", str(folder), *arguments])

    assert stopped.value.code == 2
    assert arguments[0].split("=")[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--threads", "0"], "argument --threads: '0' is not a whole number above 0"),
        (["--threads", "9999999"], "argument --threads: 9999999 are too many"),
        (["--per-clip", "0"], "argument --per-clip: '0' is not a whole number above 0"),
        (["--steps", "x"], "argument --steps: expected numbers such as 0,1 or none, got 'x'"),
        (["--steps", "0", "0"], "argument --steps: expected different numbers, got '0 0'"),
    ],
)
def test_wrong_numbers_are_one_sentence(folder, arguments, reason, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", "--data", str(folder), *arguments])

    error = capsys.readouterr().err
    assert stopped.value.code == 2
    assert reason in error and error.count("\n") == 1


@pytest.mark.parametrize("steps", [["0,2"], ["0", "2"]], ids=["comma", "space"])
def test_steps_may_have_commas_or_spaces_between_them(folder, steps, interpolator):
    assert main(["evaluate", "--steps", *steps, "--data", str(folder), "--baselines", "none", "--per-clip", "1"]) == 0

    assert [options["steps"] for options in interpolator.opened] == [0, 2]


def test_a_missing_package_is_named_with_its_remedy(folder, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "cv2", None)
    monkeypatch.setitem(sys.modules, "kornia", None)

    assert main(["evaluate", "--data", str(folder)]) == 4
    assert 'OpenCV and kornia are not installed; run: pip install ".[train]"' in capsys.readouterr().err
