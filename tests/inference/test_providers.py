"""Devices: what was asked for or a sentence, never something else; features stay where they are made."""

import contextlib
import json
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("torch")

import onnxruntime
from tiny_network import moving_texture

from vfi_flow import Interpolator
from vfi_flow.errors import ComponentError, OutOfMemoryError
from vfi_flow.inference import onnx_session, providers
from vfi_flow.inference.engine import Motion
from vfi_flow.inference.onnx_interpolator import OnnxEngine
from vfi_flow.inference.onnx_session import check_placement, open_session
from vfi_flow.inference.providers import PROVIDERS, Device, Setting, find_device, parse_device

NAMES = ["cpu", "cuda", "tensorrt", "directml", "coreml", "openvino", "webgpu"]


def runtime_with(*names: str) -> SimpleNamespace:
    return SimpleNamespace(get_available_providers=lambda: [*names, "CPUExecutionProvider"])


def complaint(call, *words: object) -> str:
    with pytest.raises(ComponentError) as caught:
        call(*words)
    return str(caught.value)


# ---- the table ------------------------------------------------------------------------------------------------------


def test_every_row_has_the_name_that_onnxruntime_knows():
    assert list(PROVIDERS) == NAMES
    assert {row.name for row in PROVIDERS.values()} <= set(onnxruntime.get_all_providers())
    assert all("pip install" in row.needs for row in PROVIDERS.values())


@pytest.mark.parametrize("row", PROVIDERS.values(), ids=NAMES)
def test_options_are_text(row, tmp_path):
    options = row.options(Setting("1" if row.numbered else "", 3, tmp_path / "size"))

    assert all(isinstance(text, str) for pair in options.items() for text in pair)
    assert options.get("device_id", "1") == "1"


def test_tensorrt_keeps_engines_of_every_size_apart_and_computes_in_float32(tmp_path):
    graph = tmp_path / "a.encode.onnx"
    graph.write_bytes(b"graph")
    runtime = SimpleNamespace(__version__="1.2.3")
    row = replace(PROVIDERS["tensorrt"])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnx_session, "cache_folder", lambda: tmp_path / "cache")
        folders = [
            onnx_session.compiled_folder(runtime, graph, row, {"width": width, "height": 64}) for width in (64, 128)
        ]
    options = row.options(Setting("", None, folders[0]))

    assert len(set(folders)) == 2 and all(folder.is_dir() for folder in folders)
    assert "1.2.3" in str(folders[0])
    assert options["trt_engine_cache_path"] == str(folders[0])
    assert options["trt_timing_cache_path"] == str(folders[0].parent)
    assert options["trt_fp16_enable"] == "0"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (Setting(threads=2), {"CPU": {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 2}}),
        (Setting(), {"CPU": {"INFERENCE_PRECISION_HINT": "f32"}}),
        (Setting("gpu", 2), {"GPU": {"INFERENCE_PRECISION_HINT": "f32"}}),
    ],
)
def test_openvino_computes_in_float32_on_as_many_threads_as_were_asked_for(setting, said):
    assert json.loads(PROVIDERS["openvino"].options(setting)["load_config"]) == said


def test_a_cache_that_cannot_be_made_is_named(tmp_path, monkeypatch):
    graph = tmp_path / "a.encode.onnx"
    graph.write_bytes(b"graph")
    monkeypatch.setattr(onnx_session, "cache_folder", lambda: graph)
    runtime = SimpleNamespace(__version__="1.2.3")

    said = complaint(onnx_session.compiled_folder, runtime, graph, PROVIDERS["tensorrt"], {})

    assert said.startswith(str(graph)) and "cannot be made" in said


# ---- what --device means --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "number"),
    [("cpu", "cpu", 0), ("cuda", "cuda", 0), ("cuda:1", "cuda", 1), ("tensorrt:2", "tensorrt", 2)],
)
def test_a_number_behind_the_colon_chooses_among_several(text, name, number):
    device = parse_device(text)

    assert (device.provider.device, device.number, str(device)) == (name, number, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tpu", "unknown device 'tpu'; there are auto, cpu, cuda, tensorrt, directml, coreml, openvino, webgpu"),
        ("", "unknown device ''; there are auto, "),
        ("cpu:0", "unknown device 'cpu:0'; write cpu"),
        ("cuda:", "unknown device 'cuda:'; write cuda or cuda:0"),
        ("cuda:-1", "unknown device 'cuda:-1'; write cuda or cuda:0"),
        ("openvino:npu", "unknown device 'openvino:npu'; write openvino or openvino:cpu or openvino:gpu"),
    ],
)
def test_what_no_device_is_called_is_refused(text, said):
    assert complaint(parse_device, text).startswith(said)


