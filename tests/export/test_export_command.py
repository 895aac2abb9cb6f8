"""`vfi-flow export`: files, table, and one sentence for what cannot be."""

import errno
import shutil
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from vfi_flow.export import parity, write  # noqa: E402
from vfi_flow.export.write import PLAIN, Variant, write_variants  # noqa: E402

from vfi_flow.cli.main import main  # noqa: E402


@pytest.fixture(autouse=True)
def _few_questions(monkeypatch):
    monkeypatch.setattr(parity, "SIZES", ((1, 1), (37, 51)))
    monkeypatch.setattr(parity, "ALIGNED_SIZES", ((32, 48),))
    monkeypatch.setattr(parity, "TAUS", (0.5,))


def test_several_layouts_and_precisions_are_written_and_verified_at_once(tiny_model, tmp_path, capsys):
    command = ["export", "--model", str(tiny_model), "--output-dir", str(tmp_path), "--steps", "0"]

    code = main([*command, "--layout", "3in", "native", "--precision", "fp32,fp16", "--verify"])

    names = [f"tiny.{part}.onnx" for part in ("3in_0", "3in_0.fp16", "native_0", "native_0.fp16")]
    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(names)
    assert lines[:4] == [str(tmp_path / name) for name in names]
    assert lines[4].split() == ["file", "size", "asked", "max", "mean", "PSNR", "lost"]
    rows = [line.split() for line in lines[5:]]
    sizes = ["1x1", "51x37", "1x1", "51x37", "48x32", "48x32"]  # native does not pad, and is open at both ends
    assert [row[1:3] for row in rows] == [[size, "2" if size == "48x32" else "6"] for size in sizes]
    assert [row[0] for row in rows] == [names[0], names[0], names[1], names[1], names[2], names[3]]
    assert all(float(row[5]) > 50 for row in rows)
    metadata = {entry.key: entry.value for entry in onnx.load(tmp_path / names[1]).metadata_props}
    assert (metadata["layout"], metadata["precision"], metadata["preset"]) == ("3in", "fp16", "tiny")


def test_a_fixed_size_is_verified_at_that_size(tiny_model, tmp_path, capsys):
    command = ["export", "--model", str(tiny_model), "--output-dir", str(tmp_path), "--steps", "0", "--layout", "3in"]

    code = main([*command, "--size", "50x30", "--verify"])

    path, _, row = capsys.readouterr().out.splitlines()
    assert code == 0
    assert Path(path).name == "tiny.3in_0.50x30.onnx"
    assert row.split()[:3] == ["tiny.3in_0.50x30.onnx", "50x30", "3"]


def test_files_that_find_motion_on_smaller_frames_say_so_and_are_verified(tiny_model, tmp_path, capsys):
    command = ["export", "--model", str(tiny_model), "--output-dir", str(tmp_path), "--steps", "0"]

    code = main([*command, "--layout", "3in", "native", "--scale", "1/2", "--precision", "fp32", "fp16", "--verify"])

    names = ["tiny.3in_0.half", "tiny.3in_0.half.fp16", "tiny.native_0.half", "tiny.native_0.half.fp16"]
    assert (code, sorted(file.stem for file in tmp_path.iterdir())) == (0, names)
    rows = [row.split() for row in capsys.readouterr().out.splitlines()[5:]]
    assert {row[0] for row in rows} == {f"{name}.onnx" for name in names}
    assert all(float(row[5]) > 50 for row in rows)
    metadata = {entry.key: entry.value for entry in onnx.load(tmp_path / "tiny.3in_0.half.onnx").metadata_props}
    assert (metadata["scale"], metadata["part"]) == ("1/2", "3in_0")


