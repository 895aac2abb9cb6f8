"""What tests of the export share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def split_model(tiny_model: Path) -> Path:
    """The weights of `tiny_model`, with the graphs of layout `split` beside those of `stream`."""
    from vfi_flow.export.write import write_onnx

    list(write_onnx(tiny_model, tiny_model.parent, ["split"], [1]))
    return tiny_model


@pytest.fixture(scope="session", autouse=True)
def _traced_once(traced_once: None) -> None:
    """For every test of the export."""
