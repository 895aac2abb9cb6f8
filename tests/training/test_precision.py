"""bfloat16 is for hardware that computes in it: emulated it is several times slower than float32."""

import pytest

torch = pytest.importorskip("torch")

from vfi_flow.training.precision import is_native, mixed_precision  # noqa: E402


@pytest.mark.parametrize(("capability", "expected"), [("AVX512", torch.bfloat16), ("AVX2", torch.float32)])
def test_convolutions_on_a_cpu(monkeypatch, capability, expected):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)

    with mixed_precision(torch.device("cpu")):
        result = torch.nn.Conv2d(1, 1, 1)(torch.zeros(1, 1, 4, 4))

    assert result.dtype == expected


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), False), ((8, 0), True), ((9, 0), True)])
def test_a_gpu(monkeypatch, capability, expected):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.version, "hip", None)

    assert is_native(torch.device("cuda")) is expected