@pytest.mark.parametrize("steps", [0, "input"])
def test_a_file_of_another_scale_fails(tiny_model, tmp_path, steps):
    [half] = write_variants(tiny_model, tmp_path, ["native"], [steps], [PLAIN], halvings=1)
    right = [row.passed for row in parity.compare([half])]

    half.graph.halvings = 0
    wrong = [row.passed for row in parity.compare([half])]

    assert right == [True] * len(parity.ALIGNED_SIZES)
    assert wrong == [False] * len(parity.ALIGNED_SIZES)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--layout", "stream", "--scale", "1/2"], "layout stream leaves the scale to its host"),
        (["--scale", "auto"], "argument --scale: 'auto' is not 1, 1/2, 1/4 or 1/8"),
        (["--scale", "0.3"], "argument --scale: '0.3' is not 1, 1/2, 1/4 or 1/8"),
    ],
)
def test_a_scale_that_cannot_be_is_refused(tiny_model, tmp_path, capsys, words, complaint):
    command = ["export", "--model", str(tiny_model), "--output-dir", str(tmp_path), *words]
    try:
        code = main(command)
    except SystemExit as error:
        code = error.code

    assert (code, list(tmp_path.iterdir())) == (2, [])
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(("layout", "part"), [("split", "synthesise_1"), ("stream", "compose_1")])
def test_the_graphs_of_a_layout_in_parts_are_verified_together(tiny_model, tmp_path, layout, part):
    weights = tmp_path / tiny_model.name
    shutil.copy(tiny_model, weights)

    rows = list(parity.compare(write_variants(weights, tmp_path, [layout], [1], [PLAIN])))

    assert [(row.file, row.height, row.width, row.passed) for row in rows] == [(f"tiny.{part}.onnx", 32, 48, True)]


def test_motion_before_that_is_taken_for_that_after_fails(tiny_model, tmp_path):
    shutil.copy(tiny_model, tmp_path / tiny_model.name)
    files = list(write_variants(tmp_path / tiny_model.name, tmp_path, ["stream"], [0], [PLAIN]))
    model = onnx.load(files[-1].path, load_external_data=False)
    swapped = {"motion_before": "motion_after", "motion_after": "motion_before"}
    for node in model.graph.node:
        names = [swapped.get(name, name) for name in node.input]
        del node.input[:]
        node.input.extend(names)
    right = [row.passed for row in parity.compare(files)]
    files[-1].path.write_bytes(model.SerializeToString())

    wrong = [row.passed for row in parity.compare(files)]

    assert (right, wrong) == ([True], [False])


def test_what_two_layouts_share_is_written_once(tiny_model, tmp_path):
    written = [row.path.name for row in write_variants(tiny_model, tmp_path, ["stream", "split"], [0], [PLAIN])]

    parts = ["encode", "register", "enlarge", "compose_0", "synthesise_0"]
    assert written == [f"tiny.{part}.onnx" for part in parts]


@pytest.fixture(scope="module")
def written(tiny_model, tmp_path_factory) -> list:
    return list(write_variants(tiny_model, tmp_path_factory.mktemp("bad"), ["native"], [0], [PLAIN, Variant("fp16")]))


@pytest.mark.parametrize("change", [0.1, np.nan])
def test_a_file_with_other_weights_fails(written, change):
    [good, _] = written
    model = onnx.load(good.path)
    [bias] = [t for t in model.graph.initializer if t.name == "network.fusion.head.bias"]
    bias.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(bias) + np.float32(change), bias.name))
    onnx.save(model, good.path.with_name("bad.onnx"))

    [row] = parity.compare([parity.Written(good.path.with_name("bad.onnx"), good.graph, good.variant, good.strength)])

    assert not row.passed
    assert next(iter(parity.compare([good]))).passed


def test_a_single_question_answered_with_nan_fails(written, monkeypatch):
    differences = iter([(0.0, 0.0, np.inf, 0.0), (np.nan, np.nan, np.nan, np.nan)])
    monkeypatch.setattr(parity, "difference", lambda *_: next(differences))

    [row] = parity.compare(written[:1])

    assert not row.passed


def test_bytes_do_not_hide_nan(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr(parity, "answer", lambda network, question, *settings: question.frame0 * np.nan)

    rows = list(parity.compare(write_variants(tiny_model, tmp_path, ["u8"], [0], [PLAIN])))

    assert not any(row.passed for row in rows)


def test_what_torch_does_not_compute_ends_with_a_code(tiny_model, tmp_path, capsys, monkeypatch):
    exact = parity.answer
    monkeypatch.setattr(parity, "answer", lambda *question: exact(*question) + 0.001)
    command = ["export", "--model", str(tiny_model), "--output-dir", str(tmp_path), "--steps", "0", "--layout", "3in"]

    code = main([*command, "--verify"])

    out, err = capsys.readouterr()
    assert code == 6
    assert [line.endswith("FAILED") for line in out.splitlines()[2:]] == [True, True]
    assert err == "vfi-flow: tiny.3in_0.onnx: not what torch computes, see the rows that say FAILED\n"


def test_a_file_that_does_not_load_is_named(written):
    path = written[0].path.with_name("empty.onnx")
    path.write_bytes(b"")

    with pytest.raises(parity.VerificationError, match=r"empty\.onnx: onnxruntime cannot load it"):
        list(parity.compare([parity.Written(path, written[0].graph, PLAIN, 1.0)]))


def test_noise_of_half_a_level_is_seen():
    image = np.full((1, 3, 8, 8), 0.5, np.float32)

    assert parity.psnr(image, image) == np.inf
    assert parity.psnr(image, image + np.float32(0.01)) == pytest.approx(40, abs=1e-3)


def occupied(path, monkeypatch) -> None:
    path.mkdir()
    (path / "notes.txt").write_text("a folder under the name of the file")


def full(path, monkeypatch) -> None:
    path.write_bytes(b"an older file")
    half = Path.write_bytes

    def write(self, data):
        half(self, data[:1000])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write)


