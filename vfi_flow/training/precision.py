"""The precision a training step computes in."""

import torch


def mixed_precision(device: torch.device) -> torch.autocast:
    """Convolutions in bfloat16 where the hardware computes in it; elsewhere everything stays float32.

    A CPU without AVX-512 only emulates bfloat16: a step takes four times as long as in float32.
    """
    native = device.type != "cpu" or "AVX512" in torch.backends.cpu.get_cpu_capability()
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=native)
