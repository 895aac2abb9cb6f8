"""One file for any number of steps: what comes out is what the unrolled files and torch compute."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from tiny_network import as_image, moving_texture, standard_noise, tiny_network  # noqa: E402
from vfi_flow.export.loop_graph import LoopGraph  # noqa: E402
from vfi_flow.export.rules import broken_rules  # noqa: E402
from vfi_flow.export.to_onnx import finish  # noqa: E402
from vfi_flow.export.write import PLAIN, Variant, write_variants  # noqa: E402

from vfi_flow.cli.main import main  # noqa: E402
from vfi_flow.errors import UsageError  # noqa: E402
from vfi_flow.model.config import TINY  # noqa: E402
from vfi_flow.model.network import InterpolationNetwork  # noqa: E402


@pytest.fixture(scope="module", params=["grid", "gather"])
def path(request, tiny_model, tmp_path_factory):
    variant = Variant(warp=request.param)
    [file] = write_variants(tiny_model, tmp_path_factory.mktemp("loop"), ["native"], ["input"], [variant])
    return file.path


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
@pytest.mark.parametrize(("batch", "height", "width"), [(1, 64, 96), (3, 16, 48)])
def test_any_number_of_steps_is_what_torch_computes(path, steps, batch, height, width):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    frame0, frame1 = (
        as_image(moving_texture(height, width, dx)).expand(batch, -1, -1, -1).contiguous() for dx in (0, 3)
    )
    noise, strength = standard_noise(batch, 3, height, width), torch.tensor([0.7])
    tau = torch.linspace(0.3, 0.6, batch).view(-1, 1, 1, 1)

    inputs = {"frame0": frame0, "frame1": frame1, "tau": tau, "noise": noise, "strength": strength}
    feeds = {name: value.numpy() for name, value in inputs.items()}
    [made] = session.run(["frame"], {**feeds, "steps": np.array([steps])})

    with torch.no_grad():
        expected = tiny_network()(frame0, frame1, tau, noise, strength, steps).numpy()
    assert np.abs(made - expected).max() < 1e-5


def test_detail_may_be_drawn_on_half_of_the_frame_in_a_loop():
    network = InterpolationNetwork(replace(TINY, downscale=2))
    network.load_state_dict(tiny_network().state_dict())
    graph = LoopGraph(network.eval())
    model = finish(graph.traced(), graph, {}, PLAIN)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    frames = [as_image(moving_texture(64, 96, dx)) for dx in (0, 3)]
    question = *frames, torch.full((1, 1, 1, 1), 0.4), standard_noise(1, 3, 64, 96), torch.tensor([0.7])

    for steps in (0, 1, 3):
        given = *question, torch.tensor([steps])
        feeds = {port.name: value.numpy() for port, value in zip(graph.inputs, given, strict=True)}
        [made] = session.run(["frame"], feeds)

        with torch.no_grad():
            expected = network(*question, steps).numpy()
        assert np.abs(made - expected).max() < 1e-5


def test_the_file_has_one_loop_and_says_so(path):
    model = onnx.load(path)
    metadata = {entry.key: entry.value for entry in model.metadata_props}

    assert path.name.startswith("tiny.native_input")
    assert [port.name for port in model.graph.input] == ["frame0", "frame1", "tau", "noise", "strength", "steps"]
    assert (metadata["steps"], metadata["solver"], metadata["noise"]) == ("input", "midpoint", "input")
    assert broken_rules(model) == ["Loop must not be in a graph"]
    assert broken_rules(model, loops=1) == []


def test_it_is_verified_like_the_others(tiny_model, tmp_path, capsys):
    command = ["export", "--model", str(tiny_model), "--output-dir", str(tmp_path), "--layout", "native"]

    assert main([*command, "--steps", "input", "--verify"]) == 0
    assert "tiny.native_input.onnx" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(("layouts", "variant"), [(["3in"], PLAIN), (["native"], Variant(precision="fp16"))])
def test_other_layouts_and_precisions_have_no_such_input(tiny_model, tmp_path, layouts, variant):
    with pytest.raises(UsageError, match="an input of layout native in fp32 alone"):
        list(write_variants(tiny_model, tmp_path, layouts, ["input"], [variant]))
    assert not list(tmp_path.iterdir())