@pytest.mark.parametrize(("obstacle", "reason"), [(occupied, "Is a directory"), (full, "No space left on device")])
def test_a_file_that_cannot_be_written_is_one_sentence_and_leaves_nothing(
    tiny_model, tmp_path, capsys, monkeypatch, obstacle, reason
):
    path = tmp_path / "tiny.native_0.onnx"
    obstacle(path, monkeypatch)
    before = path.stat()

    code = main(["export", "--model", str(tiny_model), "--output-dir", str(tmp_path), "--steps", "0"])

    assert code == 7
    assert capsys.readouterr() == ("", f"vfi-flow: {path}: cannot be written ({reason})\n")
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat() == before


def test_a_folder_that_cannot_be_written_is_refused_before_the_work(tiny_model, capsys, monkeypatch):
    if not Path("/proc").is_dir():
        pytest.skip("no folder that nobody can write to")
    monkeypatch.setattr(write, "trace", lambda graph: pytest.fail("it was traced"))

    code = main(["export", "--model", str(tiny_model), "--output-dir", "/proc", "--steps", "0"])

    assert code == 7
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("vfi-flow: /proc: cannot be written (") and err.count("\n") == 1


def test_an_older_file_is_replaced(tiny_model, tmp_path):
    path = tmp_path / "tiny.native_0.onnx"
    path.write_bytes(b"an older file")

    assert main(["export", "--model", str(tiny_model), "--output-dir", str(tmp_path), "--steps", "0"]) == 0

    onnx.checker.check_model(onnx.load(path))


@pytest.mark.parametrize(
    ("options", "code", "complaint"),
    [
        (["--layout", "8ch"], 2, "unknown layout '8ch'; there are stream, split, native, 3in, 7ch, 11ch, u8"),
        (["--steps", "3"], 2, "--steps takes 0, 1 and 2, got '3'"),
        (["--steps", "one"], 2, "--steps takes 0, 1 and 2, got 'one'"),
        (["--precision", "fp8"], 2, "--precision takes fp32, fp16 and int8, got 'fp8'"),
        (["--warp", "bend"], 2, "--warp takes grid and gather, got 'bend'"),
        (["--layout", ""], 2, "--layout takes names of layouts, got ''"),
        (["--layout", ","], 2, "--layout takes names of layouts, got ','"),
        (["--size", "1080p"], 2, "--size takes WIDTHxHEIGHT such as 1920x1080, from 1x1 to 16384x16384, got '1080p'"),
        (["--size", "0x8"], 2, "--size takes WIDTHxHEIGHT such as 1920x1080, from 1x1 to 16384x16384, got '0x8'"),
        (
            ["--size", "8x16385"],
            2,
            "--size takes WIDTHxHEIGHT such as 1920x1080, from 1x1 to 16384x16384, got '8x16385'",
        ),
        (
            ["--size", "8x" + 5000 * "9"],
            2,
            "--size takes WIDTHxHEIGHT such as 1920x1080, from 1x1 to 16384x16384, got '8x999",
        ),
        (
            ["--size", "1920x1080"],
            2,
            "layout native takes multiples of 16, got 1920x1080; 3in, 7ch, 11ch and u8 pad inside",
        ),
        (
            ["--layout", "split", "--precision", "fp16"],
            2,
            "layout split shares its weights with PyTorch: any size, fp32 and GridSample only",
        ),
        (["--model", "nothing.safetensors"], 4, "nothing.safetensors: no such model file"),
        (["--model", "huge"], 4, "no model named 'huge' comes with this package"),
    ],
)
def test_what_cannot_be_exported_is_one_sentence(tiny_model, tmp_path, capsys, options, code, complaint):
    command = ["export", "--model", str(tiny_model), "--output-dir", str(tmp_path)]

    found = main([*command, *options])

    err = capsys.readouterr().err
    assert found == code
    assert err.startswith(f"vfi-flow: {complaint}")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
