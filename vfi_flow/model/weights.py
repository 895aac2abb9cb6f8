"""Weights on disk: one safetensors file that says what it is, checked by name, shape and hash."""

import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vfi_flow.errors import ComponentError
from vfi_flow.model.config import LARGEST_STRENGTH, PRESETS, SCHEMA, preset
from vfi_flow.model.network import InterpolationNetwork


@dataclass(frozen=True, slots=True)
class Card:
    """What the weights file says about itself, beside preset and hash."""

    strength: float = 1.0
    """The calibrated default of `strength`."""
    samples: int = 0
    """Training samples seen."""
    summary: str = ""
    """Data, hours and scores in one line."""


def packaged_weights(name: str) -> Path:
    """Path of the weights of a preset that travels with the package; raises ComponentError when there are none."""
    path = Path(str(resources.files("vfi_flow.model"))) / "weights" / f"{name}.safetensors"
    if name not in PRESETS or not path.is_file():
        if Path(name).exists():
            raise ComponentError(f"'{name}' is not a weights file, whose name ends in .safetensors")
        raise ComponentError(f"no model named '{name}' comes with this package, and there is no such file")
    return path


def find_weights(model: str | Path) -> Path:
    """Path of the weights of `model`: a preset that travels with the package, or a weights file.

    Raises ComponentError where it is neither.
    """
    if Path(model).suffix != ".safetensors":
        return packaged_weights(str(model))
    if not Path(model).is_file():
        raise ComponentError(f"{model}: no such model file")
    return Path(model)


def weights_hash(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256, hexadecimal, over names, shapes and values in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().float().contiguous()
        digest.update(f"{name}{tuple(tensor.shape)}".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def save_weights(network: InterpolationNetwork, path: Path, card: Card) -> None:
    """Writes the network's weights in half precision to `path`: rounding them costs less than 0.001 dB."""
    tensors = {name: value.detach().cpu().half().contiguous() for name, value in network.state_dict().items()}
    entries = {key: str(value) for key, value in asdict(card).items()}
    metadata = {"format": SCHEMA, "preset": network.config.name, "hash": weights_hash(tensors), **entries}
    write_tensors(tensors, path, metadata)


def write_tensors(tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """A safetensors file that others may read as the umask says; that of `save_file` nobody but its user may."""
    path.write_bytes(save(dict(tensors), None if metadata is None else dict(metadata)))


def load_weights(path: Path) -> tuple[InterpolationNetwork, Card, str]:
    """The network stored at `path` in evaluation mode, its card and its hash.

    Raises ComponentError for a file that is missing, damaged or of another format.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
    except (OSError, SafetensorError) as error:
        raise ComponentError(f"{path}: cannot be read as weights ({error})") from error
    if metadata.get("format") != SCHEMA or metadata.get("preset") not in PRESETS or "hash" not in metadata:
        raise ComponentError(f"{path}: not a weights file of vfi_flow (format '{metadata.get('format', 'none')}')")
    if weights_hash(tensors) != metadata["hash"]:
        raise ComponentError(f"{path}: damaged, its values do not have the hash it names")
    network = InterpolationNetwork(preset(metadata["preset"]))
    _check_shapes(path, network.state_dict(), tensors)
    network.load_state_dict(tensors)
    return network.eval(), _read_card(path, metadata), metadata["hash"]


def adopt(network: InterpolationNetwork, other: InterpolationNetwork) -> tuple[int, int]:
    """Copies what both networks have in the same shape from `other`; returns how many tensors, and of how many.

    Raises ComponentError where that is less than half: those are weights of the wrong preset.
    """
    own, found = network.state_dict(), other.state_dict()
    fitting = {name: value for name, value in found.items() if name in own and own[name].shape == value.shape}
    if 2 * len(fitting) < len(own):
        raise ComponentError(
            f"weights of preset '{other.config.name}' do not fit preset '{network.config.name}': "
            f"{len(fitting)} of {len(own)} tensors have its shapes"
        )
    network.load_state_dict({**own, **fitting})
    return len(fitting), len(own)


def _read_card(path: Path, metadata: Mapping[str, str]) -> Card:
    strength, samples = (metadata.get(key, "nothing") for key in ("strength", "samples"))
    with contextlib.suppress(ValueError):
        card = Card(float(strength), int(samples), metadata.get("summary", ""))
        if 0 <= card.strength <= LARGEST_STRENGTH:
            return card
    raise ComponentError(
        f"{path}: damaged, its metadata should name a strength from 0 to {LARGEST_STRENGTH} and a whole number of "
        f"samples, found '{strength}' and '{samples}'"
    )


def _check_shapes(path: Path, expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    if wrong := misfit(expected, found):
        raise ComponentError(f"{path}: {wrong}")


def misfit(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> str:
    """The first name whose tensor is missing, too many or of another shape, and how; "" where all fit."""
    for name in sorted(expected.keys() | found.keys()):
        shapes = [tuple(tensors[name].shape) if name in tensors else "nothing" for tensors in (expected, found)]
        if shapes[0] != shapes[1]:
            return f"{name} should be {shapes[0]}, found {shapes[1]}"
    return ""


def channels_last(network: InterpolationNetwork) -> InterpolationNetwork:
    """The same network with its convolutions laid out for speed on CPUs and tensor cores."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
