"""Weights on disk: what was saved comes back; what is not right is refused with a sentence."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
safetensors_torch = pytest.importorskip("safetensors.torch")

from tiny_network import tiny_network  # noqa: E402

from vfi_flow.errors import ComponentError  # noqa: E402
from vfi_flow.model.config import SCHEMA, TINY, preset  # noqa: E402
from vfi_flow.model.network import InterpolationNetwork  # noqa: E402
from vfi_flow.model.weights import (  # noqa: E402
    Card,
    adopt,
    channels_last,
    find_weights,
    load_weights,
    packaged_weights,
    save_weights,
    weights_hash,
)

CARD = Card(strength=0.625, samples=1234, summary="an hour of waves, 30.5 dB")


@pytest.fixture(scope="module")
def network() -> InterpolationNetwork:
    return tiny_network()


@pytest.fixture
def saved(network, tmp_path) -> Path:
    path = tmp_path / "tiny.safetensors"
    save_weights(network, path, CARD)
    return path


def rewrite(path: Path, tensors: "dict[str, torch.Tensor]", **changes: str | None) -> None:
    """A file that agrees with itself: its hash is that of `tensors`; of None there is no entry."""
    metadata = {"format": SCHEMA, "preset": "tiny", "hash": weights_hash(tensors)}
    metadata |= {"strength": "1.0", "samples": "0", "summary": ""}
    entries = {key: value for key, value in (metadata | changes).items() if value is not None}
    safetensors_torch.save_file(tensors, path, entries)


def refusal(path: Path) -> str:
    """The sentence with which `path` is refused; it begins with the file."""
    with pytest.raises(ComponentError) as caught:
        load_weights(path)
    sentence = str(caught.value)
    assert sentence.startswith(f"{path}: ")
    assert "\n" not in sentence
    return sentence.removeprefix(f"{path}: ")


def test_what_was_saved_comes_back(network, saved):
    loaded, card, digest = load_weights(saved)

    assert card == CARD
    assert digest == weights_hash(network.state_dict())
    assert not loaded.training
    assert loaded.config == network.config
    for name, value in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name


def test_memory_layout_does_not_change_the_hash(network, tmp_path):
    path = tmp_path / "tiny.safetensors"
    digest = weights_hash(network.state_dict())

    save_weights(channels_last(tiny_network()), path, CARD)

    assert load_weights(path)[2] == digest


@pytest.mark.parametrize("change", ["value", "name", "shape"])
def test_the_hash_sees_values_names_and_shapes(change):
    tensors = {"a": torch.zeros(2, 3), "b": torch.ones(4)}
    changed = {
        "value": {"a": torch.full((2, 3), 1e-7), "b": torch.ones(4)},
        "name": {"a": torch.zeros(2, 3), "c": torch.ones(4)},
        "shape": {"a": torch.zeros(3, 2), "b": torch.ones(4)},
    }[change]

    assert weights_hash(changed) != weights_hash(tensors)
    assert weights_hash(dict(reversed(tensors.items()))) == weights_hash(tensors)


def test_a_preset_takes_from_another_what_has_the_same_shape(network):
    wider = InterpolationNetwork(replace(TINY, velocity=(16, 8, 16)))
    before = {name: value.clone() for name, value in wider.state_dict().items()}

    count, expected = adopt(wider, network)

    after, given = wider.state_dict(), network.state_dict()
    fitting = {name for name in given if given[name].shape == before[name].shape}
    assert count == len(fitting) < expected == len(before)
    assert all(torch.equal(after[name], given[name] if name in fitting else before[name]) for name in before)


def test_weights_of_a_preset_that_does_not_fit_are_refused(network):
    with pytest.raises(ComponentError, match="weights of preset 'tiny' do not fit preset 'base'"):
        adopt(InterpolationNetwork(preset("base")), network)


def test_a_flipped_bit_is_found(saved):
    content = bytearray(saved.read_bytes())
    content[-1000] ^= 1
    saved.write_bytes(content)

    assert "damaged" in refusal(saved)


def test_a_renamed_tensor_is_named(network, saved):
    tensors = network.state_dict()
    tensors["velocity.tail.bias"] = tensors.pop("velocity.head.bias")
    rewrite(saved, tensors)

    assert refusal(saved) == "velocity.head.bias should be (12,), found nothing"


def test_a_tensor_too_many_is_named(network, saved):
    rewrite(saved, {**network.state_dict(), "velocity.extra": torch.zeros(2)})

    assert refusal(saved) == "velocity.extra should be nothing, found (2,)"


def test_a_tensor_of_the_wrong_shape_is_named(network, saved):
    rewrite(saved, {**network.state_dict(), "velocity.head.bias": torch.zeros(13)})

    assert refusal(saved) == "velocity.head.bias should be (12,), found (13,)"


def test_tensors_of_one_preset_under_the_name_of_another_are_refused(network, saved):
    rewrite(saved, network.state_dict(), preset="fast")

    assert "should be" in refusal(saved)


def test_a_safetensors_file_of_another_program_is_refused(saved):
    safetensors_torch.save_file({"x": torch.zeros(1)}, saved)

    assert refusal(saved) == "not a weights file of vfi_flow (format 'none')"


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"strength": "abc"}, "'abc' and '0'"),
        ({"strength": "nan"}, "'nan' and '0'"),
        ({"samples": "1e6"}, "'1.0' and '1e6'"),
        ({"strength": None}, "'nothing' and '0'"),
    ],
)
def test_a_card_that_cannot_be_read_is_refused(network, saved, changes, found):
    rewrite(saved, network.state_dict(), **changes)

    assert refusal(saved) == (
        "damaged, its metadata should name a strength from 0 to 2 and a whole number of samples, found " + found
    )


@pytest.mark.parametrize(
    "content", [b"", b"these are no weights\n" * 20, json.dumps({"a": 1}).encode()], ids=["empty", "text", "json"]
)
def test_a_file_that_is_no_safetensors_file_is_refused(saved, content):
    saved.write_bytes(content)

    assert "cannot be read as weights" in refusal(saved)


def test_a_truncated_file_is_refused(saved):
    saved.write_bytes(saved.read_bytes()[:-5000])

    assert "cannot be read as weights" in refusal(saved)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    assert "cannot be read as weights" in refusal(tmp_path / "gone.safetensors")
    assert "cannot be read as weights" in refusal(tmp_path)


def test_a_model_that_does_not_travel_with_the_package_is_named():
    with pytest.raises(ComponentError, match="no model named 'huge'"):
        packaged_weights("huge")


def test_a_file_that_does_not_end_like_weights_is_not_called_missing(saved):
    renamed = saved.rename(saved.with_suffix(".pth"))

    with pytest.raises(ComponentError) as caught:
        find_weights(renamed)

    assert str(caught.value) == f"'{renamed}' is not a weights file, whose name ends in .safetensors"


def test_packaged_weights_are_whole(packaged_model):
    network, card, _ = load_weights(packaged_weights(packaged_model))

    assert network.config.name == packaged_model
    assert 0 <= card.strength <= 2


@pytest.mark.skipif(sys.platform == "win32", reason="file modes of POSIX")
def test_others_may_read_what_the_umask_lets_them(network, tmp_path):
    before = os.umask(0o022)
    try:
        save_weights(network, tmp_path / "w.safetensors", Card())
    finally:
        os.umask(before)

    assert (tmp_path / "w.safetensors").stat().st_mode & 0o777 == 0o644
