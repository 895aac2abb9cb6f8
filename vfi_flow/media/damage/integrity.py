"""Whether a file still has the structure that it was written with, as far as its format lets one know.

    mp4, mov     the boxes cover the file
    AVI          the chunks cover the file
    Matroska     the clusters follow each other, their blocks fill them, their checksums are right where there are any
    ASF          it is as long as its header says
    NUT          frames follow each other, and the index stands at the end
    MPEG-TS      packets of one length follow each other; a gap shows in their counters, which FFmpeg watches

A transport stream may begin and end with any packet: one that was cut between two of them is a shorter recording.
What others have appended to a complete recording, and space that a recorder has reserved, is no damage.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.stream import Stream

from vfi_flow.media.damage.asf import cut_end
from vfi_flow.media.damage.box_layout import misfit_of_boxes
from vfi_flow.media.damage.matroska import broken_clusters
from vfi_flow.media.damage.nut import broken_place
from vfi_flow.media.damage.riff import misfit_of_chunks
from vfi_flow.media.damage.transport import broken_packets


@dataclass(frozen=True, slots=True)
class Damage:
    what: str
    """As in "the file is truncated; 12 bytes are missing at its end"."""
    seconds: Fraction | None = None
    """On the file's clock; None where nobody knows."""


def damages(path: Path, container: InputContainer, video: Stream) -> Iterator[Damage]:
    """What is wrong with the file, in order; sound is not looked at where that can be told apart."""
    name = container.format.name
    if "matroska" in name:
        yield from (Damage(what, seconds) for what, seconds in broken_clusters(path))
    checks = (("mov", misfit_of_boxes), ("avi", misfit_of_chunks), ("asf", cut_end), ("nut", broken_place))
    for part, check in checks:
        if part in name and (what := check(path)):
            yield Damage(what)
    if name == "mpegts" and (what := broken_packets(path, video.id)):
        yield Damage(what)
