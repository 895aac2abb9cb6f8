"""Hosts as other people have them: a program, a model file, no vfi_flow."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from host_files import HOSTS, readme_command


@pytest.fixture(scope="session")
def u8_models(tiny_model, tmp_path_factory) -> Path:
    """A folder of models: base.u8_1.onnx (the READMEs' name; the network is untrained), fixed.onnx and floats.onnx."""
    from vfi_flow.export.write import PLAIN, Variant, write_variants

    folder = tmp_path_factory.mktemp("models")
    [dynamic, fixed] = write_variants(tiny_model, folder, ["u8"], [0], [PLAIN, Variant(size=(48, 32))])
    [floats] = write_variants(tiny_model, folder, ["3in"], [0], [PLAIN])
    for written, name in ((dynamic, "base.u8_1.onnx"), (fixed, "fixed.onnx"), (floats, "floats.onnx")):
        written.path.rename(folder / name)
    return folder


@pytest.fixture
def folder(tmp_path, u8_models) -> Path:
    """Where a user works: the models are there, and a file that is none."""
    for model in u8_models.iterdir():
        (tmp_path / model.name).symlink_to(model)
    (tmp_path / "text.onnx").write_text("not a model")
    return tmp_path


@pytest.fixture(scope="session")
def answer(u8_models) -> Callable[[np.ndarray, np.ndarray, float], np.ndarray]:
    """answer(frame0, frame1, tau): what onnxruntime itself makes of two frames (H, W, 3) uint8."""
    import onnxruntime

    session = onnxruntime.InferenceSession(u8_models / "base.u8_1.onnx", providers=["CPUExecutionProvider"])

    def ask(frame0: np.ndarray, frame1: np.ndarray, tau: float) -> np.ndarray:
        feed = {"frame0": frame0[None], "frame1": frame1[None], "tau": np.array([tau], np.float32)}
        return session.run(None, feed)[0][0]

    return ask


@pytest.fixture(scope="session")
def cpp_source(tmp_path_factory) -> Path:
    """A copy of the C++ host's folder, built by the command in its README."""
    for program in ("cmake", "c++"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    import onnxruntime

    source = tmp_path_factory.mktemp("hosts") / "cpp"
    shutil.copytree(HOSTS / "cpp", source, ignore=shutil.ignore_patterns("build"))
    configure, build = readme_command("cpp", "cmake").split(" && ")
    headers, options = os.environ.get("ORT_INCLUDE_DIR"), []
    if headers:
        [library] = Path(onnxruntime.__file__).parent.glob("capi/libonnxruntime.so.*")
        options = [f"-DORT_INCLUDE_DIR={headers}", f"-DORT_LIBRARY={library}"]
    configured = subprocess.run([*shlex.split(configure), *options], cwd=source, capture_output=True, text=True)
    if not headers and "set ORT_INCLUDE_DIR" in configured.stderr:
        pytest.skip("no headers of ONNX Runtime; set ORT_INCLUDE_DIR (.ci/onnxruntime_headers fetches them)")
    assert configured.returncode == 0, configured.stderr
    built = subprocess.run(shlex.split(build), cwd=source, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    assert "warning" not in built.stderr
    return source


@pytest.fixture(params=["python", "cpp"])
def host(request) -> list[str]:
    """The words that start a host that takes two pictures."""
    if request.param == "python":
        return [sys.executable, str(HOSTS / "python" / "interpolate.py")]
    return [str(request.getfixturevalue("cpp_source") / "build" / "interpolate")]
