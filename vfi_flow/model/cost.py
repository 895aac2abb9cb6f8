"""What a network costs, counted and not guessed."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vfi_flow.model.network import InterpolationNetwork

SIDE = 128
"""Frame size of the count; the result per pixel is the same for any multiple of 128."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Parameters and multiply-accumulates of convolutions per output pixel."""

    parameters: int
    encode: float
    """Features of one frame."""
    registration: float
    fusion: float
    condition: float
    evaluation: float
    """One evaluation of the velocity."""

    @property
    def mean(self) -> float:
        """A frame with 0 steps in a stream, where one frame of the pair is new: stage 1 with cached features."""
        return self.encode + self.registration + self.fusion

    def sample(self, evaluations: int = 1) -> float:
        """A frame of `evaluations` velocity evaluations in a stream."""
        return self.mean + self.condition + evaluations * self.evaluation


def network_cost(network: InterpolationNetwork) -> Cost:
    """The cost of `network`, measured by running it once on a small frame."""
    counts: dict[nn.Module, float] = {}

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        assert isinstance(module, nn.Conv2d)
        taps = module.in_channels // module.groups * module.kernel_size[0] * module.kernel_size[1]
        counts[module] = counts.get(module, 0) + output.numel() * taps / SIDE**2

    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    hooks = [module.register_forward_hook(count) for module in convolutions]
    frame, one = torch.zeros(1, 3, SIDE, SIDE), torch.ones(1, 1, 1, 1)
    with torch.no_grad():
        network(frame, frame, one / 2, frame, one, steps=1)
    for hook in hooks:
        hook.remove()

    def total(part: nn.Module) -> float:
        return sum(counts[module] for module in part.modules() if module in counts)

    condition = total(network.velocity.condition_stem)
    return Cost(
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        encode=total(network.encoder) / 2,
        registration=total(network.registration),
        fusion=total(network.fusion),
        condition=condition,
        evaluation=total(network.velocity) - condition,
    )
