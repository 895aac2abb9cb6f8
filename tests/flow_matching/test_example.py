"""What the package says of its use is true: the example learns a distribution."""

import textwrap

import pytest
import torch
from torch import nn

from vfi_flow import flow_matching


class Velocity(nn.Module):
    """velocity(x, t) for x (B, 2) and t (B,) or a number."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 64), nn.SiLU(), nn.Linear(64, 2))

    def forward(self, x, t):
        return self.layers(torch.cat([x, torch.as_tensor(t).expand(len(x)).unsqueeze(1)], 1))


@pytest.fixture
def one_thread():
    """Matrices this small are slower on several threads, which wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_the_example_carries_noise_to_the_data(one_thread):
    torch.manual_seed(0)
    mean, spread = torch.tensor([2.0, -1.0]), torch.tensor([0.5, 1.5])
    network = Velocity()
    names = {
        "torch": torch,
        "network": network,
        "optimiser": torch.optim.Adam(network.parameters(), lr=5e-3),
        "batches": [mean + spread * torch.randn(512, 2) for _ in range(300)],
    }
    indented = [line for line in flow_matching.__doc__.splitlines() if not line or line.startswith("    ")]
    example = textwrap.dedent("\n".join(indented))

    exec(example, names)

    samples = names["samples"].detach()
    assert samples.shape == (2000, 2)
    assert samples.mean(0).tolist() == pytest.approx(mean.tolist(), abs=0.2)
    assert samples.std(0).tolist() == pytest.approx(spread.tolist(), abs=0.2)