@pytest.mark.parametrize("name", NAMES[1:])
def test_a_provider_that_is_not_installed_says_what_to_install(name):
    said = complaint(find_device, name, runtime_with())

    assert said.startswith(f"device '{name}': this onnxruntime has no {PROVIDERS[name].name}; it needs ")
    assert "pip install" in said


@pytest.mark.parametrize(
    ("available", "gpu", "chosen"),
    [
        ([], False, "cpu"),
        ([], True, "cpu"),
        (["CUDAExecutionProvider", "TensorrtExecutionProvider"], False, "cpu"),
        (["CUDAExecutionProvider", "TensorrtExecutionProvider"], True, "cuda"),
        (["DmlExecutionProvider", "CoreMLExecutionProvider", "WebGpuExecutionProvider"], True, "cpu"),
    ],
)
def test_auto_takes_a_gpu_that_is_there_and_nothing_that_was_never_tried(monkeypatch, available, gpu, chosen):
    monkeypatch.setitem(PROVIDERS, "cuda", replace(PROVIDERS["cuda"], hardware=lambda: gpu))

    assert str(find_device("auto", runtime_with(*available))) == chosen


def test_memory_is_counted_where_it_is_the_computers():
    counted = {name for name in NAMES if parse_device(name).bytes_per_pixel is not None}

    assert counted == {"cpu", "coreml", "openvino"}
    assert parse_device("openvino:cpu").bytes_per_pixel is not None
    assert parse_device("openvino:gpu").bytes_per_pixel is None


# ---- onnxruntime does something else --------------------------------------------------------------------------------


@dataclass
class Session:
    """What onnxruntime might have opened."""

    providers: list[str]
    nodes: dict[str, list[str]] = field(default_factory=dict)

    def get_providers(self) -> list[str]:
        return self.providers

    def get_provider_graph_assignment_info(self) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(ep_name=name, get_nodes=lambda types=types: [SimpleNamespace(op_type=t) for t in types])
            for name, types in self.nodes.items()
        ]


CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
PATH = Path("a.encode.onnx")


def test_a_provider_that_was_dropped_is_an_error():
    said = complaint(check_placement, Session([CPU]), Device(PROVIDERS["cuda"]), PATH, "no libcublas")

    assert said.startswith("device 'cuda': onnxruntime fell back to CPUExecutionProvider (no libcublas); it needs ")


@pytest.mark.parametrize(
    "nodes",
    [{CPU: ["Conv", "Add"]}, {CPU: ["Conv", "Conv"], CUDA: ["Add", "Conv"]}, {CPU: ["Add"]}],
    ids=["everything", "most convolutions", "nothing of it"],
)
def test_a_graph_that_is_left_to_the_cpu_is_an_error(nodes):
    said = complaint(check_placement, Session([CUDA, CPU], nodes), Device(PROVIDERS["cuda"]), PATH)

    assert said.startswith(f"device 'cuda': {CUDA} leaves most of a.encode.onnx to the CPU")


def test_shapes_may_be_computed_on_the_cpu():
    nodes = {CPU: ["Shape", "Gather", "Conv"], CUDA: ["Conv", "Conv", "GridSample"]}

    check_placement(Session([CUDA, CPU], nodes), Device(PROVIDERS["cuda"]), PATH)


def test_the_nodes_of_a_real_graph_are_counted(tiny_model):
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    session = onnxruntime.InferenceSession(tiny_model.with_suffix(".encode.onnx"), options, providers=[CPU])

    nodes = onnx_session.placed_nodes(session)

    if not hasattr(session, "get_provider_graph_assignment_info"):
        pytest.skip("this onnxruntime does not tell")
    assert set(nodes) == {CPU} and nodes[CPU]["Conv"] > 0


class Runtime:
    """An onnxruntime with CUDA in its list that writes what it does to the list `asked`."""

    SessionOptions = onnxruntime.SessionOptions
    __version__ = "0"

    def __init__(self, result) -> None:
        self.result, self.asked = result, []

    def get_available_providers(self) -> list[str]:
        return [CUDA, CPU]

    def preload_dlls(self) -> None:
        print("Failed to load libcublas.so.13: libcublas.so.13: cannot open shared object file")

    def InferenceSession(self, path, options, **choices):
        self.asked.append(choices)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


