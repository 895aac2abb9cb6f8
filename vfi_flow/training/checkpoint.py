"""A run on disk: everything that is needed to go on from the same state, in files of one copy of the weights each."""

import json
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from vfi_flow.errors import InputError

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


@dataclass(frozen=True, slots=True)
class State:
    """The tensors of a run by name: weights, their moving average, AdamW's two moments."""

    network: dict[str, Tensor]
    average: dict[str, Tensor]
    first_moment: dict[str, Tensor]
    second_moment: dict[str, Tensor]


def save_checkpoint(folder: Path, progress: Progress, state: State) -> None:
    """Writes `folder` as a whole: whoever reads it finds the old state or the new one, never half of one.

    A run that is stopped often gets several signals at once, one of them while it saves: that one waits.
    """
    with uninterrupted():
        _write(folder, progress, state)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C and SIGTERM inside the block end the program behind it."""
    if threading.current_thread() is not threading.main_thread():  # only the main thread may choose a handler
        yield
        return
    came: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda number, frame: came.append(number)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
    if came:
        signal.raise_signal(came[0])


def _write(folder: Path, progress: Progress, state: State) -> None:
    draft, former = folder.with_name(folder.name + ".draft"), folder.with_name(folder.name + ".former")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for part in PARTS:
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in getattr(state, part).items()}
        save_file(tensors, draft / f"{part}.safetensors")
    (draft / "progress.json").write_text(json.dumps(asdict(progress), indent=1))
    shutil.rmtree(former, ignore_errors=True)
    if folder.exists():
        os.replace(folder, former)
    os.replace(draft, folder)
    shutil.rmtree(former, ignore_errors=True)


def load_checkpoint(folder: Path) -> tuple[Progress, State]:
    """What `save_checkpoint` wrote; a save that was cut off between its two renames is undone."""
    former = folder.with_name(folder.name + ".former")
    if not folder.exists() and former.exists():
        os.replace(former, folder)
    try:
        progress = Progress(**json.loads((folder / "progress.json").read_text()))
        return progress, State(**{part: load_file(folder / f"{part}.safetensors") for part in PARTS})
    except FileNotFoundError as error:
        raise InputError(f"{folder}: no checkpoint to resume from ({Path(error.filename).name} is missing)") from error
    except Exception as error:  # safetensors and json have no common error
        raise InputError(f"{folder}: the checkpoint is damaged ({error})") from error


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
    for name, first in state.first_moment.items():
        parameter = parameters[name]
        layout = torch.channels_last if first.dim() == 4 else torch.contiguous_format
        optimiser.state[parameter] = {
            "step": torch.tensor(float(step)),
            "exp_avg": first.to(parameter.device, memory_format=layout),
            "exp_avg_sq": state.second_moment[name].to(parameter.device, memory_format=layout),
        }
