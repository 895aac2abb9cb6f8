"""`vfi-flow interpolate --adapt`: fitted once, kept, told, and refused where there is nothing to learn from."""

import json
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import pytest
from clips import moving_square, video_times, write_clip

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from safetensors import SafetensorError

from vfi_flow.cli import adapted_models, adapting
from vfi_flow.cli.main import main
from vfi_flow.model import weights
from vfi_flow.training import adaptation
from vfi_flow.training.adaptation import Adaptation


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setattr(adapting, "cache_folder", lambda: folder)
    monkeypatch.setattr(adaptation, "CROP", 64)
    return folder / "adapted"


@pytest.fixture
def clip(tmp_path) -> Path:
    return write_clip(tmp_path / "in.mp4", moving_square(16, width=96, height=80), rate=Fraction(24))


@pytest.fixture
def always_better(monkeypatch):
    monkeypatch.setattr(adaptation, "rendered", lambda network, *rest: [next(rising)])
    rising = iter(range(30, 100))


def interpolate(*words: object) -> int:
    return main(["interpolate", *map(str, words)])


def test_the_fitted_model_makes_the_frames_and_the_next_job_finds_it(
    clip, tiny_model, tmp_path, cache, always_better, monkeypatch, capsys
):
    # Losslessly: x264 with AVX-512 does not always make the same file of the same frames.
    words = [clip, "--model", tiny_model, "--steps", 1, "--adapt", 0.02, "-c:v", "ffv1", "-y"]
    reports = [tmp_path / "first.json", tmp_path / "second.json"]
    assert interpolate(*words, tmp_path / "out.avi", "--report", reports[0]) == 0
    told = capsys.readouterr().err
    monkeypatch.setattr(adaptation, "adapt", None)  # a second time would fail
    assert interpolate(*words, tmp_path / "again.avi", "--report", reports[1]) == 0

    models = [json.loads(report.read_text())["model"] for report in reports]
    assert "the model is fitted to in.mp4: 30.00 -> 34.00 dB on frames of it that were kept back" in told
    assert models[0] == models[1]
    assert models[0]["adapted"] == {"share": 1.0, "before": 30.0, "after": 34.0, "samples": pytest.approx(8, abs=100)}
    assert len(video_times(tmp_path / "out.avi")) == 32
    assert (tmp_path / "out.avi").read_bytes() == (tmp_path / "again.avi").read_bytes()
    [kept] = cache.iterdir()
    assert {path.name for path in kept.iterdir()} == {
        "adaptation.json",
        "adapted.safetensors",
        "adapted.encode.onnx",
        "adapted.register.onnx",
        "adapted.enlarge.onnx",
        "adapted.compose_1.onnx",
    }