def test_what_libraries_say_while_they_load_becomes_the_reason_and_is_not_printed(capsys):
    runtime = Runtime(RuntimeError("EP Error\nmore"))

    said = complaint(open_session, runtime, PATH, Device(PROVIDERS["cuda"]), None, {})

    assert said.startswith("device 'cuda' cannot run a.encode.onnx: libcublas.so.13: cannot open shared object file; ")
    assert capsys.readouterr().out == ""


def test_onnxruntime_may_not_go_on_with_another_provider():
    runtime = Runtime(Session([CUDA, CPU], {CUDA: ["Conv"]}))

    open_session(runtime, PATH, Device(PROVIDERS["cuda"], "1"), 2, {})

    [asked] = runtime.asked
    assert asked["enable_fallback"] == 0
    assert asked["providers"] == [CUDA]
    assert asked["provider_options"][0]["device_id"] == "1"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("Failed to allocate memory for requested buffer of size 99", OutOfMemoryError),
        ("CUDA error 700: an illegal memory access was encountered", ComponentError),
        ("no kernel image is available for execution on the device", ComponentError),
    ],
)
def test_what_fails_while_it_runs_is_a_sentence(tiny_model, error, kind):
    graph = onnx_session.Graph(onnxruntime, tiny_model.with_suffix(".encode.onnx"), Device(PROVIDERS["cpu"]), 1)
    graph.device = Device(replace(PROVIDERS["coreml"]))

    def fail(*_: object) -> None:
        raise RuntimeError(error)

    graph.session = SimpleNamespace(run=fail)

    with pytest.raises(kind, match=error.split()[0]):
        graph([np.zeros((1, 16, 16, 3), np.float32)])


# ---- plugins --------------------------------------------------------------------------------------------------------


@pytest.fixture
def plugin(monkeypatch):
    """A package that brings WebGPU, and the row that names it."""
    module = SimpleNamespace(get_library_path=lambda: "there.so")
    monkeypatch.setitem(sys.modules, "some_plugin", module)
    monkeypatch.setattr(providers, "find_spec", lambda name: module if name == "some_plugin" else None)
    monkeypatch.setitem(PROVIDERS, "openvino", replace(PROVIDERS["openvino"], plugin="some_plugin"))
    return "some_plugin"


class PluginRuntime:
    def __init__(self, *kinds: str) -> None:
        self.registered: list[tuple[str, str]] = []
        name = PROVIDERS["openvino"].name
        self.devices = [SimpleNamespace(ep_name=name, ep_metadata={"ov_device": kind}) for kind in kinds]

    def get_available_providers(self) -> list[str]:
        return [CPU]

    def register_execution_provider_library(self, name: str, path: str) -> None:
        self.registered.append((name, path))

    def get_ep_devices(self) -> list[SimpleNamespace]:
        return self.devices


@pytest.mark.parametrize(("text", "found"), [("openvino", 1), ("openvino:cpu", 1), ("openvino:gpu", 0)])
def test_a_plugin_is_registered_once_and_gives_the_device_that_was_asked_for(plugin, text, found):
    runtime = PluginRuntime("GPU.0", "CPU")
    device = find_device(text, runtime)

    for _ in range(2):
        assert onnx_session.plugin_device(runtime, device) is runtime.devices[found]

    assert runtime.registered == [(plugin, "there.so")]


def test_a_plugin_without_hardware_is_an_error(plugin):
    runtime = PluginRuntime("CPU")

    said = complaint(onnx_session.plugin_device, runtime, find_device("openvino:gpu", runtime))

    assert said.startswith("device 'openvino:gpu': OpenVINOExecutionProvider finds no hardware; it needs ")


# ---- features stay on the device ------------------------------------------------------------------------------------


def made(model: Path, steps: int, frames: list[np.ndarray]) -> list[np.ndarray]:
    with Interpolator(model, steps, strength=1.0, device="cpu", threads=1) as interpolator:
        return [
            frame
            for number in range(len(frames) - 1)
            for frame in interpolator(frames[number], frames[number + 1], [0.3, 0.8], pts=number)
        ]


@pytest.mark.parametrize("steps", [0, 1, 2])
@pytest.mark.parametrize(
    "change", [{"memory": "cpu"}, {"fixed_size": True}, {"memory": "cpu", "fixed_size": True, "memory_pattern": False}]
)
def test_bound_values_and_fixed_sizes_give_the_same_frames(tiny_model, monkeypatch, steps, change):
    sizes = [(33, 70)] * 3 + [(16, 48)] * 2
    frames = [moving_texture(*size, dx=2 * number) for number, size in enumerate(sizes)]
    expected = made(tiny_model, steps, frames[:3]) + made(tiny_model, steps, frames[3:])

    monkeypatch.setitem(PROVIDERS, "cpu", replace(PROVIDERS["cpu"], **change))
    again = made(tiny_model, steps, frames[:3]) + made(tiny_model, steps, frames[3:])

    assert len(again) == 6
    for frame, before in zip(again, expected, strict=True):
        apart = np.abs(frame.astype(int) - before)
        assert apart.max() <= 1 and apart.mean() < 1e-3  # a sum in another order may round a value to its neighbour


