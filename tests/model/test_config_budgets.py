"""What the presets cost: counted by hand for single layers, held to the budgets for the whole."""

import pytest

torch = pytest.importorskip("torch")

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from vfi_flow.errors import ComponentError  # noqa: E402
from vfi_flow.inference import padding  # noqa: E402
from vfi_flow.model import config, cost  # noqa: E402
from vfi_flow.model.config import PRESETS, TINY, preset  # noqa: E402
from vfi_flow.model.cost import Cost, network_cost  # noqa: E402
from vfi_flow.model.network import InterpolationNetwork  # noqa: E402

LARGEST_DOWNLOAD = 16_000_000


@pytest.fixture(scope="module")
def networks() -> dict[str, InterpolationNetwork]:
    return {name: InterpolationNetwork(settings) for name, settings in PRESETS.items()}


@pytest.fixture(scope="module")
def costs(networks) -> dict[str, Cost]:
    return {name: network_cost(network) for name, network in networks.items()}


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_stays_in_its_budget(costs, name):
    assert costs[name].mean <= PRESETS[name].mean_budget
    assert costs[name].sample() <= PRESETS[name].sample_budget


def test_the_budgets_are_those_of_the_design(costs):
    assert costs["base"].sample() <= 26_000
    assert costs["base"].mean <= 18_000
    assert costs["fast"].sample() <= 11_000


def test_the_encoder_costs_what_its_layers_cost_by_hand(costs):
    """Channels in times out times nine taps, at the density of the layer's output; 16 channels go through 8."""
    far = 1 + 1 / 16  # once more on a quarter of the width and height
    at_2 = 3 * 8 * 9 / 4
    at_4 = (8 * 8 + 8 * 8) * 9 / 16
    at_8 = ((8 * 16 + 8 * 16) * 9 + 16 * 8) / 64
    at_16 = ((16 * 16 + 8 * 16) * 9 + 16 * 8) / 256
    assert TINY.encoder == (8, 8, 16, 16) and TINY.rank == 8

    assert costs["tiny"].encode == (at_2 + at_4 + at_8 + at_16) * far


def test_multiply_accumulates_are_half_of_the_operations_torch_counts(networks, costs):
    velocity = networks["base"].velocity
    condition = torch.zeros(1, 2 * 12 + 2 + PRESETS["base"].fusion_width, 64, 64)

    with FlopCounterMode(display=False) as counter:
        velocity.condition_stem(condition)

    assert costs["base"].condition == counter.get_total_flops() / 2 / 128**2


def test_the_cost_per_pixel_does_not_depend_on_the_frame_size(networks, costs, monkeypatch):
    monkeypatch.setattr(cost, "SIDE", 64)

    assert network_cost(networks["tiny"]) == costs["tiny"]


def test_every_further_evaluation_costs_one_evaluation(costs):
    found = costs["tiny"]

    assert found.sample(3) - found.sample(1) == 2 * found.evaluation
    assert found.sample(1) == found.mean + found.condition + found.evaluation


@pytest.mark.parametrize("name", PRESETS)
def test_parameters_are_counted_once_and_fit_the_download(networks, costs, name):
    parameters = sum(value.numel() for value in networks[name].state_dict().values())

    assert costs[name].parameters == parameters
    assert 4 * parameters < LARGEST_DOWNLOAD


def test_counting_leaves_no_hooks_behind(networks):
    network_cost(networks["tiny"])

    assert not any(module._forward_hooks for module in networks["tiny"].modules())


def test_an_unknown_preset_is_named_beside_the_known_ones():
    with pytest.raises(ComponentError, match=r"'huge'; there are tiny, fast, base"):
        preset("huge")


def test_padding_and_network_agree_on_the_alignment():
    assert padding.ALIGNMENT == config.ALIGNMENT
