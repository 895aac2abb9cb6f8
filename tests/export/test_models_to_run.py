"""Which files `Interpolator` takes for a model, and what it says of the others."""

import shlex
import shutil

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from vfi_flow.export.write import write_onnx

from vfi_flow import Interpolator
from vfi_flow.cli.main import main
from vfi_flow.errors import ComponentError

GREY = np.full((16, 16, 3), 128, np.uint8)


@pytest.mark.parametrize(("layout", "part"), [("native", "native_0"), ("split", "synthesise_0")])
def test_a_file_for_other_programs_is_not_taken_for_the_graphs_beside_it(tiny_model, layout, part):
    files = list(write_onnx(tiny_model, tiny_model.parent, [layout], [0]))

    with pytest.raises(ComponentError) as caught:
        Interpolator(files[-1])

    assert str(caught.value) == (
        f"{tiny_model.with_name(f'tiny.{part}.onnx')}: of layout {layout}, which is for other programs; "
        "expected NAME.safetensors or, beside it, NAME.encode.onnx, register, accelerate or compose_STEPS"
    )


@pytest.mark.parametrize("part", ["encode", "register", "accelerate", "compose_0", "compose_1"])
def test_any_graph_of_a_model_names_it(tiny_model, part):
    with Interpolator(tiny_model.with_name(f"tiny.{part}.onnx"), threads=1) as interpolator:
        assert interpolator.model_name == "tiny"


def test_for_weights_without_graphs_the_sentence_has_the_command_that_helps(tiny_model, tmp_path):
    weights = tmp_path / "my models" / "run.7.safetensors"
    weights.parent.mkdir()
    shutil.copy(tiny_model, weights)
    with pytest.raises(ComponentError) as caught:
        Interpolator(weights)

    message, command, rest = str(caught.value).split("`")
    assert message == f"{weights.with_name('run.7.encode.onnx')}: no such file; run "
    assert rest == ", or choose --engine torch where a command has it"
    assert main(shlex.split(command)[1:]) == 0
    with Interpolator(weights, threads=1) as interpolator:
        assert len(interpolator(GREY, GREY, [0.5])) == 1