def composed(engine, features0, features1, noise):
    """The frame at 1/4, of motion that speeds up."""
    found = engine.register(features0, features1)
    return engine.compose(features0, features1, Motion(found, found, found, (2.0, 1.0), 48), 0.25, noise, 1.0)


def test_features_are_values_of_the_device_and_serve_any_pair(tiny_model, monkeypatch):
    image0, image1 = (moving_texture(32, 48, dx=dx) / np.float32(255) for dx in (0, 2))
    noise = np.zeros((1, 3, 32, 48), np.float32)
    plain = OnnxEngine(tiny_model, 1, "cpu", 1)
    features1, features0 = plain.encode(image1), plain.encode(image0)
    expected = composed(plain, features1, features0, noise)

    monkeypatch.setitem(PROVIDERS, "cpu", replace(PROVIDERS["cpu"], memory="cpu"))
    engine = OnnxEngine(tiny_model, 1, "cpu", 1)
    features0, features1 = engine.encode(image0), engine.encode(image1)
    engine.encode(np.zeros_like(image0))  # must not write over what another call has returned
    again = composed(engine, features1, features0, noise)

    maps = [*features0.maps.values(), *features1.maps.values()]
    assert all(isinstance(value, onnxruntime.OrtValue) for value in maps)
    assert np.array_equal(again, expected)


def test_a_device_that_compiles_opens_one_graph_for_each_size_and_none_has_dynamic_shapes(tiny_model, monkeypatch):
    opened = []

    class Graph(onnx_session.Graph):
        def __init__(self, *words) -> None:
            super().__init__(*words)
            opened.append(self)

    monkeypatch.setattr("vfi_flow.inference.onnx_interpolator.Graph", Graph)
    monkeypatch.setitem(PROVIDERS, "cpu", replace(PROVIDERS["cpu"], fixed_size=True))
    frames = [moving_texture(*size) for size in ((32, 48), (32, 48), (64, 48), (64, 48), (32, 48), (32, 48))]
    with Interpolator(tiny_model, 1, device="cpu", threads=1) as interpolator:
        opened.clear()
        for frame0, frame1 in zip(frames[::2], frames[1::2], strict=True):
            interpolator(frame0, frame1, [0.5])

    shapes = [port.shape for graph in opened for port in graph.session.get_inputs()]
    assert len(opened) == 6
    assert all(isinstance(size, int) for shape in shapes for size in shape)


def test_nothing_is_left_dynamic_inside_a_graph_of_one_size(tiny_model):
    """Some providers refuse a node whose shape they have to compute, and leave it to the CPU."""
    engine = OnnxEngine(tiny_model, 1, "cpu", 1)
    sizes = engine.encode(np.zeros((64, 96, 3), np.float32)).sizes
    types = {}
    for fixed in (False, True):
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        for name, size in sizes.items() if fixed else ():
            options.add_free_dimension_override_by_name(name, size)
        path = tiny_model.with_suffix(".register.onnx")
        session = onnxruntime.InferenceSession(path, options, providers=[CPU])
        types[fixed] = (onnx_session.placed_nodes(session) or {}).get(CPU, Counter())
    if not types[False]:
        pytest.skip("this onnxruntime does not tell")

    assert types[False]["Shape"] > 0
    assert types[True]["Shape"] == types[True]["Range"] == 0


def test_threads_that_wait_do_not_take_the_time_of_others(tiny_model):
    session = open_session(onnxruntime, tiny_model.with_suffix(".encode.onnx"), find_device("cpu", onnxruntime), 2, {})

    options = session.get_session_options()
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert options.intra_op_num_threads == 2


def test_no_message_of_onnxruntime_reaches_standard_output(tiny_model, capfd):
    with contextlib.suppress(ComponentError):
        Interpolator(tiny_model, device="cuda")
    with Interpolator(tiny_model, device="cpu", threads=1) as interpolator:
        interpolator(moving_texture(16, 16), moving_texture(16, 16, dx=1), [0.5])

    assert capfd.readouterr().out == ""
