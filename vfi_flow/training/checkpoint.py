"""A run on disk: everything that is needed to go on from the same state, in files of one copy of the weights each."""

import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from vfi_flow.errors import InputError, OutputError
from vfi_flow.model.weights import misfit, write_tensors
from vfi_flow.training.finite import without_nan
from vfi_flow.training.run_folder import former_of
from vfi_flow.training.signals import uninterrupted

PARTS = ("network", "average", "first_moment", "second_moment")


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands."""

    preset: str
    stage: str
    step: int
    samples: int
    seconds: float
    """Wall-clock time of all its parts, validation included."""
    best: float
    """Best validation score so far, larger is better; -inf before the first one."""

    def require(self, folder: Path, preset: str, stage: str) -> None:
        """Refuses to go on with another network or another stage."""
        if (self.preset, self.stage) != (preset, stage):
            raise InputError(
                f"{folder}: holds stage '{self.stage}' of preset '{self.preset}', not stage '{stage}' of '{preset}'"
            )


KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("preset", "stage"), (str,)),
    **dict.fromkeys(("step", "samples"), (int,)),
    **dict.fromkeys(("seconds", "best"), (int, float)),
}
"""Of what `Progress` holds, as JSON has it."""


@dataclass(frozen=True, slots=True)
class State:
    """The tensors of a run by name: weights, their moving average, AdamW's two moments."""

    network: dict[str, Tensor]
    average: dict[str, Tensor]
    first_moment: dict[str, Tensor]
    second_moment: dict[str, Tensor]

    def require(self, folder: Path, weights: Mapping[str, Tensor], parameters: Mapping[str, Tensor]) -> None:
        """Refuses tensors of other names or shapes than those of `weights` and, for the moments, of `parameters`.

        Parameters that were frozen until now have no moments; others may have some that are no longer needed.
        """
        first, second = self.first_moment, self.second_moment
        moved = {name: value for name, value in parameters.items() if name in first or name in second}
        require_shapes(folder / "network.safetensors", self.network, weights)
        require_shapes(folder / "average.safetensors", self.average, weights)
        require_shapes(folder / "first_moment.safetensors", {n: t for n, t in first.items() if n in moved}, moved)
        require_shapes(folder / "second_moment.safetensors", {n: t for n, t in second.items() if n in moved}, moved)


def require_shapes(path: Path, found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    if wrong := misfit(expected, found):
        raise InputError(f"{path}: the checkpoint is damaged ({wrong})")


def save_checkpoint(folder: Path, progress: Progress, state: State) -> None:
    """Writes `folder` as a whole: whoever reads it finds the old state or the new one, never half of one.

    A run that is stopped often gets several signals at once, one of them while it saves: that one waits.
    """
    with uninterrupted(), draft_of(folder) as draft:
        draft.mkdir(parents=True)
        for part in PARTS:
            tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in getattr(state, part).items()}
            write_tensors(tensors, draft / f"{part}.safetensors")
        (draft / "progress.json").write_text(json.dumps(without_nan(asdict(progress)), indent=1))


@contextmanager
def draft_of(path: Path) -> Iterator[Path]:
    """A name for a file or folder that becomes `path` when it is complete; if it cannot be, the old `path` stays."""
    draft, former = path.with_name(path.name + ".draft"), former_of(path)
    try:
        _remove(draft)
        yield draft
        if path.is_dir():  # a folder has to make room
            _remove(former)
            os.replace(path, former)
        os.replace(draft, path)
        _remove(former)
    except (OSError, SafetensorError) as error:
        restore(path)
        raise OutputError(f"{path}: cannot be written ({getattr(error, 'strerror', None) or error})") from error
    finally:
        _remove(draft)


def restore(path: Path) -> None:
    """Undoes a save that was cut off between its two renames."""
    if not path.exists() and former_of(path).exists():
        os.replace(former_of(path), path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def load_checkpoint(folder: Path) -> tuple[Progress, State]:
    """What `save_checkpoint` wrote."""
    progress = load_progress(folder)
    files = {part: folder / f"{part}.safetensors" for part in PARTS}
    missing = [path.name for path in files.values() if not path.is_file()]
    if missing:
        raise InputError(f"{folder}: the checkpoint is damaged ({missing[0]} is missing)")
    try:
        return progress, State(**{part: load_copies(path) for part, path in files.items()})
    except Exception as error:  # safetensors has no common error
        raise InputError(f"{folder}: the checkpoint is damaged ({error})") from error


def load_copies(path: Path) -> dict[str, Tensor]:
    """Its tensors in memory of their own: those of `load_file` may lie in the file, which Windows then keeps in use."""
    return {name: tensor.clone() for name, tensor in load_file(path).items()}


def load_progress(folder: Path) -> Progress:
    """Where the run of a checkpoint stands."""
    restore(folder)
    try:
        progress = Progress(**json.loads((folder / "progress.json").read_text()))
    except FileNotFoundError as error:
        raise InputError(f"{folder}: no checkpoint to resume from (progress.json is missing)") from error
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{folder}: the checkpoint is damaged ({error})") from error
    if progress.best is None:
        progress = replace(progress, best=-math.inf)
    for name, kind in KINDS.items():
        if not isinstance(value := getattr(progress, name), kind):
            raise InputError(f"{folder}: the checkpoint is damaged ({name} in progress.json is {value!r})")
    return progress


def optimiser_moments(optimiser: torch.optim.AdamW, parameters: dict[str, nn.Parameter]) -> State:
    """The moments of `optimiser` under the names of `parameters`; empty before its first step."""
    states = {name: optimiser.state.get(parameter, {}) for name, parameter in parameters.items()}
    return State(
        {},
        {},
        {name: state["exp_avg"] for name, state in states.items() if "exp_avg" in state},
        {name: state["exp_avg_sq"] for name, state in states.items() if "exp_avg_sq" in state},
    )


def restore_moments(optimiser: torch.optim.AdamW, parameters: dict[str, nn.Parameter], state: State, step: int) -> None:
    """Gives `optimiser` the moments it had at `step`."""
    for name, parameter in parameters.items():
        first = state.first_moment.get(name)
        if first is None:  # frozen until now
            continue
        layout = torch.channels_last if first.dim() == 4 else torch.contiguous_format
        optimiser.state[parameter] = {
            # As AdamW itself keeps it: where the parameter lies if one kernel updates all, which reads it there.
            "step": torch.tensor(float(step), device=parameter.device if optimiser.defaults["fused"] else "cpu"),
            "exp_avg": first.to(parameter.device, memory_format=layout),
            "exp_avg_sq": state.second_moment[name].to(parameter.device, memory_format=layout),
        }
