"""Which files `Interpolator` takes for a model, and what it says of the others."""

import shlex
import shutil

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from tiny_network import moving_texture  # noqa: E402
from tolerances import ONNX_FLOAT32  # noqa: E402
from vfi_flow.export.write import write_onnx  # noqa: E402

from vfi_flow import Interpolator, Neighbour  # noqa: E402
from vfi_flow.cli.main import main  # noqa: E402
from vfi_flow.errors import ComponentError  # noqa: E402

STREAM = "encode", "register", "compose_0"
GREY = np.full((16, 16, 3), 128, np.uint8)


@pytest.mark.parametrize(("layout", "part"), [("native", "native_0"), ("split", "synthesise_0")])
def test_a_file_for_other_programs_is_not_taken_for_the_graphs_beside_it(tiny_model, layout, part):
    files = list(write_onnx(tiny_model, tiny_model.parent, [layout], [0]))

    with pytest.raises(ComponentError) as caught:
        Interpolator(files[-1])

    assert str(caught.value) == (
        f"{tiny_model.with_name(f'tiny.{part}.onnx')}: of layout {layout}, which is for other programs; "
        "expected NAME.safetensors or, beside it, NAME.encode.onnx, register, enlarge or compose_STEPS"
    )


def test_a_graph_without_the_name_of_its_model_is_refused(tiny_model, tmp_path):
    shutil.copy(tiny_model, tmp_path)
    path = tmp_path / "encode.onnx"
    shutil.copy(tiny_model.with_name("tiny.encode.onnx"), path)

    with pytest.raises(ComponentError, match=r"encode\.onnx: of layout split, .* expected NAME\.safetensors"):
        Interpolator(path)


@pytest.mark.parametrize("part", ["encode", "register", "enlarge", "compose_0", "compose_1"])
def test_any_graph_of_a_model_names_it(tiny_model, part):
    with Interpolator(tiny_model.with_name(f"tiny.{part}.onnx"), threads=1) as interpolator:
        assert interpolator.model_name == "tiny"


@pytest.mark.parametrize("known", [(True, True), (False, True), (False, False)])
def test_a_host_that_follows_the_readme_gets_the_frames_of_the_package(tiny_model, known):
    """Layout stream, four frames: export/README.md says which part takes what."""
    frames = [moving_texture(32, 48, dx=dx) for dx in (0, 1, 3, 6)]
    run = {part: session(tiny_model.with_name(f"tiny.{part}.onnx")) for part in STREAM}
    maps = [run["encode"](frame=frame[None].astype(np.float32) / np.float32(255)) for frame in frames]

    before, own, after = (run["register"](**both(*maps[first : first + 2])) for first in range(3))
    beside = {"motion_before": before["motion"], "motion_after": after["motion"]}
    intervals = np.array([0.5 * known[0], 2 * known[1]], np.float32).reshape(1, 2, 1, 1)
    width = np.array([48], np.float32)
    dials = {"intervals": intervals, "frame_width": width, "tau": np.full((1, 1, 1, 1), 0.25, np.float32)}
    made = run["compose_0"](**both(maps[1], maps[2]), **own, **beside, **dials)["frame"][0]

    with Interpolator(tiny_model, steps=0, threads=1, device="cpu") as interpolator:
        around = {"before": Neighbour(frames[0], 0.5) if known[0] else None}
        around |= {"after": Neighbour(frames[3], 2) if known[1] else None}
        [expected] = interpolator(frames[1], frames[2], [0.25], **around)
    assert np.abs(made * 255 - expected).max() < 0.5 + 255 * ONNX_FLOAT32


def session(path):
    """run(**inputs) -> outputs by name; inputs that the graph does not have are left out."""
    opened = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [port.name for port in opened.get_outputs()]

    def run(**values):
        fed = {port.name: values[port.name] for port in opened.get_inputs()}
        return dict(zip(names, opened.run(None, fed), strict=True))

    return run


def both(maps0, maps1):
    return {f"{name}_{side}": value for side, maps in enumerate((maps0, maps1)) for name, value in maps.items()}


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
