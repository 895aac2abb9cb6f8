"""What stops a benchmark has the exit code that it has everywhere."""

import runpy
import sys

import pytest

pytest.importorskip("cv2")
pytest.importorskip("onnxruntime")

from scripts import ROOT

from vfi_flow.errors import ComponentError


@pytest.mark.parametrize("name", ["failure_modes", "large_motion", "moving_things"])
def test_a_model_that_is_not_there_is_one_sentence_with_its_exit_code(name, monkeypatch, capsys):
    script = ROOT / "benchmarks" / f"{name}.py"
    monkeypatch.setattr(sys, "argv", [str(script), "--model", "missing"])

    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(script), run_name="__main__")

    assert stopped.value.code == ComponentError.exit_code
    assert capsys.readouterr().err.startswith(f"{name}.py: unknown model 'missing'")
