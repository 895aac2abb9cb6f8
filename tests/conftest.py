"""Every test runs against this checkout, installed or not: an older installed copy never hides a change."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from scripts import ROOT, load_script

sys.path.insert(0, str(ROOT))
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))  # subprocesses

import vfi_flow
from vfi_flow.stopping import STOPPING

# pyproject.toml installs the folder export/ as vfi_flow.export. That of this checkout is found this way, before one
# that was installed from another.
vfi_flow.__path__.append(str(ROOT))


@pytest.fixture
def heard() -> Iterator[None]:
    """Signals that whoever runs the tests has told to ignore (nohup, a shell's `&`) are heard, by jobs as well."""
    deaf = [number for number in STOPPING if signal.getsignal(number) is signal.SIG_IGN]
    for number in deaf:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number in deaf:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture(scope="session")
def make_clips() -> ModuleType:
    """samples/make_clips.py: `render(scene, seconds, width, height)` is the true frame at any moment."""
    return load_script(ROOT / "samples" / "make_clips.py")


@pytest.fixture(scope="session")
def trained_model() -> str:
    """Name of the default model; the test is skipped where it cannot run."""
    return there("base")


@pytest.fixture(scope="session", params=["base", "fast"])
def packaged_model(request: pytest.FixtureRequest) -> str:
    """Name of every model that travels with the package."""
    return there(request.param)


def there(name: str) -> str:
    if not list((ROOT / "vfi_flow" / "model" / "weights").glob(f"{name}*.onnx")):
        pytest.skip(f"the weights of `{name}` are not in this checkout")
    pytest.importorskip("onnxruntime")
    return name


@pytest.fixture(scope="session")
def traced_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tracing takes seconds: from here on all processes of a test run trace the same graph of the same weights once."""
    for package in ("torch", "onnx", "onnxruntime", "safetensors"):
        pytest.importorskip(package)
    from traces import SharedTraces
    from vfi_flow.export import loop_graph, to_onnx, write

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    traces = SharedTraces(folder / "traces", to_onnx.trace)
    with pytest.MonkeyPatch.context() as patch:
        for module in (to_onnx, write, loop_graph):
            patch.setattr(module, "trace", traces)
        yield


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory, traced_once: None) -> Path:
    """tiny.safetensors of an untrained network whose velocity is not zero, with its graphs of 0, 1 and 2 steps."""
    from tiny_network import STRENGTH, tiny_network
    from vfi_flow.export.write import write_onnx

    from vfi_flow.model.weights import Card, save_weights

    weights = tmp_path_factory.mktemp("tiny") / "tiny.safetensors"
    save_weights(tiny_network(), weights, Card(strength=STRENGTH, summary="untrained"))
    assert len(list(write_onnx(weights, weights.parent, ["stream"], [0, 1, 2]))) == 6
    return weights
