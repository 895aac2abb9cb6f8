"""Sizes of the network: every preset is one `NetworkConfig` of the same classes."""

from dataclasses import dataclass, replace

from vfi_flow.errors import ComponentError

SCHEMA = "vfi_flow-1"
"""What files of weights and graphs call their own format; another one is read by another version."""

LARGEST_STRENGTH = 2
"""Strengths are from 0 to this, ends included. They scale what is drawn on top of the mean: 0 draws nothing, 1 one
sample as trained."""


@dataclass(frozen=True, slots=True)
class LevelConfig:
    """One registration level, which sees features at one resolution and answers at twice that."""

    radius: int
    """Largest displacement that is correlated, in pixels of the level's grid."""
    matched: int
    """Channels that are correlated."""
    width: int
    """Channels of its convolutions."""
    blocks: int
    """Residual blocks."""
    context: int
    """Channels handed on to the next level."""


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Sizes of an `InterpolationNetwork`, which decide the shapes of its weights; and what it may cost."""

    name: str
    """As in `--model NAME`, in files of weights and in exported graphs."""
    downscale: int
    """1, or 2 to find motion and draw detail on frames of half the width and height; the new frame is made of the whole
    ones anyway."""
    encoder: tuple[int, int, int, int]
    """Feature channels at 1/2, 1/4, 1/8 and 1/16 of the frame that motion is found on."""
    levels: tuple[LevelConfig, LevelConfig, LevelConfig]
    """Registration at 1/16, 1/8 and 1/4 of it."""
    fusion_width: int
    fusion_blocks: int
    velocity: tuple[int, int, int]
    """Channels of the velocity network at 1/2, 1/4 and 1/8 of the frame that detail is drawn on."""
    rank: int
    """Channels that the inputs of a convolution are mixed into where they are more."""
    time_features: int
    """Width of the embedding of the path time t."""
    mean_budget: int
    """Multiply-accumulates per output pixel that stage 1 may cost when the features of one frame are at hand."""
    sample_budget: int
    """The same for one solver step: stage 1, the condition and one evaluation of the velocity."""

    @property
    def flow_scale(self) -> int:
        """Pixels of the frame that one pixel of the grid stands for on which motion is found in the end."""
        return 2 * self.downscale


ALIGNMENT = 16
"""Height and width inside the network are multiples of this."""

TINY = NetworkConfig(
    name="tiny",
    downscale=1,
    encoder=(8, 8, 16, 16),
    levels=(LevelConfig(2, 16, 16, 1, 8), LevelConfig(2, 8, 16, 1, 8), LevelConfig(1, 8, 16, 1, 8)),
    fusion_width=8,
    fusion_blocks=1,
    velocity=(8, 8, 16),
    rank=8,
    time_features=8,
    mean_budget=5_000,
    sample_budget=8_000,
)
"""For tests."""

BASE = NetworkConfig(
    name="base",
    downscale=1,
    encoder=(16, 32, 48, 64),
    levels=(LevelConfig(4, 32, 96, 3, 16), LevelConfig(3, 16, 64, 3, 16), LevelConfig(2, 16, 32, 3, 8)),
    fusion_width=16,
    fusion_blocks=2,
    velocity=(16, 32, 48),
    rank=16,
    time_features=32,
    mean_budget=8_000,
    sample_budget=14_000,
)
"""The default."""

FAST = replace(BASE, name="fast", downscale=2, velocity=(16, 24, 32), mean_budget=2_000, sample_budget=3_500)
"""`base` on half the frame with a narrower velocity: a little more than half of its time."""

PRESETS = {config.name: config for config in (TINY, FAST, BASE)}


def preset(name: str) -> NetworkConfig:
    """The preset of that name; raises ComponentError for an unknown one."""
    if name not in PRESETS:
        raise ComponentError(f"unknown model preset '{name}'; there are {', '.join(PRESETS)}")
    return PRESETS[name]
