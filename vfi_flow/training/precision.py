"""The precision a training step computes in."""

import torch

FIRST_CAPABLE = (8, 0)
"""Compute capability of CUDA: Ampere."""


def mixed_precision(device: torch.device) -> torch.autocast:
    """Convolutions in bfloat16 where the hardware computes in it; elsewhere everything stays float32.

    A CPU without AVX-512 only emulates bfloat16: a step takes four times as long as in float32.
    """
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=is_native(device))


def is_native(device: torch.device) -> bool:
    if device.type == "cpu":
        return "AVX512" in torch.backends.cpu.get_cpu_capability()
    return torch.version.hip is not None or torch.cuda.get_device_capability(device) >= FIRST_CAPABLE
