"""Files with bytes flipped, cut off, repeated and dropped: a result with every frame, or a sentence; never a hang.

`pytest -m slow tests/pipeline/test_damaged_input.py` runs many more of them than the usual suite.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest
from clips import moving_square, write_clip
from fuzzing import DAMAGES, Lost, Outcome, Work, Worker, damaged

from vfi_flow.media.damage.transport import TS_PACKETS

FRAMES = 24
SHORT_GROUPS = {"options": {"crf": "20", "preset": "veryfast", "g": "8"}}

KINDS = {
    "mp4": ("clip.mp4", {"sound": "aac", **SHORT_GROUPS}),
    "mkv": ("clip.mkv", {"sound": "aac", **SHORT_GROUPS}),
    "mkv ffv1": ("lossless.mkv", {"codec": "ffv1", "options": {}}),
    "ts": ("clip.ts", {"sound": "aac", **SHORT_GROUPS}),
    "nut": ("clip.nut", {"sound": "aac", **SHORT_GROUPS}),
    "nut raw": ("raw.nut", {"codec": "rawvideo", "options": {}}),
    "avi": ("clip.avi", {"codec": "mpeg4", "options": {"g": "8"}}),
    "avi h264": ("h264.avi", SHORT_GROUPS),
    "y4m": ("clip.y4m", {"codec": "wrapped_avframe", "options": {}}),
    "png": ("%02d.png", {"codec": "png", "pix_fmt": "rgb24", "options": {}}),
    "jpeg": ("%02d.jpg", {"codec": "mjpeg", "pix_fmt": "yuvj420p", "options": {}}),
}

# A cut between two packets of a transport stream, or two pictures of a y4m stream, leaves a whole, shorter one.
WHOLE_UP_TO = {"ts": lambda data: len(data) % TS_PACKETS[0] == 0}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("clips")
    found = {}
    for kind, (name, options) in KINDS.items():
        path = folder / kind / name
        path.parent.mkdir()
        if "%" in name:
            write_pictures(path, **options)
        else:
            write_clip(path, moving_square(FRAMES), **options)
        found[kind] = path
    return found


def write_pictures(pattern: Path, codec: str, pix_fmt: str, options: dict[str, str]) -> None:
    for number, array in enumerate(moving_square(FRAMES)):
        context = av.CodecContext.create(codec, "w")
        context.width, context.height, context.pix_fmt, context.time_base = 64, 48, pix_fmt, Fraction(1, 25)
        picture = av.VideoFrame.from_ndarray(array, "rgb24").reformat(format=pix_fmt)
        packets = [*context.encode(picture), *context.encode(None)]
        Path(str(pattern) % number).write_bytes(b"".join(bytes(packet) for packet in packets))


class Fuzz:
    """Damages one clip after another and gives it to a worker, which is replaced when it is lost."""

    def __init__(self, clips: dict[str, Path], folder: Path) -> None:
        self.clips, self.folder, self._worker = clips, folder, Worker()

    def end(self) -> None:
        self._worker.end()

    def outcome(self, kind: str, damage: str, number: int, ignore_errors: bool = False) -> Outcome:
        source = self.clips[kind]
        bad = self.folder / source.name
        if "%" in source.name:
            for n in range(FRAMES):
                Path(str(bad) % n).write_bytes(Path(str(source) % n).read_bytes())
            source, target = (Path(str(path) % (number % FRAMES)) for path in (source, bad))
        else:
            target = bad
        data, attempt = damaged(source.read_bytes(), damage, str(number)), 0
        while WHOLE_UP_TO.get(kind, lambda data: False)(data) and damage == "cut":
            attempt += 1
            data = damaged(source.read_bytes(), damage, f"{number}.{attempt}")
        target.write_bytes(data)
        return self.do(bad, ignore_errors)

    def do(self, source: Path, ignore_errors: bool) -> Outcome:
        try:
            return self._worker.do(Work(str(source), str(self.folder / "out.mkv"), ignore_errors))
        except Lost as lost:
            self._worker.end()
            self._worker = Worker()
            return Outcome(crash=str(lost))


@pytest.fixture(scope="module")
def fuzz(clips: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzz]:
    running = Fuzz(clips, tmp_path_factory.mktemp("damaged"))
    yield running
    running.end()


def is_sentence(text: str) -> bool:
    return len(text) > 20 and "\n" not in text and "Traceback" not in text


def check(fuzz: Fuzz, kind: str, damage: str, number: int) -> None:
    """All frames or a sentence; with errors ignored, what was there or a sentence."""
    strict = fuzz.outcome(kind, damage, number)
    assert strict.crash == ""
    assert is_sentence(strict.refusal) or strict.frames >= 2 * FRAMES, strict
    lax = fuzz.outcome(kind, damage, number, ignore_errors=True)
    assert lax.crash == ""
    assert is_sentence(lax.refusal) or lax.frames > 0, lax
    if not strict.refusal:
        assert lax.frames == strict.frames


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_gives_every_frame_or_a_sentence(fuzz, kind, damage):
    check(fuzz, kind, damage, 0)


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_many_damaged_files_give_every_frame_or_a_sentence(fuzz, kind, damage):
    for number in range(1, 31):
        check(fuzz, kind, damage, number)


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_file_is_not_thought_damaged(clips, fuzz, kind):
    strict, lax = fuzz.do(clips[kind], ignore_errors=False), fuzz.do(clips[kind], ignore_errors=True)

    assert (strict.frames, strict.refusal) == (2 * FRAMES, "")
    assert (lax.frames, lax.refusal) == (2 * FRAMES, "")
    assert not any("damaged" in warning or "left out" in warning for warning in lax.warnings)
