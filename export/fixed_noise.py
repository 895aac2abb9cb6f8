"""Noise for hosts that have none to give: a fixed field, the same on every runtime.

The value at (x, y) is looked up in a table of standard normal numbers at rows[y] + columns[x], two permutations. So the
field is a function of the position alone, needs no random operator and no arithmetic that rounds, and repeats only
after PERIOD pixels. Neighbours are as good as independent: rows and columns are the table in other orders.
"""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

PERIOD = 4096
SEED = 20


def tables() -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.int32]]:
    """Values (PERIOD, 3) of mean 0 and variance 1 by channel, and the permutations rows and columns (PERIOD,)."""
    generator = np.random.Generator(np.random.Philox(SEED))
    values = generator.standard_normal((PERIOD, 3))
    values = (values - values.mean(0)) / values.std(0)
    rows, columns = (generator.permutation(PERIOD).astype(np.int32) for _ in range(2))
    return values.astype(np.float32), rows, columns


def fixed_noise(height: int, width: int) -> NDArray[np.float32]:
    """The field as an array (1, 3, height, width): what the graphs of `FixedNoise` hold."""
    values, rows, columns = tables()
    down, across = rows[np.arange(height) % PERIOD], columns[np.arange(width) % PERIOD]
    return values[(down[:, None] + across) % PERIOD].transpose(2, 0, 1)[None]


class FixedNoise(nn.Module):
    """The field (1, 3, H, W) of the size of an image, with its tables inside the graph (80 kB)."""

    def __init__(self) -> None:
        super().__init__()
        for name, table in zip(("values", "rows", "columns"), tables(), strict=True):
            self.register_buffer(name, torch.from_numpy(table), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        down = self.rows.index_select(0, torch.arange(height) % PERIOD)  # type: ignore[operator]
        across = self.columns.index_select(0, torch.arange(width) % PERIOD)  # type: ignore[operator]
        twice = torch.cat([self.values, self.values])  # type: ignore[list-item]  # spares a remainder per pixel
        return F.embedding(down.view(-1, 1) + across.view(1, -1), twice).permute(2, 0, 1).unsqueeze(0)