def test_where_it_is_no_better_the_model_stays_as_it_is(clip, tiny_model, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(adaptation, "adapt", lambda *rest: Adaptation(0.0, 30.0, 30.0, 12))
    words = [clip, tmp_path / "out.mp4", "--model", tiny_model, "--steps", 0, "--report", tmp_path / "report.json"]

    assert interpolate(*words, "--adapt", 1) == 0

    hash_of_plain = json.loads((tmp_path / "report.json").read_text())["model"]["hash"]
    assert "the model stays as it is: fitted to in.mp4 it is no better (30.00 dB)" in capsys.readouterr().err
    assert interpolate(*words, "-y") == 0
    assert json.loads((tmp_path / "report.json").read_text())["model"]["hash"] == hash_of_plain


def test_progress_is_told_in_lines_of_json(clip, tiny_model, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(adaptation, "adapt", lambda *rest: rest[-2](0.5) or Adaptation(0.0, 30.0, 30.0, 12))
    words = [clip, tmp_path / "out.mp4", "--model", tiny_model, "--steps", 0, "--progress", "json"]

    assert interpolate(*words, "--adapt", 1) == 0

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    assert lines[0] == {"v": 1, "event": "adapt", "file": "in.mp4", "done": 0.5}


def test_another_video_part_length_or_use_is_another_adaptation(clip, tiny_model, tmp_path, monkeypatch):
    keys = []
    monkeypatch.setattr(adapting, "learn", lambda *rest: Adaptation(0.0, 30.0, 30.0, 0))
    original = adapting.key_of
    monkeypatch.setattr(adapting, "key_of", lambda *rest: keys.append(original(*rest)) or keys[-1])
    other = write_clip(tmp_path / "other.mp4", moving_square(15, width=96, height=80), rate=Fraction(24))
    common = ["--model", tiny_model, "-y", tmp_path / "out.mp4"]

    alone = [clip, "--adapt", 1, "--neighbours", "off"]
    part = [clip, "--adapt", 1, "-t", 0.5]
    for words in ([clip, "--adapt", 1], [clip, "--adapt", 2], [other, "--adapt", 1], part, alone):
        assert interpolate(*common[:2], *words, *common[2:]) == 0
    assert interpolate(*common[:2], clip, "--adapt", 1, *common[2:]) == 0

    assert len(set(keys)) == 5
    assert keys[5] == keys[0]


def test_what_another_job_has_kept_meanwhile_stays(tmp_path):
    folder = tmp_path / "cache" / "adapted"
    for share in (0.0, 1.0):
        made = tmp_path / str(share)
        made.mkdir()
        (made / adapted_models.RECORD).write_text(json.dumps(asdict(Adaptation(share, 30.0, 31.0, 8))))
        (made / adapted_models.WEIGHTS).touch()
        adapted_models.keep(made, folder)

    assert adapted_models.kept(folder).share == 0.0


def test_a_video_with_too_few_frames_is_made_with_the_general_model(tiny_model, tmp_path, cache, capsys):
    source = write_clip(tmp_path / "short.mp4", moving_square(4, width=96, height=80))
    words = [source, tmp_path / "out.mp4", "--model", tiny_model, "--steps", 0, "--report", tmp_path / "report.json"]

    assert interpolate(*words, "--adapt", 1) == 0

    assert "the model stays as it is: " in (told := capsys.readouterr().err)
    assert "short.mp4: too few different frames to learn from; at least six in a row are needed" in told
    assert json.loads((tmp_path / "report.json").read_text())["model"]["adapted"]["share"] == 0
    assert len(video_times(tmp_path / "out.mp4")) == 8
    assert not cache.exists()


@pytest.fixture
def no_fitting(monkeypatch):
    monkeypatch.setattr(adaptation, "fit", lambda weights, *rest: (adaptation.load_weights(weights)[0], 1))


def full_disk(*arguments: object, **others: object) -> None:
    raise OSError(28, "No space left on device")


def test_what_the_cache_has_no_room_for_is_used_and_said(
    clip, tiny_model, tmp_path, cache, no_fitting, always_better, monkeypatch, capsys
):
    monkeypatch.setattr(adapted_models.shutil, "copyfile", full_disk)
    words = [clip, tmp_path / "out.mp4", "--model", tiny_model, "--steps", 0, "--report", tmp_path / "report.json"]

    assert interpolate(*words, "--adapt", 1) == 0

    told = capsys.readouterr().err
    assert f"{cache} cannot be written (No space left on device), so the next job has to fit it again" in told
    assert json.loads((tmp_path / "report.json").read_text())["model"]["adapted"]["share"] == 1.0
    assert not list(cache.iterdir())


@pytest.mark.parametrize("full", ["weights", "temporary folder"])
def test_where_there_is_no_room_at_all_it_is_a_sentence(
    clip, tiny_model, tmp_path, no_fitting, always_better, monkeypatch, capsys, full
):
    def cut_off(*arguments: object) -> None:
        raise SafetensorError("No space left on device")

    if full == "temporary folder":
        monkeypatch.setattr(adapted_models.tempfile, "mkdtemp", full_disk)
    else:
        monkeypatch.setattr(weights, "write_tensors", cut_off)

    assert interpolate(clip, tmp_path / "out.mp4", "--model", tiny_model, "--steps", 0, "--adapt", 1) == 7

    assert "(No space left on device)" in capsys.readouterr().err
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("damage", ["missing", "broken", "without weights"])
def test_what_is_damaged_in_the_cache_is_made_anew(clip, tiny_model, tmp_path, cache, monkeypatch, damage):
    learned = []
    monkeypatch.setattr(adaptation, "adapt", lambda *rest: learned.append(1) or Adaptation(0.0, 30.0, 30.0, 12))
    words = [clip, tmp_path / "out.mp4", "--model", tiny_model, "--steps", 0, "--adapt", 1, "-y"]
    assert interpolate(*words) == 0
    [entry] = cache.iterdir()
    record = entry / "adaptation.json"
    if damage == "missing":
        record.unlink()
    else:
        record.write_text(record.read_text().replace('"share": 0.0', '"share": 1.0') if damage != "broken" else "{")

    assert interpolate(*words) == interpolate(*words) == 0

    assert len(learned) == 2
    assert [path.name for path in entry.iterdir()] == ["adaptation.json"]


@pytest.mark.parametrize(
    ("source", "adapt", "code", "sentence"),
    [
        ("in.mp4", "0", 2, "'0' is not a number of minutes above 0"),
        ("in.mp4", "-1", 2, "is not a number of minutes"),
        ("in.mp4", "long", 2, "'long' is not a number of minutes above 0"),
        ("text.mp4", "1", 3, "text.mp4"),
    ],
)
def test_what_cannot_be_adapted_is_said(clip, tiny_model, tmp_path, capsys, cache, source, adapt, code, sentence):
    (tmp_path / "text.mp4").write_text("no video")

    try:
        found = interpolate(tmp_path / source, tmp_path / "out.mp4", "--model", tiny_model, f"--adapt={adapt}")
    except SystemExit as left:
        found = left.code

    assert found == code
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out.mp4").exists()
    assert not cache.exists() or not list(cache.iterdir())


@pytest.mark.parametrize(("device", "learns_on"), [("cpu", "cpu"), ("auto", "cuda")])
def test_it_is_fitted_on_the_device_of_the_command_line(clip, tiny_model, tmp_path, monkeypatch, device, learns_on):
    devices = []

    def adapt(*rest):
        devices.append(rest[-1].type)
        return Adaptation(0.0, 30.0, 30.0, 12)

    monkeypatch.setattr(adaptation, "adapt", adapt)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    words = [clip, tmp_path / "out.mp4", "--model", tiny_model, "--steps", 0, "--device", device]

    assert interpolate(*words, "--adapt", 1) == 0
    assert devices == [learns_on]
