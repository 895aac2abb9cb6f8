"""A finished file is held against what was written into it, to one tick of its clock."""

from collections import Counter
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import pytest

from vfi_flow.errors import VerificationError
from vfi_flow.media.verify import Found
from vfi_flow.pipeline import result
from vfi_flow.pipeline.result import Written, verify_file

TICK = Fraction(1, 1000)


@pytest.mark.parametrize("which", ["first", "last"])
@pytest.mark.parametrize(("ticks", "fits"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_the_first_and_the_last_frame_may_be_off_by_one_tick(monkeypatch, which, ticks, fits):
    times = {"first": Fraction(1, 4), "last": Fraction(2)}
    plan = SimpleNamespace(unit=Fraction(1, 90000), job=SimpleNamespace(output=Path("out.mp4")))
    moved = {**times, which: times[which] + ticks * TICK}
    monkeypatch.setattr(result, "read_back", lambda path: Found(8, tick=TICK, amounts={}, **moved))

    def check() -> None:
        written = Written(Counter(source=8), **times)
        verify_file(plan, written, SimpleNamespace(copied={}, start=Fraction(0)), Path("out.partial.mp4"))

    if fits:
        check()
    else:
        with pytest.raises(VerificationError, match=f"the {which} frame at .* s instead of .* s; it was not kept"):
            check()
