"""The benchmark: every layout is recognised and fed, cases take turns in processes of their own, failures are rows."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from vfi_flow.export import bench, bench_worker  # noqa: E402
from vfi_flow.export.bench import Case, Row, main  # noqa: E402
from vfi_flow.export.write import write_onnx  # noqa: E402

from vfi_flow.errors import UsageError  # noqa: E402
from vfi_flow.inference.onnx_session import load_runtime  # noqa: E402
from vfi_flow.inference.providers import parse_device  # noqa: E402

LAYOUTS = ["native", "3in", "7ch", "11ch", "u8"]
FLOAT = onnx.TensorProto.FLOAT


@pytest.fixture(scope="module")
def files(split_model, tmp_path_factory):
    """One file of each layout, by layout; of those in parts the one that makes the frame."""
    folder = tmp_path_factory.mktemp("bench")
    written = dict(zip(LAYOUTS, write_onnx(split_model, folder, LAYOUTS, [0]), strict=True))
    parts = {"split": "synthesise_1", "stream": "compose_1"}
    return written | {layout: split_model.with_suffix(f".{part}.onnx") for layout, part in parts.items()}


def foreign(path, *shapes, kind=FLOAT, operator="Identity"):
    """A file of another program with inputs of these shapes; it returns the first."""
    inputs = [onnx.helper.make_tensor_value_info(f"in{k}", kind, shape) for k, shape in enumerate(shapes)]
    output = onnx.helper.make_tensor_value_info("out", kind, None)
    graph = onnx.helper.make_graph([onnx.helper.make_node(operator, ["in0"], ["out"])], "other", inputs, [output])
    opsets = [onnx.helper.make_opsetid("", 18)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


@pytest.mark.parametrize("layout", [*LAYOUTS, "split", "stream"])
def test_every_layout_of_ours_is_told_by_its_inputs_and_makes_a_frame(files, layout):
    make, about = bench_worker.case(files[layout], parse_device("cpu"), 30, 50, 1, 1)

    [frame] = make()

    assert (about["layout"], about["precision"]) == (layout, "fp32")
    assert about["steps"] == ("1" if layout in ("split", "stream") else "0")
    height, width = (32, 64) if layout in ("native", "split", "stream") else (30, 50)  # these do not pad
    assert sorted(frame.shape) == sorted((1, 3, height, width))


@pytest.mark.parametrize(("layout", "made_of_a_pair"), [("split", 1 + 1 + 3), ("native", 3)])
def test_several_frames_of_a_pair_share_what_is_found_once(files, monkeypatch, layout, made_of_a_pair):
    make, _ = bench_worker.case(files[layout], parse_device("cpu"), 30, 50, 1, 3)
    calls = []
    run = bench_worker.Graph.__call__
    monkeypatch.setattr(bench_worker.Graph, "__call__", lambda *words, **more: calls.append(1) or run(*words, **more))

    make()

    assert len(calls) == made_of_a_pair


def test_times_are_those_of_one_new_frame(monkeypatch):
    clock = iter([10.0, 20.0, 10.6, 20.3])  # both at the start, both at the end
    monkeypatch.setattr(bench_worker.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(bench_worker.time, "process_time", lambda: next(clock))

    assert bench_worker.timed(list, 3) == pytest.approx({"milliseconds": 200.0, "cpu_milliseconds": 100.0})


@pytest.mark.parametrize(
    ("shapes", "kind", "layout"),
    [
        ([[1, 3, "h", "w"], [1, 3, "h", "w"], [1, 1, "h", "w"]], FLOAT, "3in"),
        ([["n", 3, "h", "w"], ["n", 3, "h", "w"], [1]], onnx.TensorProto.FLOAT16, "3in"),
        ([[1, 7, "h", "w"]], onnx.TensorProto.FLOAT16, "7ch"),
        ([[1, 11, 30, 50]], FLOAT, "11ch"),
    ],
    ids=["plane", "number", "seven planes", "eleven planes of one size"],
)
def test_files_of_others_are_fed_what_their_inputs_ask_for(tmp_path, shapes, kind, layout):
    path = foreign(tmp_path / "other.onnx", *shapes, kind=kind)
    ports, _ = bench_worker.ports_of(load_runtime(), path)

    values = bench_worker.feed(layout, ports, 30, 50)
    make, about = bench_worker.case(path, parse_device("cpu"), 30, 50, 1, 1)

    assert about["layout"] == layout
    named = {"h": 30, "w": 50, "n": 1}
    assert [list(value.shape) for value in values] == [[named.get(axis, axis) for axis in shape] for shape in shapes]
    assert np.array_equal(make()[0], values[0])


def test_planes_are_frames_then_the_place_then_the_grid():
    ports = [SimpleNamespace(name="input", type="tensor(float)", shape=[1, 11, "h", "w"])]

    [planes] = bench_worker.feed("11ch", ports, 4, 5)

    image0, image1 = bench_worker.frames(4, 5)
    assert planes.shape == (1, 11, 4, 5) and planes.dtype == np.float32
    assert np.array_equal(planes[:, :6], np.concatenate([image0, image1], axis=1))
    assert (planes[0, 6] == 0.5).all()
    assert planes[0, 7, 0].tolist() == [-1, -0.5, 0, 0.5, 1]
    assert planes[0, 8, 0, 0] == -1 and planes[0, 8, 3, 4] == 1
    assert np.allclose(planes[0, 9:, 0, 0], [0.5, 2 / 3])


def test_inputs_of_no_layout_are_refused(tmp_path):
    path = foreign(tmp_path / "other.onnx", [1, 5, "h", "w"])

    with pytest.raises(UsageError, match="inputs in0 are of no layout that is known"):
        bench_worker.case(path, parse_device("cpu"), 30, 50, 1, 1)


def test_the_table_has_ours_and_others_and_every_size(files, tmp_path, capsys):
    other = foreign(tmp_path / "other.onnx", [1, 7, "h", "w"], operator="Sigmoid")
    words = [files["7ch"], files["split"], "--against", other, "--size", "48x32", "64x48", "--rounds", "2"]

    code = main([*map(str, words), "--json", str(tmp_path / "rows.json")])
    lines = capsys.readouterr().out.splitlines()
    rows = json.loads((tmp_path / "rows.json").read_text())

    assert code == 0
    assert lines[0].split()[:3] == ["file", "device", "layout"]
    assert len(lines) == 7 and len(rows) == 6
    assert [(row["file"], row["width"]) for row in rows] == [
        (name, width) for width in (48, 64) for name in (files["7ch"].name, files["split"].name, "other.onnx")
    ]
    assert [row["layout"] for row in rows[:3]] == ["7ch", "split", "7ch"]
    assert rows[2]["precision"] == "-"  # others do not say
    assert all(row["milliseconds"] > 0 and row["cpu_milliseconds"] >= 0 and row["error"] is None for row in rows)
    assert all(20 < row["peak_mib"] < 2000 for row in rows)
    assert lines[1].split()[-1] == lines[4].split()[-1] == "1.00"


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path, capsys):
    (tmp_path / "old").mkdir()
    new, old = (foreign(tmp_path / folder / "m.onnx", [1, 7, "h", "w"]) for folder in (".", "old"))

    assert main([str(new), "--against", str(old), "--size", "16x16", "--rounds", "1"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == [str(new), str(old)]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("missing/rows.json", "missing: no such folder for the rows"), ("model.onnx", "model.onnx: is one of the models")],
)
def test_where_rows_cannot_go_is_told_before_measuring(tmp_path, monkeypatch, capsys, name, complaint):
    monkeypatch.chdir(tmp_path)
    foreign(Path("model.onnx"), [1, 7, "h", "w"])

    assert main(["model.onnx", "--json", name]) == 7
    told = capsys.readouterr()
    assert told.err.startswith(f"bench: {complaint}") and not told.out


def test_a_case_that_fails_is_a_row_and_the_others_go_on(files, tmp_path, capsys):
    fixed = foreign(tmp_path / "fixed.onnx", [1, 7, 64, 64])
    (tmp_path / "text.onnx").write_text("this is no graph")
    words = [
        fixed,
        tmp_path / "text.onnx",
        files["u8"],
        "--size",
        "48x32",
        "--rounds",
        "1",
        "--device",
        "cpu",
        "coreml",
    ]

    code = main([str(word) for word in words])
    lines = {tuple(line.split()[:2]): line for line in capsys.readouterr().out.splitlines()}

    assert code == 1
    assert "failed: fixed.onnx takes in0 [1, 7, 64, 64], not [1, 7, 32, 48]" in lines["fixed.onnx", "cpu"]
    assert "onnxruntime cannot load it" in lines["text.onnx", "cpu"]
    assert "failed" not in lines[files["u8"].name, "cpu"]
    if sys.platform != "darwin":
        assert "failed: device 'coreml': " in lines[files["u8"].name, "coreml"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gone.onnx"], "bench: gone.onnx: no such file\n"),
        ([__file__, "--device", "tpu"], "bench: unknown device 'tpu'; there are auto, cpu, "),
    ],
)
def test_what_cannot_be_measured_is_said_before_anything_is(capsys, words, said):
    assert main(words) != 0
    assert capsys.readouterr().err.startswith(said)


class FakeWorker:
    """Writes down whose turn it is; a second frame of `slow` takes longer than the others."""

    turns: list[str] = []  # noqa: RUF012

    def __init__(self, case: Case) -> None:
        self.case = case
        FakeWorker.turns.append(f"open {case.file} {case.width}")

    def __enter__(self) -> "FakeWorker":
        return self

    def __exit__(self, *_: object) -> None:
        FakeWorker.turns.append(f"close {self.case.file} {self.case.width}")

    def run(self) -> None:
        FakeWorker.turns.append(f"run {self.case.file} {self.case.width}")

    def row(self) -> Row:
        return Row(str(self.case.file), self.case.device, self.case.width, self.case.height)


def test_cases_of_one_size_take_turns_and_sizes_come_one_after_the_other(monkeypatch):
    monkeypatch.setattr(bench, "Worker", FakeWorker)
    monkeypatch.setattr(FakeWorker, "turns", [])

    rows = list(bench.measure([Case(name, "cpu", width, 8, 1, 1) for width in (8, 16) for name in "ab"], rounds=2))

    assert [(row.file, row.width) for row in rows] == [("a", 8), ("b", 8), ("a", 16), ("b", 16)]
    assert FakeWorker.turns == [
        f"{what} {name} {width}"
        for width in (8, 16)
        for what, names in (("open", "ab"), ("run", "ab"), ("run", "ab"), ("close", "ba"))
        for name in names
    ]


def test_the_median_counts_and_not_one_slow_frame(monkeypatch):
    worker = bench.Worker.__new__(bench.Worker)
    worker.times = [{"milliseconds": value} for value in (10.0, 500.0, 12.0)]

    assert worker._median("milliseconds") == 12


def test_a_process_that_dies_is_a_row(files, monkeypatch, tmp_path):
    script = tmp_path / "dies.py"
    script.write_text("print('{}', flush=True); input(); import os; os._exit(9)\n")
    monkeypatch.setattr(bench, "WORKER", script)

    [row] = bench.measure([Case(files["7ch"], "cpu", 48, 32, 1, 1)], rounds=2)

    assert row.error is not None and "its process ended with 9" in row.error
