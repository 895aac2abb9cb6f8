"""`--device` on the command line: a device that is not there is one sentence, exit code 4 and no file."""

import pytest

pytest.importorskip("onnxruntime")

from clips import moving_square, write_clip

from vfi_flow.cli.main import main
from vfi_flow.errors import ComponentError
from vfi_flow.inference import providers


@pytest.mark.parametrize(
    ("device", "said"),
    [
        ("tensorrt", "vfi-flow: device 'tensorrt': this onnxruntime has no TensorrtExecutionProvider; it needs "),
        ("cuda:1", "vfi-flow: device 'cuda:1': this onnxruntime has no CUDAExecutionProvider; it needs "),
        ("tpu", "vfi-flow: unknown device 'tpu'; there are auto, cpu, cuda, tensorrt, "),
    ],
)
def test_a_device_that_is_not_there_ends_the_job_before_it_begins(tmp_path, capfd, monkeypatch, device, said):
    monkeypatch.setattr(providers, "is_installed", lambda row, _: row.device == "cpu")
    source = write_clip(tmp_path / "in.mp4", moving_square(4))

    code = main(["interpolate", str(source), str(tmp_path / "out.mp4"), "--device", device, "--progress", "none"])

    out, err = capfd.readouterr()
    assert (code, out) == (ComponentError.exit_code, "")
    assert len(err.splitlines()) == 1 and err.startswith(said)
    assert list(tmp_path.iterdir()) == [source]
