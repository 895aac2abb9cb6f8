"""A host learns from the file alone how to feed it."""

import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from tiny_network import STRENGTH, tiny_network  # noqa: E402
from vfi_flow.export.write import LAYOUTS, PLAIN, Variant, description, graphs  # noqa: E402

from vfi_flow.model.weights import Card  # noqa: E402

HALF_AND_FIXED = Variant("fp16", "gather", (1920, 1080))


def parts(steps: int, halvings: int = 0) -> dict:
    """Every graph of every layout by its name in the file."""
    card, network = Card(strength=STRENGTH), tiny_network()
    return {part: graph for layout in LAYOUTS for part, graph in graphs(network, card, layout, [steps], halvings)}


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_every_layout_says_how_it_is_to_be_fed(steps):
    told = {part: description(graph, PLAIN) for part, graph in parts(steps).items()}

    assert {part: entry["layout"] for part, entry in told.items()} == {
        "encode": "split",
        "register": "split",
        "enlarge": "split",
        f"compose_{steps}": "stream",
        f"synthesise_{steps}": "split",
        **{f"{layout}_{steps}": layout for layout in LAYOUTS if layout not in ("split", "stream")},
    }
    stepless = {"encode", "register", "enlarge"}
    given = {f"synthesise_{steps}", f"compose_{steps}", f"native_{steps}"}
    aligned = stepless | given
    for part, entry in told.items():
        assert entry["alignment"] == ("16" if part in aligned else "1"), part
        assert entry["minimum_size"] == ("16x16" if part in aligned else "1x1"), part
        assert entry["range"] == ("0..255" if part.startswith("u8") else "0..1"), part
        if part in stepless:
            assert (entry["steps"], entry["solver"], entry["noise"]) == ("any", "none", "none"), part
        else:
            assert entry["steps"] == str(steps), part
            assert entry["solver"] == ("midpoint" if steps else "none"), part
            assert entry["noise"] == ("none" if not steps else "input" if part in given else "fixed"), part
        assert entry["scale"] == ("1" if part.partition("_")[0] in LAYOUTS else "any"), part
        assert entry["tau"] == ("0..1 open" if part in aligned else "0..1"), part
        assert (entry["colour"], entry["licence"]) == ("RGB, gamma-encoded", "MIT")
        assert (entry["size"], entry["precision"], entry["warp"]) == ("dynamic", "fp32", "grid")


def test_a_variant_is_told_too():
    entry = description(parts(1, halvings=2)["3in_1"], HALF_AND_FIXED)

    assert (entry["size"], entry["precision"], entry["warp"]) == ("1920x1080", "fp16", "gather")
    assert entry["scale"] == "1/4"


@pytest.mark.parametrize(
    ("variant", "suffix"),
    [(PLAIN, ""), (Variant("fp16"), ".fp16"), (HALF_AND_FIXED, ".1920x1080.fp16.gather")],
    ids=["plain", "half", "all"],
)
def test_variants_have_names_of_their_own(variant, suffix):
    assert variant.suffix == suffix
