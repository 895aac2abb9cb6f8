"""Interpolators as callables: what `--against MODULE:NAME` names, and any of them for the frame in the middle."""

import importlib
import sys
from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vfi_flow.errors import ComponentError, UsageError, VfiFlowError

if TYPE_CHECKING:
    from vfi_flow.inference.interpolator import Interpolator

Middle: TypeAlias = Callable[[NDArray[np.uint8], NDArray[np.uint8]], NDArray[np.uint8]]
"""(frame0, frame1) -> the frame half-way; all (H, W, 3) RGB, gamma-encoded."""


def load_callable(name: str) -> Callable[..., Any]:
    """What `package.module:callable` names; modules of the current folder are found too.

    Whatever it does wrong when it is called is a ComponentError with its name. UsageError where there is no such thing.
    """
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise UsageError(f"--against takes MODULE:NAME, got '{name}'")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UsageError(f"--against {name}: there is no module '{error.name}'") from error
    except (Exception, SystemExit) as error:  # whatever a module may do when it is imported
        raise UsageError(f"--against {name}: cannot be imported ({type(error).__name__}: {error})") from error
    target = getattr(found, attribute, None)
    if not callable(target):
        raise UsageError(f"--against {name}: the module '{module}' has no callable '{attribute}'")

    @wraps(target)
    def called(*arguments: Any, **named: Any) -> Any:
        try:
            return target(*arguments, **named)
        except VfiFlowError:
            raise
        except (Exception, SystemExit) as error:
            raise ComponentError(f"--against {name}: {type(error).__name__}: {error}") from error

    return called


def middle_of(interpolator: "Interpolator") -> Middle:
    """The model, which sees the two frames alone."""
    return lambda frame0, frame1: interpolator(frame0, frame1, taus=[0.5])[0]


def middles(baselines: Iterable[str], against: Iterable[str] = ()) -> dict[str, Middle]:
    """By name, what makes the frame in the middle: baselines, and callables MODULE:NAME under what stands last."""
    from vfi_flow.training.baselines import make_baseline

    made = {name: make_baseline(name) for name in baselines}
    made |= {name.rpartition(":")[2]: load_callable(name) for name in against}
    return {name: at_half(make) for name, make in made.items()}


def at_half(make: Callable[..., Any]) -> Middle:
    """What `make(frame0, frame1, tau)` makes of a tau of 1/2."""
    return lambda frame0, frame1: make(frame0, frame1, 0.5)
