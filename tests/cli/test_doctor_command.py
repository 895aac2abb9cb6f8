"""`vfi-flow doctor`: every device is tried, wrong results are found, and scripts can read it."""

import json
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from vfi_flow.cli.main import main
from vfi_flow.errors import ComponentError
from vfi_flow.inference import self_test
from vfi_flow.inference.providers import PROVIDERS
from vfi_flow.inference.self_test import LEAST_FROM_CPU, LEAST_FROM_TRUTH, SHIFT, decibels, texture


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch):
    monkeypatch.setattr(self_test, "HEIGHT", 96)
    monkeypatch.setattr(self_test, "WIDTH", 160)
    texture.cache_clear()
    yield
    texture.cache_clear()


def doctor(capfd, *words: str) -> tuple[int, str]:
    code = main(["doctor", *words])
    return code, capfd.readouterr().out


class Model:
    """Makes the frame that is right, moved by `off` pixels on devices that are wrong."""

    wrong: dict[str, float] = {}  # noqa: RUF012
    model_name, model_hash = "fake", "0123456789abcdef"

    def __init__(self, model: str, steps: int, device: str, tile: str) -> None:
        print("a library says hello")
        self.device = device
        if device == "openvino":
            raise ComponentError("device 'openvino': no; `vfi-flow doctor` shows what works here")

    def __enter__(self) -> "Model":
        return self

    def __exit__(self, *_: object) -> None: ...

    def __call__(self, frame0: np.ndarray, frame1: np.ndarray, taus: list[float]) -> list[np.ndarray]:
        return [texture(SHIFT / 2 + self.wrong.get(self.device, 0.0))]


@pytest.fixture
def fake(monkeypatch):
    """CPU, CUDA and OpenVINO are installed."""
    monkeypatch.setattr(self_test, "Interpolator", Model)
    monkeypatch.setattr(self_test, "is_installed", lambda row, _: row.device in ("cpu", "cuda", "openvino"))
    return lambda **wrong: monkeypatch.setattr(Model, "wrong", wrong)


def test_every_device_of_the_table_has_its_line(trained_model, capfd):
    code, out = doctor(capfd)

    lines = {words[0]: words[1:] for line in out.splitlines() if (words := line.split())}
    assert code == 0
    assert lines["cpu"][0] == "yes" and float(lines["cpu"][1]) >= LEAST_FROM_TRUTH and float(lines["cpu"][2]) > 0
    for name, row in PROVIDERS.items():
        assert lines[name][0] in ("yes", "no")
        if lines[name][0] == "no":
            assert row.needs in out
    assert "numpy" in lines and "onnxruntime" in lines


def test_the_cost_of_a_model_is_for_people_alone(capfd):
    code, out = doctor(capfd, "--json", "--model", "tiny")

    assert (code, out) == (2, "")


def test_scripts_read_the_same(fake, capfd):
    fake(cuda=0.02)
    code, out = doctor(capfd, "--json")
    report = json.loads(out)
    devices = {each["device"]: each for each in report["devices"]}

    assert code == 0
    assert (report["error"], report["default"]) == (None, "cpu")
    assert list(devices) == list(PROVIDERS)
    assert [name for name, each in devices.items() if each["works"]] == ["cpu", "cuda"]
    assert devices["cpu"]["psnr"] == 100 and 100 > devices["cuda"]["psnr"] >= LEAST_FROM_CPU
    assert devices["cuda"]["milliseconds"] >= 0 and devices["cuda"]["model"] == "fake 0123456789ab"
    assert devices["openvino"]["reason"] == "device 'openvino': no"
    assert devices["coreml"]["reason"] == f"needs {PROVIDERS['coreml'].needs}"
    assert report["packages"]["numpy"] == np.__version__


def test_a_device_that_is_a_quarter_of_a_pixel_off_does_not_work(fake, capfd):
    fake(cuda=0.25)
    code, out = doctor(capfd)

    [line] = [line for line in out.splitlines() if line.startswith("cuda")]
    assert code == 0  # the default is another one
    assert "no" in line.split() and "wrong results: " in line and "dB from the CPU" in line


def test_the_cpu_is_compared_with_the_true_frame(fake, capfd):
    fake(cpu=2.0)
    code, out = doctor(capfd)

    assert code == ComponentError.exit_code
    assert "dB from the true frame" in out


def test_the_exit_code_says_whether_what_auto_takes_works(fake, capfd, monkeypatch):
    monkeypatch.setitem(PROVIDERS, "cuda", replace(PROVIDERS["cuda"], hardware=lambda: True))
    monkeypatch.setattr(self_test, "default_device", lambda _: "cuda")
    fake(cuda=1.0)
    failed, out = doctor(capfd, "--json")
    fake()
    passed, _ = doctor(capfd, "--json")

    assert (failed, passed) == (ComponentError.exit_code, 0)
    assert json.loads(out)["default"] == "cuda"


def test_a_blend_of_the_two_frames_would_not_pass():
    blend = (texture(0.0).astype(float) + texture(SHIFT)) / 2

    assert decibels(blend.astype(np.uint8), texture(SHIFT / 2)) < LEAST_FROM_TRUTH - 3


@pytest.mark.parametrize("words", [[], ["--json"]], ids=["text", "json"])
def test_without_onnxruntime_it_says_what_to_install(capfd, monkeypatch, words):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)

    code, out = doctor(capfd, *words)

    assert code == ComponentError.exit_code
    assert "onnxruntime is not installed" in (json.loads(out)["error"] if words else out)


@pytest.mark.parametrize("kind", [OSError, ImportError], ids=["OSError", "ImportError"])
def test_an_onnxruntime_that_misses_a_library_says_which(capfd, monkeypatch, tmp_path, kind):
    (tmp_path / "onnxruntime.py").write_text(f"raise {kind.__name__}('cannot open shared object msvcp140')")
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)
    monkeypatch.syspath_prepend(tmp_path)

    code, out = doctor(capfd)

    assert code == ComponentError.exit_code
    assert "engine: onnxruntime cannot be loaded (cannot open shared object msvcp140)" in out


def test_the_speed_test_keeps_to_its_budget(monkeypatch):
    clock = iter(range(0, 100, 3))
    monkeypatch.setattr(self_test, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    calls = []

    milliseconds = self_test.median_milliseconds(lambda *words: calls.append(words), [np.zeros(1)] * 5)

    assert (len(calls), milliseconds) == (1, 3000)
