"""int8: the inner convolutions in integers, calibrated on videos, and nothing else."""

import collections
import errno
import os

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from clips import scene, write_clip  # noqa: E402
from tiny_network import STRENGTH, tiny_network  # noqa: E402
from tolerances import INT8_PSNR  # noqa: E402
from vfi_flow.export import calibration, quantise, to_onnx  # noqa: E402
from vfi_flow.export.calibration import Place, ask_of_video, feeds  # noqa: E402
from vfi_flow.export.host_graphs import BytesGraph, ThreeInputGraph  # noqa: E402
from vfi_flow.export.parity import answer, psnr  # noqa: E402
from vfi_flow.export.rules import broken_rules  # noqa: E402
from vfi_flow.export.to_onnx import Variant, finish  # noqa: E402

from vfi_flow.cli.main import main  # noqa: E402
from vfi_flow.errors import OutputError  # noqa: E402
from vfi_flow.training.triplets import spread_over  # noqa: E402

INT8 = Variant(precision="int8")


def panning(frames: int, seed: int, width: int = 96, height: int = 64) -> list[np.ndarray]:
    picture = scene(seed, width=width + 2 * frames, height=height)
    return [np.ascontiguousarray(picture[:, 2 * n : 2 * n + width]) for n in range(frames)]


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    for seed in (1, 2):
        write_clip(folder / f"{seed}.mp4", panning(9, seed))
    return folder


@pytest.fixture(scope="module")
def places(videos):
    return [Place(one.pair.frame0, one.truth, one.pair.frame1) for one in spread_over(videos, 24)]


@pytest.fixture(scope="module")
def graph() -> ThreeInputGraph:
    return ThreeInputGraph(tiny_network(), 1, STRENGTH)


@pytest.fixture(scope="module")
def model(graph, places):
    return finish(to_onnx.trace(graph), graph, {}, INT8, feeds(graph, places, None, STRENGTH))


def session(model) -> "onnxruntime.InferenceSession":
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def test_the_frames_are_nearly_those_of_full_precision(graph, model, places):
    run = session(model)
    for place in places[::3]:
        question, _ = ask_of_video(place, 0.5, None, STRENGTH)
        asked = dict(zip([port.name for port in graph.inputs], [x.numpy() for x in graph.feed(question)], strict=True))

        [made] = run.run(None, asked)

        expected = answer(graph.network, question, 1).numpy()
        assert INT8_PSNR < psnr(made, expected) < 100  # and not in full precision


def test_the_inner_convolutions_are_quantised_and_nothing_else(graph, model):
    assert broken_rules(model) == []
    makers = {output: node for node in model.graph.node for output in node.output}
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    stored, full = set(), set()
    for node in (node for node in model.graph.node if node.op_type == "Conv"):
        sources = [makers.get(name) for name in node.input[:2]]
        if all(source is not None and source.op_type == "DequantizeLinear" for source in sources):
            stored.add(sources[1].input[0])
        elif node.input[1] in weights:
            full.add(node.input[1])
    readers = collections.defaultdict(list)
    for node in model.graph.node:
        for name in node.input:
            readers[name].append(node.op_type)
    rounded = [node.output[0] for node in model.graph.node if node.op_type == "QuantizeLinear"]

    answering = (name for name in graph.network.state_dict() if name.endswith(("narrow.weight", "head.weight")))
    assert full == {f"network.{name}" for name in answering}
    assert len(stored) > 20
    for name in stored:
        assert weights[name].data_type == onnx.TensorProto.INT8
        assert np.abs(onnx.numpy_helper.to_array(weights[name])).max() <= 64  # 7 bits
    assert all(readers[name] == ["DequantizeLinear"] for name in rounded)


def test_weights_take_less_room(graph, model):
    def size(of) -> int:
        return sum(len(t.raw_data) for t in of.graph.initializer if t.name.startswith("network."))

    plain = finish(to_onnx.trace(graph), graph, {}, Variant())

    assert size(model) / size(plain) < 0.6  # heads stay


def test_bytes_and_a_fixed_size_are_calibrated_too(places):
    graph = BytesGraph(tiny_network(), 0, STRENGTH)
    fixed = Variant(precision="int8", size=(48, 32))

    [first, *_] = feeds(graph, places, fixed.size, STRENGTH)
    model = finish(to_onnx.trace(graph), graph, {}, fixed, feeds(graph, places, fixed.size, STRENGTH))

    assert {name: (value.dtype.name, value.shape) for name, value in first.items()} == {
        "frame0": ("uint8", (1, 32, 48, 3)),
        "frame1": ("uint8", (1, 32, 48, 3)),
        "tau": ("float32", (1,)),
    }
    assert session(model).run(None, first)[0].shape == (1, 32, 48, 3)


def test_large_frames_are_made_smaller_to_a_size_that_every_layout_takes(places, monkeypatch):
    monkeypatch.setattr(calibration, "LONGEST_SIDE", 40)

    question, truth = ask_of_video(places[0], 0.25, None, STRENGTH)

    assert question.frame0.shape == question.noise.shape == truth.shape == (1, 3, 32, 48)
    assert question.tau.item() == 0.25


def test_the_command_writes_and_verifies_on_the_videos(tiny_model, videos, tmp_path, capsys):
    command = ["export", "--model", str(tiny_model), "--output-dir", str(tmp_path), "--layout", "3in", "--steps", "0"]

    code = main([*command, "--precision", "int8", "--calibrate", str(videos), "--verify"])

    path, _, row = capsys.readouterr().out.splitlines()
    assert code == 0
    assert path.endswith("tiny.3in_0.int8.onnx")
    assert row.split()[:3] == ["tiny.3in_0.int8.onnx", "96x64", "14"]
    assert {e.key: e.value for e in onnx.load(path).metadata_props}["precision"] == "int8"


@pytest.mark.parametrize(
    "options", [["--precision", "int8"], ["--calibrate", "."], ["--precision", "fp16", "--calibrate", "."]]
)
def test_int8_and_its_videos_go_together(tiny_model, tmp_path, capsys, options):
    code = main(["export", "--model", str(tiny_model), "--output-dir", str(tmp_path), *options])

    assert code == 2
    assert "--precision int8 and --calibrate DIR, a folder of ordinary videos, go together" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_videos_is_one_sentence(tiny_model, tmp_path, capsys):
    command = ["export", "--model", str(tiny_model), "--output-dir", str(tmp_path), "--precision", "int8"]

    code = main([*command, "--calibrate", str(tmp_path)])

    assert code == 3
    assert "no video in this folder" in capsys.readouterr().err


def test_a_folder_for_temporary_files_without_room_is_one_sentence(graph, places, monkeypatch):
    def full(model, path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(quantise.onnx, "save", full)

    with pytest.raises(OutputError, match=r"int8 needs room for the model there \(No space left on device\)"):
        finish(to_onnx.trace(graph), graph, {}, INT8, feeds(graph, places, None, STRENGTH))


def test_few_places_to_calibrate_on_are_said(tiny_model, videos, tmp_path, capsys):
    write_clip(tmp_path / "short.mp4", panning(5, 1))
    words = ["--layout", "3in", "--steps", "0", "--precision", "int8", "--calibrate", str(tmp_path)]

    assert main(["export", "--model", str(tiny_model), *words, "--output-dir", str(tmp_path)]) == 0

    assert f"vfi-flow: {tmp_path}: only 3 places found; int8 wants 24" in capsys.readouterr().err
